//! Which document of a file: by place, or by Kubernetes kind and name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A document of a file. The default is the first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Document {
    /// The document at this place, from 0, empty documents counted.
    Index(usize),
    /// The one document with this `kind` and this `metadata.name`.
    Named {
        /// `Deployment`.
        kind: String,
        /// `checkout`.
        name: String,
    },
}

/// Why a text names no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` names no document. {}", self.remedy())]
pub struct DocumentError {
    found: String,
}

impl DocumentError {
    /// What to write instead.
    pub fn remedy(&self) -> String {
        "Write its place from 0, like `1`, or its kind and name, like `Deployment/checkout`.".to_owned()
    }
}

/// As files write it: a number or a text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Place(usize),
    Text(String),
}

impl Document {
    /// Parses `0`, `1`, ... or `Kind/name`.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let bad = || DocumentError { found: text.chars().take(80).collect() };
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Self::Index).map_err(|_| bad());
        }
        let spaced = text.chars().any(|c| c.is_whitespace() || c.is_control());
        match text.split_once('/') {
            Some((kind, name)) if !spaced && !kind.is_empty() && !name.is_empty() => {
                Ok(Self::Named { kind: kind.to_owned(), name: name.to_owned() })
            }
            Some(_) | None => Err(bad()),
        }
    }
}

impl Default for Document {
    fn default() -> Self {
        Self::Index(0)
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Named { kind, name } => write!(f, "{kind}/{name}"),
        }
    }
}

impl FromStr for Document {
    type Err = DocumentError;
    fn from_str(text: &str) -> Result<Self, DocumentError> {
        Self::parse(text)
    }
}
impl TryFrom<Written> for Document {
    type Error = DocumentError;
    fn try_from(written: Written) -> Result<Self, DocumentError> {
        match written {
            Written::Place(place) => Ok(Self::Index(place)),
            Written::Text(text) => Self::parse(&text),
        }
    }
}
impl From<Document> for Written {
    fn from(document: Document) -> Self {
        match document {
            Document::Index(place) => Self::Place(place),
            named @ Document::Named { .. } => Self::Text(named.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_round_trip_and_default_to_the_first() {
        for text in ["0", "17", "Deployment/checkout", "Kind/a/b"] {
            let document = Document::parse(text).unwrap();
            assert_eq!(document.to_string(), text);
            let json = serde_json::to_string(&document).unwrap();
            assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document, "{json}");
        }
        assert_eq!(Document::default(), Document::Index(0));
        for bad in ["", "-1", "Deployment", "/x", "Kind/", "Kind/a b", "99999999999999999999999"] {
            assert!(Document::parse(bad).is_err(), "{bad}");
        }
    }
}
