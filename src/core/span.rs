//! A length of time as people write it: `90s`, `15m`, `4h`, `3d`. Whole seconds, never zero.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::core::names::NotAName;

/// How long something may take or lasts. Between one second and ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

/// The units with their seconds, longest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
const TEN_YEARS: u64 = 3_650 * 86_400;

impl Span {
    /// One hour: how long an approval is good for unless the catalog says otherwise.
    pub const HOUR: Span = Span(3_600);

    /// Parses a number and one unit: `s`, `m`, `h` or `d`.
    ///
    /// # Errors
    /// When the text is no such length, is zero, or is longer than ten years.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        seconds(text).filter(|seconds| (1..=TEN_YEARS).contains(seconds)).map(Self).ok_or_else(|| NotAName {
            found: text.chars().take(80).collect(),
            kind: "a length of time",
            rule: "a number above zero and one of `s`, `m`, `h`, `d`, ten years at most",
            example: "15m",
        })
    }

    /// The length in seconds.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// The length as the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

fn seconds(text: &str) -> Option<u64> {
    let (unit, in_seconds) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number = text.strip_suffix(unit)?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(in_seconds)
}

impl fmt::Display for Span {
    /// In the longest unit that divides it: `7200s` is written `2h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, in_seconds) = UNITS.into_iter().find(|(_, unit)| self.0.is_multiple_of(*unit)).unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / in_seconds)
    }
}

impl TryFrom<String> for Span {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_written_in_the_longest_unit() {
        let cases = [
            ("90s", 90, "90s"),
            ("15m", 900, "15m"),
            ("4h", 14_400, "4h"),
            ("3d", 259_200, "3d"),
            ("60m", 3_600, "1h"),
        ];
        for (text, seconds, written) in cases {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.seconds(), span.to_string().as_str()), (seconds, written));
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for bad in ["", "15", "m", "0s", "-5m", "+5m", "1.5h", "5 m", "1h30m", "4000d", "99999999999999999999d", "15µ"]
        {
            assert!(Span::parse(bad).is_err(), "{bad:?}");
        }
        let said = Span::parse("soon").unwrap_err().to_string();
        assert_eq!(
            said,
            "`soon` is not a length of time: a number above zero and one of `s`, `m`, `h`, `d`, ten years at most. Write it like `15m`."
        );
    }
}
