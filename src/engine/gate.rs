//! `leverframe/gate`: a status on every open pull request that touches what levers move, ours or anybody's. Red with
//! the reason where it changes a locked field or what is frozen, or would undo what a break-glass keeps live; green
//! otherwise. Looked at when a webhook hints at it or what is owed changes, and every 20 seconds by a question that costs
//! nothing while nothing changes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Busy, Inner, Repository, effects, facts, hints, outside};
use crate::{
    core::{
        change::SourceFile,
        entry::Actor,
        matters::Matters,
        names::{CommandName, CommitId, RequestId, Target},
        rules::{Rules, Sources},
    },
    forge::{ChangedFile, ForgeError, GitHub, PullRequest, Status, StatusState},
};

/// The status on pull requests.
const GATE: &str = "leverframe/gate";
/// How long between two looks that nobody hinted at.
const EVERY: Duration = Duration::from_secs(20);
/// How many statuses are remembered as published; when there are more, they are published once again.
const REMEMBERED: usize = 2000;

/// What the forge shows of us, as far as this process knows.
#[derive(Default)]
pub(super) struct Shown {
    published: Mutex<HashMap<(CommitId, &'static str), Status>>,
    /// The requests whose pull requests have their labels and reviewers.
    pub(super) dressed: Mutex<BTreeSet<RequestId>>,
    /// Open pull requests are to be looked at.
    pub(super) look: Notify,
    /// The tracked branch has moved.
    pub(super) moved: Notify,
    /// It was not looked at yet since.
    unseen: Mutex<Option<Busy>>,
}

impl Shown {
    /// The tracked branch has moved; that is in flight until it was looked at.
    pub(super) fn note_moved(&self, inner: &Arc<Inner>) {
        *self.unseen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Busy::new(inner));
        self.moved.notify_one();
    }

    /// Somebody looks now, and is done when this is dropped.
    pub(super) fn looking(&self) -> Option<Busy> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn is_published(&self, commit: &CommitId, status: &Status) -> bool {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.get(&(commit.clone(), status.context)) == Some(status)
    }

    pub(super) fn note_published(&self, commit: &CommitId, status: Status) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if published.len() >= REMEMBERED {
            published.clear();
        }
        published.insert((commit.clone(), status.context), status);
    }
}

/// What was judged: the commit of each pull request, under the rules of then.
#[derive(Default)]
struct Judged {
    under: Sources,
    /// What was frozen then.
    frozen: Vec<String>,
    /// What was owed then.
    owed: Vec<RequestId>,
    heads: BTreeMap<u64, CommitId>,
    /// The forge does not let us publish.
    refused: Option<String>,
}

pub(super) async fn keep(inner: Arc<Inner>) {
    let with_a_forge = inner.reach.repositories().filter_map(|at| Some((at, at.forge.as_ref()?)));
    let mut all: Vec<(&Repository, &GitHub, Judged)> =
        with_a_forge.map(|(at, forge)| (at, forge, Judged::default())).collect();
    while !inner.tasks.is_stopping() && !all.is_empty() {
        for (repository, forge, judged) in &mut all {
            if let Some(rules) = inner.rules()
                && let Err(error) = look(&inner, (repository, forge), &rules, judged).await
            {
                tracing::info!(repository = %repository.name, %error, "the open pull requests are looked at later");
            }
        }
        tokio::select! {
            () = inner.tasks.pause(EVERY) => {}
            () = inner.forge.look.notified() => {}
        }
    }
}

async fn look(
    inner: &Arc<Inner>,
    at: (&Repository, &GitHub),
    rules: &Rules,
    judged: &mut Judged,
) -> Result<(), ForgeError> {
    let under = inner.considered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let frozen = inner.freeze_lines(rules, None).await;
    let owed: Vec<RequestId> = inner.matters().await.open_debts().map(|debt| debt.id.clone()).collect();
    if under != judged.under || frozen != judged.frozen || owed != judged.owed {
        *judged = Judged { under, frozen, owed, ..Judged::default() };
    }
    let open = at.1.open_pull_requests(&at.0.branch).await?;
    judged.heads.retain(|number, _| open.iter().any(|pull| pull.number == *number));
    for pull in open {
        go_on(inner, &pull).await;
        if judged.heads.get(&pull.number) == Some(&pull.head) {
            continue;
        }
        judge(inner, at, rules, (&pull, judged)).await?;
        judged.heads.insert(pull.number, pull.head);
    }
    Ok(())
}

/// A pull request of ours that people closed and opened again goes on, also when its webhook was lost.
async fn go_on(inner: &Arc<Inner>, pull: &PullRequest) {
    let Some(id) = pull.head_branch.strip_prefix("leverframe/").and_then(|id| RequestId::parse(id).ok()) else {
        return;
    };
    if let Some(request) = inner.request(&id).await.filter(hints::is_closed_by_people) {
        effects::watching::reopened(inner, &request).await;
    }
}

async fn judge(
    inner: &Arc<Inner>,
    (repository, forge): (&Repository, &GitHub),
    rules: &Rules,
    (pull, judged): (&PullRequest, &mut Judged),
) -> Result<(), ForgeError> {
    let compared = forge.compare(&repository.branch, &pull.head).await?;
    let mut targets = touched(rules, &compared.files);
    targets.retain(|target| inner.home(rules, target).is_ok_and(|home| home.name == repository.name));
    if targets.is_empty() || judged.refused.is_some() {
        return Ok(());
    }
    let (mut locked, mut undone, matters) = (None, None, inner.matters().await);
    for target in &targets {
        let (before, after) = files(inner, forge, (rules, target), &compared).await?;
        locked = locked.or_else(|| locked_in(rules, target, (&before, &after)));
        undone = undone.or_else(|| undone_in(rules, (target, &matters), (&before, &after)));
    }
    let frozen = frozen(inner, rules, pull, &targets).await;
    let status = match undone.or(locked).or(frozen) {
        Some(words) => Status::new(GATE, StatusState::Failure, &words),
        None => Status::new(GATE, StatusState::Success, "Nothing that is locked or frozen changes"),
    };
    if inner.forge.is_published(&pull.head, &status) {
        return Ok(());
    }
    match forge.publish(&pull.head, &status).await {
        Ok(()) => inner.forge.note_published(&pull.head, status),
        Err(error) if error.is_passing() => return Err(error),
        Err(error) => {
            tracing::warn!(%error, remedy = error.remedy(), "`{GATE}` cannot be published");
            judged.refused = Some(error.to_string());
        }
    }
    Ok(())
}

/// Why a pull request waits, where it changes what is frozen for whoever it is from.
async fn frozen(inner: &Arc<Inner>, rules: &Rules, pull: &PullRequest, targets: &[Target]) -> Option<String> {
    let id = pull.head_branch.strip_prefix("leverframe/").and_then(|id| RequestId::parse(id).ok());
    let request = match &id {
        Some(id) => inner.request(id).await,
        None => None,
    };
    let person = rules.catalog.person_by_github(&pull.author).map(|person| person.id.clone());
    let theirs = Actor { person, account: None, via: "github".to_owned() };
    let (actor, command) = match &request {
        Some(request) => (&request.requester, request.opened.command.clone()),
        None => (&theirs, CommandName::parse("merge").ok()?),
    };
    for target in targets {
        if let Some(words) = inner.frozen_for(rules, (actor, &command, target), None).await {
            return Some(words.replace('`', ""));
        }
    }
    None
}

/// The targets whose directories hold one of the files.
pub(super) fn touched(rules: &Rules, files: &[ChangedFile]) -> Vec<Target> {
    let all = rules.services.iter().flat_map(|(service, places)| {
        places.iter().map(|place| Target { service: service.clone(), environment: place.clone() })
    });
    let holds = |target: &Target| {
        let directory = rules.place_of(target);
        let inside = |file: &ChangedFile| {
            let paths = [Some(&file.path), file.before.as_ref()];
            directory.as_ref().is_some_and(|at| paths.into_iter().flatten().any(|path| path.is_within(at)))
        };
        files.iter().any(inside)
    };
    all.filter(holds).collect()
}

/// A target's files where the pull request began, and as it would leave them.
async fn files(
    inner: &Arc<Inner>,
    forge: &GitHub,
    (rules, target): (&Rules, &Target),
    compared: &crate::forge::Compared,
) -> Result<(Vec<SourceFile>, Vec<SourceFile>), ForgeError> {
    let Some(place) = rules.place_of(target) else { return Ok((Vec::new(), Vec::new())) };
    let Ok(home) = inner.home(rules, target) else { return Ok((Vec::new(), Vec::new())) };
    let before = home.mirror.target(&compared.from, &place).await.unwrap_or_default();
    let mut after = before.clone();
    let concerns =
        |file: &&ChangedFile| file.path.is_within(&place) || before.iter().any(|known| known.path == file.path);
    for file in compared.files.iter().filter(concerns) {
        let gone = [Some(&file.path), file.before.as_ref()];
        after.retain(|other| !gone.contains(&Some(&other.path)));
        let Some(blob) = &file.blob else { continue };
        if let Some(text) = forge.text_of(blob).await? {
            after.push(SourceFile { path: file.path.clone(), text, blob: blob.clone() });
        }
    }
    Ok((before, after))
}

/// Why a change of a target's files is not to be merged, when it sets what a break-glass keeps live to something else.
/// More of what is counted undoes nothing.
fn undone_in(
    rules: &Rules,
    (target, matters): (&Target, &Matters),
    (before, after): (&[SourceFile], &[SourceFile]),
) -> Option<String> {
    let lines = outside::changed_fields(rules, target, (before, after));
    matters.debts_of(target).find_map(|debt| {
        debt.items().into_iter().find_map(|kept| {
            let line = lines.iter().find(|line| line.field == kept.field && line.new != kept.live)?;
            let count = |text: &str| text.parse::<i64>().ok();
            let is_more = matches!((count(&line.new), count(&kept.live)), (Some(new), Some(live)) if new > live);
            let words =
                format!("{} of {target} is {} live by a break-glass; this sets {}", line.field, kept.live, line.new);
            (!is_more).then_some(words)
        })
    })
}

/// Why a change of a target's files is not to be merged, when a lock holds what it changes.
fn locked_in(rules: &Rules, target: &Target, (before, after): (&[SourceFile], &[SourceFile])) -> Option<String> {
    let words = |what: String, because: &str| format!("{what} of {target} is locked: {because}");
    let changed = outside::changed_files(before, after);
    let whole = changed.iter().find_map(|path| Some((*path, rules.catalog.is_all_locked_in(target, path)?)));
    if let Some((path, lock)) = whole {
        return Some(words(format!("`{}`", path.file_name()), &lock.because));
    }
    outside::changed_fields(rules, target, (before, after)).into_iter().find_map(|line| {
        let anywhere = rules.catalog.is_locked(target, &line.field);
        let file = facts::locator(rules, target, &line.field);
        let here = || {
            let binding = crate::core::change::locate(&line.field, &file, after).ok()?;
            rules.catalog.is_locked_in(target, &line.field, &binding.file)
        };
        let lock = anywhere.or_else(here)?;
        Some(words(format!("`{}`", line.field), &lock.because))
    })
}
