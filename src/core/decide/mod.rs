//! The one dispatcher: what came in and the facts, in; what the ledger records and what is answered, out. Effects
//! are not listed in a decision: they follow from the state that its entries make (`request::Request::due`), so that
//! no crash can lose one.

mod ask;
mod emergency;
mod freeze;
mod giving;
mod landed;
mod lane;
mod linked;
mod outcome;
mod outside;
mod permitting;
mod press;
mod remind;
mod say;
mod starting;
mod surroundings;
mod tag;
mod taking_back;
#[cfg(test)]
mod tests;
mod tick;
mod vote;
mod waited;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::core::{
    change::Plan,
    entry::{Actor, Draft},
    freeze::{Calendar, Freezes},
    matters::Matters,
    names::{CommandName, PersonId, RequestId, Target},
    policy::{Denial, Verdict},
    reminder,
    request::{Card, Request},
    rules::Rules,
    trail::Wanted,
};

pub use ask::{Asked, Planning, not_ready, sentence};
pub use emergency::{
    Came, Declared, Emergency, GlassAsked, IncidentAct, KeepAsked, OfIncident, WriteOffAsked, folds_into, open_debt,
    paying_command,
};
pub use freeze::{FreezeAsked, Switch};
pub use lane::{Now, lane_of, may_review};
pub use linked::Linked;
pub use outcome::{Landed, Outcome, Step};
pub use outside::{OutsideCommit, Rewritten, Touched};
pub use permitting::principal;
pub use press::Press;
pub use remind::{Reminded, Reminder, reminders_due, still_needed};
pub use say::{awaits, rule_of};
pub use tag::TagSeen;
pub use tick::{TICK, Tick};
pub use vote::{Click, ReviewSays, Reviewed};
pub use words::Words;

use permitting::{Subject, permitted};

/// Who did something on a platform, and who that is in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// `slack:U111`.
    pub account: String,
    /// `slack`.
    pub via: String,
    /// The person behind the account, when the catalog knows.
    pub person: Option<PersonId>,
}

impl Asker {
    /// As the ledger names them.
    pub fn actor(&self) -> Actor {
        Actor { person: self.person.clone(), account: Some(self.account.clone()), via: self.via.clone() }
    }

    /// Whether both are one human.
    pub fn is(&self, actor: &Actor) -> bool {
        is_one_human(&self.actor(), actor)
    }
}

/// The same person, or the same account: the catalog may have come to know an account, or call somebody otherwise,
/// between the two.
fn is_one_human(one: &Actor, other: &Actor) -> bool {
    let same_person = one.person.is_some() && one.person == other.person;
    same_person || (one.account.is_some() && one.account == other.account)
}

/// What came in.
#[derive(Debug, Clone)]
pub enum Incoming {
    /// Somebody asked for a change.
    Asked(Box<Asked>),
    /// Somebody asked for something that was refused while it was read: recorded, then answered.
    Misasked {
        /// Who.
        asker: Asker,
        /// What they typed.
        typed: String,
        /// Why not, and what to do.
        words: Words,
    },
    /// Somebody freezes environments, or ends that.
    Freeze(Box<FreezeAsked>),
    /// Somebody wants to see what the ledger says.
    Read {
        /// Who.
        asker: Asker,
        /// What of it.
        wanted: Wanted,
    },
    /// The door turned something away that nobody we know had signed.
    TurnedAway {
        /// Why.
        cause: &'static str,
        /// How much more was turned away since the last entry, without one of its own.
        unsaid: u64,
    },
    /// Somebody from another workspace typed or pressed something.
    Stranger {
        /// Who.
        asker: Asker,
        /// The workspace.
        team: String,
    },
    /// Somebody asks whom their platform cannot be asked about now; what it said so many minutes ago counts, if it did.
    Unseen(Asker, Option<u64>),
    /// Somebody pressed a button.
    Clicked(Click),
    /// Whoever asked ticked one of a rollback's choices.
    Ticked(Box<Tick>),
    /// Somebody reviewed a pull request on the forge.
    Reviewed(Reviewed),
    /// A commit that is not ours changed what levers move.
    Outside(OutsideCommit),
    /// A tracked branch was rewritten: what it held before is not all in it any more.
    Rewritten(Rewritten),
    /// Somebody linked their account on the forge, or ended that.
    Linked(Linked),
    /// Something about incidents, break-glasses and debts.
    Emergency(Emergency),
    /// An effect came to something.
    Happened {
        /// Of which request.
        request: RequestId,
        /// What.
        outcome: Outcome,
    },
    /// Somebody is reminded of what waits for approval.
    Reminded {
        /// Of what.
        of: RequestId,
        /// Which reminder.
        step: reminder::Step,
        /// How far it is.
        reminded: Reminded,
    },
    /// Something was noticed that is only to be recorded: who is in a group, whose account ended, who was paged.
    Noticed(Box<Draft>),
    /// Time passed.
    Clock,
}

/// What is known at the moment of deciding.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The present.
    pub now: Timestamp,
    /// What the repository says; absent until it was read for the first time.
    pub rules: Option<&'a Rules>,
    /// All requests that are not forgotten.
    pub requests: &'a BTreeMap<RequestId, Request>,
    /// Incidents, break-glasses and debts.
    pub matters: &'a Matters,
    /// What people froze.
    pub freezes: &'a Freezes,
}

impl<'a> Facts<'a> {
    /// What is frozen now, where the rules are known.
    fn calendar(&self) -> Option<Calendar<'a>> {
        Some(Calendar { freezes: self.freezes, catalog: &self.rules?.catalog, now: self.now })
    }
}

/// What whoever sent it is told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Taken; the card says the rest.
    Taken,
    /// Refused or already so: for their eyes only.
    Private(Words),
    /// An effect may go on.
    Go,
    /// An effect must not go on: the request is no longer what it was.
    Stop,
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What the ledger records, in order, in one transaction.
    pub entries: Vec<Draft>,
    /// What is answered once that is durable.
    pub reply: Reply,
}

impl Decision {
    fn silent(reply: Reply) -> Self {
        Self { entries: Vec::new(), reply }
    }
}

/// Decides. Pure: the same incoming and facts give the same decision.
pub fn decide(incoming: &Incoming, facts: Facts<'_>) -> Decision {
    let mut decision = dispatch(incoming, facts);
    emergency::stamp(&mut decision.entries, facts);
    decision
}

fn dispatch(incoming: &Incoming, facts: Facts<'_>) -> Decision {
    match incoming {
        Incoming::Asked(asked) => ask::decide(asked, facts),
        Incoming::Misasked { asker, typed, words } => ask::misasked(asker, typed, words),
        Incoming::Freeze(asked) => freeze::decide(asked, facts),
        // The answer is not among what is remembered of the event: it holds what others wrote.
        Incoming::Read { asker, wanted } => {
            let entry = Draft::new("audit.read", "audit", asker.actor()).with_text("asked", &wanted.words);
            Decision { entries: vec![entry.with("page", wanted.page + 1)], reply: Reply::Go }
        }
        Incoming::TurnedAway { cause, unsaid } => {
            let entry = Draft::new("security.refused", "security", ourselves()).with("cause", cause);
            Decision { entries: vec![entry.with("unsaid", unsaid)], reply: Reply::Taken }
        }
        Incoming::Stranger { asker, team } => {
            let entry = Draft::new("security.refused", "security", asker.actor());
            let place = if asker.via == "discord" { "server" } else { "workspace" };
            let remedy = format!("Ask somebody of that {place} to do it there.");
            let words = Words::new(format!("I work for another {place}."), remedy);
            Decision {
                entries: vec![entry.with("cause", format!("another {place}")).with("team", team)],
                reply: Reply::Private(words),
            }
        }
        Incoming::Unseen(asker, minutes) => ask::unseen(asker, *minutes),
        Incoming::Clicked(click) => vote::decide(click, facts),
        Incoming::Ticked(tick) => tick::decide(tick, facts),
        Incoming::Reviewed(review) => vote::reviewed(review, facts),
        Incoming::Outside(commit) => outside::decide(commit),
        Incoming::Rewritten(rewritten) => outside::rewritten(rewritten),
        Incoming::Linked(linked) => linked::decide(linked),
        Incoming::Emergency(emergency) => emergency::decide(emergency, facts),
        Incoming::Happened { request, outcome } => outcome::decide(request, outcome, facts),
        Incoming::Reminded { of, step, reminded } => remind::decide((of, *step, *reminded), facts),
        Incoming::Noticed(draft) => Decision { entries: vec![(**draft).clone()], reply: Reply::Go },
        Incoming::Clock => outcome::deadlines(facts),
    }
}

/// The bot itself.
pub fn ourselves() -> Actor {
    Actor { person: None, account: None, via: "leverframe".to_owned() }
}

/// What forbids a change to everybody, whoever asks: a locked field, replicas outside the limits.
pub fn forbidden_to_all(rules: &Rules, command: &CommandName, target: &Target, plan: &Plan) -> Option<Denial> {
    let nobody = ourselves();
    let subject = Subject {
        id: None,
        actor: &nobody,
        command,
        target,
        with: &[],
        channel: "",
        tag: None,
        facts: None,
        begins: None,
        ignores_freezes: false,
    };
    match permitted(rules, subject, Some(plan)) {
        Verdict::Denied(denial) => denial.is_builtin().then_some(denial),
        Verdict::Permitted => None,
    }
}

/// The entry that opens the way for a planned change: its approval at once, where nobody need be asked.
fn approved_at_once(request: &RequestId, (begins, now): (Option<Timestamp>, Timestamp)) -> Draft {
    starting::approved((begins, now)).draft(request, ourselves())
}

/// Whether a click came from the message that shows the request.
fn is_its_card(card: Option<&Card>, channel: &str, message: &str) -> bool {
    card.is_none_or(|card| card.channel == channel && card.message == message)
}
