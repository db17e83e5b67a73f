//! The one integration binary.

mod yaml_corpus;
