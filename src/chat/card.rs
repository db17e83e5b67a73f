//! Cards: what a message says about a request, without any platform's markup. Built from the request alone, so that
//! the card can be made again at any time and always says what the ledger says.

mod beside;
mod buttons;
mod choices;
mod deciding;
mod diff;
pub mod drift;
pub mod emergency;
mod lane;
mod lasting;
mod mark;
mod outsiders;
pub mod owed;
mod rows;
mod steps;

use std::collections::BTreeMap;

use jiff::Timestamp;

use deciding::{deciding, said, theirs};
pub use diff::beyond;
pub use mark::Mark;
pub use rows::Row;
pub use steps::{Step, steps, tells};

use crate::core::{
    change::Line,
    decide::{TagSeen, sentence},
    entry::Actor,
    names::Service,
    request::{Course, Ending, Lane, Request, State, Way},
};

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Words of ours.
    Text(String),
    /// A name or a value, set apart.
    Code(String),
    /// Somebody.
    Somebody(Actor),
    /// A link with its words.
    Link {
        /// Where to.
        url: String,
        /// What it says.
        text: String,
    },
    /// A moment of these hours, shown in the reader's own zone where the platform can.
    At(Timestamp),
    /// A moment that may be days away, shown with its day.
    Day(Timestamp),
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What it does; the id of the platform's element.
    pub action: std::borrow::Cow<'static, str>,
    /// What it says.
    pub label: std::borrow::Cow<'static, str>,
    /// How it looks.
    pub look: Look,
    /// What comes back with the click: the request and the first digits of the digest. An id, never authority.
    pub value: String,
}

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The expected answer.
    Primary,
    /// A refusal.
    Danger,
    /// Anything else.
    Plain,
}

/// A message that shows a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// `deploy checkout v1.2.5 to prod`.
    pub title: String,
    /// At a glance.
    pub mark: Mark,
    /// How it stands, in a sentence.
    pub status: Vec<Span>,
    /// What to do about it, when something is to be done.
    pub remedy: Option<String>,
    /// Old and new value of each field.
    pub lines: Vec<Line>,
    /// The same by service, where it is of several: then there are no lines beside them.
    pub rows: Vec<Row>,
    /// Why, in the words of whoever asked.
    pub reason: Option<String>,
    /// The unified diff, cut.
    pub diff: String,
    /// What happened, the oldest first; an incident's alone.
    pub timeline: Vec<Vec<Span>>,
    /// Who asked, who said yes, links.
    pub notes: Vec<Vec<Span>>,
    /// What can be pressed.
    pub buttons: Vec<Button>,
    /// What else on it outsiders are not to read, beside the values of its lines.
    pub values: Vec<String>,
}

/// What is known of a request only while the bot runs, and shown until something truer comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Why the present step is not done yet, when something is in the way.
    pub trouble: Option<String>,
    /// What the cluster shows so far: `1 of 2 pods run v1.2.5`.
    pub seen: Option<String>,
    /// The same of each service, where it is of several.
    pub each: BTreeMap<Service, String>,
    /// Whether what it holds off was meant to go on by now.
    pub overdue: Overdue,
    /// Whose approval is still needed, so many of whom by each rule: `1 of group:leads`.
    pub needed: Vec<String>,
    /// Why it cannot go on for now, where its environment is frozen for whoever asked: `prod` is frozen until ...
    pub frozen: Option<String>,
    /// The emergency lane that is open for it now.
    pub lane: Option<Lane>,
}

/// Whether a time has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overdue {
    /// It has.
    Yes,
    /// It has not.
    #[default]
    No,
}

/// Where commits can be looked at: `https://forge/owner/name`, when there is a forge.
#[derive(Debug, Clone, Copy, Default)]
pub struct Links<'a> {
    /// The repository's page.
    pub repository: Option<&'a str>,
}

/// The card of a request as it stands.
pub fn of(request: &Request, progress: &Progress, links: Links<'_>) -> Card {
    let (mark, status, remedy) = standing(request, progress, links);
    let course = request.course();
    Card {
        title: request.opened.title.clone(),
        mark,
        status,
        remedy,
        lines: course
            .filter(|course| course.plan.legs.is_empty())
            .map(|course| course.plan.lines.clone())
            .unwrap_or_default(),
        rows: rows::of(request, progress),
        reason: request.reason.clone(),
        diff: course.map(|course| diff::cut(&course.plan.diff)).unwrap_or_default(),
        timeline: Vec::new(),
        notes: notes(request, progress, links),
        buttons: choices::beside(request, lane::reviewing(request, buttons::buttons(request, progress))),
        values: asked_for(request),
    }
}

/// The words of what was asked, but for the command, the service and the environment: before there is a plan they are all
/// that is known of its values.
fn asked_for(request: &Request) -> Vec<String> {
    let opened = &request.opened;
    let services: Vec<&str> = opened.services().map(Service::as_str).collect();
    let all = services.join(",");
    let named = [opened.command.as_str(), opened.target.service.as_str(), opened.target.environment.as_str(), &all];
    // A reason is not a value; whoever gave it gave it to this channel.
    let given = opened.words.split(" reason=").next().unwrap_or_default();
    let words = given.split_whitespace().map(|word| word.split_once('=').map_or(word, |(_, value)| value));
    words.filter(|word| !named.contains(word)).map(str::to_owned).collect()
}

fn text(words: impl Into<String>) -> Span {
    Span::Text(words.into())
}

type Standing = (Mark, Vec<Span>, Option<String>);

fn standing(request: &Request, progress: &Progress, links: Links<'_>) -> Standing {
    let working = |mut status: Vec<Span>| {
        if let Some(trouble) = &progress.trouble {
            status.push(text(format!(" Not yet: {trouble}")));
        }
        (Mark::Working, status, None)
    };
    match &request.state {
        State::Planning => working(vec![text("Reading the repository to plan this.")]),
        State::Deciding(course) => {
            let waits = request.gives_back_at().or(request.waits_until());
            let mark = if waits.is_some() { Mark::Working } else { Mark::Waiting };
            (mark, deciding(request, course, progress), theirs(course))
        }
        State::Landing(_) if request.opened.way == Way::Live => {
            let seen = progress.seen.as_ref().map(|seen| format!(" {}.", sentence(seen).trim_end_matches('.')));
            working(vec![text(format!("Approved. Restarting.{}", seen.unwrap_or_default()))])
        }
        State::Landing(course) => working(landing(request.opened.way, course)),
        State::Following(course, commit) => {
            let each = (!course.plan.legs.is_empty()).then(|| "each service as its line says".to_owned());
            let seen = each.or_else(|| progress.seen.clone()).unwrap_or_else(|| "nothing seen of it yet".to_owned());
            let mut status = vec![text("In git as ")];
            status.push(commit_link(commit, links));
            status.push(text(format!(". The cluster is following: {seen}.")));
            working(status)
        }
        State::Over { ending, by, commit, .. } => over(ending, by, commit.as_ref(), links),
    }
}

fn landing(way: Way, course: &Course) -> Vec<Span> {
    match (&course.pull_request, way) {
        (None, Way::Commit | Way::Live) => vec![text("Committing to the branch.")],
        (None, Way::Squash | Way::Merge | Way::Rebase | Way::ByHand) => {
            vec![text("Approved. Opening the pull request.")]
        }
        (Some(at), Way::ByHand) => vec![
            text("Approved. Waiting for a person to merge "),
            Span::Link { url: at.url.clone(), text: format!("#{}", at.number) },
            text("."),
        ],
        (Some(at), Way::Commit | Way::Live | Way::Squash | Way::Merge | Way::Rebase) => vec![
            text("Approved. Merging "),
            Span::Link { url: at.url.clone(), text: format!("#{}", at.number) },
            text("."),
        ],
    }
}

fn commit_link(commit: &crate::core::names::CommitId, links: Links<'_>) -> Span {
    let short = commit.short().to_owned();
    links
        .repository
        .map_or(Span::Code(short.clone()), |page| Span::Link { url: format!("{page}/commit/{commit}"), text: short })
}

fn over(ending: &Ending, by: &Actor, commit: Option<&crate::core::names::CommitId>, links: Links<'_>) -> Standing {
    let in_git = |rest: String| {
        let mut status = vec![text("In git")];
        status.extend(commit.map(|commit| [text(" as "), commit_link(commit, links)]).into_iter().flatten());
        status.push(text(rest));
        status
    };
    match ending {
        Ending::Live { seen } => (Mark::Done, vec![text(format!("Live: {seen}."))], None),
        Ending::Landed => (
            Mark::Done,
            in_git(". No cluster is configured for this environment, so nobody looked into the pods.".to_owned()),
            None,
        ),
        Ending::NotLive { seen } => (
            Mark::Failed,
            in_git(format!(", but not live: {seen}.")),
            Some("Look at the pods, or roll back.".to_owned()),
        ),
        Ending::Unseen { seen } => {
            let status = in_git(format!(". Whether it is live could not be seen: {seen}."));
            (Mark::Unseen, status, Some("Look at the pods yourself.".to_owned()))
        }
        Ending::Superseded { .. } => {
            let status = match commit {
                Some(_) => in_git("; a newer change of the same target took over before it was seen live.".into()),
                None => vec![text("Nothing was committed; a newer change of the same target goes instead.")],
            };
            (Mark::Overtaken, status, Some("Look at its card.".to_owned()))
        }
        Ending::AlreadyThere => (Mark::Stopped, vec![text("Git already says so; nothing was committed.")], None),
        Ending::Rejected { why } => {
            let why = why.as_ref().map(|why| format!(": {}", why.trim().trim_end_matches('.'))).unwrap_or_default();
            let status =
                vec![text("Rejected by "), Span::Somebody(by.clone()), text(why), text(". Nothing was changed.")];
            (Mark::Stopped, status, None)
        }
        Ending::Cancelled => (
            Mark::Stopped,
            vec![text("Cancelled by "), Span::Somebody(by.clone()), text(". Nothing was changed.")],
            None,
        ),
        Ending::Expired => (
            Mark::Stopped,
            vec![text("Nobody approved in time. Nothing was changed.")],
            Some("Ask again if it is still wanted.".to_owned()),
        ),
        Ending::TakenOver { why, remedy } | Ending::Failed { why, remedy } => {
            (Mark::Failed, vec![text(sentence(why))], Some(remedy.clone()).filter(|words| !words.is_empty()))
        }
    }
}

fn notes(request: &Request, progress: &Progress, links: Links<'_>) -> Vec<Vec<Span>> {
    let mut notes =
        vec![vec![text("Asked by "), Span::Somebody(request.requester.clone()), text(" at "), Span::At(request.at)]];
    if let Some(course) = request.course() {
        notes.extend(said(request, course));
        if let Some(at) = &course.pull_request {
            let text = format!("Pull request #{}", at.number);
            notes.push(vec![Span::Link { url: at.url.clone(), text }]);
        }
        if let Some(by) = &course.landed_by {
            notes.push(vec![text("Merged on GitHub by "), Span::Somebody(by.clone())]);
        }
        notes.extend(course.not_done.iter().map(|undone| {
            vec![text(format!("Not done: {} ({})", undone.what.words(), undone.why.trim_end_matches('.')))]
        }));
        notes.extend(course.plan.aside.iter().flat_map(|aside| beside::notes(request, aside, progress.overdue)));
        notes.extend(beside::of_legs(request, course, progress.overdue));
        notes.push(vec![text("Change "), Span::Code(course.plan.digest.short().to_owned())]);
    }
    if let Some(TagSeen::Unseen { why }) = &request.opened.tag {
        let why = why.trim_end_matches('.');
        notes.push(vec![text(format!("Whether the registry has this version could not be checked: {why}"))]);
    }
    notes.extend(lane::notes(request, progress));
    notes.extend(lasting::notes(request));
    notes.extend(lasting::paying(request));
    notes.extend(diff::whole(request, links));
    if let (Some(commit), State::Over { .. }) = (request.commit(), &request.state) {
        notes.push(vec![text("Commit "), commit_link(commit, links)]);
    }
    if let State::Over { ending: Ending::Superseded { by }, .. } = &request.state {
        notes.push(vec![text("Overtaken by request "), Span::Code(by.to_string())]);
    }
    notes.push(vec![text("Request "), Span::Code(request.id.to_string())]);
    notes
}

/// What takes a yes back.
const WITHDRAW: &str = "Take my approval back";
