//! Tables of cases: files, what is asked, and what would change or why nothing does. `=== title` opens a case, `%%`
//! gives it an option (`target=PATH`, `image=NAME`, `pin=FIELD FILE PATH [DOCUMENT]`), `@@ path` opens a file (from the
//! target's directory, or from the top with a slash), `??? field=value ...` asks, and `| ` says what must come of it.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::core::{
    catalog::DocumentChoice,
    names::{Environment, Service},
};

/// One case as it is read.
#[derive(Default)]
struct Case {
    target: String,
    image: Option<String>,
    pins: BTreeMap<Field, Pin>,
    files: Vec<SourceFile>,
}

impl Case {
    fn new() -> Self {
        let image = Some("registry.example.com/shop/checkout".to_owned());
        Self { target: "apps/checkout/prod".to_owned(), image, ..Self::default() }
    }

    fn option(&mut self, option: &str) {
        let (name, value) = option.split_once('=').unwrap();
        match name {
            "target" => self.target = value.to_owned(),
            "image" => self.image = Some(value.to_owned()).filter(|image| image != "-"),
            "pin" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                let document = DocumentChoice::parse(words.get(3).unwrap_or(&"0")).unwrap();
                let pin = Pin { file: RepoPath::parse(words[1]).unwrap(), path: words[2].to_owned(), document };
                self.pins.insert(Field::parse(words[0]).unwrap(), pin);
            }
            _ => panic!("no option {name}"),
        }
    }

    fn file(&mut self, name: &str) {
        let path = name.strip_prefix('/').map_or_else(|| format!("{}/{name}", self.target), str::to_owned);
        let path = RepoPath::parse(&path).unwrap();
        self.files.push(SourceFile { path, text: String::new(), blob: String::new() });
    }

    fn plan(&self, set: &BTreeMap<Field, Value>) -> Result<(Planned, Vec<Automation>), PlanRefusal> {
        let (service, environment) = (Service::parse("checkout").unwrap(), Environment::parse("prod").unwrap());
        let target = Target { service: service.clone(), environment: environment.clone() };
        let directory = RepoPath::parse(&self.target).unwrap();
        let (own, others): (Vec<_>, Vec<_>) =
            self.files.iter().cloned().partition(|file| file.path.is_within(&directory));
        let mut read = |path: &RepoPath| Ok::<_, ()>(others.iter().find(|file| file.path == *path).cloned());
        let files = gathered(&directory, own, &mut read).unwrap();
        let wanted = Wanted {
            repository: &ConnectionName::parse("deployments").unwrap(),
            command: &CommandName::parse("deploy").unwrap(),
            target: &target,
            set,
            base: &CommitId::parse(&"0".repeat(40)).unwrap(),
            policy: &Digest::of(b""),
        };
        let locator = |field: &Field| Locator {
            service: service.clone(),
            environment: environment.clone(),
            directory: Some(directory.clone()),
            image: self.image.clone(),
            pin: self.pins.get(field).cloned(),
        };
        let planned = plan(&wanted, &locator, &files)?;
        let again: BTreeMap<_, _> =
            planned.plan.lines.iter().map(|line| (line.field.clone(), value(&line.field, &line.new))).collect();
        let twice = plan(&Wanted { set: &again, ..wanted }, &locator, &files)?;
        assert_eq!(twice.plan.digest, planned.plan.digest, "the same change, asked by its lines, has another digest");
        let markers = set.keys().filter_map(|field| locate(field, &locator(field), &files).unwrap().automation);
        Ok((planned, markers.collect()))
    }

    /// What would change, in words: the lines for people, then the lines of the files.
    fn told(&self, asked: &str) -> String {
        let pair = |word: &str| {
            let (field, text) = word.split_once('=').unwrap();
            let field = Field::parse(field).unwrap();
            let value = value(&field, text);
            (field, value)
        };
        match self.plan(&asked.split_whitespace().map(pair).collect()) {
            Err(refusal) => format!("| refused: {refusal}. {}\n", refusal.remedy()),
            Ok((planned, markers)) => {
                let lines = planned.plan.lines.iter().map(|line| format!("| {line}\n"));
                let markers = markers.iter().map(|marker| format!("| automated by {marker:?}\n"));
                let changed =
                    planned.plan.diff.lines().filter(|line| !line.starts_with("---") && line.starts_with(['+', '-']));
                let changed = changed.map(|line| match line.strip_prefix("+++ b/") {
                    Some(file) => format!("| {file}\n"),
                    None => format!("| {line}\n"),
                });
                lines.chain(markers).chain(changed).collect()
            }
        }
    }
}

fn value(field: &Field, text: &str) -> Value {
    let is_count = matches!(field, Field::Replicas | Field::ReplicasMin | Field::ReplicasMax);
    if is_count { json!(text.parse::<u32>().unwrap()) } else { json!(text) }
}

/// The table with what really comes out in place of what is expected.
fn told(table: &str) -> String {
    let (mut out, mut case, mut expected) = (String::new(), Case::new(), false);
    for line in table.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        // What is expected stands after a question, and is left out here.
        expected = bare.starts_with("??? ") || (expected && bare.starts_with("| "));
        if expected && bare.starts_with("| ") {
            continue;
        }
        out.push_str(line);
        if bare.starts_with("=== ") {
            case = Case::new();
        } else if let Some(option) = bare.strip_prefix("%% ") {
            case.option(option);
        } else if let Some(path) = bare.strip_prefix("@@ ") {
            case.file(path);
        } else if let Some(asked) = bare.strip_prefix("??? ") {
            out.push_str(&case.told(asked));
        } else if let Some(file) = case.files.last_mut() {
            file.text.push_str(line);
        }
    }
    out
}

/// Every case of a table goes as it says.
fn check(table: &str) {
    let told = told(table);
    assert!(told == table, "{}\nThe table as it goes:\n{told}", unified("table", table, &told));
}

#[test]
fn kustomizations() {
    check(include_str!("kustomize.txt"));
}

/// What a change would not reach, or reach too far.
#[test]
fn what_takes_effect() {
    check(include_str!("effect.txt"));
}

#[test]
fn workloads() {
    check(include_str!("workloads.txt"));
}

#[test]
fn helm_values() {
    check(include_str!("helm.txt"));
}

#[test]
fn argo_cd_and_flux() {
    check(include_str!("argo.txt"));
}

#[test]
fn configuration_and_secrets() {
    check(include_str!("config.txt"));
}

#[test]
fn autoscalers() {
    check(include_str!("autoscalers.txt"));
}

#[test]
fn pins() {
    check(include_str!("pins.txt"));
}
