//! Somebody asks for a change: permitted, planned, recorded, or refused with words.

use jiff::{SignedDuration, Timestamp};

use super::{
    Asker, Decision, Facts, Now, Reply, Subject, TagSeen, Words, approved_at_once, emergency, giving, lane, permitted,
    tag,
};
use crate::core::{
    catalog::{self, ApprovalRule, Approvers},
    change::{How, Line, Plan},
    command::{self, Invoked},
    debt,
    entry::Draft,
    names::{CommandName, Field, RequestId, Service, Target},
    policy::Verdict,
    request::{self, Event, Folded, GivenBack, GivesBack, Lasts, Needs, Opened, Request, Way},
    rules::Rules,
    several,
};

/// A change that was asked for, read and, where the facts were at hand, planned.
#[derive(Debug, Clone)]
pub struct Asked {
    /// A fresh id.
    pub id: RequestId,
    /// Who asks.
    pub asker: Asker,
    /// The command.
    pub command: CommandName,
    /// The command as one could type it again.
    pub words: String,
    /// On what.
    pub target: Target,
    /// The services beside that one, in the same environment.
    pub with: Vec<Service>,
    /// `deploy checkout v1.2.5 to prod`.
    pub title: String,
    /// Why.
    pub reason: Option<String>,
    /// `platform:channel`.
    pub channel: String,
    /// What the registry said of the tag, where one is put in and its registry may be asked.
    pub tag: Option<TagSeen>,
    /// How far planning came.
    pub planning: Planning,
    /// The debt that it pays, where that is what it is for.
    pub debt: Option<RequestId>,
    /// For how long it is meant, where it is not meant to stay.
    pub lasts: Option<Lasts>,
    /// When it begins, where that is not at once.
    pub begins: Option<Timestamp>,
    /// What it gives back, where that is what it is for.
    pub gives_back: Option<GivesBack>,
}

/// How far planning came before the answer was due.
#[derive(Debug, Clone)]
pub enum Planning {
    /// Planned on the tip that is known here.
    Planned(Plan),
    /// It cannot be done, or is so already.
    Refused(Words),
    /// The facts are not here yet; it is planned after the answer.
    Later,
}

/// Records and answers what was refused while it was read.
pub(super) fn misasked(asker: &Asker, typed: &str, words: &Words) -> Decision {
    let entry =
        Draft::new("request.refused", "request", asker.actor()).with_text("typed", typed).with_text("why", &words.text);
    Decision { entries: vec![entry], reply: Reply::Private(words.clone()) }
}

/// Records that nobody could say who asks, and how old what was known of them was.
pub(super) fn unseen(asker: &Asker, minutes: Option<u64>) -> Decision {
    let entry = Draft::new("identity.unseen", "identity", asker.actor());
    let entry = match minutes {
        Some(minutes) => entry.with("minutes", minutes),
        None => entry,
    };
    Decision { entries: vec![entry], reply: Reply::Taken }
}

pub(super) fn decide(asked: &Asked, facts: Facts<'_>) -> Decision {
    let Some(rules) = facts.rules else {
        return refused(asked, &not_ready(None), None);
    };
    let taken_up = |gives: &GivesBack| facts.requests.get(&gives.of).is_some_and(|of| of.given_back.is_some());
    if asked.gives_back.as_ref().is_some_and(taken_up) {
        return Decision::silent(Reply::Stop);
    }
    let plan = match &asked.planning {
        Planning::Planned(plan) => Some(plan),
        Planning::Refused(words) => return refused(asked, words, None),
        Planning::Later => None,
    };
    let actor = asked.asker.actor();
    let subject = Subject {
        id: None,
        actor: &actor,
        command: &asked.command,
        target: &asked.target,
        with: &asked.with,
        channel: &asked.channel,
        tag: asked.tag.as_ref(),
        facts: Some(facts),
        begins: asked.begins,
        ignores_freezes: asked.debt.is_some(),
    };
    if let Verdict::Denied(denial) = permitted(rules, subject, plan) {
        let words = tag::words(&denial.policy, asked.tag.as_ref());
        let words = words.unwrap_or_else(|| Words::new(sentence(&denial.reason), denial.remedy.clone()));
        return refused(asked, &words, Some(denial.policy));
    }
    let unconfirmed = || unconfirmed(rules, &asked.words, (&asked.target, &asked.with), plan?);
    if let Some(words) = unconfirmed().filter(|_| asked.gives_back.is_none()) {
        return refused(asked, &words, None);
    }
    let about = (&asked.command, &asked.target, asked.with.as_slice());
    if let Some(words) = emergency::fights(about, asked.debt.as_ref(), plan, facts) {
        return refused(asked, &words, None);
    }
    let debt = match emergency::paid_by(asked, rules, plan, facts) {
        Ok(debt) => debt,
        Err(words) => return refused(asked, &words, None),
    };
    if let Some(twin) = plan.and_then(|plan| twin(plan, facts)) {
        let text = format!("The same change is already asked for: `{}`, {}.", twin.opened.title, twin.state.word());
        return refused(asked, &Words::new(text, "See its card, or cancel it there first."), None);
    }
    let mut decision = open(asked, (plan, debt.as_ref()), facts.by(rules));
    decision.entries.extend(debt.iter().flat_map(|debt| emergency::gives_way(debt, &asked.id, facts)));
    decision
}

/// The repository was never read: nothing can be known of services, people or policy.
pub fn not_ready(why: Option<&str>) -> Words {
    let why = why.map(|why| format!(" ({})", why.trim_end_matches('.'))).unwrap_or_default();
    Words::new(
        format!("I have not read the repository yet, so I know nobody and no service{why}."),
        "Try again in a moment; if it stays, ask whoever runs Leverframe.",
    )
}

/// An open request for exactly this change.
fn twin<'a>(plan: &Plan, facts: Facts<'a>) -> Option<&'a Request> {
    facts.requests.values().find(|request| {
        !request.is_over()
            && request.commit().is_none()
            && request.course().is_some_and(|course| course.plan.digest == plan.digest)
    })
}

fn refused(asked: &Asked, words: &Words, policy: Option<String>) -> Decision {
    let entry = Draft::new("request.refused", request::subject(&asked.id), asked.asker.actor())
        .with("command", &asked.command)
        .with("service", &asked.target.service)
        .with("environment", &asked.target.environment)
        .with("with", Some(&asked.with).filter(|with| !with.is_empty()))
        .with("policy", policy)
        .with_text("words", &asked.words)
        .with_text("why", &words.text);
    let given_back = asked.gives_back.as_ref().map(|gives| GivenBack::Not(words.text.clone()).draft(&gives.of));
    Decision { entries: std::iter::once(entry).chain(given_back).collect(), reply: Reply::Private(words.clone()) }
}

fn open(asked: &Asked, (plan, debt): (Option<&Plan>, Option<&RequestId>), now: Now<'_>) -> Decision {
    let now = now.unless_later(asked.begins, &asked.with);
    let needs = giving::needs(needs(now, &asked.target, &asked.command), asked.gives_back.as_ref());
    let count = needs.count;
    let lane = now.lane(&asked.command, &asked.target).filter(|_| asked.gives_back.is_none());
    let landing = lane.as_ref().and_then(|(_, emergency)| emergency.landing);
    let is_live = plan.is_some_and(|plan| plan.live.is_some());
    let opened = Opened {
        command: asked.command.clone(),
        words: asked.words.clone(),
        target: asked.target.clone(),
        with: asked.with.clone(),
        title: asked.title.clone(),
        way: if is_live { Way::Live } else { way(now.rules, &asked.target, landing) },
        needs,
        channel: asked.channel.clone(),
        tag: asked.tag.clone(),
        debt: debt.cloned(),
        folded: folded(asked, debt),
        lasts: asked.lasts,
        begins: asked.begins,
        gives_back: asked.gives_back.clone(),
        lane: lane.map(|(lane, _)| lane),
    };
    let mut first = Draft::new("request.opened", request::subject(&asked.id), asked.asker.actor());
    if let Ok(serde_json::Value::Object(body)) = serde_json::to_value(&opened) {
        first.body = body;
    }
    let first = first.with_text("words", &asked.words);
    let mut entries = vec![first.with_text("reason", asked.reason.clone().unwrap_or_default())];
    if let Some(plan) = plan {
        entries.push(Event::Planned(plan.clone()).draft(&asked.id, super::ourselves()));
        if count == 0 && asked.gives_back.is_none() {
            let (about, by) = ((&asked.command, &asked.target), (&asked.asker.actor(), [].as_slice(), opened.way));
            let owed = lane::owed_for(about, by, now);
            entries.push(approved_at_once(&asked.id, (asked.begins, now.at)));
            entries.extend(owed.map(|review| review.draft(&asked.id, super::ourselves())));
        }
    }
    let given_back = asked.gives_back.as_ref().map(|gives| GivenBack::By(asked.id.clone()).draft(&gives.of));
    entries.extend(given_back);
    // In the same breath, so that no crash leaves a debt that proposes twice.
    let request = || asked.id.clone();
    let proposed = debt.map(|debt| (debt, debt::Event::Proposed { request: request() }));
    entries.extend(proposed.map(|(debt, event)| event.draft(debt, super::ourselves())));
    Decision { entries, reply: Reply::Taken }
}

/// A debt itself asks for no rollback.
fn folded(asked: &Asked, debt: Option<&RequestId>) -> Folded {
    let wanted = asked.debt.is_none() || asked.command.as_str() == "rollback";
    if wanted && debt.is_some() { Folded::Yes } else { Folded::No }
}

/// How a change of this target lands, where nothing else is said of it.
pub(super) fn way(rules: &Rules, target: &Target, otherwise: Option<catalog::Landing>) -> Way {
    let Some(environment) = rules.catalog.environment(&target.environment) else { return Way::ByHand };
    match (otherwise.unwrap_or(environment.landing), environment.merge) {
        (catalog::Landing::Commit, _) => Way::Commit,
        (catalog::Landing::PullRequest, catalog::MergeMethod::Squash) => Way::Squash,
        (catalog::Landing::PullRequest, catalog::MergeMethod::Merge) => Way::Merge,
        (catalog::Landing::PullRequest, catalog::MergeMethod::Rebase) => Way::Rebase,
        (catalog::Landing::PullRequest, catalog::MergeMethod::ByHand) => Way::ByHand,
    }
}

/// Who must approve this command on this target.
pub(super) fn needs(now: Now<'_>, target: &Target, command: &CommandName) -> Needs {
    let rule = now.rule(command, target);
    let seconds = rule.map_or(3600, |rule| rule.expires.seconds());
    let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(3600));
    Needs {
        count: rule.map_or(0, ApprovalRule::total),
        from: rule.map(asked_of).unwrap_or_default(),
        until: now.at.checked_add(span).unwrap_or(now.at),
    }
}

/// Whose votes count; where several rules must be met, so many of whom each.
pub(super) fn asked_of(rule: &ApprovalRule) -> Vec<String> {
    let names = |from: &[Approvers]| from.iter().map(ToString::to_string).collect::<Vec<_>>();
    if rule.and.is_empty() {
        return names(&rule.from);
    }
    let share = |(count, from): (u32, &[Approvers])| match from {
        [] => format!("{count} of anybody"),
        from => format!("{count} of {}", names(from).join(" or ")),
    };
    rule.shares().map(share).collect()
}

/// What is hard to undo is typed with the service's name, of several services with the environment's: `confirm=checkout`.
pub(super) fn unconfirmed(
    rules: &Rules,
    typed: &str,
    (target, with): (&Target, &[Service]),
    plan: &Plan,
) -> Option<Words> {
    let text = hard_to_undo((target, with), plan)?;
    let command = command::parse(&rules.commands, &rules.vocabulary, Invoked::Under(""), typed).ok();
    let said = command.as_ref().and_then(|command| command.value("confirm")).map(ToString::to_string);
    let (whose, name) = if with.is_empty() {
        ("service", target.service.as_str())
    } else {
        ("environment", target.environment.as_str())
    };
    if said.as_deref() == Some(name) {
        return None;
    }
    let remedy = format!("If that is meant, type the {whose}'s name with it: `/{typed} confirm={name}`.");
    Some(Words::new(text, remedy))
}

/// What a change does that is hard to undo, where it does such a thing.
fn hard_to_undo((target, with): (&Target, &[Service]), plan: &Plan) -> Option<String> {
    let stops = |line: &Line| line.field == Field::Replicas && line.new == "0" && line.old.as_deref() != Some("0");
    if plan.lines.iter().any(stops) {
        let stopped = plan.legs.iter().find(|leg| leg.plan.lines.iter().any(stops)).map(|leg| &leg.service);
        let service = stopped.unwrap_or(&target.service);
        return Some(format!("This leaves no replica of {service} in {} running.", target.environment));
    }
    let gone = plan.exact.iter().filter(|one| one.how == How::Rendered && one.edit.new.is_null()).count();
    if gone > 0 {
        let files = if gone == 1 { "file" } else { "files" };
        return Some(format!("This deletes {gone} {files} of {target}."));
    }
    let count = with.len() + 1;
    (count > several::MANY).then(|| format!("This changes {count} services in {} at once.", target.environment))
}

/// A reason as a sentence of its own.
pub fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    let rest = letters.as_str().trim_end_matches('.');
    format!("{first}{rest}.")
}
