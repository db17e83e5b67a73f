//! Finds the vendors' published descriptions for tests, when they lie beside the project, and says so when they do not.

use std::path::PathBuf;

use serde_json::Value;

/// A JSON file of the contracts: `slack/limits.json`.
pub(crate) fn read(file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(find(file)?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// Where a file of the contracts lies.
pub(crate) fn find(file: &str) -> Option<PathBuf> {
    let beside =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).map(|up| up.join("shared")).collect::<Vec<_>>();
    let named = option_env!("LEVERFRAME_SHARED").map(PathBuf::from);
    let found =
        named.into_iter().chain(beside).map(|shared| shared.join("contracts").join(file)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("not checked against {file}: the vendors' contracts are not here");
    }
    found
}
