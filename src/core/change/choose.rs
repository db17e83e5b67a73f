//! Of several fields the one that a target has, and a switch written in the words that stand there.

use super::{Binding, LocateRefusal, Locator, Presence, SourceFile, Trees, locate_in, value_at};
use crate::core::names::Field;

/// Whether a switch is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// The words that switches are written in: on, off.
const WORDS: [(&str, &str); 6] =
    [("true", "false"), ("on", "off"), ("yes", "no"), ("1", "0"), ("enabled", "disabled"), ("enable", "disable")];

impl Position {
    /// The position that a word means.
    pub fn parse(text: &str) -> Option<Self> {
        let said = text.to_lowercase();
        let on = WORDS.iter().any(|(on, _)| *on == said).then_some(Self::On);
        on.or_else(|| WORDS.iter().any(|(_, off)| *off == said).then_some(Self::Off))
    }

    /// The position in the words of what stands there, letters as large as they are; `true` or `false` where nothing
    /// does, and nothing where what stands there is no switch.
    pub fn written_like(self, stands: Option<&str>) -> Option<String> {
        let stands = stands.unwrap_or("false");
        let said = stands.to_lowercase();
        let (on, off) = WORDS.into_iter().find(|(on, off)| *on == said || *off == said)?;
        let word = if self == Self::On { on } else { off };
        let first = stands.chars().next().filter(|letter| letter.is_uppercase());
        Some(match first {
            None => word.to_owned(),
            Some(_) if stands.chars().count() > 1 && stands.chars().all(char::is_uppercase) => word.to_uppercase(),
            Some(_) => word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect(),
        })
    }
}

/// The first of several fields that the target has; where it has none of them, the first that can be added.
///
/// # Errors
/// Why the first has no place, where none has one.
pub fn first_there(
    fields: &[Field],
    locator: &dyn Fn(&Field) -> Locator,
    files: &[SourceFile],
) -> Result<Binding, LocateRefusal> {
    let trees = Trees::default();
    let found: Vec<_> = fields.iter().map(|field| locate_in(field, &locator(field), files, &trees)).collect();
    let is_there = |binding: &&Binding| {
        let text = files.iter().find(|file| file.path == binding.file).map(|file| file.text.as_str());
        binding.presence == Presence::There
            || text.is_some_and(|text| value_at(binding, text).is_ok_and(|value| value.is_some()))
    };
    let there = found.iter().flatten().find(is_there).cloned();
    let (added, refusals): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_ok);
    // A place that there is but cannot be changed says more than that another one was not found.
    let refusal = refusals.into_iter().filter_map(Result::err);
    let refusal = refusal.min_by_key(|refusal| matches!(refusal, LocateRefusal::NotFound { .. }));
    let is_absent = matches!(refusal, None | Some(LocateRefusal::NotFound { .. }));
    let added = added.into_iter().flatten().next().filter(|_| is_absent);
    there.or(added).ok_or_else(|| refusal.unwrap_or(LocateRefusal::Empty { directory: String::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_keeps_the_words_that_stand_there() {
        let on = |stands: &str| Position::On.written_like(Some(stands)).unwrap_or_default();
        let all: Vec<String> = ["false", "off", "No", "0", "DISABLED", "true", "F", ""].into_iter().map(on).collect();
        assert_eq!(all, ["true", "on", "Yes", "1", "ENABLED", "true", "", ""]);
        assert_eq!(Position::Off.written_like(Some("True")).as_deref(), Some("False"));
        assert_eq!(Position::Off.written_like(None).as_deref(), Some("false"));
        assert_eq!((Position::parse("ON"), Position::parse("2")), (Some(Position::On), None));
    }
}
