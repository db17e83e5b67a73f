//! The life of one request, from asking to live. State is a fold over the ledger's entries: [`Request::opened`] reads the
//! first, [`Request::after`] each next one. What is due follows from it alone ([`Request::due`]), so that no crash loses it.

mod event;
mod folded;
mod lasting;
mod nicety;
mod review;
mod state;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::{
    decide::TagSeen,
    entry::{Actor, Recorded},
    names::{CommandName, CommitId, Digest, RequestId, Service, Target},
    reminder::Reminders,
};

pub use event::{Ending, Event, Foreign};
pub use folded::Folded;
pub use lasting::{AHEAD, GivenBack, GivesBack, Lasts};
pub use nicety::{Nicety, NotDone};
pub use review::{Lane, Review, step as review_step};
pub use state::{Course, Refused, State};
pub use targets::whole;

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
    /// Not at all: what runs is changed, and git stays as it is.
    Live,
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
    /// As one could type it again. It may hold a reason, so it stands among the texts; erased, it is empty.
    #[serde(default, skip_serializing)]
    pub words: String,
    /// On what.
    #[serde(flatten)]
    pub target: Target,
    /// The services beside that one, in the same environment.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub with: Vec<Service>,
    /// The subject of the commit: `deploy checkout v1.2.5 to prod`.
    pub title: String,
    /// How it lands.
    pub way: Way,
    /// Who must say yes.
    pub needs: Needs,
    /// The channel where it was typed and its card belongs, `platform:id`.
    pub channel: String,
    /// What the registry said of the tag, where one was put in and its registry may be asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tag: Option<TagSeen>,
    /// The debt that it pays, where that is what it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub debt: Option<RequestId>,
    /// Whether somebody asked for it for its own sake, and it pays a debt beside.
    #[serde(skip_serializing_if = "Folded::is_no", default)]
    pub folded: Folded,
    /// For how long it is meant, where it is not meant to stay.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lasts: Option<Lasts>,
    /// When it begins, where that is not at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub begins: Option<Timestamp>,
    /// What it gives back, where that is what it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gives_back: Option<GivesBack>,
    /// The emergency lane that it was asked for in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lane: Option<Lane>,
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

/// An effect on the world that a request waits for. Each looks at the world before it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// Read the facts and plan.
    Plan,
    /// Push the branch and open the pull request.
    OpenPullRequest,
    /// Look what people do to the pull request, until it is decided.
    Watch,
    /// Commit to the tracked branch.
    Commit,
    /// Merge the pull request, or wait for the person who will.
    Merge,
    /// Close the pull request of a request that ended.
    ClosePullRequest,
    /// Watch the cluster.
    Follow,
    /// Restart the pods, and watch them.
    Restart,
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
    /// What was recorded as about to be done since the state last changed, each with the place of its entry.
    pub intents: BTreeMap<String, u64>,
    /// When it came into the tracked branch.
    pub landed: Option<Timestamp>,
    /// Since when its pods were seen running it.
    pub live_since: Option<Timestamp>,
    /// What became of giving back what it changed.
    pub given_back: Option<GivenBack>,
    /// Who was reminded of it since it was asked for, or asked for anew.
    pub reminders: Reminders,
    /// The review that it owes once it has changed something, or was given.
    pub review: Option<Review>,
}

impl Request {
    /// Reads the entry that opens a request.
    ///
    /// # Errors
    /// When the entry lacks what it must have.
    pub fn opened(id: RequestId, recorded: &Recorded) -> Result<Self, serde_json::Error> {
        let entry = &recorded.entry;
        let mut body = entry.body.clone();
        // Where they are a text, their hash stands there; entries of earlier versions have them in plain.
        if body.get("words").is_some_and(Value::is_object) {
            body.remove("words");
        }
        let mut opened: Opened = serde_json::from_value(Value::Object(body))?;
        if let Some(words) = recorded.texts.get("words") {
            opened.words.clone_from(words);
        }
        Ok(Self {
            id,
            opened,
            reason: recorded.texts.get("reason").cloned(),
            requester: entry.actor.clone(),
            at: entry.at().map_err(serde::de::Error::custom)?,
            card: None,
            state: State::Planning,
            intents: BTreeMap::new(),
            landed: None,
            live_since: None,
            given_back: None,
            reminders: Reminders::default(),
            review: None,
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
        if self.reminders.fold(recorded)? || Review::fold(&mut self.review, recorded)? {
            return Ok(self);
        }
        if let Some(given_back) = GivenBack::read(recorded)? {
            self.given_back = Some(given_back);
            return Ok(self);
        }
        if let Some(Value::String(title)) = recorded.entry.body.get(TITLE) {
            self.opened.title.clone_from(title);
        }
        match Event::read(recorded)? {
            Some(event) => {
                let (counts, voids) = (event.is_about_approval(), event.voids_approvals());
                let gone =
                    if let Event::Withdrawn { of, why } = &event { Some((of.clone(), why.clone())) } else { None };
                let is_approval = event == Event::Approved;
                self.state = self.state.after(event)?;
                // What is decided anew owes nothing for how it was decided before.
                self.review = self.review.filter(|_| !is_approval && !matches!(self.state, State::Deciding(_)));
                self.intents.clear();
                self.live_since = self.was_live().then(|| self.live_since.or(recorded.entry.at().ok())).flatten();
                if voids {
                    self.reminders.clear();
                }
                self.landed = self.landed.or_else(|| self.commit().and(recorded.entry.at().ok()));
                if let (true, Some(course), Ok(at)) = (counts, self.course_mut(), recorded.entry.at()) {
                    course.since = at;
                    course.voided = if voids { at } else { course.voided };
                    course.taken_back.retain(|_| !voids);
                    course.taken_back.extend(gone.map(|(of, why)| (of, at, why)));
                }
            }
            None => {
                let intent = intent(&recorded.entry.kind, &recorded.entry.body);
                self.intents.entry(intent).or_insert(recorded.entry.seq);
            }
        }
        Ok(self)
    }

    /// What the world owes this request now.
    pub fn due(&self) -> Option<Due> {
        match &self.state {
            State::Planning => Some(Due::Plan),
            State::Deciding(_) if self.opened.way == Way::Live => None,
            State::Landing(_) if self.opened.way == Way::Live => Some(Due::Restart),
            State::Deciding(_) | State::Landing(_) if self.opened.way != Way::Commit && !self.is_proposed() => {
                Some(Due::OpenPullRequest)
            }
            State::Deciding(_) if self.opened.way != Way::Commit => Some(Due::Watch),
            State::Deciding(_) => None,
            State::Landing(_) if self.opened.way == Way::Commit => Some(Due::Commit),
            State::Landing(_) => Some(Due::Merge),
            State::Following(..) => Some(Due::Follow),
            State::Over { ending: Ending::TakenOver { .. }, .. } => None,
            State::Over { course: Some(course @ Course { pull_request: Some(_), .. }), commit: None, .. } => {
                course.can(Nicety::Closing).then_some(Due::ClosePullRequest)
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

    fn course_mut(&mut self) -> Option<&mut Course> {
        match &mut self.state {
            State::Planning => None,
            State::Deciding(course) | State::Landing(course) | State::Following(course, _) => Some(course),
            State::Over { course, .. } => course.as_mut(),
        }
    }

    /// How long a yes is good for, and how long people have for the next one.
    pub fn patience(&self) -> SignedDuration {
        self.opened.needs.until.duration_since(self.at)
    }

    /// Since when people are asked: since it was asked for, or since what they said no longer counts.
    pub fn asked_since(&self) -> Timestamp {
        self.course().map_or(self.at, |course| course.voided.max(self.at))
    }

    /// When it is too late to approve it: counted from the last that was heard of it, and never before it is to begin.
    pub fn deadline(&self) -> Timestamp {
        let since = self.course().map_or(self.at, |course| course.since);
        let until = since.checked_add(self.patience()).unwrap_or(since);
        until.max(self.opened.needs.until).max(self.opened.begins.unwrap_or(until))
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

/// The member of `request.planned` that says what the request is called from then on.
pub(crate) const TITLE: &str = "title";

/// The ledger's subject of a request.
pub fn subject(request: &RequestId) -> String {
    format!("request/{request}")
}

/// The request that a subject names.
pub fn of_subject(subject: &str) -> Option<RequestId> {
    RequestId::parse(subject.strip_prefix("request/")?).ok()
}
