//! Drift: what a look at the cluster shows, and what people choose about it. To keep it as it is is a break-glass that
//! changes nothing but what follows git; it owes git the change like any other.

use jiff::{SignedDuration, Timestamp};

use super::{GlassAsked, ask, press};
use crate::core::{
    break_glass::{self, Action, Kept, Override, Then},
    catalog::Person,
    decide::{
        Asker, Click, Decision, Facts, Press, Reply, Subject, Words, ask::sentence, is_its_card, not_ready, ourselves,
        permitted,
    },
    drift::{self, Drift, Ending, Event, Opened, State},
    entry::Draft,
    names::{RequestId, Target},
    policy::Verdict,
    request::Needs,
    rules::Rules,
    span::Span,
};

/// How long somebody may say that it is none of ours.
const LEFT: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How long looking at the cluster may take before keeping it is given up.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// Somebody wants to keep a drift as it is.
#[derive(Debug, Clone)]
pub struct KeepAsked {
    /// The click on its card.
    pub click: Click,
    /// What comes next.
    pub then: Then,
    /// A fresh id for the break-glass.
    pub id: RequestId,
    /// A fresh id for its incident, where none is open.
    pub incident: RequestId,
}

/// Live differs from git in a value.
pub(super) fn seen(id: &RequestId, seen: &Opened, facts: Facts<'_>) -> Decision {
    let matters = facts.matters;
    if matters.holds_value(&seen.target, &seen.field) {
        return Decision::silent(Reply::Stop);
    }
    let same = |one: &&Drift| one.is_of(&seen.object, &seen.field);
    let known = matters.drifts.values().rev().find(same);
    match known {
        Some(open) if !open.is_over() => {
            let is_news = open.opened.words() != seen.words() || open.opened.undoes != seen.undoes;
            let event = Event::Moved(Box::new(kept_place(seen, open)));
            if is_news { one(open, event) } else { Decision::silent(Reply::Go) }
        }
        Some(over) if over.comes_again(facts.now) => one(over, Event::Again(Box::new(kept_place(seen, over)))),
        Some(_) | None => Decision { entries: vec![drift::opened(id, seen, ourselves())], reply: Reply::Go },
    }
}

/// Its card stays where it is.
fn kept_place(seen: &Opened, known: &Drift) -> Opened {
    Opened { channel: known.opened.channel.clone(), ..seen.clone() }
}

/// One event, recorded if it fits; what no longer fits was overtaken.
fn one(drift: &Drift, event: Event) -> Decision {
    if drift.state.clone().after(event.clone(), drift.at).is_err() {
        return Decision::silent(Reply::Stop);
    }
    Decision { entries: vec![event.draft(&drift.id, ourselves())], reply: Reply::Go }
}

/// Git and the cluster agree, or it is none of ours any more. What a break-glass keeps ends with that.
pub(super) fn agreed(of: &RequestId, ending: &Ending, facts: Facts<'_>) -> Decision {
    match facts.matters.drifts.get(of) {
        Some(drift) if !matches!(drift.state, State::Kept { .. }) => {
            let ending = if drift.is_restoring() { Ending::Restored } else { ending.clone() };
            one(drift, Event::Ended(ending, ourselves()))
        }
        Some(_) | None => Decision::silent(Reply::Stop),
    }
}

/// Giving the cluster what git says came to nothing.
pub(super) fn halted(drift: &Drift, words: &Words) -> Decision {
    let why = [words.text.clone(), words.remedy.clone().unwrap_or_default()].join(" ");
    one(drift, Event::Halted { why: why.trim().to_owned() })
}

/// What becomes of a drift when the break-glass that keeps it is over: settled, or open again.
pub(super) fn let_go(glass: &Override, facts: Facts<'_>, why: Option<&str>) -> Option<Draft> {
    let Action::Keep(kept) = &glass.opened.action else { return None };
    let drift = facts.matters.drifts.get(&kept.drift)?;
    let event = match why {
        None => Event::Ended(Ending::Settled, ourselves()),
        Some(why) => Event::Halted { why: why.to_owned() },
    };
    one(drift, event).entries.pop()
}

/// Somebody wants to keep it as it is.
pub(super) fn keep(asked: &KeepAsked, facts: Facts<'_>) -> Decision {
    let click = &asked.click;
    let no = |words: Words| press::no(click, facts, words);
    let Some(drift) = facts.matters.drifts.get(&click.request) else { return no(press::elsewhere()) };
    if !is_its_card(drift.card.as_ref(), &click.channel, &click.message) {
        return no(Words::new("This button is not on the card of that.", "Press it on the card itself."));
    }
    if let Some(words) = click.barred.clone() {
        return no(words);
    }
    let Some(rules) = facts.rules else { return no(not_ready(None)) };
    match kept(asked, drift, rules, facts) {
        Ok(entries) => Decision { entries, reply: Reply::Taken },
        Err(words) => no(words),
    }
}

fn kept(asked: &KeepAsked, drift: &Drift, rules: &Rules, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    let glass = asked.id.clone();
    fits(drift, Event::Kept { glass: glass.clone() }, facts)?;
    may_choose(&asked.click.asker, drift, rules, facts)?;
    let Opened { target, field, live, .. } = &drift.opened;
    let action =
        Action::Keep(Kept { drift: drift.id.clone(), field: field.clone(), live: live.clone(), then: asked.then });
    let asked = GlassAsked {
        id: glass.clone(),
        incident: asked.incident.clone(),
        asker: asked.click.asker.clone(),
        action,
        target: target.clone(),
        span: Span::HOUR,
        reason: Some(format!("{field} was changed by hand: {}", drift.opened.words())),
        channel: drift.opened.channel.clone(),
        words: String::new(),
    };
    if let Some(words) = ask::barred(&asked, rules, facts) {
        return Err(words);
    }
    let until = facts.now.checked_add(PATIENCE).unwrap_or(facts.now);
    let (incident, mut entries) = ask::with_incident(&asked, facts);
    let opened = ask::opened(&asked, Needs { count: 0, from: Vec::new(), until }, incident.clone());
    let actor = asked.asker.actor();
    entries.push(break_glass::asked(&glass, &opened, asked.reason.as_deref(), actor.clone()));
    let kept = Event::Kept { glass }.draft(&drift.id, actor);
    entries.push(Draft { incident: Some(incident.to_string()), ..kept });
    Ok(entries)
}

fn fits(drift: &Drift, event: Event, facts: Facts<'_>) -> Result<Event, Words> {
    let words = || Words::new(format!("This is {} already.", drift.state.word()), "Read the card as it is now.");
    drift.state.clone().after(event.clone(), facts.now).map(|_| event).map_err(|_| words())
}

/// Whoever may break glass there by policy, of the service's own team or of those who may approve it.
fn may_choose(asker: &Asker, drift: &Drift, rules: &Rules, facts: Facts<'_>) -> Result<(), Words> {
    let target = &drift.opened.target;
    let Some(person) = asker.person.as_ref().and_then(|id| rules.catalog.person(id)) else {
        let remedy = format!("Ask to be added under `people` in the catalog; your account is `{}`.", asker.account);
        return Err(Words::new("Your account belongs to nobody in the catalog.", remedy));
    };
    let (actor, command) = (asker.actor(), ask::breakglass_command());
    if let Some(command) = &command {
        let subject = Subject {
            id: None,
            actor: &actor,
            command,
            target,
            with: &[],
            channel: &drift.opened.channel,
            tag: None,
            facts: Some(facts),
            begins: None,
            // A freeze does not hold up a rescue.
            ignores_freezes: true,
        };
        if let Verdict::Denied(denial) = permitted(rules, subject, None) {
            return Err(Words::new(sentence(&denial.reason), denial.remedy));
        }
    }
    if is_theirs(person, target, rules, facts.now) {
        return Ok(());
    }
    Err(Words::new(NOT_THEIRS, ask_whom(drift)))
}

const NOT_THEIRS: &str = "That is for the service's own team, or whoever may approve breaking glass there.";

fn is_theirs(person: &Person, target: &Target, rules: &Rules, now: Timestamp) -> bool {
    let of_team = rules.catalog.team_of(&target.service).is_some_and(|team| person.teams.contains(team));
    of_team || press::may_approve(rules, target, person, now)
}

/// Whether somebody may answer for what was done to a target by hand.
///
/// # Errors
/// When they may not, in words.
pub(super) fn may_answer_for((asker, target): (&Asker, &Target), rules: &Rules, now: Timestamp) -> Result<(), Words> {
    match asker.person.as_ref().and_then(|id| rules.catalog.person(id)) {
        None => {
            let remedy = format!("Ask to be added under `people` in the catalog; your account is `{}`.", asker.account);
            Err(Words::new("Your account belongs to nobody in the catalog.", remedy))
        }
        Some(person) if is_theirs(person, target, rules, now) => Ok(()),
        Some(_) => Err(Words::new(NOT_THEIRS, "Ask one of them to tell it.")),
    }
}

fn ask_whom(drift: &Drift) -> String {
    match drift.opened.call.as_slice() {
        [] => "Ask one of them.".to_owned(),
        call => format!("Ask {}.", call.iter().map(|who| format!("`{who}`")).collect::<Vec<_>>().join(" or ")),
    }
}

/// A button on its card that needs no fresh ids.
pub(super) fn pressed(click: &Click, drift: &Drift, rules: &Rules, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    let by = click.asker.actor();
    let event = match click.press {
        Press::Restore => Event::Restoring { by: by.clone() },
        Press::Leave => Event::Left { by: by.clone(), until: facts.now.checked_add(LEFT).unwrap_or(facts.now) },
        Press::Ours => Event::Returned,
        Press::Approve
        | Press::Reject
        | Press::Cancel
        | Press::Stable
        | Press::Close
        | Press::Reopen
        | Press::GiveBack
        | Press::Extend
        | Press::Retry
        | Press::Keep
        | Press::Withdraw
        | Press::Hold
        | Press::Adopt
        | Press::Again
        | Press::Reviewed
        | Press::Start => return Err(press::elsewhere()),
    };
    let event = fits(drift, event, facts)?;
    may_choose(&click.asker, drift, rules, facts)?;
    if click.press == Press::Restore && drift.opened.loses().is_some() {
        may_lower(&click.asker, drift, rules, facts)?;
    }
    Ok(vec![event.draft(&drift.id, by)])
}

/// Nothing that holds production up is lowered on one person's word but by those who may approve it.
fn may_lower(asker: &Asker, drift: &Drift, rules: &Rules, facts: Facts<'_>) -> Result<(), Words> {
    let person = asker.person.as_ref().and_then(|id| rules.catalog.person(id));
    if person.is_some_and(|person| press::may_approve(rules, &drift.opened.target, person, facts.now)) {
        return Ok(());
    }
    let text = "Git's value means fewer than run now, so somebody who may approve breaking glass there must press it.";
    Err(Words::new(text, ask_whom(drift)))
}

/// What is due because time passed.
pub(super) fn deadlines(facts: Facts<'_>) -> Vec<Draft> {
    let due = |drift: &Drift| {
        let event = if drift.is_back(facts.now) {
            Event::Returned
        } else if drift.is_reminder_due(facts.now) {
            Event::Reminded
        } else {
            return None;
        };
        Some(event.draft(&drift.id, ourselves()))
    };
    facts.matters.open_drifts().filter_map(due).collect()
}
