//! Conversations: cards that say how a request stands, and the platforms that show them, one folder each. Platform
//! JSON stays in its folder.

pub mod card;
pub mod slack;
