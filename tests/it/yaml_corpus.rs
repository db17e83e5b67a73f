//! The edit engine over the corpora beside the project. Every value is set in an edit of all values of its file; a
//! spread of them is also set alone, so many that the edited files make 6 KB for each file (every value of a small
//! file). `cargo bench --bench every_scalar` sets every one of them alone.

use std::path::{Path, PathBuf};

use crate::proof::{
    corpus::{Alone, Form, Tally},
    entries::Entries,
};

/// Bytes of edited files for each file of a corpus, one value an edit.
const ALONE: Alone = Alone::UpTo(6 * 1024);

/// The folder of reading material, where it lies beside the project.
fn corpus(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where the reading material lies is for tests alone to know")]
    let folder = std::env::var("LEVERFRAME_SHARED").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let found = Some(folder.join("corpora").join(name)).filter(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: no corpora/{name} beside the project; set LEVERFRAME_SHARED to the folder that holds it");
    }
    found
}

/// The kinds of refusals that look at a value and the way to it. The first six are what the team wrote there.
const OF_A_VALUE: &[&str] =
    &["alias", "shared", "anchor", "tag", "duplicate-key", "block-scalar", "template", "locked", "merged", "no-place"];

fn check(name: &str, tally: &Tally) {
    println!("{name}\n{tally}");
    assert!(tally.damaged.is_empty(), "{}", tally.damaged.join("\n"));
    let other: Vec<_> = tally.kinds().into_iter().filter(|kind| !OF_A_VALUE.contains(kind)).collect();
    assert!(other.is_empty(), "refused for {other:?}");
    assert!(tally.edits == tally.by_nodes, "saphyr-parser judged {} of {} edits", tally.by_nodes, tally.edits);
}

#[test]
fn every_value_of_real_repositories_is_set_exactly_or_refused() {
    let Some(folder) = corpus("gitops") else { return };
    let tally = Tally::over(&folder, ALONE);
    check("gitops", &tally);
    assert!(tally.documents > 3_000 && tally.accepted.values().sum::<usize>() > 40_000, "the corpus was not read");
    assert_eq!((tally.unlisted.as_slice(), tally.refused_readable.as_slice()), (&[][..], &[][..]));
    for forms in [&[Form::Plain][..], &[Form::Plain, Form::Quoted]] {
        let share = tally.share_refused(forms);
        assert!(share < 3.0, "{share:.2} % of {forms:?} are refused");
    }
}

#[test]
fn every_value_of_the_yaml_test_suite_is_set_exactly_or_refused() {
    let Some(folder) = corpus("yaml-test-suite") else { return };
    let tally = Tally::over(&folder, Alone::Every);
    check("yaml-test-suite", &tally);
    assert!(tally.accepted.values().sum::<usize>() > 900, "the suite was not read");
}

#[test]
fn keys_and_items_come_and_go_exactly_or_are_refused() {
    for (name, alone) in [("gitops", Alone::UpTo(2 * 1024)), ("yaml-test-suite", Alone::Every)] {
        let Some(folder) = corpus(name) else { return };
        let tally = Entries::over(&folder, alone);
        println!("{name}\n{tally}");
        assert!(tally.damaged.is_empty(), "{}", tally.damaged.join("\n"));
        let (done, unproven) = (tally.done.values().sum::<usize>(), tally.unproven.len());
        let few = if name == "gitops" { 0 } else { done / 200 };
        assert!(unproven <= few, "{unproven} refused only by the proof, {done} done: {:#?}", tally.unproven);
        assert!(tally.done.len() == 4, "something was never done: {:?}", tally.done);
    }
}
