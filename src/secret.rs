//! Text that must never be printed: tokens, passwords, signing secrets.

use std::{fmt, sync::Arc};

/// A secret. `Debug` and `Display` show `[redacted]`; [`Secret::reveal`] is the only way to the text,
/// called where a header, a signature or a credential is made and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret that was read from its reference.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
/// Reads a secret again from where it came from: what a registry, a git host or a cluster gives lives for hours, and whoever
/// renews it writes the new one there.
#[derive(Clone)]
pub struct Renewal(Arc<dyn Fn() -> Option<Secret> + Send + Sync>);

impl Renewal {
    /// By this function, which is called from any thread.
    pub fn new(read: impl Fn() -> Option<Secret> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The secret as it is there now; `None` where it cannot be read.
    pub fn read(&self) -> Option<Secret> {
        (self.0)()
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewal")
    }
}
