//! What one person is answered.

/// An answer for one person. The remedy comes last.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Words {
    /// What is so.
    pub text: String,
    /// What to type, press or whom to ask.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remedy: Option<String>,
}

impl Words {
    /// A statement with its remedy.
    pub fn new(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { text: text.into(), remedy: Some(remedy.into()) }
    }

    /// A statement that needs none.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), remedy: None }
    }
}
