//! What happens to a request, one kind of entry each, and how it ends; written to entries and read back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{NotDone, PullRequest, Vote, subject};
use crate::core::{
    change::Plan,
    entry::{Actor, Draft, Recorded},
    names::{CommitId, RequestId, Service},
};

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
    /// A newer change of the same target took over, before it was seen live or before it was in git.
    Superseded {
        /// The newer request.
        by: RequestId,
    },
    /// Git already says so; nothing was committed.
    AlreadyThere,
    /// Somebody who may said no.
    Rejected {
        /// Why, where they said it.
        #[serde(skip)]
        why: Option<String>,
    },
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

/// What stands on the request's branch that the bot did not put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// The branch's newest commit.
    pub head: CommitId,
    /// Who pushed what, in words.
    #[serde(skip)]
    pub what: String,
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
    /// A yes no longer counts: taken back, or too old.
    Withdrawn {
        /// Whose.
        of: Actor,
        /// Why.
        why: String,
    },
    /// Enough did.
    Approved,
    /// Enough did; it begins when its time comes.
    Scheduled {
        /// When that was.
        at: Timestamp,
    },
    /// Its time has come, and it cannot begin for now.
    Held {
        /// Why not.
        why: String,
    },
    /// The pull request is there.
    PullRequestOpened(PullRequest),
    /// Somebody else pushed to its branch: approvals are void, and it is not merged by us.
    Moved(Foreign),
    /// The pull request of a request that ended without landing was closed.
    PullRequestClosed,
    /// Somebody opened the pull request again that somebody had closed: approvals start again.
    Reopened,
    /// Something that is only useful was refused.
    NotDone(NotDone),
    /// It is in the tracked branch.
    Landed {
        /// As this commit.
        commit: CommitId,
        /// Who merged it: the bot, or a person on the forge.
        by: Actor,
    },
    /// One of several services came to something, after it landed.
    Settled {
        /// Which.
        service: Service,
        /// To what: live, not live, not seen, or taken over by a newer change.
        ending: Ending,
    },
    /// Over.
    Ended(Ending, Actor),
}

impl Event {
    /// The kind of its entry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Planned(_) => "request.planned",
            Self::Replanned { .. } => "request.replanned",
            Self::Voted(_) => "approval.given",
            Self::Withdrawn { .. } => "approval.withdrawn",
            Self::Approved => "request.approved",
            Self::Scheduled { .. } => "request.scheduled",
            Self::Held { .. } => "request.held",
            Self::PullRequestOpened(_) => "pull_request.opened",
            Self::Moved(_) => "pull_request.moved",
            Self::PullRequestClosed => "pull_request.closed",
            Self::Reopened => "pull_request.reopened",
            Self::NotDone(_) => "forge.not_done",
            Self::Landed { .. } => "landing.done",
            Self::Settled { .. } => "rollout.settled",
            Self::Ended(..) => "request.ended",
        }
    }

    /// Whether the time that people have starts again with it.
    pub fn is_about_approval(&self) -> bool {
        match self {
            Self::Replanned { .. }
            | Self::Voted(_)
            | Self::Withdrawn { .. }
            | Self::Approved
            | Self::Scheduled { .. }
            | Self::Moved(_)
            | Self::Reopened => true,
            Self::Planned(_)
            | Self::Held { .. }
            | Self::PullRequestOpened(_)
            | Self::PullRequestClosed
            | Self::NotDone(_)
            | Self::Landed { .. }
            | Self::Settled { .. }
            | Self::Ended(..) => false,
        }
    }

    /// Whether what people said before it no longer counts.
    pub fn voids_approvals(&self) -> bool {
        match self {
            Self::Replanned { .. } | Self::Moved(_) | Self::Reopened => true,
            Self::Planned(_)
            | Self::Voted(_)
            | Self::Withdrawn { .. }
            | Self::Approved
            | Self::Scheduled { .. }
            | Self::Held { .. }
            | Self::PullRequestOpened(_)
            | Self::PullRequestClosed
            | Self::NotDone(_)
            | Self::Landed { .. }
            | Self::Settled { .. }
            | Self::Ended(..) => false,
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
            Self::Withdrawn { of, why } => draft.with("of", of).with_text("why", why),
            Self::Approved | Self::Scheduled { .. } | Self::PullRequestClosed | Self::Reopened => draft,
            Self::Held { why } => draft.with_text("why", why),
            Self::PullRequestOpened(pull_request) => draft.with("pull_request", pull_request),
            Self::Moved(foreign) => draft.with("foreign", foreign).with_text("what", &foreign.what),
            Self::NotDone(undone) => draft.with("undone", undone).with_text("why", &undone.why),
            Self::Landed { commit, .. } => draft.with("commit", commit),
            Self::Settled { service, ending } => ending.told(draft.with("service", service)),
            Self::Ended(ending, _) => ending.told(draft),
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
            "approval.withdrawn" => Self::Withdrawn { of: serde_json::from_value(member("of"))?, why: text("why") },
            "request.approved" => Self::Approved,
            "request.scheduled" => Self::Scheduled { at: entry.at().map_err(serde::de::Error::custom)? },
            "request.held" => Self::Held { why: text("why") },
            "pull_request.opened" => Self::PullRequestOpened(serde_json::from_value(member("pull_request"))?),
            "pull_request.moved" => {
                Self::Moved(Foreign { what: text("what"), ..serde_json::from_value(member("foreign"))? })
            }
            "pull_request.closed" => Self::PullRequestClosed,
            "pull_request.reopened" => Self::Reopened,
            "forge.not_done" => {
                Self::NotDone(NotDone { why: text("why"), ..serde_json::from_value(member("undone"))? })
            }
            "landing.done" => {
                Self::Landed { commit: serde_json::from_value(member("commit"))?, by: entry.actor.clone() }
            }
            "rollout.settled" => {
                let ending: Ending = serde_json::from_value(member("end"))?;
                Self::Settled { service: serde_json::from_value(member("service"))?, ending: ending.with_texts(text) }
            }
            "request.ended" => {
                let ending: Ending = serde_json::from_value(member("end"))?;
                Self::Ended(ending.with_texts(text), entry.actor.clone())
            }
            _ => return Ok(None),
        }))
    }
}

impl super::Request {
    /// The place of the last intent of this kind since the state last changed.
    pub fn intended(&self, kind: &str) -> Option<u64> {
        let of_kind = |(intent, _): &(&String, &u64)| intent.split(' ').next() == Some(kind);
        self.intents.iter().filter(of_kind).map(|(_, seq)| *seq).max()
    }
}

impl Ending {
    /// The ending of one of several services, with what was seen: `live, 2 of 2 pods run v1.2.5`.
    pub fn told_of_one(&self) -> String {
        match self {
            Self::Live { seen } | Self::NotLive { seen } | Self::Unseen { seen } => format!("{}, {seen}", self.word()),
            Self::Superseded { .. } => "taken over by a newer change".to_owned(),
            Self::Landed
            | Self::AlreadyThere
            | Self::Rejected { .. }
            | Self::Cancelled
            | Self::Expired
            | Self::TakenOver { .. }
            | Self::Failed { .. } => self.word().to_owned(),
        }
    }

    /// What was seen in the cluster, or the word for it.
    pub fn seen(&self) -> &str {
        match self {
            Self::Live { seen } | Self::NotLive { seen } | Self::Unseen { seen } => seen,
            Self::Landed
            | Self::Superseded { .. }
            | Self::AlreadyThere
            | Self::Rejected { .. }
            | Self::Cancelled
            | Self::Expired
            | Self::TakenOver { .. }
            | Self::Failed { .. } => self.word(),
        }
    }

    /// The ending in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Live { .. } => "live",
            Self::Landed => "in git",
            Self::NotLive { .. } => "in git, not live",
            Self::Unseen { .. } => "in git, cluster not seen",
            Self::Superseded { .. } => "superseded",
            Self::AlreadyThere => "already so",
            Self::Rejected { .. } => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::TakenOver { .. } => "taken over",
            Self::Failed { .. } => "failed",
        }
    }

    fn told(&self, draft: Draft) -> Draft {
        let texts = self.texts().into_iter();
        texts.fold(draft.with("end", self), |draft, (name, text)| draft.with_text(name, text))
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Live { seen } | Self::NotLive { seen } | Self::Unseen { seen } => vec![("seen", seen)],
            Self::TakenOver { why, remedy } | Self::Failed { why, remedy } => vec![("why", why), ("remedy", remedy)],
            Self::Rejected { why } => why.iter().map(|why| ("why", why.as_str())).collect(),
            Self::Landed | Self::Superseded { .. } | Self::AlreadyThere | Self::Cancelled | Self::Expired => vec![],
        }
    }

    fn with_texts(self, text: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Live { .. } => Self::Live { seen: text("seen") },
            Self::NotLive { .. } => Self::NotLive { seen: text("seen") },
            Self::Unseen { .. } => Self::Unseen { seen: text("seen") },
            Self::TakenOver { .. } => Self::TakenOver { why: text("why"), remedy: text("remedy") },
            Self::Failed { .. } => Self::Failed { why: text("why"), remedy: text("remedy") },
            Self::Rejected { .. } => Self::Rejected { why: Some(text("why")).filter(|why| !why.is_empty()) },
            other @ (Self::Landed | Self::Superseded { .. } | Self::AlreadyThere | Self::Cancelled | Self::Expired) => {
                other
            }
        }
    }
}
