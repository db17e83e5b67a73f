//! The functional core: parses, decides and plans. No async, no I/O, no clock, no randomness, no environment;
//! `tests/it/tidy.rs` reads these sources and fails otherwise.

pub mod access;
pub mod break_glass;
pub mod catalog;
pub mod change;
pub mod checkup;
pub mod command;
pub mod debt;
pub mod decide;
pub mod discover;
pub mod drift;
pub mod entry;
pub mod freeze;
pub mod incident;
pub mod located;
pub mod matters;
pub mod moment;
pub mod names;
pub mod policy;
pub mod post_mortem;
pub mod reconciler;
pub mod request;
pub mod rollout;
pub mod rules;
pub mod span;
pub mod trail;
pub mod yaml;
