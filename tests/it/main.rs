//! The one integration binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking and say what they skip; clippy takes only test functions for tests"
)]

mod attacks;
mod audit;
mod away;
mod begins_later;
mod beside;
mod bot;
mod by_hand;
mod cards;
mod carried;
mod changes;
mod choices;
mod cluster_calls;
mod command_line;
mod contract;
mod crash;
mod debts;
mod discord;
mod discord_cards;
mod discovery;
mod doctor;
mod drift;
mod escaping;
mod evidence;
mod faults;
mod flavour_corpus;
mod forge;
mod forge_calls;
mod forms;
mod fuzzed;
mod gateway;
mod git;
mod git_contention;
mod git_hosts;
mod given_back;
mod glass;
mod glass_crash;
mod glass_faults;
mod grid;
mod health;
mod help;
mod in_cluster;
mod kills;
mod landing_modes;
mod lanes;
mod ledger;
mod levers;
mod linked;
mod many_services;
mod notes;
mod on_call;
mod opening;
mod outage;
mod paging;
mod proof;
mod proxy;
mod pull_requests;
mod queued;
mod race;
mod refusals;
mod registry;
mod reminders;
mod repositories;
mod rewritten;
mod rights;
mod roles;
mod rollbacks;
mod several;
mod shared_channels;
mod socket_mode;
mod spared;
mod standing;
mod steps;
mod stories;
mod ten_thousand;
mod thread_kills;
mod threads;
mod tidy;
mod together;
mod unfurls;
mod upheavals;
mod vendors;
mod watchdog;
mod webhooks;

mod yaml_corpus;
mod yaml_hostile;
