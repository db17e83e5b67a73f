//! YAML that people write for Leverframe itself (`leverframe.yaml`, the catalog), read with the line and column of
//! every key and value, so that a mistake is reported where it stands, all mistakes at once.
//! serde_yaml says what the values are; the event parser says where they stand.

mod not_yet;
mod problem;
mod read;
#[cfg(test)]
mod tests;
mod tree;

pub use not_yet::{NotYet, When, not_supported_yet};
pub use problem::{Notice, Problem, Problems, either, nearest};
pub use read::Fields;
pub use tree::{Key, Node, Origin, Place, Value, parse};
