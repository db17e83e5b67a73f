//! The registries that images come from: which tags an image has, newest first, with digest and age, and whether it
//! has a certain one. Lists are kept in memory for each image and looked at again in the background, so that whoever
//! types waits for nobody. Only registries of the configuration are asked.

mod auth;
mod client;
mod details;
mod error;
mod hub;
mod image;
mod list;
mod order;
mod slot;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use url::Url;

pub use crate::secret::Renewal;
use crate::{net::Outgoing, secret::Secret, tasks::Tasks};

pub use error::RegistryError;
pub use image::ImageName;
pub use list::{Listing, Version};

use client::Client;
use slot::Slot;

/// How old a list may be for a tag in it to count as there without asking again.
const BELIEVED: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);
/// How long the first list of an image is waited for by whoever asks for it.
const FIRST: Duration = Duration::from_secs(20);

/// Who we are to a registry.
#[derive(Debug, Clone)]
pub enum Login {
    /// Nobody in particular.
    Nobody,
    /// A user with a password or token.
    Password {
        /// The user; `AWS` at ECR.
        username: String,
        /// The password or token.
        password: Secret,
        /// Gives the password again, where somebody renews it.
        renewal: Option<Renewal>,
    },
}

/// How one registry is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// The base of its API, above `/v2/`.
    pub api: Url,
    /// Docker Hub's own API, which knows when a tag was pushed.
    pub hub: Option<Url>,
    /// Who we are there.
    pub login: Login,
}

impl Access {
    /// How a registry is reached where the configuration names only its host, as images name it.
    pub fn of_host(host: &str, login: Login) -> Option<Self> {
        let is_hub = host == image::DOCKER_HUB;
        let api = if is_hub { "registry-1.docker.io" } else { host };
        let hub = is_hub.then(|| Url::parse("https://hub.docker.com").ok()).flatten();
        Some(Self { api: Url::parse(&format!("https://{api}")).ok()?, hub, login })
    }
}

/// The registries of the configuration.
#[derive(Clone)]
pub struct Registries {
    inner: Arc<Inner>,
}

struct Inner {
    clients: BTreeMap<String, Client>,
    slots: Mutex<HashMap<ImageName, Arc<Slot>>>,
    tasks: Tasks,
}

impl Registries {
    /// Registries by their host, as images name it.
    pub fn new(net: &Outgoing, hosts: BTreeMap<String, Access>, tasks: Tasks) -> Self {
        let client =
            |(host, access): (String, Access)| (image::canonical(&host), Client::new(net.clone(), host, access));
        let clients = hosts.into_iter().map(client).collect();
        Self { inner: Arc::new(Inner { clients, slots: Mutex::default(), tasks }) }
    }

    /// Whether the image's registry may be asked.
    pub fn knows(&self, image: &ImageName) -> bool {
        self.inner.clients.contains_key(image.host())
    }

    /// The hosts that may be asked.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.inner.clients.keys().map(String::as_str)
    }

    /// The tags of an image: at once where they were listed before, while what is old is looked at again behind.
    ///
    /// # Errors
    /// When they were never listed and cannot be.
    pub async fn versions(&self, image: &ImageName) -> Result<Arc<Listing>, RegistryError> {
        let (client, slot) = self.at(image)?;
        slot.refresh(client, image, &self.inner.tasks);
        slot.first(image, FIRST).await
    }

    /// Whether an image has a tag.
    ///
    /// # Errors
    /// When the registry cannot be asked, or does not have the image at all.
    pub async fn has(&self, image: &ImageName, tag: &str) -> Result<bool, RegistryError> {
        let (client, slot) = self.at(image)?;
        if slot.now().is_some_and(|listing| listing.is_younger(BELIEVED) && listing.has(tag)) {
            return Ok(true);
        }
        if client.head(image, tag).await?.is_some() {
            return Ok(true);
        }
        // A registry that does not know the image, or hides it, says the same of every tag.
        self.versions(image).await.map(|_| false)
    }

    /// Asks a registry whether it takes our login; what it answers.
    ///
    /// # Errors
    /// When it cannot be asked or refuses.
    pub async fn greet(&self, host: &str) -> Result<(), RegistryError> {
        let unknown = || RegistryError::NotConfigured { host: host.to_owned() };
        self.inner.clients.get(host).ok_or_else(unknown)?.greet().await
    }

    fn at(&self, image: &ImageName) -> Result<(&Client, Arc<Slot>), RegistryError> {
        let unknown = || RegistryError::NotConfigured { host: image.host().to_owned() };
        let client = self.inner.clients.get(image.host()).ok_or_else(unknown)?;
        let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((client, Arc::clone(slots.entry(image.clone()).or_default())))
    }
}
