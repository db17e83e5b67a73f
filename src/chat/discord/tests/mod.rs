//! Discord's own samples, where they are at hand.
