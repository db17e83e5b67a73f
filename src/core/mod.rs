//! The functional core: parses, decides and plans. No async, no I/O, no clock, no randomness, no environment;
//! `tests/it/tidy.rs` reads these sources and fails otherwise.

pub mod catalog;
pub mod command;
pub mod entry;
pub mod located;
pub mod names;
pub mod rollout;
pub mod span;
pub mod yaml;
