//! Reading the ledger in chat: what somebody wants to see of it, which entries those are, and how one is told in a
//! line. Pure; finding the entries is the engine's.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::core::{
    command::{Command, Value},
    entry::{Actor, Recorded},
    names::{Environment, PersonId, Service},
};

/// How many entries are on a page.
pub const PAGE: usize = 10;
/// No line is longer, in characters.
const LONGEST: usize = 240;

/// What somebody wants to see. All that is given must fit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Only requests about this service.
    pub service: Option<Service>,
    /// Only requests about this environment.
    pub environment: Option<Environment>,
    /// Only what this person did.
    pub person: Option<PersonId>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only with these words in it, in whatever case.
    pub text: Option<String>,
    /// Which page, from 0.
    pub page: usize,
    /// As it was typed, without a page.
    pub words: String,
}

impl Wanted {
    /// What a command asks for at a moment.
    pub fn of(command: &Command, now: Timestamp) -> Self {
        let text = command.value("text").map(ToString::to_string);
        let within = match command.value("within") {
            Some(Value::Duration(span)) => Some(span.duration()),
            Some(_) | None => None,
        };
        let page = match command.value("page") {
            Some(Value::Integer(page)) => usize::try_from(page.saturating_sub(1)).unwrap_or_default(),
            Some(_) | None => 0,
        };
        let person = match command.value("person") {
            Some(Value::Person(person)) => Some(person.clone()),
            Some(_) | None => None,
        };
        let given = command.values().iter().filter(|(option, _)| *option != "page" && *option != "text");
        let mut words: Vec<String> = given.map(|(option, value)| format!("{option}={value}")).collect();
        words.extend(text.iter().map(|text| format!("text=\"{text}\"")));
        Self {
            service: command.service().cloned(),
            environment: command.environment().cloned(),
            person,
            since: within.map(|within| now.saturating_sub(within).unwrap_or(Timestamp::MIN)),
            text: text.map(|text| text.to_lowercase()),
            page,
            words: words.join(" "),
        }
    }

    /// Whether only requests of some target are wanted.
    pub fn is_about_targets(&self) -> bool {
        self.service.is_some() || self.environment.is_some()
    }

    /// Whether an entry fits; `subjects` are those of the targets that are wanted.
    pub fn fits(&self, recorded: &Recorded, subjects: &BTreeSet<String>) -> bool {
        let entry = &recorded.entry;
        (!self.is_about_targets() || subjects.contains(&entry.subject))
            && self.person.as_ref().is_none_or(|wanted| entry.actor.person.as_ref() == Some(wanted))
            && self.text.as_ref().is_none_or(|text| says(recorded, text))
    }
}

fn says(recorded: &Recorded, text: &str) -> bool {
    let entry = &recorded.entry;
    let has = |words: &str| words.to_lowercase().contains(text);
    has(&entry.subject)
        || has(&entry.kind)
        || recorded.texts.values().any(|words| has(words))
        || entry.body.values().any(|value| value.as_str().is_some_and(has))
}

/// One entry in a line: place, time, kind, who, what it is about, what was written.
pub fn line(recorded: &Recorded) -> String {
    let entry = &recorded.entry;
    let time = entry.at().map_or_else(|_| entry.time.clone(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    let about = entry.subject.strip_prefix("request/").unwrap_or(&entry.subject);
    let body = ["service", "environment", "commit", "number", "why", "text"];
    let facts = body.iter().filter_map(|member| Some((*member, entry.body.get(*member)?)));
    let facts =
        facts.filter_map(|(_, value)| value.as_str().map(str::to_owned).or_else(|| Some(value.as_u64()?.to_string())));
    let texts = recorded.texts.iter().map(|(member, text)| format!("{member}: {text}"));
    let rest: Vec<String> = facts.chain(texts).collect();
    let line = format!("{} {time} `{}` {} {about} {}", entry.seq, entry.kind, who(&entry.actor), rest.join(", "));
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        line
    } else {
        format!("{}…", line.chars().take(LONGEST).collect::<String>())
    }
}

fn who(actor: &Actor) -> String {
    let account = || actor.account.clone().unwrap_or_else(|| actor.via.clone());
    actor.person.as_ref().map_or_else(account, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entry::{Entry, NO_PREVIOUS};

    fn recorded(kind: &str, text: &str) -> Recorded {
        let actor =
            Actor { person: PersonId::parse("ana").ok(), account: Some("slack:U1".into()), via: "slack".into() };
        let body = [("service".to_owned(), "checkout".into()), ("reason".to_owned(), serde_json::json!({"hash": "x"}))];
        let entry = Entry {
            seq: 7,
            time: "2026-11-21T08:00:00.000Z".into(),
            kind: kind.into(),
            subject: "request/01J".into(),
            actor,
            incident: None,
            body: body.into_iter().collect(),
            prev: NO_PREVIOUS.into(),
        };
        Recorded { entry, texts: [("reason".to_owned(), text.to_owned())].into() }
    }

    #[test]
    fn an_entry_is_one_line_however_long_its_text_is() {
        let told = line(&recorded("request.opened", "fixes\nthe login"));
        assert_eq!(told, "7 2026-11-21 08:00:00 `request.opened` ana 01J checkout, reason: fixes the login");
        let long = line(&recorded("request.opened", &"ü".repeat(999)));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }

    #[test]
    fn everything_that_is_wanted_must_fit() {
        let one = recorded("approval.given", "the Login");
        let wanted = |text: &str| Wanted { text: Some(text.to_owned()), ..Wanted::default() };
        for (text, fits) in [("approval.", true), ("login", true), ("01j", true), ("checkout", true), ("nope", false)] {
            assert_eq!(wanted(text).fits(&one, &BTreeSet::new()), fits, "{text}");
        }
        let service = Service::parse("checkout").ok();
        let about = Wanted { service, ..Wanted::default() };
        assert!(!about.fits(&one, &BTreeSet::new()) && about.fits(&one, &["request/01J".to_owned()].into()));
        let person = Wanted { person: PersonId::parse("bo").ok(), ..Wanted::default() };
        assert!(!person.fits(&one, &BTreeSet::new()));
    }
}
