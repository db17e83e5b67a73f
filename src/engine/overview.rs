//! What concerns one person now: what waits for their yes, what they have open, and what everybody should know of:
//! incidents, debts, freezes. The home tab in Slack shows it, and `/status` alone, which is the same everywhere. And what
//! somebody may mean who is asked for something earlier.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::{Engine, Inner};
use crate::{
    clock,
    core::{
        command::{Action, Flow},
        debt::Debt,
        decide::{Asker, Now, awaits, may_review},
        incident::Incident,
        names::{CommandName, RequestId},
        request::Request,
        rules::Rules,
    },
};

/// The most choices: Slack's menus hold a hundred.
const CHOICES: usize = 100;
/// How many of a kind are read.
const MOST: usize = 20;

/// What concerns one person.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// Why the rules cannot be read, if so.
    pub trouble: Option<String>,
    /// Requests that wait for their yes, the newest first.
    pub approvals: Vec<Request>,
    /// Requests that went through the emergency lane and wait for a review of theirs.
    pub reviews: Vec<Request>,
    /// Their own that are not over.
    pub own: Vec<Request>,
    /// Incidents that are open, the oldest first.
    pub incidents: Vec<Incident>,
    /// Debts that are open, the oldest first.
    pub debts: Vec<Debt>,
    /// What is frozen now or soon, a line each.
    pub freezes: Vec<String>,
    /// What ended last.
    pub over: Vec<Request>,
}

impl Engine {
    /// What concerns somebody; nothing for whom the catalog does not know.
    pub async fn overview(&self, asker: &Asker) -> Overview {
        match self.inner.rules().filter(|_| asker.person.is_some()) {
            Some(rules) => overview(&self.inner, &rules, asker).await,
            None => Overview::default(),
        }
    }

    /// What an option of a command may name that is there already and fits what was typed: incidents where the command is
    /// about them, elsewhere requests that are in git, the newest first, at most a hundred. Each with words that help to
    /// choose.
    pub async fn earlier(&self, command: &str, others: &[(String, String)], typed: &str) -> Vec<(String, String)> {
        let Some(rules) = self.inner.rules() else { return Vec::new() };
        let definition = CommandName::parse(command).ok().and_then(|name| rules.commands.get(&name));
        let is_incident = definition.is_some_and(|one| matches!(one.action, Action::Flow(Flow::Incident)));
        let other = |name: &str| others.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let book = self.inner.book.lock().await;
        let all: Vec<(String, String)> = if is_incident {
            let reopens = other("what") == Some("reopen");
            let fits = |one: &&Incident| one.is_open() != reopens;
            let of = |one: &Incident| (one.id.to_string(), format!("{}, {}", one.title(), when(one.at)));
            book.matters().incidents.values().rev().filter(fits).map(of).collect()
        } else {
            let is_of = |request: &&Request| {
                let target = &request.opened.target;
                let fits = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
                request.opened.services().any(|service| fits(other("service"), service.as_str()))
                    && fits(other("environment"), target.environment.as_str())
            };
            let of = |one: &Request| (one.id.to_string(), format!("{}, {}", one.opened.title, when(one.at)));
            book.iter().rev().filter(|request| request.commit().is_some()).filter(is_of).map(of).collect()
        };
        let typed = typed.trim().to_lowercase();
        let fits = |(id, words): &(String, String)| {
            id.to_lowercase().starts_with(&typed) || words.to_lowercase().contains(&typed)
        };
        all.into_iter().filter(fits).take(CHOICES).collect()
    }

    /// The incidents that are open, each with its title.
    pub async fn open_incidents(&self) -> Vec<(RequestId, String)> {
        let matters = self.inner.matters().await;
        let open = matters.incidents.values().filter(|incident| incident.is_open());
        open.map(|incident| (incident.id.clone(), incident.title())).collect()
    }
}

fn when(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// As [`Engine::overview`], of somebody whom the catalog knows.
pub(super) async fn overview(inner: &Arc<Inner>, rules: &Rules, asker: &Asker) -> Overview {
    let freezes = inner.freeze_lines(rules, None).await;
    let trouble = inner.troubles.lock().unwrap_or_else(PoisonError::into_inner).words(&inner.reach.repository.name);
    let book = inner.book.lock().await;
    let matters = book.matters();
    let now = Now { at: clock::now(), rules, matters };
    let some = |wanted: &dyn Fn(&&Request) -> bool, most: usize| -> Vec<Request> {
        book.iter().rev().filter(wanted).take(most).cloned().collect()
    };
    Overview {
        trouble,
        approvals: some(&|request| awaits(asker, request, now), MOST),
        reviews: some(&|request| may_review(asker, request, now), MOST),
        own: some(&|request| !request.is_over() && asker.is(&request.requester), MOST),
        incidents: matters.incidents.values().filter(|one| one.is_open()).take(MOST).cloned().collect(),
        debts: matters.debts.values().filter(|one| !one.is_over()).take(MOST).cloned().collect(),
        freezes,
        over: some(&|request| request.is_over(), 5),
    }
}

impl Overview {
    /// What a person should know before they read what runs where, in lines; nothing where there is nothing.
    pub(super) fn lines(&self) -> Vec<String> {
        let titled = |request: &Request| format!("`{}`", request.opened.title);
        let own = |request: &Request| format!("`{}` ({})", request.opened.title, request.state.word());
        let list = |name: &str, all: Vec<String>| (!all.is_empty()).then(|| format!("{name}: {}.", all.join(", ")));
        let incident = |one: &Incident| format!("`{}` ({})", one.title().replace('`', "'"), one.state.word());
        let debt = |one: &Debt| format!("{} of {}, {}", one.fields(), one.opened.target, one.words());
        let told = [
            list("Waiting for your approval", self.approvals.iter().map(titled).collect()),
            list("Waiting for your review", self.reviews.iter().map(titled).collect()),
            list("Yours, still open", self.own.iter().map(own).collect()),
            list("Open incidents", self.incidents.iter().map(incident).collect()),
            list("Owed to git", self.debts.iter().map(debt).collect()),
        ];
        told.into_iter().flatten().collect()
    }
}
