//! Slack: signed requests and a socket in ([`verify`], [`socket`], [`incoming`]), cards drawn as Block Kit ([`render`]), Web API calls out
//! ([`client`]).

pub mod account;
pub mod accounts;
pub mod checkup;
pub mod client;
mod connector;
pub mod conversation;
mod detail;
pub mod error;
pub mod event;
pub mod form;
pub mod home;
pub mod incoming;
pub mod manifest;
mod people;
mod rates;
mod remind;
pub mod render;
pub mod shared;
pub mod shortcut;
pub mod socket;
pub mod tenant;
mod typed;
mod unfurl;
pub mod verify;
mod whisper;

#[cfg(test)]
mod tests;
