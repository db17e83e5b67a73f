//! What the proof of the edit engine is made of: judges that share nothing with it, and the checks that tests and
//! fuzz targets run over the same bytes.

pub(crate) mod corpus;
pub(crate) mod judge;
pub(crate) mod nodes;
