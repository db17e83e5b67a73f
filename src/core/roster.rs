//! Who is in which group by what the catalog and other places were seen to say over time, and whose accounts ended. A
//! role that somebody was given by hand counts an hour after it was first seen; what was there at the first look counts
//! at once. The changes are entries; when a place was read last is known beside them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::core::{
    catalog::{Approvers, Catalog, Group, Person, Platform, Source},
    entry::{Actor, Draft, Recorded},
    names::PersonId,
};

/// How long after it was first seen a role counts.
pub const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// How old what a place said may be while a sev1 or sev2 is open.
pub const OLDEST: SignedDuration = SignedDuration::from_hours(12);
/// How old it may be otherwise: as good as read at the vote.
pub const FRESH: SignedDuration = SignedDuration::from_secs(60);

const SEEN: &str = "group.seen";
const CHANGED: &str = "group.changed";
const ENDED: &str = "person.ended";
const RETURNED: &str = "person.returned";
const JOINED: &str = "account.joined";

/// With what the subjects of its entries begin.
pub const PREFIXES: [&str; 2] = ["group/", "person/"];

/// What one place says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Place {
    /// The accounts in it, and since when they were seen there; `None`: since the first look.
    members: BTreeMap<String, Option<Timestamp>>,
    /// When it was looked at first.
    first: Option<Timestamp>,
    /// When it was read last.
    read: Option<Timestamp>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    places: BTreeMap<Source, Place>,
    /// The roles that the catalog gave while we looked, and since when: `bo group:leads`.
    granted: BTreeMap<String, Timestamp>,
    /// People whose account ended somewhere, and why.
    ended: BTreeMap<PersonId, String>,
    /// Accounts that people proved to be theirs: `slack:U111`, and whose.
    joined: BTreeMap<String, PersonId>,
}

impl Roster {
    /// Takes one of its entries in.
    pub fn fold(&mut self, recorded: &Recorded) {
        let entry = &recorded.entry;
        let Ok(at) = entry.at() else { return };
        let names = |member: &str| -> Vec<String> {
            entry.body.get(member).cloned().and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
        };
        let (added, removed) = (names("added"), names("removed"));
        match (entry.kind.as_str(), entry.subject.split_once('/')) {
            (CHANGED, Some(("group", "catalog"))) => {
                self.granted.retain(|role, _| !removed.contains(role));
                self.granted.extend(added.into_iter().map(|role| (role, at)));
            }
            (SEEN | CHANGED, Some(("group", source))) => {
                let Ok(source) = Source::try_from(source.to_owned()) else { return };
                let since = (entry.kind == CHANGED).then_some(at);
                let place = self.places.entry(source).or_default();
                place.first.get_or_insert(at);
                place.members.retain(|account, _| !removed.contains(account));
                place.members.extend(added.into_iter().map(|account| (account, since)));
            }
            (ENDED, Some(("person", id))) => {
                let why = entry.body.get("why").and_then(Value::as_str).unwrap_or_default().to_owned();
                self.ended.extend(PersonId::parse(id).ok().map(|id| (id, why)));
            }
            (JOINED, Some(("person", id))) => {
                let account = entry.actor.account.clone();
                self.joined.extend(account.and_then(|account| Some((account, PersonId::parse(id).ok()?))));
            }
            (RETURNED, Some(("person", id))) => {
                self.ended.retain(|person, _| person.as_str() != id);
            }
            _ => {}
        }
    }

    /// A place was read now.
    pub fn note_read(&mut self, source: &Source, at: Timestamp) {
        self.places.entry(source.clone()).or_default().read = Some(at);
    }

    /// When a place was read last.
    pub fn read_at(&self, source: &Source) -> Option<Timestamp> {
        self.places.get(source)?.read
    }

    /// What the ledger is told of these accounts, of which only `found` are in a place now; nothing where that is no
    /// news. `asked`: all that were asked about.
    pub fn news(&self, source: &Source, asked: &BTreeSet<String>, found: &BTreeSet<String>) -> Option<Draft> {
        let known = self.places.get(source).filter(|place| place.first.is_some());
        let before: BTreeSet<&String> = known.map(|place| place.members.keys().collect()).unwrap_or_default();
        let added: Vec<&String> = found.iter().filter(|account| !before.contains(account)).collect();
        let removed: Vec<&String> =
            asked.iter().filter(|account| before.contains(account) && !found.contains(*account)).collect();
        let kind = if known.is_some() { CHANGED } else { SEEN };
        let is_news = known.is_none() || !added.is_empty() || !removed.is_empty();
        let draft = Draft::new(kind, format!("group/{source}"), crate::core::decide::ourselves());
        is_news.then(|| draft.with("added", added).with("removed", removed))
    }

    /// What the ledger is told of roles that the catalog gives now and did not before, or no longer gives.
    pub fn granted(&self, before: &Catalog, after: &Catalog) -> Option<Draft> {
        let (then, now) = (roles(before), roles(after));
        let known: BTreeSet<&PersonId> = before.people().map(|person| &person.id).collect();
        // Of a repository without people nobody was anything yet.
        if known.is_empty() {
            return None;
        }
        let added: Vec<&String> = now.difference(&then).filter(|role| !self.granted.contains_key(*role)).collect();
        let removed: Vec<&String> = then.difference(&now).collect();
        let draft = Draft::new(CHANGED, "group/catalog", crate::core::decide::ourselves());
        (!added.is_empty() || !removed.is_empty()).then(|| draft.with("added", added).with("removed", removed))
    }

    /// What the ledger is told of somebody whose account ended, or who is back; nothing where that is known.
    pub fn standing(&self, person: &PersonId, gone: Option<&str>) -> Option<Draft> {
        let subject = format!("person/{person}");
        match (gone, self.ended.contains_key(person)) {
            (Some(why), false) => Some(Draft::new(ENDED, subject, ourselves()).with("why", why)),
            (None, true) => Some(Draft::new(RETURNED, subject, ourselves())),
            (Some(_), true) | (None, false) => None,
        }
    }

    /// Why somebody's accounts count no longer.
    pub fn ended(&self, person: &PersonId) -> Option<&str> {
        self.ended.get(person).map(String::as_str)
    }

    /// When each place was read last.
    pub fn all_read(&self) -> impl Iterator<Item = (Source, Timestamp)> {
        self.places.iter().filter_map(|(source, place)| Some((source.clone(), place.read?)))
    }

    /// The people of a catalog as they count at a moment, and when that changes by itself; nothing where the catalog
    /// says it all.
    pub fn over(&self, catalog: &Catalog, now: Timestamp) -> Option<(Catalog, Timestamp)> {
        let mut until = Timestamp::MAX;
        let mut changed = false;
        let on_call = catalog.on_call();
        let people = catalog.people().map(|person| {
            let mut person = person.clone();
            changed |= self.join(&mut person, catalog);
            if self.ended.contains_key(&person.id) {
                changed |= !person.accounts.is_empty();
                person.accounts.clear();
            }
            let soon = self.counted(&mut person, catalog, now);
            person.on_call = self.on_call(&person, &on_call, now);
            changed |= soon.is_some() || !person.on_call.is_empty();
            until = until.min(soon.unwrap_or(Timestamp::MAX));
            person
        });
        let people: Vec<Person> = people.collect();
        changed.then(|| (catalog.with_people(people), until))
    }

    /// Gives somebody the accounts that they proved to be theirs, where the catalog says nothing else; whether it did.
    fn join(&self, person: &mut Person, catalog: &Catalog) -> bool {
        let theirs = self.joined.iter().filter(|(_, of)| **of == person.id).map(|(account, _)| account);
        let mut changed = false;
        for (word, account) in theirs.filter_map(|account| account.split_once(':')) {
            let platform = [Platform::Slack, Platform::Discord].into_iter().find(|platform| platform.word() == word);
            let Some(platform) = platform else { continue };
            if !person.accounts.contains_key(&platform) && catalog.person_by(platform, account).is_none() {
                person.accounts.insert(platform, account.to_owned());
                changed = true;
            }
        }
        changed
    }

    /// Where somebody is on call now: a schedule's word counts at once.
    fn on_call(&self, person: &Person, places: &BTreeMap<String, Source>, now: Timestamp) -> BTreeSet<String> {
        let is_on_call = |source: &Source| {
            let Some(place) = self.places.get(source) else { return false };
            let is_known = place.read.is_some_and(|read| now.duration_since(read) <= OLDEST);
            let is_there = person.known_to(source.platform).is_some_and(|account| place.members.contains_key(account));
            // Whose account ended is on call nowhere.
            is_known && is_there && !person.accounts.is_empty()
        };
        places.iter().filter(|(_, source)| is_on_call(source)).map(|(name, _)| name.clone()).collect()
    }

    /// Gives somebody the groups that other places say, and takes those that do not count yet; when the next one does.
    fn counted(&self, person: &mut Person, catalog: &Catalog, now: Timestamp) -> Option<Timestamp> {
        let mut until = None;
        let mut later = |counts: Timestamp| until = Some(until.map_or(counts, |other: Timestamp| other.min(counts)));
        let grace = |since: Timestamp| since.checked_add(GRACE).unwrap_or(since);
        for role in roles_of(person) {
            let Some(counts) = self.granted.get(&format!("{} {role}", person.id)).map(|since| grace(*since)) else {
                continue;
            };
            if counts > now {
                later(counts);
                person.withhold(&role, counts);
            }
        }
        for (group, source) in catalog.sources() {
            let Some(account) = person.accounts.get(&source.platform) else { continue };
            let Some(since) = self.places.get(source).and_then(|place| place.members.get(account)) else { continue };
            let is_known = self.read_at(source).is_some_and(|read| now.duration_since(read) <= OLDEST);
            let counts = since.map_or(Timestamp::MIN, grace);
            match (is_known, counts > now) {
                (true, false) => {
                    later(Timestamp::MAX);
                    person.groups.insert(group.clone());
                }
                (true, true) if !person.groups.contains(group) => {
                    later(counts);
                    person.withhold(&format!("group:{group}"), counts);
                }
                (true, true) | (false, _) => {}
            }
        }
        until
    }
}

fn ourselves() -> Actor {
    crate::core::decide::ourselves()
}

fn roles_of(person: &Person) -> Vec<String> {
    let teams = person.teams.iter().map(|team| format!("team:{team}"));
    teams.chain(person.groups.iter().map(|group| format!("group:{group}"))).collect()
}

/// Every role that a catalog gives: `bo group:leads`.
fn roles(catalog: &Catalog) -> BTreeSet<String> {
    let of =
        |person: &Person| roles_of(person).into_iter().map(|role| format!("{} {role}", person.id)).collect::<Vec<_>>();
    catalog.people().flat_map(of).collect()
}

/// The places that tell who these are.
pub fn places_of(catalog: &Catalog, from: &[&Approvers]) -> BTreeSet<Source> {
    let named = |group: &Group| from.iter().any(|one| matches!(one, Approvers::Group(other) if other == group));
    let groups = catalog.sources().filter(|(group, _)| named(group)).map(|(_, source)| source.clone());
    let on_call = catalog.on_call();
    groups.chain(from.iter().filter_map(|one| on_call.get(&one.to_string()).cloned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entry::{Entry, NO_PREVIOUS, written};

    const CATALOG: &str = "environments: { prod: { path: 'apps/{service}/prod' } }\n\
        groups: { leads: { slack: S1 } }\n\
        people: { bo: { slack: U2, discord: '9' }, cy: { slack: U3, groups: [leads] } }\n";

    struct Time {
        roster: Roster,
        now: Timestamp,
    }

    impl Time {
        fn begin() -> Self {
            Self { roster: Roster::default(), now: "2026-11-21T08:00:00Z".parse().unwrap() }
        }

        fn later(&mut self, minutes: i64) -> &mut Self {
            self.now = self.now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
            self
        }

        fn records(&mut self, draft: Option<Draft>) -> &mut Self {
            if let Some(Draft { kind, subject, actor, body, .. }) = draft {
                let (time, prev) = (written(self.now), NO_PREVIOUS.to_owned());
                let entry = Entry { seq: 0, time, kind, subject, actor, incident: None, body, prev };
                self.roster.fold(&Recorded { entry, texts: BTreeMap::new() });
            }
            self
        }

        /// Slack says that these are in the group.
        fn reads(&mut self, found: &[&str]) -> &mut Self {
            let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let source = Source::parse(Platform::Slack, "S1").unwrap();
            let news = self.roster.news(&source, &set(&["U2", "U3"]), &set(found));
            self.records(news);
            self.roster.note_read(&source, self.now);
            self
        }

        /// Who counts as a lead now.
        fn leads(&self) -> Vec<String> {
            let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
            let catalog = self.roster.over(&catalog, self.now).map_or(catalog, |(catalog, _)| catalog);
            let group = Group::parse("leads").unwrap();
            let leads = catalog.people().filter(|person| person.groups.contains(&group));
            leads.map(|person| person.id.to_string()).collect()
        }
    }

    #[test]
    fn who_was_there_at_the_first_look_counts_and_who_came_since_counts_in_an_hour() {
        let mut time = Time::begin();
        assert_eq!(time.reads(&["U2"]).leads(), ["bo", "cy"]);
        assert_eq!(time.later(5).reads(&[]).leads(), ["cy"]);
        assert_eq!(time.later(5).reads(&["U2"]).leads(), ["cy"]);
        assert_eq!(time.later(59).reads(&["U2"]).leads(), ["cy"]);
        assert_eq!(time.later(1).leads(), ["bo", "cy"]);
        // Nobody could read it for longer than is good in the worst of nights.
        assert_eq!(time.later(12 * 60).leads(), ["cy"]);
    }

    #[test]
    fn a_role_that_the_catalog_gives_while_we_look_counts_in_an_hour() {
        let mut time = Time::begin();
        let catalog = |text: &str| Catalog::parse(text, "catalog.yaml").unwrap();
        let before = catalog(&CATALOG.replace(", groups: [leads]", ""));
        let draft = time.roster.granted(&before, &catalog(CATALOG));
        assert_eq!(time.records(draft).leads(), Vec::<String>::new());
        assert_eq!(time.later(60).leads(), ["cy"]);
        assert_eq!(time.roster.granted(&before, &catalog(CATALOG)), None);
    }

    #[test]
    fn a_schedule_counts_at_once() {
        let text = "environments: { prod: { path: 'apps/{service}/prod', approvals: { deploy: { count: 1, \
            from: ['oncall:slack/S1'] } } } }\npeople: { bo: { slack: U2 }, cy: { slack: U3 } }\n";
        let catalog = Catalog::parse(text, "catalog.yaml").unwrap();
        let mut time = Time::begin();
        time.reads(&["U3"]).later(5).reads(&["U2"]);
        let (now, _) = time.roster.over(&catalog, time.now).unwrap();
        let rule = now.environments()[0].approvals.usual.values().next().unwrap().clone();
        let may = |id: &str| now.person(&PersonId::parse(id).unwrap()).unwrap().is_one_of(&rule.from);
        assert_eq!((may("bo"), may("cy")), (true, false));
    }

    #[test]
    fn whoever_left_has_no_account_until_they_are_back() {
        let mut time = Time::begin();
        let bo = PersonId::parse("bo").unwrap();
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        let accounts = |time: &Time| {
            let now = time.roster.over(&catalog, time.now).map_or(catalog.clone(), |(catalog, _)| catalog);
            (now.person_by_slack("U2").is_some(), now.person_by(Platform::Discord, "9").is_some())
        };
        let ends = time.roster.standing(&bo, Some("Slack"));
        assert_eq!(accounts(time.records(ends)), (false, false));
        assert_eq!(time.roster.standing(&bo, Some("Slack")), None);
        let returns = time.roster.standing(&bo, None);
        assert_eq!(accounts(time.records(returns)), (true, true));
    }
}
