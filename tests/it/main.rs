//! The one integration binary.
mod ledger;
