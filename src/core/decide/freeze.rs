//! Somebody freezes environments, or ends that. Anybody whom policy permits may freeze; a freeze ends before its time only
//! by whoever declared it, or by somebody who could approve changes there.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Asker, Decision, Facts, Reply, Words, ask, ask::sentence, is_one_human, ourselves, principal};
use crate::core::{
    entry::Draft,
    freeze::{self, Calendar, Declared, ENDED, Exempt, LIFTED},
    moment::{self, Moment},
    names::{CommandName, Environment, RequestId},
    policy::{Circumstances, Question, Verdict},
    rules::Rules,
};

/// The longest that a freeze may last, in days; a calendar window in the catalog may last longer.
const LONGEST_DAYS: i64 = 120;

/// Somebody asks for a freeze, or for its end.
#[derive(Debug, Clone)]
pub struct FreezeAsked {
    /// A fresh id.
    pub id: RequestId,
    /// Who asks.
    pub asker: Asker,
    /// `freeze` or `unfreeze`.
    pub command: CommandName,
    /// What was typed.
    pub typed: String,
    /// Where it was typed, `platform:channel`.
    pub channel: String,
    /// An environment or a group.
    pub place: Environment,
    /// What is asked.
    pub what: Switch,
}

/// On or off.
#[derive(Debug, Clone)]
pub enum Switch {
    /// A freeze begins.
    On {
        /// When it begins; now if nothing is said.
        from: Option<Moment>,
        /// When it ends.
        until: Option<Moment>,
        /// Whom and what it exempts, as it was typed.
        except: String,
        /// Why.
        reason: Option<String>,
    },
    /// It ends.
    Off {
        /// Why.
        reason: Option<String>,
    },
}

pub(super) fn decide(asked: &FreezeAsked, facts: Facts<'_>) -> Decision {
    let Some(rules) = facts.rules else { return refused(asked, &ask::not_ready(None)) };
    let places: BTreeSet<Environment> = rules.catalog.environments_of(&asked.place).into_iter().collect();
    for place in &places {
        if let Some(words) = forbidden(asked, rules, place) {
            return refused(asked, &words);
        }
    }
    match &asked.what {
        Switch::On { from, until, except, reason } => {
            let wanted = Wanted { from: *from, until: *until, except, reason: reason.as_deref() };
            match declared(asked, (rules, facts.now), places, wanted) {
                Ok(declared) => begins(asked, rules, &declared, facts.now),
                Err(words) => refused(asked, &words),
            }
        }
        Switch::Off { reason } => ends(asked, (rules, facts), &places, reason.as_deref()),
    }
}

fn refused(asked: &FreezeAsked, words: &Words) -> Decision {
    let entry = Draft::new("request.refused", "request", asked.asker.actor())
        .with("command", &asked.command)
        .with("environment", &asked.place)
        .with_text("typed", &asked.typed)
        .with_text("why", &words.text);
    Decision { entries: vec![entry], reply: Reply::Private(words.clone()) }
}

/// Why policy does not let somebody freeze or free an environment.
fn forbidden(asked: &FreezeAsked, rules: &Rules, place: &Environment) -> Option<Words> {
    let principal = principal(&rules.catalog, &asked.asker.actor());
    let circumstances =
        Circumstances { channel: asked.channel.clone(), platform: asked.asker.via.clone(), ..Circumstances::default() };
    let question = Question {
        principal: &principal,
        action: &asked.command,
        target: None,
        environment: Some(place),
        team: None,
        circumstances: &circumstances,
    };
    match rules.policy.ask(&question) {
        Verdict::Denied(denial) => Some(Words::new(sentence(&denial.reason), denial.remedy)),
        Verdict::Permitted => None,
    }
}

struct Wanted<'a> {
    from: Option<Moment>,
    until: Option<Moment>,
    except: &'a str,
    reason: Option<&'a str>,
}

fn declared(
    asked: &FreezeAsked,
    (rules, now): (&Rules, Timestamp),
    environments: BTreeSet<Environment>,
    wanted: Wanted<'_>,
) -> Result<Declared, Words> {
    let until_when = || {
        let typed = format!("/freeze {} until=\"Mon 9:00\" reason=\"...\"", asked.place);
        Words::new("A freeze needs its end, so that nobody has to remember it.", format!("Write `{typed}`."))
    };
    let zone = environments.first().map(|place| rules.catalog.zone_of(place)).unwrap_or(jiff::tz::TimeZone::UTC);
    let past = |what: &str, moment: Moment| {
        Words::new(format!("`{moment}`, when it would {what}, is over."), "Name a moment that is still to come.")
    };
    let from = match wanted.from {
        Some(from) => from.after(now, &zone).ok_or_else(|| past("begin", from))?,
        None => now,
    };
    let until = wanted.until.ok_or_else(until_when)?;
    let until = until.after(from, &zone).ok_or_else(|| past("end", until))?;
    if until.duration_since(now) > jiff::SignedDuration::from_hours(24 * LONGEST_DAYS) {
        let remedy = "Name an earlier end, or write a window under `freezes` in the catalog.";
        return Err(Words::new(format!("A freeze from chat lasts {LONGEST_DAYS} days at most."), remedy));
    }
    let exempt = Exempt::parse_list(wanted.except).map_err(|error| {
        Words::new(error.to_string(), "Name them with commas between: `except=\"group:leads,service:checkout\"`.")
    })?;
    let reason = wanted.reason.map(str::to_owned);
    Ok(Declared { environments, from, until, exempt, channel: asked.channel.clone(), reason, by: asked.asker.actor() })
}

fn begins(asked: &FreezeAsked, rules: &Rules, declared: &Declared, now: Timestamp) -> Decision {
    let mut draft = Draft::new(freeze::DECLARED, freeze::subject(&asked.id), asked.asker.actor());
    if let Ok(serde_json::Value::Object(body)) = serde_json::to_value(declared) {
        draft.body = body;
    }
    let draft = draft.with_text("reason", declared.reason.clone().unwrap_or_default());
    let zone = rules.catalog.zone_of(declared.environments.first().unwrap_or(&asked.place));
    let places: Vec<String> = declared.environments.iter().map(|name| format!("`{name}`")).collect();
    let begins = match declared.from > now {
        true => format!("from {} ", moment::told(declared.from, &zone)),
        false => String::new(),
    };
    let text = format!("Frozen: {} {begins}until {}.", places.join(", "), moment::told(declared.until, &zone));
    let remedy = format!("It ends by itself; to end it before, type `/unfreeze {}`.", asked.place);
    Decision { entries: vec![draft], reply: Reply::Private(Words::new(text, remedy)) }
}

/// Ends the declared freezes that hold nothing but what was named.
fn ends(
    asked: &FreezeAsked,
    (rules, facts): (&Rules, Facts<'_>),
    places: &BTreeSet<Environment>,
    reason: Option<&str>,
) -> Decision {
    let theirs: Vec<(&RequestId, &Declared)> = facts
        .freezes
        .declared()
        .filter(|(_, declared)| {
            declared.environments.intersection(places).next().is_some() && facts.now < declared.until
        })
        .collect();
    if theirs.is_empty() {
        return refused(asked, &nothing_to_end(asked, (rules, facts), places));
    }
    if let Some((_, wider)) = theirs.iter().find(|(_, declared)| !declared.environments.is_subset(places)) {
        let names: Vec<String> = wider.environments.iter().map(ToString::to_string).collect();
        let text = format!("The freeze there holds {} together.", names.join(", "));
        let remedy = "Name the group of environments that was frozen.";
        return refused(asked, &Words::new(text, remedy));
    }
    if let Some((_, foreign)) = theirs.iter().find(|(_, declared)| !may_end(asked, rules, declared)) {
        let by = foreign.by.person.as_ref().map_or_else(|| "somebody else".to_owned(), |person| format!("`{person}`"));
        let remedy =
            format!("Ask {by}, or somebody who may approve changes there, to type `/unfreeze {}`.", asked.place);
        return refused(asked, &Words::new(format!("{by} froze that, so it is not yours to end."), remedy));
    }
    let entries = theirs.iter().map(|(id, _)| {
        Draft::new(LIFTED, freeze::subject(id), asked.asker.actor()).with_text("reason", reason.unwrap_or_default())
    });
    let names: Vec<String> = places.iter().map(|name| format!("`{name}`")).collect();
    let mut text = format!("{} may change again.", names.join(", "));
    let calendar = Calendar { freezes: &freeze::Freezes::default(), catalog: &rules.catalog, now: facts.now };
    if let Some(window) = places.iter().find_map(|place| calendar.of(place).into_iter().next()) {
        let zone = rules.catalog.zone_of(&asked.place);
        text = format!("What people froze is over; {} is still frozen {}.", window.places(), window.words(&zone));
    }
    Decision { entries: entries.collect(), reply: Reply::Private(Words::plain(text)) }
}

fn nothing_to_end(asked: &FreezeAsked, (rules, facts): (&Rules, Facts<'_>), places: &BTreeSet<Environment>) -> Words {
    let calendar = Calendar { freezes: facts.freezes, catalog: &rules.catalog, now: facts.now };
    match places.iter().find_map(|place| Some((place, calendar.of(place).into_iter().next()?))) {
        Some((place, frozen)) => {
            let zone = rules.catalog.zone_of(place);
            Words::new(format!("{} is frozen {}.", frozen.places(), frozen.words(&zone)), frozen.remedy(place))
        }
        None => Words::new(format!("Nobody froze `{}`.", asked.place), "Nothing to do."),
    }
}

/// Whoever declared it; or whoever counts as an approver in all of its environments, which they are not by having asked.
fn may_end(asked: &FreezeAsked, rules: &Rules, declared: &Declared) -> bool {
    if is_one_human(&asked.asker.actor(), &declared.by) {
        return true;
    }
    let Some(person) = asked.asker.person.as_ref().and_then(|id| rules.catalog.person(id)) else { return false };
    person.guest_until.is_none()
        && declared.environments.iter().all(|place| {
            let environment = rules.catalog.environment(place);
            environment.is_some_and(|rules| rules.could_approve(person))
        })
}

/// The freezes whose time has come.
pub(super) fn over(facts: Facts<'_>) -> Vec<Draft> {
    let over = facts.freezes.declared().filter(|(_, declared)| declared.until <= facts.now);
    over.map(|(id, _)| Draft::new(ENDED, freeze::subject(id), ourselves())).collect()
}
