//! A second opinion on an edit by serde_yaml, which shares no code with the parser of the edits: what it read
//! before, with the wanted values put in, must be what it reads after.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor},
};

use super::{
    literal::Literal,
    plan::{Change, Splice},
    scalar::Scalar,
    stream::Stream,
};

/// A value as serde_yaml reads it. Unlike `serde_yaml::Value` it keeps keys that stand twice.
#[derive(Debug, PartialEq)]
enum Opinion {
    Null,
    Bool(bool),
    Integer(i128),
    /// Its bits, so that `.nan` equals itself.
    Float(u64),
    String(String),
    Sequence(Vec<Opinion>),
    Mapping(Vec<(Opinion, Opinion)>),
    Tagged(String, Box<Opinion>),
}

/// What is in a collection.
enum Entries<'o> {
    Sequence(&'o mut Vec<Opinion>),
    Mapping(&'o mut Vec<(Opinion, Opinion)>),
}

/// Whether serde_yaml agrees that the only difference is the wanted one. A file it cannot read gets no opinion.
pub(super) fn agrees(old: &Stream<'_>, splices: &[&Splice], new: &str) -> Result<(), &'static str> {
    if let ([splice], true) = (splices, old.roots.is_empty()) {
        let begun = read(new).is_some_and(|found| found == [Opinion::of(&splice.value)]);
        return if begun { Ok(()) } else { Err("serde_yaml reads another value") };
    }
    let Some(mut expected) = read(old.text) else { return Ok(()) };
    if expected.len() != old.roots.len() {
        return Ok(());
    }
    for splice in splices {
        let document = expected.get_mut(splice.document);
        let places = match (&splice.change, splice.places.split_last()) {
            (Change::Removed { .. }, Some((_, parents))) => parents,
            (Change::Replaced(_) | Change::Added { .. } | Change::Removed { .. }, _) => &splice.places,
        };
        let place = document.and_then(|root| root.at(places));
        let Some(place) = place else { return Err("serde_yaml sees another structure") };
        let seen = match &splice.change {
            Change::Replaced(_) => place.put(&splice.value),
            Change::Added { key, .. } => place.push(key.as_deref(), &splice.value),
            Change::Removed { .. } => splice.places.last().is_some_and(|last| place.take(*last)),
        };
        if !seen {
            return Err("serde_yaml sees another structure");
        }
    }
    match read(new) {
        Some(found) if found == expected => Ok(()),
        Some(_) => Err("serde_yaml reads another value"),
        None => Err("serde_yaml cannot read the edited file"),
    }
}

/// Every document, or nothing if one of them is not readable. Without the byte order mark, which libyaml counts
/// as a column, so that the second line seems to be indented less than the first.
fn read(text: &str) -> Option<Vec<Opinion>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::Deserializer::from_str(text).map(|document| Opinion::deserialize(document).ok()).collect()
}

impl Opinion {
    fn of(value: &Literal) -> Self {
        match value {
            Literal::Scalar(scalar) => Self::of_scalar(scalar),
            Literal::Sequence(items) => Self::Sequence(items.iter().map(Self::of).collect()),
            Literal::Mapping(entries) => {
                let entry = |(key, value): &(String, Literal)| (Self::String(key.clone()), Self::of(value));
                Self::Mapping(entries.iter().map(entry).collect())
            }
        }
    }

    fn put(&mut self, value: &Literal) -> bool {
        *self = Self::of(value);
        true
    }

    /// Adds a last entry, if this is a collection of that kind.
    fn push(&mut self, key: Option<&str>, value: &Literal) -> bool {
        let value = Self::of(value);
        match (self.entries(), key) {
            (Some(Entries::Mapping(entries)), Some(key)) => entries.push((Self::String(key.to_owned()), value)),
            (Some(Entries::Sequence(items)), None) => items.push(value),
            (Some(Entries::Mapping(_) | Entries::Sequence(_)) | None, _) => return false,
        }
        true
    }

    /// Takes the entry at `place` away, if there is one.
    fn take(&mut self, place: usize) -> bool {
        match self.entries() {
            Some(Entries::Mapping(entries)) if place < entries.len() => _ = entries.remove(place),
            Some(Entries::Sequence(items)) if place < items.len() => _ = items.remove(place),
            Some(Entries::Mapping(_) | Entries::Sequence(_)) | None => return false,
        }
        true
    }

    fn entries(&mut self) -> Option<Entries<'_>> {
        match self.untagged() {
            Self::Sequence(items) => Some(Entries::Sequence(items)),
            Self::Mapping(entries) => Some(Entries::Mapping(entries)),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Float(_) | Self::String(_) | Self::Tagged(..) => None,
        }
    }

    fn of_scalar(value: &Scalar) -> Self {
        match value {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(*value),
            Scalar::Integer(value) => Self::Integer(*value),
            Scalar::String(text) => Self::String(text.clone()),
            Scalar::Float(text) => match text.parse() {
                Ok(integer) => Self::Integer(integer),
                Err(_) => Self::Float(bits(text)),
            },
        }
    }

    fn untagged(&mut self) -> &mut Self {
        match self {
            Self::Tagged(_, inner) => inner.untagged(),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Float(_)
            | Self::String(_)
            | Self::Sequence(_)
            | Self::Mapping(_) => self,
        }
    }

    /// Follows the places of each step among its siblings.
    fn at(&mut self, places: &[usize]) -> Option<&mut Self> {
        let Some((first, rest)) = places.split_first() else { return Some(self) };
        let child = match self.entries()? {
            Entries::Sequence(items) => items.get_mut(*first),
            Entries::Mapping(entries) => entries.get_mut(*first).map(|(_, value)| value),
        };
        child?.at(rest)
    }
}

/// The bits of a number with a point or an exponent, of an infinity, or of none.
pub(super) fn bits(text: &str) -> u64 {
    let dotless = text.to_ascii_lowercase().replace(".inf", "inf").replace(".nan", "nan");
    dotless.parse().unwrap_or(f64::NAN).to_bits()
}

impl<'de> Deserialize<'de> for Opinion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Opinion;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_unit<E>(self) -> Result<Opinion, E> {
        Ok(Opinion::Null)
    }
    fn visit_none<E>(self) -> Result<Opinion, E> {
        Ok(Opinion::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Opinion, D::Error> {
        Opinion::deserialize(deserializer)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Opinion, E> {
        Ok(Opinion::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Opinion, E> {
        Ok(Opinion::Integer(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Opinion, E> {
        Ok(Opinion::Integer(value.into()))
    }
    fn visit_i128<E>(self, value: i128) -> Result<Opinion, E> {
        Ok(Opinion::Integer(value))
    }
    fn visit_u128<E>(self, value: u128) -> Result<Opinion, E> {
        // Beyond i128 only sameness matters.
        Ok(i128::try_from(value).map_or_else(|_| Opinion::String(value.to_string()), Opinion::Integer))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Opinion, E> {
        Ok(Opinion::Float(if value.is_nan() { f64::NAN } else { value }.to_bits()))
    }
    fn visit_str<E>(self, text: &str) -> Result<Opinion, E> {
        Ok(Opinion::String(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Opinion, E> {
        Ok(Opinion::String(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Opinion, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Opinion::Sequence(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Opinion, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Opinion::Mapping(entries))
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Opinion, A::Error> {
        let (tag, inner) = access.variant::<String>()?;
        Ok(Opinion::Tagged(tag, Box::new(inner.newtype_variant()?)))
    }
}
