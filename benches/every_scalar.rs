//! The long form of the corpus tests: every value of every YAML file is set in an edit of its own, and every key and
//! item comes and goes, each judged. Takes the folders to read, else the corpora beside the project. Minutes, not
//! seconds; it fails where anything is damaged.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "the helpers of the tests, which fail by panicking, run as a program; it does not need all of them"
)]

use std::path::PathBuf;

#[path = "../tests/it/proof/mod.rs"]
mod proof;

use proof::{
    corpus::{Alone, Tally},
    entries::Entries,
};

fn main() {
    let given: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").map(PathBuf::from).collect();
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora"));
    let folders =
        if given.is_empty() { ["gitops", "yaml-test-suite"].map(|name| beside.join(name)).into() } else { given };
    for folder in folders {
        if !folder.is_dir() {
            println!("skipped: there is no {}; name folders behind `--`", folder.display());
            continue;
        }
        let (values, entries) = (Tally::over(&folder, Alone::Every), Entries::over(&folder, Alone::Every));
        println!("{}\n{values}\n{entries}", folder.display());
        let damaged = [values.damaged, entries.damaged].concat();
        assert!(damaged.is_empty(), "{}", damaged.join("\n"));
    }
}
