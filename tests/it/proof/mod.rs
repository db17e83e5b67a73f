//! What the proof of the edit engine is made of: judges beside the engine's own parser, what is done to the files of a
//! corpus, and the checks that tests and fuzz targets run over the same bytes.

pub(crate) mod checks;
pub(crate) mod corpus;
pub(crate) mod edits;
pub(crate) mod entries;
pub(crate) mod judge;
pub(crate) mod nodes;
pub(crate) mod operations;
