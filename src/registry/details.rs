//! What a tag stands for: the digest of its manifest, and when its image was made. Only the newest few are looked at.

use futures::{StreamExt as _, stream};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

use super::{ImageName, Listing, RegistryError, Version, client::Client, order::is_version};

/// How many tags are looked at: as many as a platform shows, or more where names tell no order.
const FEW: usize = 25;
const MORE: usize = 100;
/// How many are looked at at the same time.
const AT_ONCE: usize = 6;
/// Images that say they are older than this do not say when they were made: builds that are to be the same twice.
const EARLIEST: i64 = 946_684_800;

const CREATED: &str = "org.opencontainers.image.created";

/// The parts of a manifest or an index that are read.
#[derive(Deserialize)]
struct Manifest {
    config: Option<Part>,
    #[serde(default)]
    manifests: Vec<Part>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Part {
    digest: String,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
struct Made {
    created: Option<String>,
}

/// Looks at the newest tags, save versions that were looked at before: those stay what they are.
pub(super) async fn look(client: &Client, image: &ImageName, listing: &Listing) -> HashMap<String, Version> {
    let few = if listing.versions().first().is_some_and(|newest| is_version(&newest.tag)) { FEW } else { MORE };
    let is_known = |version: &Version| version.digest.is_some() && (listing.is_by_push() || is_version(&version.tag));
    let newest = listing.versions().iter().take(few).filter(|version| !is_known(version));
    let wanted: Vec<String> = newest.map(|version| version.tag.clone()).collect();
    let looked = stream::iter(wanted).map(|tag| one(client, image, tag)).buffer_unordered(AT_ONCE);
    let looked: Vec<Result<Version, RegistryError>> = looked.collect().await;
    looked.into_iter().flatten().map(|version| (version.tag.clone(), version)).collect()
}

/// One tag, looked at.
async fn one(client: &Client, image: &ImageName, tag: String) -> Result<Version, RegistryError> {
    let answer = client.manifest(image, &tag).await?;
    let manifest: Manifest = client.parsed(&answer.body)?;
    let digest = answer.digest.filter(|digest| is_digest(digest));
    // Without a time the digest is worth showing all the same.
    let made = made(client, image, manifest).await.unwrap_or_default();
    Ok(Version { tag, digest, made })
}

async fn made(
    client: &Client,
    image: &ImageName,
    mut manifest: Manifest,
) -> Result<Option<jiff::Timestamp>, RegistryError> {
    if let Some(time) = annotated(&manifest) {
        return Ok(Some(time));
    }
    if manifest.config.is_none() {
        let is_image = |part: &&Part| part.platform.as_ref().is_none_or(|of| of.architecture != "unknown");
        let Some(inner) = manifest.manifests.iter().find(is_image).filter(|part| is_digest(&part.digest)) else {
            return Ok(None);
        };
        manifest = client.parsed(&client.manifest(image, &inner.digest).await?.body)?;
        if let Some(time) = annotated(&manifest) {
            return Ok(Some(time));
        }
    }
    let Some(config) = manifest.config.filter(|part| is_digest(&part.digest)) else { return Ok(None) };
    let config: Made = client.parsed(&client.blob(image, &config.digest).await?.body)?;
    Ok(config.created.as_deref().and_then(time))
}

fn annotated(manifest: &Manifest) -> Option<jiff::Timestamp> {
    time(manifest.annotations.as_ref()?.get(CREATED)?)
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse::<jiff::Timestamp>().ok().filter(|time| time.as_second() >= EARLIEST)
}

/// `sha256:` and 64 hexadecimal digits, or the like; nothing that could climb out of an address.
fn is_digest(text: &str) -> bool {
    let fits = |(kind, digits): (&str, &str)| {
        !kind.is_empty()
            && kind.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            && digits.len() >= 32
            && digits.chars().all(|c| c.is_ascii_hexdigit())
    };
    text.split_once(':').is_some_and(fits)
}
