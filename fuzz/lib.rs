//! The checks that `cargo test` runs, for the fuzz targets: the same files, not copies.

#[allow(dead_code, reason = "the walks over corpora are for the tests alone")]
#[path = "../tests/it/proof/mod.rs"]
mod proof;

/// Runs the check of a target; it panics where something does not hold.
pub fn check(target: &str, data: &[u8]) {
    let (_, check) = proof::checks::TARGETS.iter().find(|(name, _)| *name == target).expect("a target's name");
    check(data);
}
