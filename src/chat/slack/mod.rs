//! Slack: signed requests in ([`verify`], [`incoming`]), cards drawn as Block Kit ([`render`]), Web API calls out
//! ([`client`]).

pub mod account;
pub mod checkup;
pub mod client;
mod connector;
pub mod conversation;
pub mod error;
pub mod incoming;
pub mod manifest;
pub mod render;
pub mod verify;

#[cfg(test)]
mod tests;
