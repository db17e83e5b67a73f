//! A value that is put where nothing is yet: a single value, or a mapping or list of them. How it is written so
//! that it looks like its neighbours is `compose.rs`.

use serde_json::Value;

use super::{path::Step, refusal::Refusal, scalar::Scalar};

/// A value to be put where nothing is yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Literal {
    /// One value; unlike in an assignment it may be null.
    Scalar(Scalar),
    /// Keys and values, in the order in which they are written.
    Mapping(Vec<(String, Literal)>),
    /// A list.
    Sequence(Vec<Literal>),
}

impl Literal {
    /// The text of a `String`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) => scalar.as_str(),
            Self::Mapping(_) | Self::Sequence(_) => None,
        }
    }

    /// The JSON value that this is. A float that JSON cannot write is its text.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Scalar(scalar) => scalar.to_json(),
            Self::Mapping(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
            Self::Sequence(items) => Value::Array(items.iter().map(Self::to_json).collect()),
        }
    }

    /// Whether it is a mapping or list without anything in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::Mapping(entries) => entries.is_empty(),
            Self::Sequence(items) => items.is_empty(),
        }
    }

    /// Whether every value can be written and no key stands twice.
    pub(super) fn writable(&self) -> Result<(), Refusal> {
        match self {
            Self::Scalar(Scalar::Null) => Ok(()),
            Self::Scalar(scalar) if scalar.can_be_set() => Ok(()),
            Self::Scalar(scalar) => Err(Refusal::NotAValue { value: scalar.to_string() }),
            Self::Sequence(items) => items.iter().try_for_each(Self::writable),
            Self::Mapping(entries) => {
                let mut keys = std::collections::BTreeSet::new();
                if let Some((twice, _)) = entries.iter().find(|(key, _)| !keys.insert(key)) {
                    return Err(Refusal::NotAValue { value: format!("{twice}: ...\n{twice}: ...") });
                }
                entries.iter().try_for_each(|(_, value)| value.writable())
            }
        }
    }

    /// A number in it that JSON cannot write.
    pub(super) fn no_json(&self) -> Option<&str> {
        match self {
            Self::Scalar(Scalar::Float(text)) => serde_json::from_str::<Value>(text).is_err().then_some(text),
            Self::Scalar(_) => None,
            Self::Mapping(entries) => entries.iter().find_map(|(_, value)| value.no_json()),
            Self::Sequence(items) => items.iter().find_map(Self::no_json),
        }
    }

    /// This value at the end of `steps`, as collections that hold nothing else.
    pub(super) fn beneath(self, steps: &[Step]) -> Result<Self, Refusal> {
        steps.iter().rev().try_fold(self, |value, step| match step {
            Step::Key(key) => Ok(Self::Mapping(vec![(key.clone(), value)])),
            Step::Index(_) => Ok(Self::Sequence(vec![value])),
            Step::Select { key, value: name } => Ok(Self::Sequence(vec![value.selected_by(key, name)?])),
            Step::Inside(_) => Err(Refusal::NotAValue { value: step.to_string() }),
        })
    }

    /// An item that `[key=name]` finds: the key is put first where it is missing.
    pub(super) fn selected_by(self, key: &str, name: &str) -> Result<Self, Refusal> {
        let wanted = || Refusal::NotAValue { value: format!("an item other than [{key}={name}]") };
        let Self::Mapping(mut entries) = self else { return Err(wanted()) };
        match entries.iter().find(|(has, _)| has == key) {
            None => entries.insert(0, (key.to_owned(), Self::from(name))),
            Some((_, Self::Scalar(scalar))) if scalar.to_string() == name => {}
            Some(_) => return Err(wanted()),
        }
        Ok(Self::Mapping(entries))
    }
}

impl<S: Into<Scalar>> From<S> for Literal {
    fn from(scalar: S) -> Self {
        Self::Scalar(scalar.into())
    }
}

impl From<&Value> for Literal {
    fn from(value: &Value) -> Self {
        match value {
            Value::Object(entries) => {
                Self::Mapping(entries.iter().map(|(key, value)| (key.clone(), value.into())).collect())
            }
            Value::Array(items) => Self::Sequence(items.iter().map(Self::from).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Self::Scalar(Scalar::from_json(value).unwrap_or(Scalar::Null))
            }
        }
    }
}

impl From<Value> for Literal {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}
