//! Taking the ledger off its box as it grows, and bringing it back. Kept are the journal's pieces under
//! `journal/<first entry>.ndjson`, the newest checkpoint, and `head`, which says how far it goes; a piece that is not
//! full is kept anew as it grows. Nothing there is ever taken for ours that does not lead to our entries.

mod bucket;
mod collector;
mod error;
mod place;
mod recover;
mod status;

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

pub use bucket::{Bucket, Login};
pub use collector::{Collector, Route};
pub use error::ShipError;
pub use place::{Branch, Place};
pub use recover::{Kept, recover};
pub use status::{Shipped, Status};

use super::{
    Ledger, checkpoints,
    journal::segment_name,
    pieces::{self, Piece},
};
use crate::{clock, tasks::Tasks};

/// How often it is looked for more to ship.
const LOOK: Duration = Duration::from_secs(2);
/// The same where each time is a commit.
const SLOW_LOOK: Duration = Duration::from_secs(6);
/// The longest pause after a failure; shorter ones come first.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

const HEAD: &str = "head";
const CHECKPOINT: &str = "checkpoint";

fn piece_name(first: u64) -> String {
    format!("journal/{}", segment_name(first))
}

/// How far a place goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// The first entry of the last piece.
    piece: u64,
    /// The first entry that is not there.
    next: u64,
}

/// Ships one ledger to one place.
pub struct Shipper {
    directory: PathBuf,
    place: Place,
    /// How far the place goes, once that was seen.
    at: Option<Head>,
    /// How many bytes of the last piece are there.
    bytes: usize,
    checkpoint: Option<u64>,
}

impl Shipper {
    /// Ships the ledger in `directory` to a place.
    pub fn new(directory: PathBuf, place: Place) -> Self {
        Self { directory, place, at: None, bytes: 0, checkpoint: None }
    }

    /// Ships what is not there yet; gives the first entry that is not there.
    ///
    /// # Errors
    /// When the place cannot be used or holds another ledger, or the journal cannot be read.
    pub async fn ship(&mut self) -> Result<u64, ShipError> {
        let mut at = match self.at {
            Some(at) => at,
            None => self.resume().await?,
        };
        // Read before the journal, so that what it was signed for is shipped before it.
        let signed = checkpoints::last(&self.directory)?.0;
        loop {
            let piece = self.cut(at.piece).await?;
            if piece.bytes.len() > self.bytes {
                if piece.erases && piece.next > at.next {
                    self.amend(at.piece).await?;
                }
                let (full, next, bytes) = (piece.is_full(), piece.next, piece.bytes.len());
                (at.next, self.bytes) = (next, bytes);
                let head = serde_json::to_vec(&at).map_err(|error| self.place.unreachable(error))?;
                let things = vec![(piece_name(at.piece), piece.bytes), (HEAD.to_owned(), head)];
                self.place.put_all(things).await?;
                if full && next > at.piece {
                    at.piece = next;
                    self.bytes = 0;
                    continue;
                }
            } else if piece.is_full() && piece.next > at.piece {
                at.piece = piece.next;
                self.bytes = 0;
                continue;
            }
            break;
        }
        self.at = Some(at);
        if let Some(signed) = signed.filter(|signed| self.checkpoint != Some(signed.head.size)) {
            self.place.put(CHECKPOINT, format!("{}\n", signed.note).into_bytes()).await?;
            self.checkpoint = Some(signed.head.size);
        }
        Ok(at.next)
    }

    /// Finds out how far the place goes; it must be with our entries.
    async fn resume(&mut self) -> Result<Head, ShipError> {
        let head = self.place.get(HEAD).await?;
        let head: Option<Head> = head.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let piece = head.map_or(0, |head| head.piece);
        let kept = self.place.get(&piece_name(piece)).await?.unwrap_or_default();
        let ours = self.cut(piece).await?;
        if !ours.continues(&kept) {
            return Err(ShipError::Another { place: self.place.to_string() });
        }
        // One that was kept before a text in it was erased is kept anew.
        self.bytes = if ours.bytes.starts_with(&kept) { kept.len() } else { 0 };
        let next = pieces::end_of(&kept).unwrap_or(piece);
        if head.is_none() && !kept.is_empty() {
            return Ok(Head { piece: 0, next: 0 });
        }
        Ok(Head { piece, next })
    }

    /// Keeps anew what was kept before texts in it were erased.
    async fn amend(&self, until: u64) -> Result<(), ShipError> {
        let mut first = 0;
        while first < until {
            let ours = self.cut(first).await?;
            let next = ours.next;
            if self.place.get(&piece_name(first)).await?.as_ref() != Some(&ours.bytes) {
                self.place.put(&piece_name(first), ours.bytes).await?;
            }
            if next <= first {
                break;
            }
            first = next;
        }
        Ok(())
    }

    async fn cut(&self, first: u64) -> Result<Piece, ShipError> {
        let directory = self.directory.clone();
        let cut = tokio::task::spawn_blocking(move || Piece::cut(&directory, first)).await;
        Ok(cut.map_err(|error| self.place.unreachable(error))??)
    }
}

/// Whoever takes the ledger off its box.
pub enum Carrier {
    /// To a place from which it can be recovered.
    Place(Box<Shipper>),
    /// To a collector of system logs.
    Collector(Box<Collector>),
}

impl Carrier {
    async fn ship(&mut self, ledger: &Ledger) -> Result<u64, ShipError> {
        match self {
            Self::Place(shipper) => {
                let shipped = shipper.ship().await;
                if shipped.is_err() {
                    // What is there may have changed meanwhile: it is looked at anew.
                    shipper.at = None;
                }
                shipped
            }
            Self::Collector(collector) => collector.ship(ledger).await,
        }
    }

    fn look(&self) -> Duration {
        match self {
            Self::Place(shipper) if shipper.place.is_slow() => SLOW_LOOK,
            Self::Place(_) | Self::Collector(_) => LOOK,
        }
    }
}

impl std::fmt::Display for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Place(shipper) => shipper.place.fmt(f),
            Self::Collector(collector) => collector.fmt(f),
        }
    }
}

/// Ships a ledger as it grows, until the bot stops, and once more then.
pub async fn keep(ledger: Ledger, mut carrier: Carrier, status: Status, tasks: Tasks) {
    let (mut failures, mut said, name) = (0_u32, None, carrier.to_string());
    status.begin(&name);
    loop {
        let is_last = tasks.is_stopping();
        match carrier.ship(&ledger).await {
            Ok(next) => {
                status.well(&name, next, clock::now());
                (failures, said) = (0, None);
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                status.in_trouble(&name, format!("{error}"));
                if said.as_ref() != Some(&error) {
                    tracing::warn!(%error, remedy = error.remedy(), "the ledger is not shipped now");
                    said = Some(error);
                }
            }
        }
        if is_last {
            return;
        }
        tasks.pause(carrier.look().saturating_mul(failures.max(1)).min(LONGEST_PAUSE)).await;
    }
}
