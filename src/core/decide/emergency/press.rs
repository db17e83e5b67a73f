//! A button on the card of an incident, a break-glass or a debt. A button carries an id, never authority: who may, what
//! stands and whether it is still the same change is read again at the click.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{IncidentAct, ask, drift, write_off};
use crate::core::{
    break_glass::{self, Course, Ending, Event, Override, State, Vote},
    catalog::{ApprovalRule, Person},
    debt::{self, Debt},
    decide::{Asker, Click, Decision, Facts, Press, Reply, Words, is_its_card, is_one_human, ourselves, say},
    entry::{Actor, Draft},
    incident,
    names::{PersonId, Target},
    request::{self, Request},
    rules::Rules,
};

/// How much longer one press makes it.
const MORE: SignedDuration = SignedDuration::from_hours(1);

/// What a button asks for.
pub(crate) fn decide(click: &Click, facts: Facts<'_>) -> Decision {
    let matters = facts.matters;
    let id = &click.request;
    let (incident, glass, debt) = (matters.incidents.get(id), matters.overrides.get(id), matters.debts.get(id));
    let differs = matters.drifts.get(id);
    let card = incident.map(|one| &one.card).or(glass.map(|one| &one.card)).or(debt.map(|one| &one.card));
    let card = card.or(differs.map(|one| &one.card));
    if !is_its_card(card.and_then(Option::as_ref), &click.channel, &click.message) {
        return no(click, facts, Words::new("This button is not on the card of that.", "Press it on the card itself."));
    }
    if let Some(words) = click.barred.clone().filter(|_| click.press.is_vote()) {
        return no(click, facts, words);
    }
    let Some(rules) = facts.rules else {
        let text = "I have not read the repository yet, so I know nobody.";
        return no(click, facts, Words::new(text, "Press again in a moment."));
    };
    let came = match (incident, glass, debt, differs) {
        (Some(incident), ..) => match incident_act(click.press) {
            Some(act) => ask::act(&act, incident, &click.asker, facts),
            None => Err(elsewhere()),
        },
        (_, Some(glass), ..) => on_glass(click, glass, rules, facts),
        (.., Some(debt), _) => on_debt(click, debt, rules, facts),
        (.., Some(differs)) => drift::pressed(click, differs, rules, facts),
        (None, None, None, None) => Err(Words::new("This is not known here.", "Ask again with a command.")),
    };
    match came {
        Ok(entries) => Decision { entries, reply: Reply::Taken },
        Err(words) => no(click, facts, words),
    }
}

/// A refused click is recorded and answered privately; the card stays as it is.
pub(super) fn no(click: &Click, facts: Facts<'_>, words: Words) -> Decision {
    let entry = Draft::new("click.refused", subject(click, facts), click.asker.actor())
        .with("press", click.press.word())
        .with_text("why", &words.text);
    Decision { entries: vec![entry], reply: Reply::Private(words) }
}

/// What the click is about.
fn subject(click: &Click, facts: Facts<'_>) -> String {
    let id = &click.request;
    if facts.matters.incidents.contains_key(id) {
        incident::subject(id)
    } else if facts.matters.overrides.contains_key(id) {
        break_glass::subject(id)
    } else if facts.matters.drifts.contains_key(id) {
        crate::core::drift::subject(id)
    } else {
        debt::subject(id)
    }
}

pub(super) fn elsewhere() -> Words {
    Words::new("This button belongs to another card.", "Read the card as it is now.")
}

fn incident_act(press: Press) -> Option<IncidentAct> {
    match press {
        Press::Stable => Some(IncidentAct::Stable),
        Press::Close => Some(IncidentAct::Close),
        Press::Reopen => Some(IncidentAct::Reopen),
        Press::Approve
        | Press::Reject
        | Press::Cancel
        | Press::GiveBack
        | Press::Extend
        | Press::Retry
        | Press::Keep
        | Press::Withdraw
        | Press::Hold
        | Press::Adopt
        | Press::Restore
        | Press::Leave
        | Press::Ours
        | Press::Again
        | Press::Reviewed
        | Press::Start => None,
    }
}

fn on_glass(click: &Click, glass: &Override, rules: &Rules, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    match click.press {
        Press::Approve => approve(click, glass, rules, facts),
        Press::Reject => {
            eligible(&click.asker, glass, rules, facts.now)?;
            undecided(glass)?;
            Ok(vec![ended(glass, Ending::Rejected { why: click.why.clone() }, &click.asker)])
        }
        Press::Cancel if !click.asker.is(&glass.requester) => {
            Err(Words::new("Only whoever asked can take it back.", "Ask them, or press Reject if you may approve it."))
        }
        Press::Cancel => match &glass.state {
            State::Checking | State::Deciding(_) => Ok(vec![ended(glass, Ending::Cancelled, &click.asker)]),
            State::Pausing { .. }
            | State::Paused { .. }
            | State::Changing { .. }
            | State::Active { .. }
            | State::Undoing { .. }
            | State::Over { .. } => Err(Words::new(
                format!("This is {} already.", glass.state.word()),
                "Press Revert instead on the card of its debt to take it back.",
            )),
        },
        Press::Stable
        | Press::Close
        | Press::Reopen
        | Press::GiveBack
        | Press::Extend
        | Press::Retry
        | Press::Keep
        | Press::Withdraw
        | Press::Hold
        | Press::Adopt
        | Press::Restore
        | Press::Leave
        | Press::Ours
        | Press::Again
        | Press::Reviewed
        | Press::Start => Err(elsewhere()),
    }
}

fn ended(glass: &Override, ending: Ending, by: &Asker) -> Draft {
    Event::Ended(ending, by.actor()).draft(&glass.id, by.actor())
}

fn undecided(glass: &Override) -> Result<&Course, Words> {
    match &glass.state {
        State::Deciding(course) => Ok(course),
        State::Checking => {
            Err(Words::new("The cluster is still being looked at.", "Press again when the card shows the change."))
        }
        State::Pausing { .. }
        | State::Paused { .. }
        | State::Changing { .. }
        | State::Active { .. }
        | State::Undoing { .. }
        | State::Over { .. } => {
            Err(Words::new(format!("This is decided already: {}.", glass.state.word()), "Follow it on the card."))
        }
    }
}

fn approve(click: &Click, glass: &Override, rules: &Rules, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    let course = undecided(glass)?;
    eligible(&click.asker, glass, rules, facts.now)?;
    if facts.now > glass.opened.needs.until {
        return Err(Words::new("The time to approve this has passed.", "Ask again with `/breakglass`."));
    }
    if course.plan.digest.short() != click.digest {
        let text = "The change is another one since that card was shown.";
        return Err(Words::new(text, "Read the card as it is now and press again."));
    }
    if let Some(vote) = course.votes.iter().find(|vote| click.asker.is(&vote.actor)) {
        let at = vote.at.strftime("%H:%M:%S");
        return Err(Words::plain(format!("Your approval was already recorded at {at} UTC.")));
    }
    let vote = Vote { actor: click.asker.actor(), digest: course.plan.digest.clone(), at: facts.now };
    let votes: Vec<Vote> = course.votes.iter().cloned().chain([vote.clone()]).collect();
    let mut entries =
        vec![Event::Voted(vote).draft(&glass.id, click.asker.actor()).with("policy", rules.policy.hash())];
    let as_of = rule(rules, &glass.opened.target).and_then(|rule| rules.groups_as_of(rule, facts.now));
    entries = entries.into_iter().map(|entry| entry.with("groups_as_of", as_of)).collect();
    if is_enough(glass, &votes, rules, facts.now) {
        let by = counted(glass, &votes, rules, facts.now);
        entries.push(Event::Approved.draft(&glass.id, ourselves()).with("by", by));
    }
    Ok(entries)
}

/// The rule for breaking glass there; without one anybody else of the catalog may approve.
pub(crate) fn rule<'a>(rules: &'a Rules, target: &Target) -> Option<&'a ApprovalRule> {
    rules.catalog.environment(&target.environment)?.approvals_for(&ask::breakglass_command()?)
}

fn today(now: Timestamp) -> jiff::civil::Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// Whether somebody may decide on it; why not.
fn eligible<'a>(asker: &Asker, glass: &Override, rules: &'a Rules, now: Timestamp) -> Result<&'a Person, Words> {
    let Some(person) = asker.person.as_ref().and_then(|id| rules.catalog.person(id)) else {
        let remedy = format!("Ask to be added under `people` in the catalog; your account is `{}`.", asker.account);
        return Err(Words::new("Your account belongs to nobody in the catalog, so it cannot vote.", remedy));
    };
    if asker.is(&glass.requester) {
        return Err(Words::new("You asked for this, so somebody else must approve it.", ask_whom(glass)));
    }
    if may_approve(rules, &glass.opened.target, person, now) {
        return Ok(person);
    }
    let withheld = rule(rules, &glass.opened.target).and_then(|rule| say::withheld(person, rule));
    Err(Words::new(withheld.unwrap_or_else(|| "Your vote does not count here.".to_owned()), ask_whom(glass)))
}

/// Whether somebody's yes to breaking glass there counts.
pub(super) fn may_approve(rules: &Rules, target: &Target, person: &Person, now: Timestamp) -> bool {
    let listed = rule(rules, target).is_none_or(|rule| rules.catalog.may_vote(rule, person, today(now)));
    listed && person.guest_until.is_none()
}

fn ask_whom(glass: &Override) -> String {
    match glass.opened.needs.from.as_slice() {
        [] => "Ask any other person of the catalog.".to_owned(),
        from => {
            format!("Ask somebody of {}.", from.iter().map(|who| format!("`{who}`")).collect::<Vec<_>>().join(" or "))
        }
    }
}

/// Whose approvals count under the catalog of now: distinct persons, never the requester.
pub(crate) fn counted(glass: &Override, votes: &[Vote], rules: &Rules, now: Timestamp) -> BTreeSet<PersonId> {
    let counts = |vote: &Vote| {
        let person = rules.catalog.person(vote.actor.person.as_ref()?)?;
        let may = may_approve(rules, &glass.opened.target, person, now);
        let fits = may && !is_one_human(&vote.actor, &glass.requester);
        fits.then(|| person.id.clone())
    };
    votes.iter().filter_map(counts).collect()
}

/// Whether so many approved as are needed now. One always is, unless nothing of what runs is changed.
pub(super) fn is_enough(glass: &Override, votes: &[Vote], rules: &Rules, now: Timestamp) -> bool {
    if glass.opened.action.is_keeping() {
        return true;
    }
    let voters = counted(glass, votes, rules, now);
    let people: Vec<_> = voters.iter().filter_map(|id| rules.catalog.person(id)).collect();
    let is_met = |rule: &ApprovalRule| rule.filled(&people) >= usize::try_from(rule.total()).unwrap_or(usize::MAX);
    !people.is_empty() && rule(rules, &glass.opened.target).is_none_or(is_met)
}

fn on_debt(click: &Click, debt: &Debt, rules: &Rules, facts: Facts<'_>) -> Result<Vec<Draft>, Words> {
    let Some(glass) = facts.matters.overrides.get(&debt.opened.breakglass) else { return Err(elsewhere()) };
    let (by, fresh) = (click.asker.actor(), |event: debt::Event, by: &Actor| event.draft(&debt.id, by.clone()));
    let fits = |event: debt::Event| {
        let decided = || Words::plain(format!("This is {} already.", debt.state.word()));
        debt.state.clone().after(event.clone()).map_err(|_| decided())?;
        Ok::<_, Words>(fresh(event, &by))
    };
    match click.press {
        Press::GiveBack => {
            if !click.asker.is(&debt.opened.owner) {
                eligible(&click.asker, glass, rules, facts.now)?;
            }
            let chosen = fits(debt::Event::RevertChosen)?;
            may_be_left(debt, facts)?;
            Ok(proposal(debt, facts).map(|request| taken_back(request, &by)).into_iter().chain([chosen]).collect())
        }
        // Who lets it last longer must be somebody else than who asked for it.
        Press::Extend => {
            eligible(&click.asker, glass, rules, facts.now)?;
            let from = debt.until.max(facts.now);
            fits(debt::Event::Extended { until: from.checked_add(MORE).unwrap_or(from) }).map(|entry| vec![entry])
        }
        Press::Retry => {
            let known = click.asker.person.as_ref().is_some_and(|id| rules.catalog.person(id).is_some());
            let words = || Words::new("Your account belongs to nobody in the catalog.", "Ask to be added to it.");
            known.then_some(()).ok_or_else(words)?;
            fits(debt::Event::Retried).map(|entry| vec![entry])
        }
        Press::Approve => write_off::agree((&click.asker, &click.digest), debt, rules, facts),
        Press::Reject => write_off::refuse(&click.asker, debt, rules, facts),
        Press::Cancel
        | Press::Stable
        | Press::Close
        | Press::Reopen
        | Press::Keep
        | Press::Withdraw
        | Press::Hold
        | Press::Adopt
        | Press::Restore
        | Press::Leave
        | Press::Ours
        | Press::Again
        | Press::Reviewed
        | Press::Start => Err(elsewhere()),
    }
}

/// What holds more than what is owed is not thrown away with it, and what is just being changed is waited for.
pub(super) fn may_be_left(debt: &Debt, facts: Facts<'_>) -> Result<(), Words> {
    if super::folding::is_growing(debt, facts.matters) {
        let text = "A further break-glass is just changing the cluster there.";
        return Err(Words::new(text, "Press again in a moment."));
    }
    match proposal(debt, facts).filter(|request| !request.only_pays(facts.matters)) {
        None => Ok(()),
        Some(more) => {
            let text = format!("`{}` pays this debt and does more.", more.opened.title);
            Err(Words::new(text, "Cancel that on its card first, then do this again."))
        }
    }
}

/// The request that is to bring it into git, where that is still open.
pub(super) fn proposal<'a>(debt: &Debt, facts: Facts<'a>) -> Option<&'a Request> {
    let debt::State::Proposed { request } = &debt.state else { return None };
    facts.requests.get(request).filter(|request| !request.is_over() && request.commit().is_none())
}

pub(super) fn taken_back(request: &Request, by: &Actor) -> Draft {
    request::Event::Ended(request::Ending::Cancelled, by.clone()).draft(&request.id, by.clone())
}
