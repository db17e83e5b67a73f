//! The tags of one image, newest first: what is known of each, and the search in them as somebody types.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use url::Url;

use super::{ImageName, RegistryError, client::Client, hub, order};
use crate::clock;

/// The most tags and the most pages of them that are read.
const TAGS: usize = 50_000;
const PAGES: usize = 500;
/// How near a name must be to be offered instead of one that is not there.
const NEAR: f64 = 0.7;

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The tag.
    pub tag: String,
    /// The digest of its manifest, `sha256:...`, where it was looked up.
    pub digest: Option<String>,
    /// When it was pushed, or its image made, where that was looked up.
    pub made: Option<jiff::Timestamp>,
}

impl Version {
    /// A tag of which nothing else is known.
    pub(super) fn named(tag: &str) -> Self {
        Self { tag: tag.to_owned(), digest: None, made: None }
    }
}

/// The tags of one image.
#[derive(Debug, Clone)]
pub struct Listing {
    versions: Vec<Version>,
    names: BTreeSet<String>,
    by_push: bool,
    at: jiff::Timestamp,
}

impl Listing {
    /// Sorts what a registry told.
    pub(super) fn new(mut versions: Vec<Version>, by_push: bool, at: jiff::Timestamp) -> Self {
        order::newest_first(&mut versions, by_push);
        let names = versions.iter().map(|version| version.tag.clone()).collect();
        Self { versions, names, by_push, at }
    }

    /// Newest first.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// Whether the tag was there when it was listed.
    pub fn has(&self, tag: &str) -> bool {
        self.names.contains(tag)
    }

    /// Whether it was listed less than so long ago.
    pub(super) fn is_younger(&self, age: jiff::SignedDuration) -> bool {
        clock::now().duration_since(self.at) < age
    }

    /// Whether the order is that of pushing.
    pub(super) fn is_by_push(&self) -> bool {
        self.by_push
    }

    /// Those that begin with what was typed, a `v` in front or not, then those that hold it or whose digest begins so.
    pub fn search<'l>(&'l self, typed: &str) -> impl Iterator<Item = &'l Version> {
        let typed = typed.trim().to_lowercase();
        let bare = typed.strip_prefix("sha256:").unwrap_or(&typed).to_owned();
        let rank = move |version: &Version| {
            let tag = version.tag.to_lowercase();
            let digest = version.digest.as_deref().and_then(|digest| digest.strip_prefix("sha256:"));
            match () {
                () if tag.starts_with(&typed) || tag.strip_prefix('v').is_some_and(|tag| tag.starts_with(&typed)) => {
                    Some(0)
                }
                () if tag.contains(&typed) => Some(1),
                () if bare.len() >= 4 && digest.is_some_and(|digest| digest.starts_with(&bare)) => Some(1),
                () => None,
            }
        };
        let (mut first, mut then) = (Vec::new(), Vec::new());
        for version in &self.versions {
            match rank(version) {
                Some(0) => first.push(version),
                Some(_) => then.push(version),
                None => {}
            }
        }
        first.into_iter().chain(then)
    }

    /// The tags most like one that is not there, the most like first.
    pub fn nearest(&self, tag: &str, most: usize) -> Vec<String> {
        let likeness = |other: &str| strsim::jaro_winkler(&tag.to_lowercase(), &other.to_lowercase());
        let mut near: Vec<(f64, &str)> =
            self.versions.iter().map(|version| (likeness(&version.tag), version.tag.as_str())).collect();
        near.retain(|(likeness, _)| *likeness >= NEAR);
        // Of those that are as like, the newest stays first.
        near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        near.into_iter().take(most).map(|(_, tag)| tag.to_owned()).collect()
    }

    /// The same list with what an earlier one knew of its tags, where the registry itself does not tell.
    #[must_use]
    pub(super) fn knowing(self, earlier: Option<&Self>) -> Self {
        let Some(earlier) = earlier.filter(|_| !self.by_push) else { return self };
        let known = earlier.versions.iter().filter(|one| one.digest.is_some());
        self.with(&known.map(|one| (one.tag.clone(), one.clone())).collect())
    }

    /// The same list with more known of some tags.
    pub(super) fn with(&self, known: &HashMap<String, Version>) -> Self {
        // When a tag was pushed is truer than when its image was made.
        let fill = |version: &Version| match known.get(&version.tag) {
            Some(known) => Version { made: version.made.filter(|_| self.by_push).or(known.made), ..known.clone() },
            None => version.clone(),
        };
        Self::new(self.versions.iter().map(fill).collect(), self.by_push, self.at)
    }
}

/// Lists an image's tags: from Docker Hub with their times, from others by name.
pub(super) async fn list(client: &Client, image: &ImageName) -> Result<Listing, RegistryError> {
    let pushed = match client.hub() {
        Some(hub) => hub::pushed(client, hub, image).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let by_push = !pushed.is_empty();
    let known: BTreeSet<String> = pushed.iter().map(|version| version.tag.clone()).collect();
    let tags = all(client, image).await?;
    let others = tags.iter().filter(|tag| is_ours(tag) && !known.contains(*tag)).map(|tag| Version::named(tag));
    let versions = pushed.iter().cloned().chain(others).collect();
    Ok(Listing::new(versions, by_push, clock::now()))
}

/// Signatures and the like are kept as tags named after a digest; nobody deploys them.
fn is_ours(tag: &str) -> bool {
    tag.strip_prefix("sha256-").is_none_or(|rest| rest.len() < 64)
}

#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

/// Every tag, page by page.
async fn all(client: &Client, image: &ImageName) -> Result<BTreeSet<String>, RegistryError> {
    let (mut tags, mut next): (BTreeSet<String>, Option<Url>) = (BTreeSet::new(), None);
    for _ in 0..PAGES {
        let answer = client.page(image, next.take()).await?;
        let page: Page = client.parsed(&answer.body)?;
        let before = tags.len();
        tags.extend(page.tags.unwrap_or_default());
        // A registry that gives the same page for ever has given all.
        if answer.next.is_none() || tags.len() == before || tags.len() >= TAGS {
            break;
        }
        next = answer.next;
    }
    Ok(tags)
}
