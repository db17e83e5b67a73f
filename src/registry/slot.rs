//! What is remembered of one image's tags: the last list, and whether somebody is at it. Whoever asks gets the last
//! list at once; it is looked at again behind, at most once a minute.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{ImageName, Listing, RegistryError, client::Client, details, list};
use crate::{clock, tasks::Tasks};

/// How old a list may be before it is looked at again, and how long after one that failed.
const OLD: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);
const AFTER_TROUBLE: jiff::SignedDuration = jiff::SignedDuration::from_secs(15);

/// The last that came of asking.
type Last = Option<Result<Arc<Listing>, RegistryError>>;

/// One image.
pub(super) struct Slot {
    last: watch::Sender<Last>,
    asking: Mutex<Asking>,
}

#[derive(Default)]
struct Asking {
    running: bool,
    next: Option<jiff::Timestamp>,
}

impl Default for Slot {
    fn default() -> Self {
        Self { last: watch::Sender::new(None), asking: Mutex::default() }
    }
}

impl Slot {
    /// The last list, if there ever was one.
    pub(super) fn now(&self) -> Option<Arc<Listing>> {
        self.last.borrow().as_ref()?.as_ref().ok().cloned()
    }

    /// The last list; the first one is waited for.
    pub(super) async fn first(&self, image: &ImageName, most: Duration) -> Result<Arc<Listing>, RegistryError> {
        let mut last = self.last.subscribe();
        let slow = || RegistryError::Slow { host: image.host().to_owned() };
        let Ok(Ok(found)) = tokio::time::timeout(most, last.wait_for(Option::is_some)).await else {
            return Err(slow());
        };
        found.clone().unwrap_or_else(|| Err(slow()))
    }

    /// Looks again behind, where it is time and nobody is at it.
    pub(super) fn refresh(self: &Arc<Self>, client: &Client, image: &ImageName, tasks: &Tasks) {
        let now = clock::now();
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.running || asking.next.is_some_and(|next| now < next) {
            return;
        }
        asking.running = true;
        drop(asking);
        let (slot, client, image, all) = (Arc::clone(self), client.clone(), image.clone(), tasks.clone());
        tasks.start(async move {
            let looked = tokio::select! {
                looked = slot.look(&client, &image) => looked,
                () = all.stopping() => return,
            };
            let wait = if looked { OLD } else { AFTER_TROUBLE };
            let mut asking = slot.asking.lock().unwrap_or_else(PoisonError::into_inner);
            asking.running = false;
            asking.next = clock::now().checked_add(wait).ok();
        });
    }

    /// Lists, shows, then looks at the newest few and shows again. A list that fails leaves the last one.
    async fn look(&self, client: &Client, image: &ImageName) -> bool {
        let listing = match list::list(client, image).await {
            Ok(listing) => listing.knowing(self.now().as_deref()),
            Err(error) => {
                tracing::info!(%error, remedy = error.remedy(), "the tags of an image could not be listed");
                if self.now().is_none() {
                    self.last.send_replace(Some(Err(error)));
                }
                return false;
            }
        };
        self.last.send_replace(Some(Ok(Arc::new(listing.clone()))));
        let known = details::look(client, image, &listing).await;
        if !known.is_empty() {
            self.last.send_replace(Some(Ok(Arc::new(listing.with(&known)))));
        }
        true
    }
}
