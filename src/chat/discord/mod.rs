//! Discord: signed interactions in ([`verify`], [`incoming`]), cards drawn as embeds and components ([`render`]), REST
//! calls out ([`client`]), commands made known to it ([`register`]), and a connection of our own ([`gateway`]).

pub mod checkup;
pub mod client;
pub mod conversation;
mod detail;
pub mod error;
pub mod form;
pub mod gateway;
pub mod incoming;
mod limits;
mod markup;
pub mod register;
mod remind;
pub mod render;
mod routes;
pub mod standing;
pub mod suggest;
mod tokens;
pub mod verify;

#[cfg(test)]
mod tests;
