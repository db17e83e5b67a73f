//! The one integration binary.

mod forge;
mod git;
mod ledger;
