//! Where a request stands, and the one function that says what each event makes of each state.

use jiff::Timestamp;

use super::{Ending, Event, Foreign, Nicety, NotDone, PullRequest, Vote};
use crate::core::{
    change::Plan,
    entry::Actor,
    names::{CommitId, Service},
};

/// What a request carries along.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The change.
    pub plan: Plan,
    /// Who said yes to it.
    pub votes: Vec<Vote>,
    /// Its pull request, once there is one.
    pub pull_request: Option<PullRequest>,
    /// Why earlier approvals no longer count, when that happened.
    pub replanned: Option<String>,
    /// What somebody else pushed to its branch; while it is there, nobody approves and nothing is merged by us.
    pub foreign: Option<Foreign>,
    /// Since when it is approved and waits for its time.
    pub scheduled: Option<Timestamp>,
    /// Why it did not begin when its time came.
    pub held: Option<String>,
    /// What the forge did not let us do.
    pub not_done: Vec<NotDone>,
    /// Who merged it, where that was not the bot.
    pub landed_by: Option<Actor>,
    /// Whose yes no longer counts, since when and why.
    pub taken_back: Vec<(Actor, Timestamp, String)>,
    /// Until when what people said no longer counts.
    pub voided: Timestamp,
    /// What the services came to of which it is, each as soon as that is known; empty where it is of one alone.
    pub settled: Vec<(Service, Ending)>,
    /// When people last said something about it, or it was approved, or asked for anew.
    pub since: Timestamp,
}

/// Where a request stands. Data exists only in the states that have it.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Taken; the facts to plan with are awaited.
    Planning,
    /// People decide.
    Deciding(Course),
    /// Decided; on its way into the branch.
    Landing(Course),
    /// In the branch; the cluster follows.
    Following(Course, CommitId),
    /// Over.
    Over {
        /// What it carried, when it got that far.
        course: Option<Course>,
        /// Its commit in the branch, when it landed.
        commit: Option<CommitId>,
        /// How.
        ending: Ending,
        /// Who ended it.
        by: Actor,
    },
}

/// An event that does not fit the state. A ledger that holds one was not written by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not fit a request that is {state}")]
pub struct Refused {
    /// The event's kind.
    pub event: &'static str,
    /// The state's word.
    pub state: &'static str,
}

impl Course {
    /// A change that nobody has voted on.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            votes: Vec::new(),
            pull_request: None,
            replanned: None,
            foreign: None,
            scheduled: None,
            held: None,
            not_done: Vec::new(),
            landed_by: None,
            taken_back: Vec::new(),
            settled: Vec::new(),
            voided: Timestamp::UNIX_EPOCH,
            since: Timestamp::UNIX_EPOCH,
        }
    }

    /// Whether something useful may still be tried: what was refused once is not.
    pub fn can(&self, what: Nicety) -> bool {
        self.not_done.iter().all(|undone| undone.what != what)
    }
}

impl State {
    /// The state in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Deciding(Course { scheduled: Some(_), .. }) => "waiting for its time",
            Self::Deciding(_) => "waiting for approval",
            Self::Landing(_) => "landing",
            Self::Following(..) => "rolling out",
            Self::Over { .. } => "over",
        }
    }

    fn ended(course: Course, commit: Option<CommitId>, ending: Ending, by: Actor) -> Self {
        Self::Over { course: Some(course), commit, ending, by }
    }

    /// The state after an event; every pair is named.
    ///
    /// # Errors
    /// When the event does not fit, which leaves the state as it was.
    pub fn after(self, event: Event) -> Result<Self, Refused> {
        let refused = Refused { event: event.kind(), state: self.word() };
        let next = match self {
            Self::Planning => planning(event),
            Self::Deciding(course) => deciding(course, event),
            Self::Landing(course) => landing(course, event),
            Self::Following(course, commit) => following(course, commit, event),
            Self::Over { course: Some(course), commit, ending, by } => over(course, (commit, ending, by), event),
            // It was never planned: nothing comes after.
            Self::Over { course: None, .. } => None,
        };
        next.ok_or(refused)
    }
}

fn planning(event: Event) -> Option<State> {
    match event {
        Event::Planned(plan) => Some(State::Deciding(Course::new(plan))),
        Event::Ended(ending, by) => Some(State::Over { course: None, commit: None, ending, by }),
        Event::Replanned { .. }
        | Event::Voted(_)
        | Event::Withdrawn { .. }
        | Event::Approved
        | Event::Scheduled { .. }
        | Event::Held { .. }
        | Event::PullRequestOpened(_)
        | Event::Moved(_)
        | Event::PullRequestClosed
        | Event::Reopened
        | Event::NotDone(_)
        | Event::Settled { .. }
        | Event::Landed { .. } => None,
    }
}

fn deciding(course: Course, event: Event) -> Option<State> {
    match event {
        Event::Planned(plan) => course.redrawn(plan).map(State::Deciding),
        Event::Replanned { plan, why } => Some(course.anew(plan, why)),
        Event::Voted(vote) => Some(State::Deciding(course.voted(vote))),
        Event::Withdrawn { of, .. } => Some(State::Deciding(course.without(&of))),
        Event::Approved => Some(State::Landing(Course { held: None, ..course })),
        Event::Scheduled { at } => {
            let scheduled = course.scheduled.or(Some(at));
            Some(State::Deciding(Course { scheduled, ..course }))
        }
        Event::Held { why } => Some(State::Deciding(Course { held: Some(why), ..course })),
        Event::PullRequestOpened(at) => Some(State::Deciding(course.at(at))),
        Event::Moved(foreign) => Some(State::Deciding(course.moved(foreign))),
        Event::NotDone(undone) => Some(State::Deciding(course.lacking(undone))),
        Event::Landed { commit, by } => Some(State::Following(course.landed(by), commit)),
        Event::Ended(ending, by) => Some(State::ended(course, None, ending, by)),
        Event::PullRequestClosed | Event::Reopened | Event::Settled { .. } => None,
    }
}

fn landing(course: Course, event: Event) -> Option<State> {
    match event {
        Event::Planned(plan) => course.redrawn(plan).map(State::Landing),
        Event::Replanned { plan, why } => Some(course.anew(plan, why)),
        // A yes more, while what is approved waits for the forge.
        Event::Voted(vote) => Some(State::Landing(course.voted(vote))),
        Event::Withdrawn { of, .. } => Some(State::Deciding(course.without(&of))),
        Event::PullRequestOpened(at) => Some(State::Landing(course.at(at))),
        Event::Moved(foreign) => Some(State::Deciding(course.moved(foreign))),
        Event::NotDone(undone) => Some(State::Landing(course.lacking(undone))),
        Event::Landed { commit, by } => Some(State::Following(course.landed(by), commit)),
        Event::Ended(ending, by) => Some(State::ended(course, None, ending, by)),
        Event::Approved
        | Event::Scheduled { .. }
        | Event::Held { .. }
        | Event::PullRequestClosed
        | Event::Reopened
        | Event::Settled { .. } => None,
    }
}

fn following(course: Course, commit: CommitId, event: Event) -> Option<State> {
    match event {
        Event::NotDone(undone) => Some(State::Following(course.lacking(undone), commit)),
        Event::Ended(ending, by) => Some(State::ended(course, Some(commit), ending, by)),
        Event::Settled { service, ending } => Some(State::Following(course.settled(service, ending), commit)),
        Event::Planned(_)
        | Event::Replanned { .. }
        | Event::Voted(_)
        | Event::Withdrawn { .. }
        | Event::Approved
        | Event::Scheduled { .. }
        | Event::Held { .. }
        | Event::PullRequestOpened(_)
        | Event::Moved(_)
        | Event::PullRequestClosed
        | Event::Reopened
        | Event::Landed { .. } => None,
    }
}

fn over(course: Course, (commit, ending, by): (Option<CommitId>, Ending, Actor), event: Event) -> Option<State> {
    let still = |course| State::Over { course: Some(course), commit: commit.clone(), ending: ending.clone(), by };
    match event {
        // Its pull request was on its way when the request ended: known, so that it can be closed.
        Event::PullRequestOpened(at) => commit.is_none().then(|| still(course.at(at))),
        // Somebody merged it on the forge all the same: what is in the branch counts.
        Event::Landed { commit: landed, by } => commit.is_none().then(|| State::Following(course.landed(by), landed)),
        Event::Reopened => (commit.is_none() && matches!(ending, Ending::TakenOver { .. })).then(|| {
            let why = "its pull request was closed and opened again".to_owned();
            State::Deciding(Course { replanned: Some(why), foreign: None, ..course.unsaid() })
        }),
        Event::PullRequestClosed => Some(still(Course { pull_request: None, ..course })),
        Event::NotDone(undone) => Some(still(course.lacking(undone))),
        // It had landed, and people took it out of the branch again by rewriting that.
        Event::Ended(ending @ Ending::TakenOver { .. }, by) => {
            commit.is_some().then(|| State::Over { course: Some(course), commit: commit.clone(), ending, by })
        }
        Event::Planned(_)
        | Event::Replanned { .. }
        | Event::Voted(_)
        | Event::Withdrawn { .. }
        | Event::Approved
        | Event::Scheduled { .. }
        | Event::Held { .. }
        | Event::Moved(_)
        | Event::Settled { .. }
        | Event::Ended(..) => None,
    }
}

impl Course {
    /// The same, on which nobody has said anything.
    fn unsaid(self) -> Self {
        Self { votes: Vec::new(), scheduled: None, held: None, ..self }
    }

    /// Another change, on which nobody has voted.
    fn anew(self, plan: Plan, why: String) -> State {
        State::Deciding(Self { plan, replanned: Some(why), ..self.unsaid() })
    }

    /// Somebody's yes no longer counts.
    fn without(mut self, of: &Actor) -> Self {
        self.votes.retain(|vote| vote.actor != *of);
        self.scheduled = None;
        self
    }

    /// What people said yes to is not what is there.
    fn moved(self, foreign: Foreign) -> Self {
        Self { foreign: Some(foreign), ..self.unsaid() }
    }

    fn lacking(mut self, undone: NotDone) -> Self {
        self.not_done.retain(|other| other.what != undone.what);
        self.not_done.push(undone);
        self
    }

    fn settled(mut self, service: Service, ending: Ending) -> Self {
        self.settled.push((service, ending));
        self
    }

    fn landed(self, by: Actor) -> Self {
        Self { landed_by: (by.account.is_some() || by.person.is_some()).then_some(by), ..self }
    }

    /// The same change on a newer tip: only what stands around it differs, so its votes stand.
    fn redrawn(self, plan: Plan) -> Option<Self> {
        (plan.digest == self.plan.digest).then_some(Self { plan, ..self })
    }

    fn voted(mut self, vote: Vote) -> Self {
        self.votes.push(vote);
        self
    }

    fn at(mut self, pull_request: PullRequest) -> Self {
        self.pull_request = Some(pull_request);
        self.foreign = None;
        self
    }
}
