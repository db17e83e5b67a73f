//! Our clock against the platforms': each click says when it was made. Where the two are far apart a vote is not counted,
//! because how long approvals are good for would be anybody's guess.

use jiff::{SignedDuration, Timestamp};

use crate::{clock, core::decide::Words};

/// How far they may be apart.
const APART: SignedDuration = SignedDuration::from_secs(60);
/// When Discord's ids begin, in milliseconds.
const EPOCH: i64 = 1_420_070_400_000;

/// Why a vote is not counted that was given at this moment by the platform's clock.
pub(super) fn skewed(pressed: Option<Timestamp>) -> Option<Words> {
    apart(pressed?, clock::now())
}

fn apart(theirs: Timestamp, ours: Timestamp) -> Option<Words> {
    let off = ours.duration_since(theirs);
    let direction = if off.is_negative() { "behind" } else { "ahead of" };
    (off.abs() > APART).then(|| {
        let text = format!(
            "My clock is {} s {direction} the time at which you pressed this, so it was not counted.",
            off.abs().as_secs()
        );
        Words::new(text, "Press again; if it stays, whoever runs Leverframe should set that machine's clock.")
    })
}

/// The moment that Slack writes: seconds and a fraction.
pub(super) fn of_slack(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then_some(whole)
}

/// The moment at which Discord gave out an id.
pub(super) fn of_discord(id: &str) -> Option<Timestamp> {
    let millis = i64::try_from(id.parse::<u64>().ok()? >> 22).ok()?;
    Timestamp::from_millisecond(millis.checked_add(EPOCH)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_apart_is_enough_to_count_nothing() {
        let at = |seconds: i64| Timestamp::from_second(1_795_248_000 + seconds).unwrap();
        assert_eq!((apart(at(0), at(60)), apart(at(60), at(0))), (None, None));
        assert!(apart(at(0), at(61)).unwrap().text.starts_with("My clock is 61 s ahead of the"));
        assert!(apart(at(300), at(0)).unwrap().text.starts_with("My clock is 300 s behind the"));
        assert_eq!(of_slack("1795248000.000100"), Some(at(0)));
        assert_eq!((of_slack("yesterday"), of_slack("1795248000.x")), (None, None));
        assert_eq!(of_discord("175928847299117063"), Timestamp::from_millisecond(1_462_015_105_796).ok());
    }
}
