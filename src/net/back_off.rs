//! How long to wait before a connection is tried again, so that many who lost theirs do not come back at once.

use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};

/// The pause after the first failure.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// The pause after so many failures in a row: a tenth of a second, doubling to a minute, each between half and all of it.
pub fn back_off(failures: u32) -> Duration {
    let wait = FIRST.saturating_mul(1 << failures.clamp(1, 11).saturating_sub(1)).min(LONGEST);
    let mut dice = [0_u8];
    // Without randomness it is the same pause for all, which is no worse than that.
    let _ = SystemRandom::new().fill(&mut dice);
    let [dice] = dice;
    wait / 2 + wait * u32::from(dice) / 510
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_minute_and_is_never_less_than_half() {
        for (failures, most) in [(0, 100), (1, 100), (2, 200), (5, 1_600), (11, 60_000), (4_000_000_000, 60_000)] {
            let most = Duration::from_millis(most);
            let waited = back_off(failures);
            assert!(waited >= most / 2 && waited <= most, "{failures}: {waited:?}");
        }
    }
}
