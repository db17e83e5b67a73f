//! Discord's rate limits: one for everything, and buckets that routes share, which are learnt from its answers. What
//! would be too much is not sent; whoever wanted it is told how long to wait.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, Method};
use tokio::time::Instant;

/// How many calls a second Discord takes from a bot.
const A_SECOND: usize = 50;
/// What is remembered of buckets before those that are free again are forgotten.
const REMEMBERED: usize = 1000;

/// What is called: a method and a path, whose ids but the first say nothing about limits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// The method.
    pub(super) method: Method,
    /// `channels/messages`.
    pub(super) kind: &'static str,
    /// The id that has limits of its own: a channel, a server; of an interaction, nothing.
    pub(super) major: String,
    /// Whether the limit over everything counts it, and whether it has buckets that are shared.
    pub(super) counted: Counted,
}

/// Whether the limit over everything counts a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// It does.
    Yes,
    /// Answers to interactions are free of it.
    No,
}

/// What is known of the limits.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    stopped_until: Option<Instant>,
    sent: VecDeque<Instant>,
    names: HashMap<Route, String>,
    buckets: HashMap<(String, String), Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    remaining: u64,
    until: Instant,
}

impl Rates {
    /// Takes a place for a call, or says how long to wait for one.
    pub(super) fn take(&self, route: &Route, now: Instant) -> Result<(), Duration> {
        if route.counted == Counted::No {
            return Ok(());
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.may_send(now)?;
        let bucket = known.names.get(route).map(|name| (name.clone(), route.major.clone()));
        if let Some(bucket) = bucket.and_then(|key| known.buckets.get_mut(&key)).filter(|bucket| bucket.until > now) {
            bucket.remaining = bucket.remaining.checked_sub(1).ok_or_else(|| bucket.until - now)?;
        }
        known.sent.push_back(now);
        Ok(())
    }

    /// Learns from the headers of an answer.
    pub(super) fn learn(&self, route: &Route, headers: &HeaderMap, now: Instant) {
        let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (name, remaining) = (word("x-ratelimit-bucket"), word("x-ratelimit-remaining"));
        let seconds = word("x-ratelimit-reset-after").and_then(|seconds| seconds.parse().ok());
        let (Some(name), Some(remaining)) = (name, remaining.and_then(|count| count.parse().ok())) else { return };
        let wait = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let Some(wait) = wait.filter(|_| route.counted == Counted::Yes) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.buckets.len() >= REMEMBERED {
            known.buckets.retain(|_, bucket| bucket.until > now);
            known.names.clear();
        }
        let until = now + wait.min(Duration::from_secs(3600));
        known.names.insert(route.clone(), name.to_owned());
        known.buckets.insert((name.to_owned(), route.major.clone()), Bucket { remaining, until });
    }

    /// Discord refused a call for its rate.
    pub(super) fn refused(&self, route: &Route, headers: &HeaderMap, wait: Duration, now: Instant) {
        let global = headers.get("x-ratelimit-global").is_some_and(|value| value == "true");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if global {
            known.stopped_until = Some(now + wait);
        } else {
            let name = known.names.entry(route.clone()).or_insert_with(|| format!("{route:?}")).clone();
            known.buckets.insert((name, route.major.clone()), Bucket { remaining: 0, until: now + wait });
        }
    }
}

impl Known {
    fn may_send(&mut self, now: Instant) -> Result<(), Duration> {
        const SECOND: Duration = Duration::from_secs(1);
        if let Some(until) = self.stopped_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        while self.sent.front().is_some_and(|first| now.duration_since(*first) >= SECOND) {
            self.sent.pop_front();
        }
        match self.sent.front() {
            Some(first) if self.sent.len() >= A_SECOND => Err(SECOND.saturating_sub(now.duration_since(*first))),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(kind: &'static str, major: &str, counted: Counted) -> Route {
        Route { method: Method::POST, kind, major: major.to_owned(), counted }
    }

    fn headers(bucket: &str, remaining: &str, after: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("x-ratelimit-bucket", bucket), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset-after", after)]
        {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn an_empty_bucket_is_waited_for_in_its_channel_only_by_all_its_routes() {
        let (rates, now) = (Rates::default(), Instant::now());
        let (one, other) = (route("post", "1", Counted::Yes), route("post", "2", Counted::Yes));
        let sibling = route("edit", "1", Counted::Yes);
        assert_eq!(rates.take(&one, now), Ok(()));
        rates.learn(&one, &headers("b", "1", "2.5"), now);
        rates.learn(&sibling, &headers("b", "1", "2.5"), now);
        assert_eq!(rates.take(&one, now), Ok(()));
        assert_eq!(rates.take(&one, now), Err(Duration::from_millis(2500)));
        assert_eq!(rates.take(&sibling, now), Err(Duration::from_millis(2500)));
        assert_eq!(rates.take(&other, now), Ok(()));
        assert_eq!(rates.take(&one, now + Duration::from_millis(2500)), Ok(()));
    }

    #[test]
    fn fifty_a_second_and_no_more_but_for_answers() {
        let (rates, now) = (Rates::default(), Instant::now());
        let (post, answer) = (route("post", "1", Counted::Yes), route("callback", "", Counted::No));
        for _ in 0..A_SECOND {
            assert_eq!(rates.take(&post, now), Ok(()));
        }
        assert_eq!(rates.take(&post, now), Err(Duration::from_secs(1)));
        assert_eq!(rates.take(&answer, now), Ok(()));
        assert_eq!(rates.take(&post, now + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn a_refusal_is_remembered_for_all_or_for_its_bucket() {
        let (rates, now, wait) = (Rates::default(), Instant::now(), Duration::from_secs(3));
        let (one, other) = (route("post", "1", Counted::Yes), route("post", "2", Counted::Yes));
        rates.refused(&one, &HeaderMap::new(), wait, now);
        assert_eq!((rates.take(&one, now), rates.take(&other, now)), (Err(wait), Ok(())));
        let global = HeaderMap::from_iter([("x-ratelimit-global".parse().unwrap(), "true".parse().unwrap())]);
        rates.refused(&one, &global, wait, now);
        assert_eq!(rates.take(&other, now), Err(wait));
    }
}
