//! The playground: look-alikes of Slack, Discord, GitHub, a git host and clusters, as real servers on loopback.
//!
//! The bot talks to them over HTTP as it talks to the real ones. `leverframe play`, the stories and the
//! end-to-end tests use them, through a Rust handle each, with faults that can be put in between.

pub mod cluster;
pub mod discord;
pub mod error;
pub mod exchange;
pub mod git;
pub mod github;
mod history;
mod json;
mod look;
mod packets;
mod page;
pub mod pager;
pub mod panel;
pub mod people;
mod post;
pub mod pulse;
pub mod repository;
pub mod server;
pub mod slack;
pub mod story;
mod world;

pub use look::{Look, Seen, Writer};
pub use world::{CLUSTERS, NAME, OWNER, World, WorldOptions};

#[cfg(test)]
mod tests;
