//! Chat platforms, one folder each. Platform JSON stays in its folder.

pub mod slack;
