//! A moment as people write it: `Mon 9:00`, `18:00`, `2026-12-24 9:00`, or `4h` from now. Which moment that is depends on
//! the present and the time zone, which are passed in.

use std::fmt;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};

use crate::core::{names::NotAName, span::Span};

/// A moment that is not fixed before it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// So long from now.
    In(Span),
    /// The next time that clocks show this.
    Clock(Time),
    /// The next such day of the week, at this time.
    On(Weekday, Time),
    /// On this day, at this time.
    At(DateTime),
}

/// The days of the week, as they begin in words.
const DAYS: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

impl Moment {
    /// Parses `4h`, `18:00`, `Mon 9:00`, `2026-12-24` or `2026-12-24 9:00`.
    ///
    /// # Errors
    /// When the text is none of them.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let found = Span::parse(text).map(Self::In).ok();
        let found = found.or_else(|| clock(text).map(Self::Clock));
        let found = found.or_else(|| {
            let (day, time) = text.split_once([' ', 'T'])?;
            let time = clock(time.trim())?;
            weekday(day).map(|day| Self::On(day, time)).or_else(|| Some(Self::At(date(day)?.to_datetime(time))))
        });
        let found = found.or_else(|| Some(Self::At(date(text)?.to_datetime(Time::midnight()))));
        found.ok_or_else(|| NotAName {
            found: text.chars().take(80).collect(),
            kind: "a moment",
            rule: "a time (`18:00`), a day of the week and a time (`Mon 9:00`), a day (`2026-12-24`), a day and a time, or so long from now (`4h`)",
            example: "Mon 9:00",
        })
    }

    /// The first such moment after `now`; `None` where there is none, or it cannot be told.
    pub fn after(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::In(span) => now.checked_add(SignedDuration::from_secs(i64::try_from(span.seconds()).ok()?)).ok(),
            Self::At(at) => instant(*at, zone).filter(|at| *at > now),
            Self::Clock(_) | Self::On(..) => {
                let today = now.to_zoned(zone.clone()).date();
                let mut days = (0..=8).filter_map(|days| today.checked_add(days.days()).ok());
                days.find_map(|day| self.on(day, zone).filter(|at| *at > now))
            }
        }
    }

    /// The last such moment not after `now`.
    pub fn before(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::In(_) => None,
            Self::At(at) => instant(*at, zone).filter(|at| *at <= now),
            Self::Clock(_) | Self::On(..) => {
                let today = now.to_zoned(zone.clone()).date();
                let mut days = (0..=8).filter_map(|days| today.checked_sub(days.days()).ok());
                days.find_map(|day| self.on(day, zone).filter(|at| *at <= now))
            }
        }
    }

    /// That moment on one day, where it falls on it.
    fn on(&self, day: Date, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Clock(time) => instant(day.to_datetime(*time), zone),
            Self::On(weekday, time) if day.weekday() == *weekday => instant(day.to_datetime(*time), zone),
            Self::On(..) | Self::In(_) | Self::At(_) => None,
        }
    }
}

/// What clocks in a zone show, as a moment. Where they skip it, the moment after; where they show it twice, the first.
fn instant(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(at).compatible().ok().map(|at| at.timestamp())
}

/// A time zone by its IANA name, from the table that is built in.
pub fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" { Some(TimeZone::UTC) } else { TimeZoneDatabase::bundled().get(name).ok() }
}

/// `Mon 2026-11-23 09:00 Europe/Madrid`.
pub fn told(at: Timestamp, zone: &TimeZone) -> String {
    let name = zone.iana_name().unwrap_or("UTC").to_owned();
    format!("{} {name}", at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M"))
}

/// Hours and minutes, with a colon between.
fn clock(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=2).contains(&hours.len()) && minutes.len() == 2 && digits(hours) && digits(minutes);
    let (hours, minutes) = (hours.parse().ok().filter(|_| fits)?, minutes.parse().ok()?);
    Time::new(hours, minutes, 0, 0).ok()
}

fn weekday(text: &str) -> Option<Weekday> {
    let text = text.to_ascii_lowercase();
    DAYS.iter().find(|(short, long, _)| text == *short || text == *long).map(|(.., day)| *day)
}

fn date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 10)
}

/// A day of the week as policies and catalogs write it: `mon`.
pub fn weekday_word(day: Weekday) -> &'static str {
    DAYS.iter().find(|(.., known)| *known == day).map_or("mon", |(short, ..)| short)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(span) => span.fmt(f),
            Self::Clock(time) => write!(f, "{}", time.strftime("%H:%M")),
            Self::On(day, time) => {
                let day = weekday_word(*day);
                let (first, rest) = day.split_at(1);
                write!(f, "{}{rest} {}", first.to_ascii_uppercase(), time.strftime("%H:%M"))
            }
            Self::At(at) => write!(f, "{}", at.strftime("%Y-%m-%d %H:%M")),
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        Self::parse(&text)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_are_read_and_come_after_the_present() {
        let now = at("2026-11-21T08:00:00Z"); // a Saturday, 9:00 in Madrid
        let madrid = zone("Europe/Madrid").unwrap();
        let cases = [
            ("4h", "4h", Some("2026-11-21T12:00:00Z")),
            ("18:00", "18:00", Some("2026-11-21T17:00:00Z")),
            ("8:30", "08:30", Some("2026-11-22T07:30:00Z")),
            ("Mon 9:00", "Mon 09:00", Some("2026-11-23T08:00:00Z")),
            ("saturday 9:00", "Sat 09:00", Some("2026-11-28T08:00:00Z")),
            ("2026-12-24", "2026-12-24 00:00", Some("2026-12-23T23:00:00Z")),
            ("2026-12-24 9:00", "2026-12-24 09:00", Some("2026-12-24T08:00:00Z")),
            ("2026-11-20 9:00", "2026-11-20 09:00", None),
        ];
        for (text, written, after) in cases {
            let moment = Moment::parse(text).unwrap();
            assert_eq!(moment.to_string(), written);
            assert_eq!(Moment::parse(written).unwrap(), moment, "{text}");
            assert_eq!(moment.after(now, &madrid), after.map(at), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for bad in ["", "mon", "9", "25:00", "9:0", "9:000", "Mon", "Mon 9", "2026-13-01", "soon", "24-12-2026", "-1h"]
        {
            assert!(Moment::parse(bad).is_err(), "{bad:?}");
        }
    }

    /// Clocks in Madrid go from 2:00 to 3:00 on 2027-03-28 and from 3:00 back to 2:00 on 2026-10-25.
    #[test]
    fn clocks_that_are_changed_skip_nothing() {
        let madrid = zone("Europe/Madrid").unwrap();
        let skipped = Moment::parse("2027-03-28 2:30").unwrap();
        assert_eq!(skipped.after(at("2027-03-01T00:00:00Z"), &madrid), Some(at("2027-03-28T01:30:00Z")));
        let twice = Moment::parse("2:30").unwrap();
        assert_eq!(twice.after(at("2026-10-24T12:00:00Z"), &madrid), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(twice.before(at("2026-10-25T12:00:00Z"), &madrid), Some(at("2026-10-25T00:30:00Z")));
    }
}
