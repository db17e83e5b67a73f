//! What the tests of the look-alikes share.

pub(crate) mod contracts;
