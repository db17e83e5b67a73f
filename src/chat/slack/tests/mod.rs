//! Slack's side played on loopback, and Slack's own samples where they are at hand.

mod aged;
mod calls;
mod events;
mod signed;

use std::{io::Write as _, path::PathBuf};

use super::*;

/// The folder of Slack's contracts, or a line that says that it is not there. It is reading material that
/// stands beside the package, not part of it.
#[expect(clippy::disallowed_methods, reason = "tests may be told where the reading material is")]
fn contracts() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("LEVERFRAME_SHARED").map_or(beside, PathBuf::from).join("contracts/slack");
    if folder.is_dir() {
        return Some(folder);
    }
    let said = writeln!(std::io::stderr(), "NOT CHECKED against Slack's samples: {} is not there", folder.display());
    said.unwrap();
    None
}
