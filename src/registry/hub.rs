//! Docker Hub's own API, which tells when a tag was pushed. The newest thousand are asked for; what it does not tell
//! is listed by name, as anywhere else.

use serde::Deserialize;
use url::Url;

use super::{ImageName, RegistryError, Version, client::Client};
use crate::secret::Secret;

/// How many pages of a hundred are read.
const PAGES: usize = 10;

#[derive(Deserialize)]
struct Page {
    next: Option<String>,
    #[serde(default)]
    results: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    digest: Option<String>,
    tag_last_pushed: Option<String>,
    last_updated: Option<String>,
}

impl From<Tag> for Version {
    fn from(tag: Tag) -> Self {
        let made = tag.tag_last_pushed.or(tag.last_updated).and_then(|time| time.parse().ok());
        Self { tag: tag.name, digest: tag.digest, made }
    }
}

/// The newest tags with their times.
pub(super) async fn pushed(client: &Client, hub: &Url, image: &ImageName) -> Result<Vec<Version>, RegistryError> {
    let garbage = || RegistryError::Garbage { host: image.host().to_owned(), what: "no address of Docker Hub".into() };
    let at = |path: &str| hub.join(path).map_err(|_| garbage());
    let token = client.hub_token(at("v2/auth/token")?).await;
    let first = format!("v2/repositories/{}/tags?page_size=100&ordering=last_updated", image.repository());
    let mut next = Some(at(&first)?);
    let mut versions = Vec::new();
    for _ in 0..PAGES {
        let Some(address) = next.take() else { break };
        let page = page(client, address, token.as_ref()).await?;
        versions.extend(page.results.into_iter().map(Version::from));
        next = page.next.and_then(|next| Url::parse(&next).ok()).filter(|next| next.origin() == hub.origin());
    }
    Ok(versions)
}

async fn page(client: &Client, address: Url, token: Option<&Secret>) -> Result<Page, RegistryError> {
    client.ask_hub(address, token).await
}
