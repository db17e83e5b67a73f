//! Bringing a ledger back from where it was shipped to: its pieces become the segments of a new journal, which is
//! checked whole before it takes its place.

use std::path::{Path, PathBuf};

use super::{CHECKPOINT, HEAD, Head, Place, ShipError, piece_name, place::replace};
use crate::ledger::{self, checkpoints, pieces};

/// What a place held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// How many entries.
    pub entries: u64,
    /// For how many of them a checkpoint was kept.
    pub signed: Option<u64>,
}

/// Makes the ledger `directory` from what a place holds. There must be none yet.
///
/// # Errors
/// When there is one, the place cannot be read or holds nothing, or what it holds does not verify; then `directory`
/// is as it was.
pub async fn recover(place: &Place, directory: &Path) -> Result<Kept, ShipError> {
    if ledger::is_there(directory)? {
        return Err(ShipError::Occupied { directory: directory.display().to_string() });
    }
    let beside = beside(directory);
    let unwritten = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| ShipError::File { path, cause: error.to_string() }
    };
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(unwritten(&beside))?;
    }
    let (entries, signed) = (fetch(place, &beside).await?, checkpoint(place, &beside).await?);
    let damaged = |why: String| ShipError::Damaged { place: place.to_string(), why };
    let report = ledger::verify(&beside).map_err(|broken| damaged(broken.to_string()))?;
    if report.entries != entries {
        return Err(damaged(format!("{} of its {entries} entries can be read", report.entries)));
    }
    // A directory without a journal may hold what a refused start left: a lock, an empty store.
    if directory.exists() {
        std::fs::remove_dir_all(directory).map_err(unwritten(directory))?;
    }
    std::fs::rename(&beside, directory).map_err(unwritten(directory))?;
    Ok(Kept { entries, signed })
}

fn beside(directory: &Path) -> PathBuf {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    directory.with_file_name(format!("{name}.recovering"))
}

/// Every piece, each the next one's beginning.
async fn fetch(place: &Place, to: &Path) -> Result<u64, ShipError> {
    let damaged = |why: String| ShipError::Damaged { place: place.to_string(), why };
    let mut first = 0;
    while let Some(bytes) = place.get(&piece_name(first)).await? {
        let next = pieces::end_of(&bytes).ok_or_else(|| damaged(format!("its piece {first} is not whole")))?;
        let path = to.join(piece_name(first));
        replace(&path, &bytes)
            .map_err(|error| ShipError::File { path: path.display().to_string(), cause: error.to_string() })?;
        if next <= first {
            break;
        }
        first = next;
    }
    let head = place.get(HEAD).await?.and_then(|bytes| serde_json::from_slice::<Head>(&bytes).ok());
    match head {
        _ if first == 0 => Err(ShipError::Nothing { place: place.to_string() }),
        Some(head) if head.next > first => {
            Err(damaged(format!("it ends before entry {first}, and should go on to {}", head.next)))
        }
        Some(_) | None => Ok(first),
    }
}

async fn checkpoint(place: &Place, to: &Path) -> Result<Option<u64>, ShipError> {
    let Some(bytes) = place.get(CHECKPOINT).await? else { return Ok(None) };
    let path = checkpoints::path(to);
    replace(&path, &bytes)
        .map_err(|error| ShipError::File { path: path.display().to_string(), cause: error.to_string() })?;
    Ok(checkpoints::last(to)?.0.map(|last| last.head.size))
}
