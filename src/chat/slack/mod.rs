//! Slack: signed requests in ([`verify`], [`incoming`]), Web API calls out ([`client`]).

pub mod client;
mod connector;
pub mod error;
pub mod incoming;
pub mod verify;

#[cfg(test)]
mod tests;
