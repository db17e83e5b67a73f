//! The tree's edge at the beginning of each segment, kept beside the journal so that a start need not read all of it.
//! Each is only a hint: what is built on one counts where it leads to a root that was signed, and it may be lost.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Error, Write},
    path::{Path, PathBuf},
};

use super::tree::Edge;

fn path(directory: &Path) -> PathBuf {
    directory.join("edges")
}

/// The last edge that is kept for one of these sizes; that of the empty tree is always known.
pub(crate) fn last_of(directory: &Path, sizes: &[u64]) -> Edge {
    let Ok(file) = File::open(path(directory)) else { return Edge::default() };
    let edges = BufReader::new(file).lines().map_while(Result::ok).filter_map(|line| Edge::parse(&line));
    let fitting = edges.filter(|edge| sizes.binary_search(&edge.size()).is_ok());
    fitting.max_by_key(Edge::size).unwrap_or_default()
}

/// Keeps one more.
pub(crate) fn keep(directory: &Path, edge: &Edge) {
    let added = OpenOptions::new().append(true).create(true).open(path(directory));
    // Without it the next start reads more.
    let _ = added.and_then(|mut file| file.write_all(format!("{edge}\n").as_bytes()));
}

/// Keeps these and no others.
pub(crate) fn keep_all(directory: &Path, edges: &[Edge]) -> Result<(), Error> {
    let text: String = edges.iter().map(|edge| format!("{edge}\n")).collect();
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.persist(path(directory)).map(|_| ()).map_err(|error| error.error)
}
