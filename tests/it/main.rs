//! The one integration binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking and say what they skip; clippy takes only test functions for tests"
)]

mod audit;
mod away;
mod beside;
mod bot;
mod cards;
mod changes;
mod command_line;
mod contract;
mod crash;
mod discord;
mod discord_cards;
mod discovery;
mod doctor;
mod evidence;
mod flavour_corpus;
mod forge;
mod fuzzed;
mod gateway;
mod git;
mod git_contention;
mod git_hosts;
mod ledger;
mod outage;
mod proof;
mod pull_requests;
mod race;
mod refusals;
mod registry;
mod repositories;
mod spared;
mod stories;
mod tidy;
mod together;
mod webhooks;

mod yaml_corpus;
mod yaml_hostile;
