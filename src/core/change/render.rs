//! Files that templates give, and their registration: what is new is put there, what was rendered before and nobody
//! touched is rendered anew, what somebody changed by hand keeps that or is refused. Files that go take what registers
//! them along.

use serde_json::{Value, json};

use super::{
    Edit, Exact, How, PlanRefusal, Rendered, SourceFile, Versions,
    diff::{SHOWN_LINES, unified},
    exact::hash,
    undo,
};
use crate::core::{
    names::{CommitId, ConnectionName, RepoPath},
    yaml::{Document, Node, Path, tree},
};

/// What a kustomization is called.
const KUSTOMIZATION: &str = "kustomization.yaml";
/// How a file ends that changes what other files say.
const PATCH: &str = ".patch.yaml";

/// The repository as it stands, for what is rendered into it.
pub struct Repository<'a> {
    /// Its name in the configuration.
    pub name: &'a ConnectionName,
    /// The commit.
    pub base: &'a CommitId,
    /// The files that are looked at.
    pub files: &'a [SourceFile],
    /// Every file's path.
    pub paths: &'a [RepoPath],
    /// What was rendered last into a file, where that is known.
    pub last: &'a dyn Fn(&RepoPath) -> Option<String>,
}

impl Repository<'_> {
    fn text(&self, path: &RepoPath) -> Option<&str> {
        self.files.iter().find(|file| file.path == *path).map(|file| file.text.as_str())
    }

    fn edit(&self, path: &RepoPath, old: Option<Value>, new: Value) -> Edit {
        let (document, yaml_path) = (Document::Index(0), Path::root());
        Edit { repository: self.name.clone(), path: path.clone(), document, yaml_path, old, new }
    }

    fn listed(&self, kustomization: &RepoPath, key: &str, (old, new): (Option<Value>, Value)) -> Exact {
        let edit = Edit { yaml_path: Path::root().key(key), ..self.edit(kustomization, old, new) };
        Exact { edit, how: How::Listed }
    }

    fn by_hand(&self, path: &RepoPath, wanted: &str) -> PlanRefusal {
        let whole = unified(path.as_str(), self.text(path).unwrap_or_default(), wanted);
        let difference: Vec<&str> = whole.lines().take(SHOWN_LINES).collect();
        PlanRefusal::ByHand { path: path.clone(), difference: difference.join("\n") }
    }
}

/// The edits that bring rendered files into the repository, and what registers them. `place` is the directory of the
/// target; `registers` are kustomizations that get it as a resource.
///
/// # Errors
/// When somebody changed a file by hand where it would change, or nothing would apply one.
pub fn rendered(
    repository: &Repository<'_>,
    files: &[Rendered],
    (place, registers): (&RepoPath, &[RepoPath]),
) -> Result<Vec<Exact>, PlanRefusal> {
    let mut exact = Vec::new();
    for file in files {
        exact.extend(one(repository, file)?);
        refers(repository, files, file)?;
    }
    for file in files {
        exact.extend(registered(repository, files, &file.path)?);
    }
    for register in registers.iter().filter(|register| repository.text(register).is_some()) {
        let way = Value::from(way(register, place));
        exact.push(repository.listed(register, "resources", (None, way)));
    }
    exact.retain(|one| one.how != How::Listed || !one.stands(repository.text(&one.edit.path), super::Side::New));
    Ok(exact)
}

/// One file: new, anew, or with what somebody did by hand kept.
fn one(repository: &Repository<'_>, file: &Rendered) -> Result<Vec<Exact>, PlanRefusal> {
    let Rendered { path, text } = file;
    let now = repository.text(path);
    if now.is_none() && repository.paths.contains(path) {
        return Err(PlanRefusal::Unread { path: path.clone(), why: "what is there is no text".to_owned() });
    }
    let last = (repository.last)(path);
    if now == Some(text.as_str()) || (now.is_some() && last.as_ref() == Some(text)) {
        return Ok(Vec::new());
    }
    if now.is_none() || now == last.as_deref() {
        let edit = repository.edit(path, now.map(hash), hash(text));
        return Ok(vec![Exact { edit, how: How::Rendered }]);
    }
    // Of three states the one that is there stays, with what the template says otherwise than last.
    let versions = Versions { path, before: Some(text), after: last.as_deref(), now };
    let merged = last.is_some().then(|| undo(repository.name, repository.base, versions).ok()).flatten();
    let values = merged.filter(|all| all.iter().all(|one| matches!(one.how, How::Value | How::Listed)));
    values.ok_or_else(|| repository.by_hand(path, text))
}

/// What a rendered kustomization builds on must be there.
fn refers(repository: &Repository<'_>, files: &[Rendered], file: &Rendered) -> Result<(), PlanRefusal> {
    if file.path.file_name() != KUSTOMIZATION {
        return Ok(());
    }
    for resource in resources(&file.text).iter().filter(|resource| !resource.contains("://")) {
        let Some(path) = resolved(&file.path, resource) else { continue };
        let inside = RepoPath::parse(&format!("{path}/{KUSTOMIZATION}")).ok();
        let is_there = |path: &RepoPath| repository.paths.contains(path) || files.iter().any(|file| file.path == *path);
        if !is_there(&path) && !inside.as_ref().is_some_and(is_there) {
            let why = format!("it builds on `{path}`, which has no `{KUSTOMIZATION}`");
            return Err(PlanRefusal::Unread { path: file.path.clone(), why });
        }
    }
    Ok(())
}

/// What makes a file that is put beside others part of them.
fn registered(repository: &Repository<'_>, files: &[Rendered], path: &RepoPath) -> Result<Option<Exact>, PlanRefusal> {
    let unread = |why: &str| PlanRefusal::Unread { path: path.clone(), why: why.to_owned() };
    let Some(directory) = path.parent() else { return Ok(None) };
    let beside = |name: &str| RepoPath::parse(&format!("{directory}/{name}")).ok();
    let Some(kustomization) = beside(KUSTOMIZATION) else { return Ok(None) };
    if files.iter().any(|file| file.path == kustomization) {
        return Ok(None);
    }
    let (name, is_patch) = (path.file_name(), path.as_str().ends_with(PATCH));
    if repository.text(&kustomization).is_some() {
        let (key, value) = if is_patch { ("patches", json!({ "path": name })) } else { ("resources", json!(name)) };
        return Ok(Some(repository.listed(&kustomization, key, (None, value))));
    }
    let has = |name: &str| beside(name).is_some_and(|path| repository.paths.contains(&path));
    if is_patch {
        return Err(unread("there is no kustomization beside it that would apply a patch"));
    }
    if has("values.yaml") || has("Chart.yaml") {
        return Err(unread("what is beside it is for a Helm chart, which reads no other file"));
    }
    Ok(None)
}

/// What shall go.
#[derive(Debug, Clone, Copy)]
pub enum Taken<'a> {
    /// These files, whatever stands in them.
    Named(&'a [RepoPath]),
    /// These, as they were rendered.
    Rendered(&'a [RepoPath]),
}

/// The edits that take files away, and what registers them: in the kustomization beside each, and in `registers`, which
/// may list the target's place.
///
/// # Errors
/// When somebody changed a rendered file by hand, or put another one beside them.
pub fn deleted(
    repository: &Repository<'_>,
    taken: Taken<'_>,
    (place, registers): (&RepoPath, &[RepoPath]),
) -> Result<Vec<Exact>, PlanRefusal> {
    let (Taken::Named(paths) | Taken::Rendered(paths)) = taken;
    let there: Vec<(&RepoPath, &str)> = paths.iter().filter_map(|path| Some((path, repository.text(path)?))).collect();
    let mut exact = Vec::new();
    for (path, text) in &there {
        let was = (repository.last)(path);
        if matches!(taken, Taken::Rendered(_)) && was.as_deref() != Some(*text) {
            return Err(repository.by_hand(path, &was.unwrap_or_default()));
        }
        let edit = repository.edit(path, Some(hash(text)), Value::Null);
        exact.push(Exact { edit, how: How::Rendered });
    }
    let goes = |path: &RepoPath| there.iter().any(|(gone, _)| *gone == path);
    for (path, _) in &there {
        let beside = path.parent().and_then(|at| RepoPath::parse(&format!("{at}/{KUSTOMIZATION}")).ok());
        let Some(beside) = beside.filter(|beside| !goes(beside)) else { continue };
        let name = path.file_name();
        for (key, value) in [("resources", json!(name)), ("patches", json!({ "path": name }))] {
            exact.push(repository.listed(&beside, key, (Some(value), Value::Null)));
        }
    }
    for register in registers {
        let value = (Some(Value::from(way(register, place))), Value::Null);
        exact.push(repository.listed(register, "resources", value));
    }
    let stands = |one: &Exact| one.stands(repository.text(&one.edit.path), super::Side::Old);
    exact.retain(|one| one.how != How::Listed || stands(one));
    Ok(exact)
}

/// The resources of a kustomization.
fn resources(text: &str) -> Vec<String> {
    let documents = tree(text).unwrap_or_default();
    let items = documents.first().and_then(|root| root.get("resources"));
    let Some(Node::Sequence { items, .. }) = items else { return Vec::new() };
    items.iter().filter_map(Node::as_str).map(str::to_owned).collect()
}

/// A path as a file says it, from the top of the repository.
fn resolved(file: &RepoPath, said: &str) -> Option<RepoPath> {
    let mut steps: Vec<&str> = file.as_str().split('/').collect();
    steps.pop();
    for step in said.split('/').filter(|step| !matches!(*step, "" | ".")) {
        match step {
            ".." => drop(steps.pop()?),
            step => steps.push(step),
        }
    }
    RepoPath::parse(&steps.join("/")).ok()
}

/// The way from a kustomization to a directory.
fn way(kustomization: &RepoPath, directory: &RepoPath) -> String {
    let from: Vec<&str> = kustomization.as_str().split('/').collect();
    let from = from.get(..from.len().saturating_sub(1)).unwrap_or_default();
    let to: Vec<&str> = directory.as_str().split('/').collect();
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from.iter().skip(common).map(|_| "..");
    up.chain(to.into_iter().skip(common)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    /// What becomes of a file that was rendered as `last`, stands as `now` and shall be `wanted`.
    fn again(last: Option<&str>, now: Option<&str>, wanted: &str) -> Result<Vec<How>, String> {
        let (name, base) = (ConnectionName::parse("r").unwrap(), CommitId::parse(&"a".repeat(40)).unwrap());
        let at = path("apps/a/prod/x.yaml");
        let files: Vec<SourceFile> =
            now.iter().map(|text| SourceFile { path: at.clone(), text: (*text).into(), blob: String::new() }).collect();
        let paths: Vec<RepoPath> = files.iter().map(|file| file.path.clone()).collect();
        let last = |_: &RepoPath| last.map(str::to_owned);
        let repository = Repository { name: &name, base: &base, files: &files, paths: &paths, last: &last };
        let wanted = [Rendered { path: at, text: wanted.to_owned() }];
        let exact = rendered(&repository, &wanted, (&path("apps/a/prod"), &[]));
        exact.map(|exact| exact.into_iter().map(|one| one.how).collect()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn what_nobody_touched_is_rendered_anew_and_what_somebody_did_stays() {
        assert_eq!(again(None, None, "a: 1\n"), Ok(vec![How::Rendered]));
        assert_eq!(again(Some("a: 1\n"), Some("a: 1\n"), "a: 2\n"), Ok(vec![How::Rendered]));
        assert_eq!(again(Some("a: 1\n"), Some("a: 1\nb: 2\n"), "a: 2\n"), Ok(vec![How::Value]));
        assert_eq!(again(Some("a: 1\n"), Some("a: 5\n"), "a: 1\n"), Ok(vec![]));
        assert_eq!(again(None, Some("a: 1\n"), "a: 1\n"), Ok(vec![]));
    }

    #[test]
    fn what_somebody_changed_otherwise_is_refused_with_the_difference() {
        let refused = again(Some("a: 1\n"), Some("a: 5\n"), "a: 2\n").unwrap_err();
        assert!(refused.contains("-a: 5\n+a: 2"), "{refused}");
        assert!(again(None, Some("a: 5\n"), "a: 2\n").is_err());
    }

    #[test]
    fn ways_lead_up_and_down() {
        assert_eq!(way(&path("clusters/prod/kustomization.yaml"), &path("apps/a/prod")), "../../apps/a/prod");
        assert_eq!(way(&path("apps/kustomization.yaml"), &path("apps/a/prod")), "a/prod");
        assert_eq!(resolved(&path("apps/b/prod/kustomization.yaml"), "../../a/base"), Some(path("apps/a/base")));
        assert_eq!(resolved(&path("kustomization.yaml"), "../x"), None);
    }
}
