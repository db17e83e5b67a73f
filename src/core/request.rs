//! The life of one request, from asking to live. State is a fold over the ledger's entries: [`Request::opened`] reads
//! the first, [`Request::after`] each next one. What is due next follows from the state alone ([`Request::due`]), so
//! that a crash cannot lose an effect: after a restart the same state asks for the same effect.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::{
    change::Plan,
    entry::{Actor, Draft, Recorded},
    names::{CommandName, CommitId, Digest, RequestId, Target},
};

/// How a change enters the tracked branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A commit pushed to the branch.
    Commit,
    /// A pull request that the bot merges by squashing.
    Squash,
    /// A pull request that the bot merges with a merge commit.
    Merge,
    /// A pull request that the bot merges by rebasing.
    Rebase,
    /// A pull request that a person merges on the forge.
    ByHand,
}

/// Whose approval is needed, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// How many persons.
    pub count: u32,
    /// From whom, as the catalog writes it (`group:leads`); empty: any person of the catalog.
    pub from: Vec<String>,
    /// When it is too late, RFC 3339.
    pub until: Timestamp,
}

/// What the first entry of a request says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The command.
    pub command: CommandName,
    /// The command as one could type it again.
    pub words: String,
    /// On what.
    #[serde(flatten)]
    pub target: Target,
    /// The subject of the commit: `deploy checkout v1.2.5 to prod`.
    pub title: String,
    /// How it lands.
    pub way: Way,
    /// Who must say yes.
    pub needs: Needs,
    /// The channel where it was typed and its card belongs, `platform:id`.
    pub channel: String,
}

/// A message that shows a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// `platform:channel`.
    pub channel: String,
    /// The message's id on that platform.
    pub message: String,
}

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub actor: Actor,
    /// To what.
    pub digest: Digest,
    /// When.
    pub at: Timestamp,
}

/// A pull request of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// The commit that we pushed, and no other, may be merged.
    pub head: CommitId,
    /// The change that it holds; another than the plan's once the change was planned anew.
    pub digest: Digest,
}

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
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// The pods run it.
    Live {
        /// What was seen: `2 of 2 pods run v1.2.5`.
        #[serde(skip)]
        seen: String,
    },
    /// It is in git, and nobody told us of a cluster to look into.
    Landed,
    /// It is in git; the pods did not come to run it.
    NotLive {
        /// What was seen instead.
        #[serde(skip)]
        seen: String,
    },
    /// It is in git; whether the pods run it could not be seen.
    Unseen {
        /// Why not.
        #[serde(skip)]
        seen: String,
    },
    /// It is in git; a newer change of the same target took over before it was seen live.
    Superseded {
        /// The newer request.
        by: RequestId,
    },
    /// Git already says so; nothing was committed.
    AlreadyThere,
    /// Somebody who may said no.
    Rejected,
    /// Whoever asked took it back.
    Cancelled,
    /// Nobody approved in time.
    Expired,
    /// People closed its pull request, or pushed to it: it is theirs now, and nothing more is done to it.
    TakenOver {
        /// What they did.
        #[serde(skip)]
        why: String,
        /// What to do.
        #[serde(skip)]
        remedy: String,
    },
    /// It could not be done, and trying again by itself would not help.
    Failed {
        /// Why.
        #[serde(skip)]
        why: String,
        /// What to do.
        #[serde(skip)]
        remedy: String,
    },
}

/// What happened to a request, one for each kind of entry after the first.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The change was planned, later than the asking because facts were missing then; or the same change was planned
    /// on a newer tip.
    Planned(Plan),
    /// The tip moved under it and the change is another one now: approvals start again.
    Replanned {
        /// The new plan.
        plan: Plan,
        /// What changed.
        why: String,
    },
    /// A person said yes.
    Voted(Vote),
    /// Enough did.
    Approved,
    /// The pull request is there.
    PullRequestOpened(PullRequest),
    /// The pull request of a request that ended without landing was closed.
    PullRequestClosed,
    /// It is in the tracked branch.
    Landed(CommitId),
    /// Over.
    Ended(Ending, Actor),
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

/// An effect on the world that a request waits for. Each looks at the world before it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// Read the facts and plan.
    Plan,
    /// Push the branch and open the pull request.
    OpenPullRequest,
    /// Commit to the tracked branch.
    Commit,
    /// Merge the pull request, or wait for the person who will.
    Merge,
    /// Close the pull request of a request that ended.
    ClosePullRequest,
    /// Watch the cluster.
    Follow,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// What was asked.
    pub opened: Opened,
    /// Why, in the words of whoever asked.
    pub reason: Option<String>,
    /// Who asked.
    pub requester: Actor,
    /// When.
    pub at: Timestamp,
    /// Its message.
    pub card: Option<Card>,
    /// Where it stands.
    pub state: State,
    /// What was recorded as about to be done since the state last changed, so that trying again records it once.
    pub intents: BTreeSet<String>,
}

impl Event {
    /// The kind of its entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Planned(_) => "request.planned",
            Self::Replanned { .. } => "request.replanned",
            Self::Voted(_) => "approval.given",
            Self::Approved => "request.approved",
            Self::PullRequestOpened(_) => "pull_request.opened",
            Self::PullRequestClosed => "pull_request.closed",
            Self::Landed(_) => "landing.done",
            Self::Ended(..) => "request.ended",
        }
    }

    /// Its entry.
    pub fn draft(&self, request: &RequestId, actor: Actor) -> Draft {
        let draft = Draft::new(self.kind(), subject(request), actor);
        match self {
            Self::Planned(plan) => draft.with("plan", plan).with_text("diff", &plan.diff),
            Self::Replanned { plan, why } => {
                draft.with("plan", plan).with_text("diff", &plan.diff).with_text("why", why)
            }
            Self::Voted(vote) => draft.with("digest", &vote.digest),
            Self::Approved | Self::PullRequestClosed => draft,
            Self::PullRequestOpened(pull_request) => draft.with("pull_request", pull_request),
            Self::Landed(commit) => draft.with("commit", commit),
            Self::Ended(ending, _) => ending
                .texts()
                .into_iter()
                .fold(draft.with("end", ending), |draft, (name, text)| draft.with_text(name, text)),
        }
    }

    /// Reads an entry back; `None` for kinds that change no state.
    ///
    /// # Errors
    /// When the entry lacks what its kind must have.
    pub fn read(recorded: &Recorded) -> Result<Option<Self>, serde_json::Error> {
        let entry = &recorded.entry;
        let text = |name: &str| recorded.texts.get(name).cloned().unwrap_or_default();
        let member = |name: &str| entry.body.get(name).cloned().unwrap_or(Value::Null);
        let plan = || -> Result<Plan, serde_json::Error> {
            Ok(Plan { diff: text("diff"), ..serde_json::from_value(member("plan"))? })
        };
        Ok(Some(match entry.kind.as_str() {
            "request.planned" => Self::Planned(plan()?),
            "request.replanned" => Self::Replanned { plan: plan()?, why: text("why") },
            "approval.given" => Self::Voted(Vote {
                actor: entry.actor.clone(),
                digest: serde_json::from_value(member("digest"))?,
                at: entry.at().map_err(serde::de::Error::custom)?,
            }),
            "request.approved" => Self::Approved,
            "pull_request.opened" => Self::PullRequestOpened(serde_json::from_value(member("pull_request"))?),
            "pull_request.closed" => Self::PullRequestClosed,
            "landing.done" => Self::Landed(serde_json::from_value(member("commit"))?),
            "request.ended" => {
                let ending: Ending = serde_json::from_value(member("end"))?;
                Self::Ended(ending.with_texts(text), entry.actor.clone())
            }
            _ => return Ok(None),
        }))
    }
}

impl Ending {
    /// The ending in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Live { .. } => "live",
            Self::Landed => "in git",
            Self::NotLive { .. } => "in git, not live",
            Self::Unseen { .. } => "in git, cluster not seen",
            Self::Superseded { .. } => "superseded",
            Self::AlreadyThere => "already so",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::TakenOver { .. } => "taken over",
            Self::Failed { .. } => "failed",
        }
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Live { seen } | Self::NotLive { seen } | Self::Unseen { seen } => vec![("seen", seen)],
            Self::TakenOver { why, remedy } | Self::Failed { why, remedy } => vec![("why", why), ("remedy", remedy)],
            Self::Landed
            | Self::Superseded { .. }
            | Self::AlreadyThere
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired => vec![],
        }
    }

    fn with_texts(self, text: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Live { .. } => Self::Live { seen: text("seen") },
            Self::NotLive { .. } => Self::NotLive { seen: text("seen") },
            Self::Unseen { .. } => Self::Unseen { seen: text("seen") },
            Self::TakenOver { .. } => Self::TakenOver { why: text("why"), remedy: text("remedy") },
            Self::Failed { .. } => Self::Failed { why: text("why"), remedy: text("remedy") },
            other @ (Self::Landed
            | Self::Superseded { .. }
            | Self::AlreadyThere
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired) => other,
        }
    }
}

impl Course {
    /// A change that nobody has voted on.
    pub fn new(plan: Plan) -> Self {
        Self { plan, votes: Vec::new(), pull_request: None, replanned: None }
    }
}

impl State {
    /// The state in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planning => "planning",
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
        use State::{Deciding, Following, Landing, Over, Planning};
        let refused = Refused { event: event.kind(), state: self.word() };
        match (self, event) {
            (Planning, Event::Planned(plan)) => Ok(Deciding(Course::new(plan))),
            (Planning, Event::Ended(ending, by)) => Ok(Over { course: None, commit: None, ending, by }),
            (Deciding(course), Event::Planned(plan)) => course.redrawn(plan).map(Deciding).ok_or(refused),
            (Landing(course), Event::Planned(plan)) => course.redrawn(plan).map(Landing).ok_or(refused),
            (Deciding(course), Event::Voted(vote)) => Ok(Deciding(course.voted(vote))),
            (Deciding(course), Event::Approved) => Ok(Landing(course)),
            (Deciding(course), Event::PullRequestOpened(at)) => Ok(Deciding(course.at(at))),
            (Landing(course), Event::PullRequestOpened(at)) => Ok(Landing(course.at(at))),
            (Deciding(course) | Landing(course), Event::Replanned { plan, why }) => Ok(course.anew(plan, why)),
            (Deciding(course) | Landing(course), Event::Landed(commit)) => Ok(Following(course, commit)),
            (Deciding(course) | Landing(course), Event::Ended(ending, by)) => Ok(Self::ended(course, None, ending, by)),
            (Following(course, commit), Event::Ended(ending, by)) => Ok(Self::ended(course, Some(commit), ending, by)),
            // Its pull request was on its way when the request ended: known, so that it can be closed.
            (Over { course: Some(course), commit: None, ending, by }, Event::PullRequestOpened(at)) => {
                Ok(Over { course: Some(course.at(at)), commit: None, ending, by })
            }
            // Somebody merged it on the forge all the same: what is in the branch counts.
            (Over { course: Some(course), commit: None, .. }, Event::Landed(commit)) => Ok(Following(course, commit)),
            (Over { course: Some(course), commit, ending, by }, Event::PullRequestClosed) => {
                Ok(Over { course: Some(Course { pull_request: None, ..course }), commit, ending, by })
            }
            (
                Planning,
                Event::Replanned { .. }
                | Event::Voted(_)
                | Event::Approved
                | Event::PullRequestOpened(_)
                | Event::PullRequestClosed
                | Event::Landed(_),
            )
            | (Deciding(_), Event::PullRequestClosed)
            | (Landing(_), Event::Voted(_) | Event::Approved | Event::PullRequestClosed)
            | (
                Following(..),
                Event::Planned(_)
                | Event::Replanned { .. }
                | Event::Voted(_)
                | Event::Approved
                | Event::PullRequestOpened(_)
                | Event::PullRequestClosed
                | Event::Landed(_),
            )
            | (
                Over { .. },
                Event::Planned(_)
                | Event::Replanned { .. }
                | Event::Voted(_)
                | Event::Approved
                | Event::PullRequestOpened(_)
                | Event::PullRequestClosed
                | Event::Landed(_)
                | Event::Ended(..),
            ) => Err(refused),
        }
    }
}

impl Course {
    /// Another change, on which nobody has voted.
    fn anew(self, plan: Plan, why: String) -> State {
        State::Deciding(Self { plan, votes: Vec::new(), replanned: Some(why), ..self })
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
        self
    }
}

impl Request {
    /// Reads the entry that opens a request.
    ///
    /// # Errors
    /// When the entry lacks what it must have.
    pub fn opened(id: RequestId, recorded: &Recorded) -> Result<Self, serde_json::Error> {
        let entry = &recorded.entry;
        Ok(Self {
            id,
            opened: serde_json::from_value(Value::Object(entry.body.clone()))?,
            reason: recorded.texts.get("reason").cloned(),
            requester: entry.actor.clone(),
            at: entry.at().map_err(serde::de::Error::custom)?,
            card: None,
            state: State::Planning,
            intents: BTreeSet::new(),
        })
    }

    /// The request after one more of its entries.
    ///
    /// # Errors
    /// When the entry does not fit, or lacks what it must have.
    pub fn after(mut self, recorded: &Recorded) -> Result<Self, Unreadable> {
        if recorded.entry.kind == "card.posted" {
            let card = recorded.entry.body.get("card").cloned().unwrap_or(Value::Null);
            self.card = Some(serde_json::from_value(card)?);
            return Ok(self);
        }
        match Event::read(recorded)? {
            Some(event) => {
                self.state = self.state.after(event)?;
                self.intents.clear();
            }
            None => {
                self.intents.insert(intent(&recorded.entry.kind, &recorded.entry.body));
            }
        }
        Ok(self)
    }

    /// What the world owes this request now.
    pub fn due(&self) -> Option<Due> {
        match &self.state {
            State::Planning => Some(Due::Plan),
            State::Deciding(_) | State::Landing(_) if self.opened.way != Way::Commit && !self.is_proposed() => {
                Some(Due::OpenPullRequest)
            }
            State::Deciding(_) => None,
            State::Landing(_) if self.opened.way == Way::Commit => Some(Due::Commit),
            State::Landing(_) => Some(Due::Merge),
            State::Following(..) => Some(Due::Follow),
            State::Over { ending: Ending::TakenOver { .. }, .. } => None,
            State::Over { course: Some(Course { pull_request: Some(_), .. }), commit: None, .. } => {
                Some(Due::ClosePullRequest)
            }
            State::Over { .. } => None,
        }
    }

    /// Whether a pull request holds the change as it is planned now.
    fn is_proposed(&self) -> bool {
        self.course().is_some_and(|course| {
            course.pull_request.as_ref().is_some_and(|proposed| proposed.digest == course.plan.digest)
        })
    }

    /// What it carries, once planned.
    pub fn course(&self) -> Option<&Course> {
        match &self.state {
            State::Planning => None,
            State::Deciding(course) | State::Landing(course) | State::Following(course, _) => Some(course),
            State::Over { course, .. } => course.as_ref(),
        }
    }

    /// Its commit in the tracked branch.
    pub fn commit(&self) -> Option<&CommitId> {
        match &self.state {
            State::Following(_, commit) => Some(commit),
            State::Over { commit, .. } => commit.as_ref(),
            State::Planning | State::Deciding(_) | State::Landing(_) => None,
        }
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over { .. })
    }

    /// Whether the pods were seen running it.
    pub fn was_live(&self) -> bool {
        matches!(self.state, State::Over { ending: Ending::Live { .. }, .. })
    }

    /// Where it stands, in a word or two.
    pub fn outcome_word(&self) -> &'static str {
        match &self.state {
            State::Over { ending, .. } => ending.word(),
            State::Planning | State::Deciding(_) | State::Landing(_) | State::Following(..) => self.state.word(),
        }
    }

    /// The branch that its pull request comes from.
    pub fn branch(&self) -> String {
        format!("leverframe/{}", self.id)
    }
}

/// An entry that cannot be folded into its request.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It lacks something.
    #[error("the entry lacks what its kind must have: {0}")]
    Shape(#[from] serde_json::Error),
    /// It does not fit.
    #[error(transparent)]
    Order(#[from] Refused),
}

/// What an entry says is about to be done, to be compared.
pub fn intent(kind: &str, body: &Map<String, Value>) -> String {
    format!("{kind} {}", Value::Object(body.clone()))
}

/// The ledger's subject of a request.
pub fn subject(request: &RequestId) -> String {
    format!("request/{request}")
}

/// The request that a subject names.
pub fn of_subject(subject: &str) -> Option<RequestId> {
    RequestId::parse(subject.strip_prefix("request/")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::names::{Environment, Service};

    fn actor() -> Actor {
        Actor { person: None, account: None, via: "leverframe".to_owned() }
    }

    fn plan() -> Plan {
        let digest = Digest::of(b"plan");
        let base = CommitId::parse(&"a".repeat(40)).unwrap();
        Plan { digest: digest.clone(), base, policy: digest, edits: vec![], lines: vec![], diff: "diff".to_owned() }
    }

    fn proposed() -> PullRequest {
        let head = CommitId::parse(&"b".repeat(40)).unwrap();
        PullRequest { number: 7, url: "http://forge/7".to_owned(), head, digest: Digest::of(b"plan") }
    }

    fn events() -> Vec<Event> {
        let vote = Vote { actor: actor(), digest: Digest::of(b"plan"), at: Timestamp::UNIX_EPOCH };
        vec![
            Event::Planned(plan()),
            Event::Replanned { plan: plan(), why: "it moved".to_owned() },
            Event::Voted(vote),
            Event::Approved,
            Event::PullRequestOpened(proposed()),
            Event::PullRequestClosed,
            Event::Landed(CommitId::parse(&"c".repeat(40)).unwrap()),
            Event::Ended(Ending::Failed { why: "why".to_owned(), remedy: "remedy".to_owned() }, actor()),
        ]
    }

    fn states() -> Vec<State> {
        let course = Course::new(plan());
        let commit = CommitId::parse(&"c".repeat(40)).unwrap();
        let over =
            |commit| State::Over { course: Some(course.clone()), commit, ending: Ending::Cancelled, by: actor() };
        vec![
            State::Planning,
            State::Deciding(course.clone()),
            State::Landing(course.clone()),
            State::Following(course.clone(), commit.clone()),
            over(None),
            over(Some(commit)),
        ]
    }

    /// The whole machine, to be read: one line a state, one column an event.
    #[test]
    fn every_state_meets_every_event() {
        let mut table = String::new();
        for state in states() {
            let row: Vec<&str> = events()
                .into_iter()
                .map(|event| state.clone().after(event).map_or("-", |after| after.word()))
                .collect();
            table.push_str(&format!("{}: {}\n", state.word(), row.join(" | ")));
        }
        assert_eq!(
            table,
            "\
planning: waiting for approval | - | - | - | - | - | - | over
waiting for approval: waiting for approval | waiting for approval | waiting for approval | landing | waiting for approval | - | rolling out | over
landing: landing | waiting for approval | - | - | landing | - | rolling out | over
rolling out: - | - | - | - | - | - | - | over
over: - | - | - | - | over | over | rolling out | -
over: - | - | - | - | - | over | - | -
"
        );
    }

    #[test]
    fn an_event_is_read_back_from_its_entry() {
        let id = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap();
        for event in events() {
            let draft = event.draft(&id, actor());
            let entry = crate::core::entry::Entry {
                seq: 0,
                time: crate::core::entry::written(Timestamp::UNIX_EPOCH),
                kind: draft.kind,
                subject: draft.subject,
                actor: draft.actor,
                incident: None,
                body: draft.body,
                prev: String::new(),
            };
            assert_eq!(of_subject(&entry.subject), Some(id.clone()));
            let recorded = Recorded { entry, texts: draft.texts };
            assert_eq!(Event::read(&recorded).unwrap(), Some(event));
        }
    }

    #[test]
    fn a_change_planned_anew_is_proposed_anew() {
        let opened = Opened {
            command: CommandName::parse("deploy").unwrap(),
            words: "deploy checkout prod v2".to_owned(),
            target: Target {
                service: Service::parse("checkout").unwrap(),
                environment: Environment::parse("prod").unwrap(),
            },
            title: "deploy checkout v2 to prod".to_owned(),
            way: Way::Squash,
            needs: Needs { count: 1, from: vec![], until: Timestamp::UNIX_EPOCH },
            channel: "slack:C1".to_owned(),
        };
        let mut course = Course::new(plan());
        course.pull_request = Some(proposed());
        let request = |course: Course| Request {
            id: RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap(),
            opened: opened.clone(),
            reason: None,
            requester: actor(),
            at: Timestamp::UNIX_EPOCH,
            card: None,
            state: State::Deciding(course),
            intents: BTreeSet::new(),
        };
        assert_eq!(request(course.clone()).due(), None);
        course.plan.digest = Digest::of(b"another");
        assert_eq!(request(course).due(), Some(Due::OpenPullRequest));
    }
}
