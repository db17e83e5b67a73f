//! `freezes` of the catalog: windows in which environments may not change, once or again and again, in a time zone, with
//! days left out. What is left out wins over the window that leaves it out, and over no other.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::Exempt;
use crate::core::{moment::Moment, names::Environment};

/// A window of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The environments that it freezes; never empty.
    pub environments: BTreeSet<Environment>,
    /// When it begins.
    pub from: Moment,
    /// When it ends: the first such moment after it began.
    pub until: Moment,
    /// Whose clocks are meant.
    pub zone: TimeZone,
    /// The days that are left out, first and last.
    pub except: Vec<(Date, Date)>,
    /// Who and what may change things all the same.
    pub exempt: Vec<Exempt>,
    /// Why.
    pub because: String,
    /// The line of the catalog, for whoever wants it changed.
    pub line: usize,
}

impl Window {
    /// From when until when it holds, where it holds at `now`.
    pub fn around(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let from = self.from.before(now, &self.zone)?;
        let until = self.until.after(from, &self.zone).filter(|until| now < *until)?;
        if self.is_left_out(now.to_zoned(self.zone.clone()).date()) {
            return None;
        }
        Some((from, self.cut(now, until)))
    }

    /// The next time that it holds after `now`, where it does not hold now.
    pub fn next(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let from = self.from.after(now, &self.zone)?;
        self.around(from)
    }

    /// The beginning of the next day that is left out, where that comes before `until`.
    fn cut(&self, now: Timestamp, until: Timestamp) -> Timestamp {
        let mut day = now.to_zoned(self.zone.clone()).date();
        // A window of months is cut by the first of its days alone, which is looked for a year ahead.
        for _ in 0..366 {
            let Ok(next) = day.checked_add(1.day()) else { return until };
            let Ok(begins) = next.to_zoned(self.zone.clone()) else { return until };
            if begins.timestamp() >= until {
                return until;
            }
            if self.is_left_out(next) {
                return begins.timestamp();
            }
            day = next;
        }
        until
    }

    fn is_left_out(&self, day: Date) -> bool {
        self.except.iter().any(|(first, last)| *first <= day && day <= *last)
    }
}
