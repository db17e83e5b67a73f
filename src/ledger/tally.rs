//! What a walk over the journal makes of its entries beside the store: the tree, and whether the last checkpoint's root
//! is met on the way.

use std::path::Path;

use super::{
    checkpoints, edges,
    inspect::{Inspected, inspect},
    line::{self, Header},
    note::{Checkpoint, PublicKey, TreeHead},
    tree::{self, Edge, Hash},
};

/// Grows the tree over the entries as they are read, and notes its root at one size.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) tree: Edge,
    signed: Option<Checkpoint>,
    /// Why the last checkpoint cannot be read.
    unfit: Option<String>,
    root: Option<Hash>,
    /// Where the chain stands.
    linked: Option<Inspected>,
    is_sound: bool,
    /// The tree at the beginning of each segment.
    edges: Vec<Edge>,
}

impl Tally {
    /// Begins with the ledger's last checkpoint in mind.
    pub(crate) fn of(directory: &Path) -> Self {
        let (signed, unfit) = match checkpoints::last(directory) {
            Ok((last, _)) => (last, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { signed, unfit, is_sound: true, ..Self::default() }
    }

    /// The same, beginning with an edge that somebody kept, where it may be tried: there is a checkpoint of ours of no
    /// smaller tree to hold it against.
    pub(crate) fn starting_at(directory: &Path, edge: Edge, key: &PublicKey) -> Option<Self> {
        let mut tally = Self::of(directory);
        let signed = tally.signed.as_ref().filter(|signed| signed.is_signed_by(std::slice::from_ref(key)))?;
        if edge.size() > signed.head.size {
            return None;
        }
        tally.tree = edge;
        tally.meet();
        Some(tally)
    }

    /// The size that was signed last.
    pub(crate) fn signed(&self) -> Option<u64> {
        self.signed.as_ref().map(|signed| signed.head.size)
    }

    /// Takes the next line.
    pub(crate) fn take(&mut self, header: &Header, line: &[u8]) {
        if let Some(found) = inspect(header, line) {
            found.leaves.iter().for_each(|leaf| self.push(*leaf));
            self.is_sound &= self.link(found).is_some();
            return;
        }
        self.is_sound = false;
        // What cannot be split was damaged before its checksum was made; the tree then disagrees from here on.
        let entries = line::parts(line).map(|parts| parts.entries).unwrap_or_default();
        entries.iter().for_each(|raw| self.push(tree::leaf(raw.get().as_bytes())));
    }

    /// Sees that these follow those before; of them only where they end is remembered.
    fn link(&mut self, found: Inspected) -> Option<()> {
        let next = found.next();
        let mut all = match self.linked.take() {
            None => found,
            Some(mut before) => before.join(found).map(|()| before)?,
        };
        (all.first, all.leaves) = (next, Vec::new());
        self.linked = Some(all);
        Some(())
    }

    /// Notes that a segment begins here.
    pub(crate) fn note_segment(&mut self) {
        self.edges.push(self.tree.clone());
    }

    /// Keeps what was noted for later starts.
    pub(crate) fn keep_edges(&self, directory: &Path) {
        if self.edges.len() > 1
            && let Err(error) = edges::keep_all(directory, &self.edges)
        {
            tracing::warn!(%error, "the next start will read the whole ledger");
        }
    }

    /// Takes an entry's leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        self.tree.push(leaf);
        self.meet();
    }

    fn meet(&mut self) {
        if self.signed() == Some(self.tree.size()) {
            self.root = Some(self.tree.root());
        }
    }

    /// Whether every line was sound and the last checkpoint was met.
    pub(crate) fn is_proven(&self) -> bool {
        self.is_sound && self.root.is_some() && self.verdict().is_none()
    }

    /// What is wrong with the ledger by its last checkpoint.
    pub(crate) fn verdict(&self) -> Option<String> {
        if self.unfit.is_some() {
            return self.unfit.clone();
        }
        let TreeHead { size, root } = self.signed.as_ref()?.head;
        match self.root {
            Some(found) if found == root => None,
            Some(_) => Some(format!("its first {size} entries are not those that its last checkpoint was signed for")),
            None => Some(format!("it has {} entries, and its last checkpoint was signed for {size}", self.tree.size())),
        }
    }
}
