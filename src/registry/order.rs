//! Which of two tags is newer, as far as their names and times tell. Versions come first, highest first; then other
//! tags with a number in them (dates, counters, commits), by the time they were made where it is known; then words
//! like `latest`.

use std::cmp::Ordering;

use super::Version;

/// Newest first. Where the registry tells when tags were pushed, that is the order.
pub(super) fn newest_first(versions: &mut [Version], by_push: bool) {
    let mut keyed: Vec<(Key, Version)> = versions.iter().map(|one| (Key::of(one, by_push), one.clone())).collect();
    keyed.sort_by(|(one, _), (other, _)| other.cmp(one));
    for (place, (_, version)) in versions.iter_mut().zip(keyed) {
        *place = version;
    }
}

/// What a tag is sorted by; the greater is the newer.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    pushed: Option<jiff::Timestamp>,
    name: Name,
}

/// What a tag's name says.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// Nothing about age.
    Word(String),
    /// Some number.
    Other(Option<jiff::Timestamp>, Vec<Part>),
    /// A version.
    Version(Vec<u64>, Stage, Vec<Part>),
}

/// What stands behind a version's numbers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// It is before the version itself.
    Before(Vec<Part>),
    /// Nothing.
    Released,
}

/// A piece of a name: digits count as a number, which is less than letters, as in semantic versions.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Number(String),
    Letters(String),
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.len().cmp(&other.len()).then_with(|| one.cmp(other)),
            (Self::Letters(one), Self::Letters(other)) => one.cmp(other),
            (Self::Number(_), Self::Letters(_)) => Ordering::Less,
            (Self::Letters(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Key {
    fn of(version: &Version, by_push: bool) -> Self {
        let pushed = version.made.filter(|_| by_push);
        Self { pushed, name: Name::of(&version.tag, version.made) }
    }
}

impl Name {
    fn of(tag: &str, made: Option<jiff::Timestamp>) -> Self {
        if let Some(version) = version(tag) {
            return version;
        }
        if tag.contains(|c: char| c.is_ascii_digit()) {
            return Self::Other(made, parts(tag));
        }
        Self::Word(tag.to_owned())
    }
}

/// Whether a tag is a version like `v1.2.5`, which alone tells its place.
pub(super) fn is_version(tag: &str) -> bool {
    version(tag).is_some()
}

/// `v1.2.5`, `1.2`, `1.2.5-rc.1`; a number alone is none, and neither is what begins with four digits (a date).
fn version(tag: &str) -> Option<Name> {
    let bare = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
    let (numbers, rest) = (bare.get(..end)?, bare.get(end..)?);
    let numbers = numbers.trim_end_matches('.');
    let numbers: Option<Vec<u64>> = numbers.split('.').map(|number| number.parse().ok()).collect();
    let mut numbers = numbers.filter(|numbers| numbers.len() >= 2 && numbers.len() <= 4)?;
    while numbers.len() < 4 {
        numbers.push(0);
    }
    let stage = match rest.strip_prefix('-') {
        Some(before) if !before.is_empty() => Stage::Before(parts(before)),
        Some(_) | None => Stage::Released,
    };
    let behind = if stage == Stage::Released { parts(rest) } else { Vec::new() };
    Some(Name::Version(numbers, stage, behind))
}

/// A name in runs of digits and runs of anything else; leading zeros do not count.
fn parts(text: &str) -> Vec<Part> {
    let mut found: Vec<Part> = Vec::new();
    for letter in text.chars() {
        match (found.last_mut(), letter.is_ascii_digit()) {
            (Some(Part::Number(run)), true) if run != "0" => run.push(letter),
            (Some(Part::Number(run)), true) => *run = letter.to_string(),
            (Some(Part::Letters(run)), false) => run.push(letter),
            (_, true) => found.push(Part::Number(letter.to_string())),
            (_, false) => found.push(Part::Letters(letter.to_string())),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(tags: &[&str]) -> Vec<String> {
        let mut versions: Vec<Version> = tags.iter().map(|tag| Version::named(tag)).collect();
        newest_first(&mut versions, false);
        versions.into_iter().map(|version| version.tag).collect()
    }

    #[test]
    fn versions_are_sorted_as_versions() {
        let newest = ["v2.0.0", "v2.0.0-rc.10", "v2.0.0-rc.2", "v1.10.0", "1.9.1", "v1.9", "v1.2.5", "v0.9.9-alpha"];
        let mut shuffled = newest;
        shuffled.reverse();
        shuffled.swap(1, 4);
        assert_eq!(sorted(&shuffled), newest);
    }

    #[test]
    fn numbers_count_and_words_come_last() {
        let newest = ["v1.0.0", "main-abc-1700000010", "main-abc-999999999", "latest", "edge"];
        assert_eq!(sorted(&["edge", "main-abc-999999999", "v1.0.0", "latest", "main-abc-1700000010"]), newest);
        assert_eq!(sorted(&["build-9", "build-0010", "build-11"]), ["build-11", "build-0010", "build-9"]);
    }

    #[test]
    fn a_known_time_counts_where_the_name_tells_nothing() {
        let at = |tag: &str, second| Version { made: jiff::Timestamp::from_second(second).ok(), ..Version::named(tag) };
        let mut versions = vec![at("a1b2c3", 100), at("f9e8d7", 50), Version::named("ffffff0"), at("v1.0.0", 7)];
        newest_first(&mut versions, false);
        let tags: Vec<_> = versions.iter().map(|version| version.tag.as_str()).collect();
        assert_eq!(tags, ["v1.0.0", "a1b2c3", "f9e8d7", "ffffff0"]);
        newest_first(&mut versions, true);
        let tags: Vec<_> = versions.iter().map(|version| version.tag.as_str()).collect();
        assert_eq!(tags, ["a1b2c3", "f9e8d7", "v1.0.0", "ffffff0"]);
    }
}
