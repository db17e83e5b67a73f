//! The upkeep of a mirror: what landings and fetches leave behind (an object a file, a fetch a pack) is put together
//! into one pack beside the work, on a thread of its own; then, while no job runs, what is in it is taken away.
//! Every object is kept, whether anything refers to it or not.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use git2::{Oid, Repository};

use super::{error::GitError, worker::Room};

/// How many jobs pass between two looks at the folder.
const LOOK_EVERY: u32 = 64;
/// From how many loose objects on they are packed. One folder in 256 is counted.
const LOOSE: usize = 3000;
/// From how many small packs on they are put together.
const PACKS: usize = 24;
/// A pack is small below this, in bytes. Packing takes memory by the object: what is larger is left as it is, so that it
/// takes no more the older a mirror gets.
const SMALL: u64 = 2 * 1024 * 1024;

/// How far it has come.
#[derive(Default)]
pub(super) struct Upkeep {
    jobs: u32,
    /// How many packs fetches brought since the last look.
    brought: usize,
    state: State,
}

impl Upkeep {
    /// A fetch brought a pack. Races bring many within one job.
    pub(super) fn brought(&mut self) {
        self.brought += 1;
    }
}

#[derive(Default)]
enum State {
    #[default]
    Resting,
    /// Another thread packs; it sends what it has packed.
    Packing(mpsc::Receiver<Result<Pile, GitError>>),
    /// What is packed can be taken away when no job runs.
    Packed(Pile),
}

/// What lies around: objects, and the files that hold them.
#[derive(Default)]
struct Pile {
    /// Which making of the mirror they lie in.
    generation: u64,
    objects: BTreeSet<Oid>,
    files: Vec<PathBuf>,
}

impl Room {
    /// One step of upkeep; never waits.
    pub(super) fn keep_up(&mut self) {
        let state = std::mem::take(&mut self.upkeep.state);
        self.upkeep.state = match state {
            State::Resting => self.look(),
            State::Packing(packed) => match packed.try_recv() {
                Ok(Ok(pile)) => self.sweep(pile),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the mirror could not be repacked; it is tried again later");
                    State::Resting
                }
                Err(mpsc::TryRecvError::Empty) => State::Packing(packed),
                Err(mpsc::TryRecvError::Disconnected) => State::Resting,
            },
            State::Packed(pile) => self.sweep(pile),
        };
    }

    fn look(&mut self) -> State {
        self.upkeep.jobs = self.upkeep.jobs.wrapping_add(1);
        let objects = self.shared.directory.join("objects");
        if !self.upkeep.jobs.is_multiple_of(LOOK_EVERY) && self.upkeep.brought < PACKS {
            return State::Resting;
        }
        self.upkeep.brought = 0;
        if !is_untidy(&objects) {
            return State::Resting;
        }
        let shared = Arc::clone(&self.shared);
        let (done, packed) = mpsc::channel();
        let generation = shared.generation();
        let pack = move || {
            let packed = pack_pile(&shared.directory);
            let _ = done.send(packed.map(|pile| Pile { generation, ..pile }));
        };
        match std::thread::Builder::new().name("git-upkeep".to_owned()).spawn(pack) {
            Ok(_) => State::Packing(packed),
            Err(_) => State::Resting,
        }
    }

    /// Takes away what is packed now, unless the mirror was made anew meanwhile.
    fn sweep(&mut self, pile: Pile) -> State {
        let shared = Arc::clone(&self.shared);
        if shared.generation() != pile.generation {
            return State::Resting;
        }
        let swept = shared.alone(|| {
            for file in &pile.files {
                // A file that stays is packed again next time.
                let _ = fs::remove_file(file);
            }
        });
        if swept.is_some() { State::Resting } else { State::Packed(pile) }
    }
}

fn is_untidy(objects: &Path) -> bool {
    let loose = fs::read_dir(objects.join("17")).map_or(0, Iterator::count);
    loose * 256 >= LOOSE || small_packs(&objects.join("pack")).is_ok_and(|packs| packs.len() >= PACKS)
}

/// Packs what lies around, and says what that was.
fn pack_pile(directory: &Path) -> Result<Pile, GitError> {
    let failed = |error: std::io::Error| GitError::Other(error.to_string());
    let objects = directory.join("objects");
    let mut pile = Pile::default();
    add_loose(&objects, &mut pile).map_err(failed)?;
    add_small_packs(&objects.join("pack"), &mut pile).map_err(failed)?;
    let repository = Repository::open_bare(directory)?;
    let mut builder = repository.packbuilder()?;
    builder.set_threads(1);
    for id in &pile.objects {
        builder.insert_object(*id, None)?;
    }
    builder.write(&objects.join("pack"), 0o444)?;
    // Where the new pack has the name of an old one it is that one: the same objects have the same name.
    let name = builder.name()?.map(str::to_owned).unwrap_or_default();
    pile.files.retain(|file| name.is_empty() || !file.to_string_lossy().contains(&name));
    Ok(pile)
}

fn add_loose(objects: &Path, pile: &mut Pile) -> std::io::Result<()> {
    for folder in fs::read_dir(objects)? {
        let folder = folder?;
        let begin = folder.file_name().to_string_lossy().into_owned();
        if begin.len() != 2 {
            continue;
        }
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            if let Ok(id) = Oid::from_str(&format!("{begin}{}", file.file_name().to_string_lossy())) {
                pile.objects.insert(id);
                pile.files.push(file.path());
            }
        }
    }
    Ok(())
}

/// The indexes of the packs below a size.
fn small_packs(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut small = Vec::new();
    for file in fs::read_dir(folder)? {
        let index = file?.path();
        let is_index = index.extension().is_some_and(|extension| extension == "idx");
        if is_index && fs::metadata(index.with_extension("pack"))?.len() < SMALL {
            small.push(index);
        }
    }
    Ok(small)
}

/// What is in the small packs.
fn add_small_packs(folder: &Path, pile: &mut Pile) -> std::io::Result<()> {
    for index in small_packs(folder)? {
        let pack = index.with_extension("pack");
        // One that cannot be read stays where it is.
        if let Some(ids) = ids_of(&fs::read(&index)?) {
            pile.objects.extend(ids);
            // The index first: without it nobody looks into the pack.
            pile.files.extend([index, pack]);
        }
    }
    Ok(())
}

/// The ids that an index (version 2) lists: after 8 bytes, and 256 counts of which the last is that of all.
fn ids_of(index: &[u8]) -> Option<Vec<Oid>> {
    let rest = index.strip_prefix(b"\xfftOc\0\0\0\x02")?;
    let count = rest.get(255 * 4..256 * 4)?.first_chunk::<4>()?;
    let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
    let ids = rest.get(256 * 4..256 * 4 + count.checked_mul(20)?)?;
    ids.chunks_exact(20).map(|id| Oid::from_bytes(id).ok()).collect()
}

#[cfg(test)]
mod tests {
    use git2::{ObjectType, Signature, Time};

    use super::*;

    #[test]
    fn what_is_packed_can_be_taken_away_and_nothing_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let who = Signature::new("Ana", "ana@example.com", &Time::new(1_700_000_000, 0)).unwrap();
        let mut ids = Vec::new();
        for number in 0..300 {
            let blob = repository.blob(format!("{number}\n").as_bytes()).unwrap();
            let mut tree = repository.treebuilder(None).unwrap();
            tree.insert("a", blob, 0o100_644).unwrap();
            let tree = tree.write().unwrap();
            let found = repository.find_tree(tree).unwrap();
            ids.extend([blob, tree, repository.commit(None, &who, &who, "x", &found, &[]).unwrap()]);
        }
        let files = || fs::read_dir(folder.path().join("objects/pack")).unwrap().count();
        // Twice: the first pack is one of the small packs of the second time.
        for round in 0..2 {
            ids.push(repository.blob(format!("more {round}").as_bytes()).unwrap());
            let pile = pack_pile(folder.path()).unwrap();
            assert_eq!(pile.objects.len(), ids.len());
            pile.files.iter().for_each(|file| fs::remove_file(file).unwrap());
            assert_eq!(files(), 2, "one pack and its index");
            let again = Repository::open_bare(folder.path()).unwrap();
            let odb = again.odb().unwrap();
            assert!(ids.iter().all(|id| odb.read(*id).is_ok_and(|found| found.kind() != ObjectType::Any)));
        }
    }
}
