//! The house rules that no lint can hold, read off the sources. A rule is a pure function over a [`House`]
//! with a bad snippet in `tidy/snippets.rs` that it must find; what it finds is named as file:line and rule.

mod manners;
mod rooms;
mod snippets;
mod source;

use std::{fmt, fs, path::Path};

use source::Source;

/// A rule: its name, what to do about a finding, and how it is found.
struct Rule {
    name: &'static str,
    remedy: &'static str,
    check: fn(&House) -> Vec<Finding>,
}

/// Every rule.
const RULES: &[Rule] = &[
    Rule {
        name: "the core is pure",
        remedy: "Give the core a value, or move the code to the room that reaches outside.",
        check: rooms::core_is_pure,
    },
    Rule {
        name: "adapters are apart",
        remedy: "Put what both need into `core`, and let the engine bring them together.",
        check: rooms::adapters_are_apart,
    },
    Rule {
        name: "a platform's crate stays in its room",
        remedy: "Convert to a type of `core` at the adapter's door.",
        check: rooms::crates_are_at_home,
    },
    Rule {
        name: "a file opens with what it is for",
        remedy: "Begin the file with 1 to 8 lines of `//!`: what it is for, what it does not do.",
        check: manners::files_open_with_a_purpose,
    },
    Rule { name: "a file is short", remedy: "Split it by what it is about.", check: manners::files_are_short },
    Rule {
        name: "what is tested is what is shipped",
        remedy: "Move it into `#[cfg(test)] mod tests`.",
        check: manners::test_code_is_in_tests,
    },
    Rule {
        name: "nothing sleeps",
        remedy: "Wait for the event, a channel or paused time.",
        check: manners::nothing_sleeps,
    },
    Rule {
        name: "every test runs",
        remedy: "Make it pass, or say visibly at run time what could not be checked.",
        check: manners::every_test_runs,
    },
    Rule { name: "nothing is unfinished", remedy: "Finish it.", check: manners::nothing_is_unfinished },
    Rule {
        name: "an exception has a reason",
        remedy: "Add `reason = \"...\"`, or better, remove the exception.",
        check: manners::exceptions_have_reasons,
    },
    Rule {
        name: "no machine is named",
        remedy: "Take the folder from a parameter, the manifest's folder or `tempfile`.",
        check: manners::no_machine_is_named,
    },
    Rule {
        name: "documents point to what is there",
        remedy: "Correct the path, or the document.",
        check: manners::documents_point_to_what_is_there,
    },
    Rule {
        name: "a trait has two implementations",
        remedy: "Use the type itself until there is a second one.",
        check: manners::traits_have_two_fulfilments,
    },
];

/// The exceptions: rule, file, reason. One that nothing needs any more is a finding too.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// What is not ours to read: other people's data, and what building and running leave behind.
const NOT_READ: &[&str] = &[".git", "target", "corpus", "artifacts", "data", "Cargo.lock"];

/// One text file, its path relative to the package, with `/`.
struct Page {
    path: String,
    text: String,
}

/// Everything that the rules read.
struct House {
    pages: Vec<Page>,
    sources: Vec<Source>,
    crates: Vec<String>,
}

impl House {
    /// The Rust files among `pages` are read as sources, and the names of the crates off `Cargo.toml`.
    fn new(pages: Vec<Page>) -> Self {
        let rust = pages.iter().filter(|page| page.path.ends_with(".rs"));
        let sources = rust.map(|page| Source::new(&page.path, &page.text)).collect();
        let mut house = Self { pages, sources, crates: Vec::new() };
        house.crates = dependencies(house.text("Cargo.toml"));
        house
    }

    /// The sources of these rooms, each a folder or the file of that name.
    fn rooms<'a>(&'a self, rooms: &'a [&str]) -> impl Iterator<Item = &'a Source> + 'a {
        self.sources.iter().filter(|source| rooms.iter().any(|room| Self::is_in(&source.path, room)))
    }

    fn is_in(path: &str, room: &str) -> bool {
        path.strip_prefix(room).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    fn text(&self, path: &str) -> &str {
        self.pages.iter().find(|page| page.path == path).map_or("", |page| &page.text)
    }
}

/// The crates of the manifest, as code names them.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(['=', '.']).filter(|_| inside && !line.starts_with('#')) {
            names.push(name.trim().replace('-', "_"));
        }
    }
    names
}

/// One thing that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    says: String,
}

impl Finding {
    fn new(path: &str, line: usize, says: String) -> Self {
        Self { path: path.to_owned(), line, says }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.says)
    }
}

/// What breaks the rules, one line each; an exception that excuses nothing is told as well.
fn complaints(house: &House, exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let mut told = Vec::new();
    for rule in RULES {
        let found = (rule.check)(house);
        let (excused, wrong): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|finding| exceptions.iter().any(|(name, path, _)| *name == rule.name && *path == finding.path));
        told.extend(wrong.iter().map(|finding| format!("{finding} [{}] {}", rule.name, rule.remedy)));
        let of_rule = exceptions.iter().filter(|(name, ..)| *name == rule.name);
        let idle = of_rule.filter(|(_, path, _)| !excused.iter().any(|finding| finding.path == *path));
        told.extend(idle.map(|(name, path, _)| format!("{path}: needs no exception from [{name}] any more")));
    }
    told
}

/// The text files below `folder`, in the order of their paths.
fn read_pages(root: &Path, folder: &Path, pages: &mut Vec<Page>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy();
        if NOT_READ.contains(&name.as_ref()) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            read_pages(root, &path, pages);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            pages.push(Page { path, text });
        }
    }
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    read_pages(root, root, &mut pages);
    assert!(pages.iter().any(|page| page.path == "src/lib.rs"), "the sources were not found");
    let told = complaints(&House::new(pages), EXCEPTIONS);
    assert!(told.is_empty(), "{} findings\n{}", told.len(), told.join("\n"));
}
