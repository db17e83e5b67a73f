//! Leverframe: chat buttons for production that keep git the source of truth.
//!
//! The binary is `leverframe`; this library exists so that tests, benches and examples reach the same code.
//! Rooms and rules are described in `ARCHITECTURE.md`.

pub mod chat;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod control;
pub mod core;
pub mod engine;
pub mod forge;
pub mod git;
pub mod ledger;
pub mod net;
pub mod pager;
pub mod play;
pub mod registry;
pub mod secret;
pub mod tasks;
pub mod web;
