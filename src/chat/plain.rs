//! Text of others, made safe to look at before any platform's markup is considered; and moments in sentences of ours, which
//! each platform shows in the reader's own zone.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Words.
    Text(&'t str),
    /// A moment that was written as `2026-11-21 08:00 UTC`.
    At(Timestamp),
}

/// How a moment is written, and how long that is.
const FORM: &str = "%Y-%m-%d %H:%M";
const LENGTH: usize = 16;
const ZONE: &str = " UTC";

/// A sentence in pieces. What names its day of the week is in the zone of an environment, on purpose, and stays.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    let mut searched = 0;
    while let Some(found) = rest.get(searched..).and_then(|tail| tail.find(ZONE)).map(|found| found + searched) {
        searched = found + ZONE.len();
        let Some(begins) = found.checked_sub(LENGTH) else { continue };
        let (Some(before), Some(written)) = (rest.get(..begins), rest.get(begins..found)) else { continue };
        let Some(at) = moment(written).filter(|_| !ends_with_a_day(before)) else { continue };
        pieces.extend((!before.is_empty()).then_some(Piece::Text(before)));
        pieces.push(Piece::At(at));
        (rest, searched) = (rest.get(searched..).unwrap_or_default(), 0);
    }
    pieces.extend((!rest.is_empty()).then_some(Piece::Text(rest)));
    pieces
}

fn moment(written: &str) -> Option<Timestamp> {
    Some(DateTime::strptime(FORM, written).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn ends_with_a_day(before: &str) -> bool {
    ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "].iter().any(|day| before.ends_with(day))
}

/// The text without what would reorder it, hide something in it or draw nothing: control characters but newline and
/// tab, bidirectional marks, zero-width characters, tags.
pub(super) fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_words() {
        let at = "2026-11-21T08:05:00Z".parse().unwrap();
        let read = |text| pieces(text);
        assert_eq!(read("by bo, 2026-11-21 08:05 UTC)."), [Piece::Text("by bo, "), Piece::At(at), Piece::Text(").")]);
        assert_eq!(read("2026-11-21 08:05 UTC"), [Piece::At(at)]);
        for words in
            ["", "UTC", " UTC é UTC", "é2026-11-21 08:0 UTC", "2026-13-41 08:05 UTC", "Sat 2026-11-21 08:05 UTC"]
        {
            let whole: Vec<Piece<'_>> = (!words.is_empty()).then_some(Piece::Text(words)).into_iter().collect();
            assert_eq!(read(words), whole);
        }
    }

    #[test]
    fn what_hides_or_reorders_is_gone() {
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{61c}\u{e0041}\u{feff}\u{7}\u{3164}d\u{2066}"), "abcd");
        assert_eq!(visible("é 漢字 \n\t✓"), "é 漢字 \n\t✓");
    }
}
