//! Places where the tree's root is known outside the ledger: checkpoints that left the box, trailers of commits.
//! Holds a ledger against them while its entries pass by once.

use std::{collections::VecDeque, path::Path};

use super::{
    JournalError, edges,
    journal::{self, Lines},
    line,
    note::{SigningKey, TreeHead},
    tree::{self, Edge, Hash},
};

/// The trailer of our commits that holds an anchor: `Ledger-Checkpoint: <size> <hex root> <signature>`. The signature
/// is that of the checkpoint, so that nobody else's trailer passes for ours.
pub const TRAILER: &str = "Ledger-Checkpoint";

/// A tree head that was seen outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// What it says.
    pub head: TreeHead,
    /// Where it was found, in words: `commit 1234567`.
    pub found: String,
}

/// What a trailer's value says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// The head.
    pub head: TreeHead,
    /// The signature of the checkpoint, unchecked; empty where there is none.
    pub signature: String,
}

/// Reads a trailer's value.
pub fn parse_trailer(value: &str) -> Option<Trailer> {
    let (size, rest) = value.split_once(' ')?;
    let (root, signature) = rest.split_once(' ').unwrap_or((rest, ""));
    let head = TreeHead { size: size.parse().ok()?, root: Hash::parse(root)? };
    Some(Trailer { head, signature: signature.to_owned() })
}

/// The value of the trailer.
pub(crate) fn trailer(head: TreeHead, key: Option<&SigningKey>) -> String {
    let signature = key.map(|key| format!(" {}", key.signature(head))).unwrap_or_default();
    format!("{} {}{signature}", head.size, head.root)
}

/// Heads to be met while the tree grows.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// By size, the smallest first.
    waiting: VecDeque<Anchor>,
    tree: Edge,
    /// The largest size that was met and right.
    sound: u64,
    /// Those that were met and are other ones, by size.
    wrong: Vec<Anchor>,
}

impl Watch {
    pub(crate) fn new(anchors: Vec<Anchor>) -> Self {
        Self::starting_at(Edge::default(), anchors)
    }

    /// Begins with a tree that is only somebody's word until an anchor is met.
    fn starting_at(tree: Edge, mut anchors: Vec<Anchor>) -> Self {
        anchors.sort_by_key(|anchor| anchor.head.size);
        let mut watch = Self { waiting: anchors.into(), tree, ..Self::default() };
        watch.meet();
        watch
    }

    /// Takes the next entry's bytes.
    pub(crate) fn push(&mut self, entry: &[u8]) {
        self.push_leaf(tree::leaf(entry));
    }

    /// Takes the next entry's leaf.
    pub(crate) fn push_leaf(&mut self, leaf: Hash) {
        self.tree.push(leaf);
        self.meet();
    }

    fn meet(&mut self) {
        let mut root = None;
        while self.waiting.front().is_some_and(|next| next.head.size <= self.tree.size()) {
            let Some(anchor) = self.waiting.pop_front() else { return };
            let root = *root.get_or_insert_with(|| self.tree.root());
            let is_right = anchor.head == TreeHead { size: self.tree.size(), root };
            match is_right {
                true if self.wrong.is_empty() => self.sound = anchor.head.size,
                true => {}
                false => self.wrong.push(anchor),
            }
        }
    }

    /// The tree so far.
    pub(crate) fn tree(&self) -> &Edge {
        &self.tree
    }

    /// The first entry that may be wrong, and what the ledger disagrees with in words; the first by size.
    pub(crate) fn verdict(&self) -> Option<(u64, String)> {
        let size = self.tree.size();
        if let Some(Anchor { head, found }) = self.wrong.first() {
            let why = match head.size.saturating_sub(1) {
                last if last > self.sound => {
                    format!("one of the entries {} to {last} is not that of {found}", self.sound)
                }
                last => format!("entry {last} is not that of {found}"),
            };
            return Some((self.sound, why));
        }
        let beyond = self.waiting.front()?;
        Some((size, format!("the ledger has {size} entries, and {} was made of {}", beyond.found, beyond.head.size)))
    }
}

/// What a ledger does not continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The anchors, the smallest first.
    pub anchors: Vec<Anchor>,
    /// In words.
    pub why: String,
}

/// What the ledger in `directory` disagrees with; `None` where it continues every anchor.
///
/// # Errors
/// When the journal cannot be read on.
pub fn disagreement(directory: &Path, anchors: Vec<Anchor>) -> Result<Option<Disagreement>, JournalError> {
    let smallest = anchors.iter().map(|anchor| anchor.head.size).min().unwrap_or_default();
    let segments = journal::segments(&journal::folder(directory))?;
    let before: Vec<u64> = segments.into_iter().filter(|first| *first <= smallest).collect();
    let edge = edges::last_of(directory, &before);
    // Where every anchor is met, the edge was right; where one is not, it is not the edge that is believed.
    match disagreement_from(directory, edge, anchors.clone())? {
        None => Ok(None),
        Some(_) => disagreement_from(directory, Edge::default(), anchors),
    }
}

fn disagreement_from(directory: &Path, edge: Edge, anchors: Vec<Anchor>) -> Result<Option<Disagreement>, JournalError> {
    let mut lines = Lines::open(directory, edge.size())?;
    let mut watch = Watch::starting_at(edge, anchors);
    while !watch.waiting.is_empty() && lines.advance()?.is_some() {
        let parts = line::parts(lines.bytes()).map_err(|why| lines.damaged(why))?;
        parts.entries.iter().for_each(|raw| watch.push(raw.get().as_bytes()));
    }
    let why = watch.verdict().map(|(_, why)| why);
    let anchors = watch.wrong.into_iter().chain(watch.waiting).collect();
    Ok(why.map(|why| Disagreement { anchors, why }))
}

/// The head of the tree over the first `size` entries; `None` where there are fewer.
pub(crate) fn head_at(directory: &Path, size: u64) -> Result<Option<TreeHead>, JournalError> {
    let mut tree = Edge::default();
    let mut lines = Lines::open(directory, 0)?;
    while tree.size() < size && lines.advance()?.is_some() {
        let parts = line::parts(lines.bytes()).map_err(|why| lines.damaged(why))?;
        let left = usize::try_from(size - tree.size()).unwrap_or(usize::MAX);
        parts.entries.iter().take(left).for_each(|raw| tree.push(tree::leaf(raw.get().as_bytes())));
    }
    Ok((tree.size() == size).then(|| TreeHead { size, root: tree.root() }))
}

/// The newest places where appends ended, for those who want the root there.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<TreeHead>);

impl Recent {
    /// So many are kept.
    const KEPT: usize = 4096;

    pub(crate) fn keep(&mut self, tree: &Edge) {
        if self.0.len() >= Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(TreeHead { size: tree.size(), root: tree.root() });
    }

    pub(crate) fn at(&self, size: u64) -> Option<TreeHead> {
        let place = self.0.binary_search_by_key(&size, |head| head.size).ok()?;
        self.0.get(place).copied()
    }
}
