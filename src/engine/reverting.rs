//! Undoing one commit, whoever made it, and giving back what a rollback held off.

use std::sync::Arc;

use super::{
    Engine, Inner, Repository, Said, Typed,
    effects::Trouble,
    facts::{self, Of},
    forms, outside,
};
use crate::{
    core::{
        change::{self, Aside, Exact, Held, How, PlanRefusal, Planned, Side, SourceFile, Then, Versions},
        command::{self, Command, OptionKind},
        decide::{Reply, Words},
        names::{CommitId, Environment, Field, RepoPath, RequestId, Service, Target},
        request::Request,
        rules::Rules,
    },
    forge::State as Proposed,
    git::Changed,
};

/// How many requests one `revert` opens at most.
const MOST: usize = 20;

impl Engine {
    /// Where a commit that is to be undone changed several services or environments: a request for each, because each
    /// has its own rules and its own people. The answer lists them; what each comes to is on its card.
    pub(super) async fn revert_each(&self, typed: &Typed, event: Option<&str>) -> Option<Reply> {
        let (what, several) = several(&self.inner, typed).await?;
        let (mut asked, mut refused) = (Vec::new(), Vec::new());
        for (target, typed) in several {
            let event = event.map(|event| format!("{event}/{}/{}", target.service, target.environment));
            match self.one(typed, event).await {
                Reply::Private(words) => refused.push(format!("{target}: {}", words.text)),
                Reply::Taken | Reply::Go | Reply::Stop => asked.push(target.to_string()),
            }
        }
        let asked = match asked.is_empty() {
            true => "nothing of it was asked for".to_owned(),
            false => format!("each is undone by a request of its own: {}", asked.join(", ")),
        };
        let mut text = format!("`{what}` changed several services or environments; {asked}.");
        refused.iter().for_each(|words| text.push_str(&format!(" Not asked for: {words}")));
        Some(Reply::Private(Words::plain(text)))
    }
}

/// What is to be undone, and the command for each target that it changed, where it names none.
async fn several(inner: &Arc<Inner>, typed: &Typed) -> Option<(String, Vec<(Target, Typed)>)> {
    let rules = inner.rules()?;
    facts::asker(&rules, &typed.account, &typed.via).person?;
    let command = forms::understood(&rules, typed).ok()?;
    let Ok(command::Asked::Revert { what }) = command.change() else { return None };
    if command.target().is_some() {
        return None;
    }
    let named = (command.service(), command.environment());
    let (_, found) = tokio::time::timeout(facts::IN_TIME, targets(inner, &rules, &what, named)).await.ok()?.ok()?;
    let typed_for = |target: &Target| {
        let value = |kind: &OptionKind, given: Option<String>| {
            let service = (*kind == OptionKind::Service).then(|| target.service.to_string());
            let environment = (*kind == OptionKind::Environment).then(|| target.environment.to_string());
            service.or(environment).or(given)
        };
        let options = command.definition().options.iter().filter_map(|option| {
            let given = command.value(&option.name).map(ToString::to_string);
            Some((option.name.clone(), value(&option.kind, given)?))
        });
        Typed { invoked: command.name().to_string(), said: Said::Options(options.collect()), ..typed.clone() }
    };
    let several = || found.iter().map(|target| (target.clone(), typed_for(target))).collect();
    (2..=MOST).contains(&found.len()).then(|| (what.clone(), several()))
}

/// What a command is about: what it names, or what the commit that it undoes had changed.
pub(super) async fn target_of(inner: &Arc<Inner>, rules: &Rules, command: &Command) -> Result<Target, Words> {
    if let (Ok(command::Asked::Revert { what }), None) = (command.change(), command.target()) {
        let named = (command.service(), command.environment());
        let found = tokio::time::timeout(facts::IN_TIME, target(inner, rules, &what, named)).await;
        let late = || Words::new("What that commit changed could not be read in time.", "Ask again in a moment.");
        return found.unwrap_or_else(|_| Err(late()));
    }
    let words = || Words::new("This command names no service and environment.", "Type `/help` for what it takes.");
    command.target().ok_or_else(words)
}

/// The commit that is meant, as people read it, and the targets that it changed, among those that are named.
async fn targets(
    inner: &Arc<Inner>,
    rules: &Rules,
    what: &str,
    (service, environment): (Option<&Service>, Option<&Environment>),
) -> Result<(String, Vec<Target>), Words> {
    let mut commits = Vec::new();
    for home in inner.reach.repositories() {
        commits.extend(find(inner, rules, what, home).await.map(|changed| (home, changed)));
    }
    let Some((_, first)) = commits.first() else { return Err(unknown(what)) };
    let id = first.commit.id.short().to_owned();
    let is_meant = |target: &Target| {
        service.is_none_or(|name| *name == target.service) && environment.is_none_or(|name| *name == target.environment)
    };
    let holds = |target: &Target| {
        let (Some(place), Ok(home)) = (rules.place_of(target), inner.home(rules, target)) else { return false };
        let mut here = commits.iter().filter(|(other, _)| other.name == home.name);
        here.any(|(_, changed)| changed.files.iter().any(|path| path.is_within(&place)))
    };
    Ok((id, outside::targets(rules).into_iter().filter(is_meant).filter(holds).collect()))
}

/// The one target that a commit changed, among those that are named.
async fn target(
    inner: &Arc<Inner>,
    rules: &Rules,
    what: &str,
    named: (Option<&Service>, Option<&Environment>),
) -> Result<Target, Words> {
    let (id, mut found) = targets(inner, rules, what, named).await?;
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(Words::new(
            format!("{id} changed nothing that levers move{}.", if named.0.is_some() { " there" } else { "" }),
            "Undo it by hand in git.",
        )),
        (Some(_), others) => {
            let text = format!("{id} changed {} services or environments.", others + 1);
            let remedy = format!("Name one at a time: `/revert {what} SERVICE ENVIRONMENT`.");
            Err(Words::new(text, remedy))
        }
    }
}

fn unknown(what: &str) -> Words {
    let text = format!("`{what}` is no one commit of the branch.");
    Words::new(text, "Write the id of a commit that has landed, `#12` for its pull request, or a request's id.")
}

/// The commit of a repository that is meant, and what it changed.
async fn find(inner: &Arc<Inner>, rules: &Rules, what: &str, home: &Repository) -> Option<Changed> {
    let start = match (what.strip_prefix('#'), RequestId::parse(what)) {
        (Some(number), _) => merged(inner, home, number.parse().ok()?).await?.to_string(),
        (None, Ok(id)) => inner.request(&id).await?.commit()?.to_string(),
        (None, Err(_)) => what.to_owned(),
    };
    let own = home.name == inner.reach.repository.name;
    let tip = if own { Some(&rules.commit) } else { rules.commit_in(&home.name) };
    home.mirror.changed_by(tip?, &start).await.ok().flatten()
}

/// The commit that a pull request became: of ours by the ledger, of others by the forge.
async fn merged(inner: &Arc<Inner>, home: &Repository, number: u64) -> Option<CommitId> {
    let ours = {
        let book = inner.book.lock().await;
        let is_it = |request: &&Request| {
            let Some(course) = request.course() else { return false };
            let is_here = inner.home_by(course).is_some_and(|other| other.name == home.name);
            is_here && course.pull_request.as_ref().is_some_and(|proposed| proposed.number == number)
        };
        book.iter().rev().find(is_it).and_then(|request| request.commit().cloned())
    };
    if ours.is_some() {
        return ours;
    }
    match home.forge.as_ref()?.pull_request(number).await.ok()?.state {
        Proposed::Merged { commit } => commit,
        Proposed::Open | Proposed::Closed => None,
    }
}

/// Plans what undoes a commit in a target's files.
pub(super) async fn revert(inner: &Arc<Inner>, of: Of<'_>, what: &str) -> Result<Result<Planned, Words>, Trouble> {
    let Some(changed) = find(inner, of.rules, what, of.home).await else { return Ok(Err(unknown(what))) };
    let (Some(parent), Some(place)) = (&changed.parent, of.rules.place_of(of.target)) else {
        return Ok(Err(Words::new("The first commit cannot be undone.", "Change the files by hand in git.")));
    };
    let own = registered(inner, of, what).await;
    let (inside, left): (Vec<RepoPath>, Vec<RepoPath>) =
        changed.files.iter().cloned().partition(|path| path.is_within(&place) || own.contains(path));
    let undone = match undone(of, (parent, &changed.commit.id), &inside).await? {
        Ok(undone) => undone,
        Err(words) => return Ok(Err(words)),
    };
    if undone.exact.is_empty() {
        let text = format!("What {} changed in {} is undone already.", changed.commit.id.short(), of.target);
        return Ok(Err(Words::new(text, "Nothing to do.")));
    }
    Ok(of
        .exactly(None, &undone.exact, (&undone.files, &undone.then))
        .map_err(|refusal| Words::new(format!("{refusal}."), refusal.remedy()))
        .and_then(|mut planned| {
            planned.plan.lines = lines(of, &planned)?;
            let (elsewhere, left) = beside(of, left);
            planned.plan.aside = Some(Box::new(Aside { elsewhere, left, ..Aside::default() }));
            Ok(planned)
        }))
}

/// The files that a request rendered for the target, and those that register them, wherever they are.
async fn registered(inner: &Arc<Inner>, of: Of<'_>, what: &str) -> Vec<RepoPath> {
    let Ok(id) = RequestId::parse(what) else { return Vec::new() };
    let Some(request) = inner.request(&id).await.filter(|request| request.opened.is_about(of.target)) else {
        return Vec::new();
    };
    let exact = request.course().map(|course| course.plan.exact.clone()).unwrap_or_default();
    let is_rendered = exact.iter().any(|one| one.how == How::Rendered);
    exact.into_iter().filter(|_| is_rendered).map(|one| one.edit.path).collect()
}

/// The other targets that hold one of the files, and the files that are in none.
fn beside(of: Of<'_>, files: Vec<RepoPath>) -> (Vec<Target>, Vec<RepoPath>) {
    let holds =
        |target: &Target, path: &RepoPath| of.rules.place_of(target).is_some_and(|place| path.is_within(&place));
    let mut others = outside::targets(of.rules);
    others.retain(|target| target != of.target && files.iter().any(|path| holds(target, path)));
    let left = files.into_iter().filter(|path| others.iter().all(|target| !holds(target, path))).collect();
    (others, left)
}

/// The edits that undo a commit, and the files that they need.
struct Undone {
    exact: Vec<Exact>,
    files: Vec<SourceFile>,
    then: Then,
}

async fn undone(
    of: Of<'_>,
    (parent, commit): (&CommitId, &CommitId),
    paths: &[RepoPath],
) -> Result<Result<Undone, Words>, Trouble> {
    let (mirror, repository) = (&of.home.mirror, &of.home.name);
    let mut undone = Undone { exact: Vec::new(), files: of.files.to_vec(), then: Then::new() };
    let mut refused = Vec::new();
    for path in paths {
        let text = |file: Option<SourceFile>| file.map(|file| file.text);
        let before = text(mirror.file(parent, path).await?);
        let after = text(mirror.file(commit, path).await?);
        let now = mirror.file(of.base, path).await?;
        let file = Versions {
            path,
            before: before.as_deref(),
            after: after.as_deref(),
            now: now.as_ref().map(|file| file.text.as_str()),
        };
        match change::undo(repository, parent, file) {
            Ok(exact) => undone.exact.extend(exact),
            Err(PlanRefusal::ChangedSince { places }) => refused.push(places),
            Err(refusal) => return Ok(Err(Words::new(format!("{refusal}."), refusal.remedy()))),
        }
        if undone.files.iter().all(|known| known.path != *path) {
            undone.files.extend(now);
        }
        undone.then.insert(path.clone(), before);
    }
    if refused.is_empty() {
        return Ok(Ok(undone));
    }
    let refusal = PlanRefusal::ChangedSince { places: refused.join(", ") };
    Ok(Err(Words::new(format!("{refusal}."), refusal.remedy())))
}

/// What undoing means for the target's fields, for people and policies. Sensitive values are not for our ledger.
pub(super) fn lines(of: Of<'_>, planned: &Planned) -> Result<Vec<change::Line>, Words> {
    let mut after: Vec<SourceFile> = of.files.to_vec();
    for (path, text) in &planned.after {
        after.retain(|file| file.path != *path);
        after.extend(text.iter().map(|text| SourceFile {
            path: path.clone(),
            text: text.clone(),
            blob: String::new(),
        }));
    }
    let lines = outside::changed_fields(of.rules, of.target, (of.files, &after));
    match lines.iter().find(|line| of.rules.catalog.is_sensitive(&line.field)) {
        Some(line) => Err(Words::new(
            format!("This changes `{}`, whose value is not to be recorded.", line.field),
            "Do it by hand, in a reviewed commit.",
        )),
        None => Ok(lines),
    }
}

/// Plans what gives a target's fields back to their automation.
pub(super) async fn resume(
    inner: &Arc<Inner>,
    of: Of<'_>,
    fields: &[Field],
) -> Result<Result<Planned, Words>, Trouble> {
    let (repository, mirror) = (&of.home.name, &of.home.mirror);
    let found = |field: &Field| change::locate(field, &facts::locator(of.rules, of.target, field), of.files).ok();
    let bindings = fields.iter().filter_map(found);
    let markers: Vec<Held> = bindings.flat_map(|at| change::given_back(repository, &at, of.files)).collect();
    let mut resumed: Vec<String> = markers.iter().map(|held| held.what.clone()).collect();
    let mut exact: Vec<Exact> = markers.into_iter().flat_map(|held| held.exact).collect();
    let mut files = of.files.to_vec();
    for one in taken(inner, of.target).await {
        let path = &one.edit.path;
        if files.iter().all(|file| file.path != *path) {
            files.extend(mirror.file(of.base, path).await?);
        }
        let text = files.iter().find(|file| file.path == *path).map(|file| file.text.as_str());
        let is_new = exact.iter().all(|other| (&other.edit.path, &other.edit.yaml_path) != (path, &one.edit.yaml_path));
        if is_new && one.stands(text, Side::Old) {
            resumed.push(format!("Argo CD's Image Updater by {}", one.place()));
            exact.push(one);
        }
    }
    resumed.dedup();
    if exact.is_empty() {
        let text = format!("Nothing that Leverframe holds off is held off for {}.", of.target);
        return Ok(Err(Words::new(text, "Nothing to do.")));
    }
    let planned = of.exactly(None, &exact, (&files, &Then::new()));
    Ok(planned.map_err(|refusal| Words::new(format!("{refusal}."), refusal.remedy())).map(|mut planned| {
        planned.plan.aside = Some(Box::new(Aside { resumed, ..Aside::default() }));
        planned
    }))
}

/// What gives back the values by which rollbacks of a target held automation off, newest first.
async fn taken(inner: &Arc<Inner>, target: &Target) -> Vec<Exact> {
    inner.filled().await;
    let book = inner.book.lock().await;
    let landed = book.iter().rev().filter(|request| request.changed(target));
    let plans = landed.filter_map(|request| request.course()?.plan.of(&target.service));
    let pauses = plans.filter(|plan| plan.aside.as_ref().is_some_and(|aside| !aside.paused.is_empty()));
    let values = pauses.flat_map(|plan| &plan.exact).filter(|one| one.how == How::Value);
    values.filter_map(Exact::inverted).collect()
}
