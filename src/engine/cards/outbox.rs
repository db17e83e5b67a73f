//! What waits to be sent to a platform, by where it goes: the most urgent first, the newest of several. What is asked for
//! again while it waits is sent once, as it is when its turn comes. A place whose limit is reached rests, and holds up no
//! other place; what waits for it costs nothing meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use crate::core::names::RequestId;

/// What is sent first where much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// It shows how far something is.
    Progress,
    /// It says how something ended.
    Ended,
    /// Somebody is asked for a decision.
    Decision,
}

/// Whether a card is there already: platforms limit the two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sends {
    New,
    Edit,
}

/// Where something goes.
pub(super) type Destination = (String, Sends);

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: BTreeMap<Destination, BTreeSet<(Urgency, RequestId)>>,
    places: HashMap<RequestId, (Destination, Urgency)>,
    resting: HashMap<Destination, Instant>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This is to be sent there.
    Send(RequestId, Destination),
    /// Nothing for so long.
    Rest(Duration),
    /// Nothing waits.
    Nothing,
}

/// Whether something waited already.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    First,
    Merged,
}

impl Outbox {
    /// Puts a card where it goes, instead of where it waited before.
    pub(super) fn put(&mut self, id: RequestId, destination: Destination, urgency: Urgency) -> Put {
        let before = self.take(&id);
        self.waiting.entry(destination.clone()).or_default().insert((urgency, id.clone()));
        self.places.insert(id, (destination, urgency));
        before
    }

    fn take(&mut self, id: &RequestId) -> Put {
        let Some((destination, urgency)) = self.places.remove(id) else { return Put::First };
        if let Some(all) = self.waiting.get_mut(&destination) {
            all.remove(&(urgency, id.clone()));
            if all.is_empty() {
                self.waiting.remove(&destination);
            }
        }
        Put::Merged
    }

    /// A place takes nothing until then.
    pub(super) fn rest(&mut self, destination: Destination, until: Instant) {
        self.resting.insert(destination, until);
    }

    /// Takes out what is to be sent now.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        self.resting.retain(|_, until| *until > now);
        let awake = self.waiting.iter().filter(|(destination, _)| !self.resting.contains_key(*destination));
        let first = awake.filter_map(|(destination, all)| Some((all.last()?, destination))).max();
        if let Some(((_, id), destination)) = first {
            let (id, destination) = (id.clone(), destination.clone());
            self.take(&id);
            return Next::Send(id, destination);
        }
        let until = self.waiting.keys().filter_map(|destination| self.resting.get(destination)).min();
        until.map_or(Next::Nothing, |until| Next::Rest(*until - now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> RequestId {
        RequestId::parse(&format!("01JD8QK3V7M9T2X4B6C8D0E1{number:02}")).unwrap()
    }

    fn to(channel: &str) -> Destination {
        (channel.to_owned(), Sends::New)
    }

    fn sent(outbox: &mut Outbox, now: Instant) -> Option<RequestId> {
        match outbox.next(now) {
            Next::Send(id, _) => Some(id),
            Next::Rest(_) | Next::Nothing => None,
        }
    }

    #[test]
    fn decisions_go_first_then_the_newest_and_what_is_asked_again_goes_once() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        assert_eq!(outbox.put(id(1), to("C1"), Urgency::Progress), Put::First);
        assert_eq!(outbox.put(id(2), to("C1"), Urgency::Decision), Put::First);
        assert_eq!(outbox.put(id(3), to("C2"), Urgency::Ended), Put::First);
        assert_eq!(outbox.put(id(4), to("C1"), Urgency::Progress), Put::First);
        assert_eq!(outbox.put(id(4), to("C1"), Urgency::Ended), Put::Merged);
        let order: Vec<_> = std::iter::from_fn(|| sent(&mut outbox, now)).collect();
        assert_eq!(order, [id(2), id(4), id(3), id(1)]);
        assert_eq!(outbox.next(now), Next::Nothing);
    }

    #[test]
    fn a_place_that_rests_holds_up_no_other() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        let second = Duration::from_secs(1);
        outbox.put(id(1), to("C1"), Urgency::Decision);
        outbox.put(id(2), to("C2"), Urgency::Progress);
        outbox.rest(to("C1"), now + second);
        outbox.rest(to("C3"), now + second / 2);
        assert_eq!(sent(&mut outbox, now), Some(id(2)));
        assert_eq!(outbox.next(now), Next::Rest(second));
        // Edits there are limited apart.
        outbox.put(id(3), ("C1".to_owned(), Sends::Edit), Urgency::Progress);
        assert_eq!(sent(&mut outbox, now), Some(id(3)));
        assert_eq!(sent(&mut outbox, now + second), Some(id(1)));
    }
}
