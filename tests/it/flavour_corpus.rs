//! Looking for fields in repositories that nobody here wrote: every directory as a target. Nothing panics, what is
//! planned changes only lines that hold the new value, and the same is planned again by its lines.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use leverframe::core::{
    change::{self, Locator, SourceFile, Wanted},
    names::{CommandName, CommitId, ConnectionName, Digest, Environment, Field, RepoPath, Service, Target},
};
use serde_json::{Value, json};

/// The repositories, or nothing and why.
#[expect(clippy::disallowed_methods, reason = "where the reading material lies is for tests alone to know")]
fn corpora() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("LEVERFRAME_SHARED").map_or(beside, PathBuf::from).join("corpora/gitops");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there", folder.display());
    None
}

fn files(root: &Path) -> BTreeMap<RepoPath, SourceFile> {
    let (mut open, mut found) = (vec![root.to_owned()], BTreeMap::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if let (Ok(text), Some(path)) =
                (fs::read_to_string(entry.path()), entry.path().strip_prefix(root).unwrap().to_str())
                && let Ok(path) = RepoPath::parse(path)
            {
                found.insert(path.clone(), SourceFile { path, text, blob: String::new() });
            }
        }
    }
    found
}

/// What came of a field: a word for it.
fn outcome(directory: &RepoPath, files: &BTreeMap<RepoPath, SourceFile>, (field, value): (&str, &Value)) -> String {
    let own: Vec<_> = files.values().filter(|file| file.path.is_within(directory)).cloned().collect();
    let files = change::gathered(directory, own, &mut |path| Ok::<_, ()>(files.get(path).cloned())).unwrap();
    let name = directory.as_str().rsplit('/').find_map(|step| Service::parse(step).ok());
    let Some(service) = name else { return "no name".to_owned() };
    let target = Target { service: service.clone(), environment: Environment::parse("production").unwrap() };
    let field = Field::parse(field).unwrap();
    let set = BTreeMap::from([(field, value.clone())]);
    let wanted = Wanted {
        repository: &ConnectionName::parse("deployments").unwrap(),
        command: &CommandName::parse("deploy").unwrap(),
        target: &target,
        set: &set,
        base: &CommitId::parse(&"0".repeat(40)).unwrap(),
        policy: &Digest::of(b""),
    };
    let locator = |_: &Field| Locator {
        service: service.clone(),
        environment: target.environment.clone(),
        directory: Some(directory.clone()),
        image: None,
        pin: None,
    };
    let planned = match change::plan(&wanted, &locator, &files) {
        Ok(planned) => planned,
        Err(refusal) => {
            assert!(!refusal.remedy().is_empty());
            let words = format!("{refusal:?}");
            return words.split([' ', '{']).next().unwrap().replace("Place(", "refused: ");
        }
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let added = planned.plan.diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++"));
    let about: Vec<&str> = added.filter(|line| line.contains(&text)).collect();
    assert!(!about.is_empty(), "{}", planned.plan.diff);
    let taken = planned.plan.diff.lines().filter(|line| line.starts_with('-') && !line.starts_with("---")).count();
    assert!(taken <= planned.plan.edits.len() + about.len(), "{}", planned.plan.diff);
    "planned".to_owned()
}

#[test]
fn every_directory_of_the_corpora_is_planned_or_refused_in_words() {
    let Some(corpora) = corpora() else { return };
    let mut table: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for repository in fs::read_dir(corpora).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let files = files(&repository);
        let directories: BTreeSet<RepoPath> = files
            .keys()
            .filter_map(|path| path.as_str().rsplit_once('/'))
            .filter_map(|(directory, _)| RepoPath::parse(directory).ok())
            .collect();
        for directory in &directories {
            for (field, value) in [("image_tag", json!("leverframe-check")), ("replicas", json!(8191))] {
                *table.entry((field, outcome(directory, &files, (field, &value)))).or_default() += 1;
            }
        }
    }
    for ((field, outcome), count) in &table {
        println!("{field:<12}{outcome:<24}{count}");
    }
    assert!(table.get(&("image_tag", "planned".to_owned())).is_some_and(|count| *count > 100), "{table:?}");
}
