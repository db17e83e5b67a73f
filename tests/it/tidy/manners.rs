//! The rules for every file: how it opens, how long it is, what stays out of it. Each gives what it found and
//! has a bad snippet in `snippets.rs` that it must find.

use std::collections::BTreeMap;

use super::{
    Finding, House,
    source::{Source, is_test_module},
};

/// The longest a file may be, its inline tests not counted.
const LONGEST_FILE: usize = 400;

/// The most lines that `ARCHITECTURE.md` may have.
const LONGEST_MAP: usize = 200;

/// The one file that may wait.
const WAITING_ROOM: &str = "src/tasks.rs";

/// A file opens with one to eight lines of `//!`.
pub(super) fn files_open_with_a_purpose(house: &House) -> Vec<Finding> {
    let opening = |text: &str| text.lines().take_while(|line| line.starts_with("//!")).count();
    let pages = house.pages.iter().filter(|page| page.path.ends_with(".rs"));
    let counted = pages.map(|page| (page, opening(&page.text))).filter(|(_, lines)| !(1..=8).contains(lines));
    counted.map(|(page, lines)| Finding::new(&page.path, 1, format!("opens with {lines} lines of `//!`"))).collect()
}

/// A file is short enough to be read in one sitting.
pub(super) fn files_are_short(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in house.rooms(&["src", "benches", "examples"]).filter(|source| !source.is_test_file()) {
        let lines = house.text(&source.path).lines().count().saturating_sub(source.test_lines());
        if lines > LONGEST_FILE {
            let says = format!("has {lines} lines without its tests; {LONGEST_FILE} is the most");
            found.push(Finding::new(&source.path, LONGEST_FILE + 1, says));
        }
    }
    let map = house.text("ARCHITECTURE.md").lines().count();
    if map > LONGEST_MAP {
        let says = format!("has {map} lines; {LONGEST_MAP} is the most");
        found.push(Finding::new("ARCHITECTURE.md", LONGEST_MAP + 1, says));
    }
    found
}

/// What is tested is what is shipped: `cfg(test)` declares a module named `tests` or
/// `properties` and nothing else.
pub(super) fn test_code_is_in_tests(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in house.rooms(&["src"]) {
        for at in source.places("test").filter(|at| is_condition(source, *at) && !declares_tests(source, *at)) {
            let says = "`cfg(test)` stands elsewhere than before `mod tests`".to_owned();
            found.push(Finding::new(&source.path, source.line(at), says));
        }
    }
    found
}

/// Whether the word `test` at `at` stands inside `cfg(...)`, `cfg!(...)` or `cfg_attr(...)`.
fn is_condition(source: &Source, at: usize) -> bool {
    let mut conditions = source.places("cfg").chain(source.places("cfg_attr"));
    conditions.any(|name| {
        let open = if source.is(name + 1, '!') { name + 2 } else { name + 1 };
        source.is(open, '(') && (open..source.closing(open)).contains(&at)
    })
}

/// Whether this is the `test` of `#[cfg(test)] mod tests`, perhaps with a path and a visibility between.
fn declares_tests(source: &Source, at: usize) -> bool {
    let plain = at >= 4 && source.is(at - 4, '#') && source.is(at - 1, '(') && source.is(at + 2, ']');
    let after = source.attributes().into_iter().filter(|attribute| attribute.start > at);
    let next = after.fold(at + 3, |next, attribute| if attribute.start == next { attribute.end } else { next });
    let next = if source.word(next) == Some("pub") { next + 1 } else { next };
    let next = if source.is(next, '(') { source.closing(next) + 1 } else { next };
    plain && source.word(next) == Some("mod") && source.word(next + 1).is_some_and(is_test_module)
}

/// Nothing waits by sleeping, outside the room that ends such waits at shutdown.
pub(super) fn nothing_sleeps(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in house.sources.iter().filter(|source| source.path != WAITING_ROOM) {
        let sleeps = |step: &String| matches!(step.as_str(), "sleep" | "sleep_ms" | "sleep_until");
        let named = source.paths();
        for path in named.iter().filter(|path| path.steps.last().is_some_and(sleeps)) {
            let says = format!("`{}`: wait for the thing itself, or in {WAITING_ROOM}", path.text());
            found.push(Finding::new(&source.path, path.line, says));
        }
    }
    found
}

/// Every test runs.
pub(super) fn every_test_runs(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in &house.sources {
        for at in source.places("ignore").filter(|at| *at >= 2 && source.is(at - 1, '[') && source.is(at - 2, '#')) {
            found.push(Finding::new(&source.path, source.line(at), "a test is ignored".to_owned()));
        }
    }
    found
}

/// Nothing is left half done.
pub(super) fn nothing_is_unfinished(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in &house.sources {
        for name in ["todo", "unimplemented", "dbg"] {
            let called = source.places(name).filter(|at| source.is(at + 1, '!'));
            found.extend(called.map(|at| Finding::new(&source.path, source.line(at), format!("`{name}!` is left"))));
        }
    }
    found
}

/// Whoever switches a lint off says why.
pub(super) fn exceptions_have_reasons(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in &house.sources {
        for at in source.attributes().into_iter().flatten() {
            let switch = matches!(source.word(at), Some("allow" | "expect")) && source.is(at + 1, '(');
            let has_reason =
                |end: usize| (at..end).any(|at| source.word(at) == Some("reason") && source.is(at + 1, '='));
            if switch && !has_reason(source.closing(at + 1)) {
                let says = "a lint is switched off without `reason = \"...\"`".to_owned();
                found.push(Finding::new(&source.path, source.line(at), says));
            }
        }
    }
    found
}

/// Nothing tells on which machine it was written.
pub(super) fn no_machine_is_named(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for page in &house.pages {
        for (index, line) in page.text.lines().enumerate() {
            let named = ["home", "root", "tmp", "work", "Users"].into_iter().find(|folder| names_folder(line, folder));
            let says = named.map(|folder| format!("names a path of one machine, under `{folder}`"));
            found.extend(says.map(|says| Finding::new(&page.path, index + 1, says)));
        }
    }
    found
}

/// Whether the line holds `/folder/` as the beginning of a path, not as a part of a longer one.
fn names_folder(line: &str, folder: &str) -> bool {
    let inner = |before: char| before.is_alphanumeric() || "._-~}$)".contains(before);
    let path = format!("/{folder}/");
    let mut begins = line.match_indices(&path).map(|(at, _)| line.get(..at).unwrap_or_default());
    begins.any(|before| !before.ends_with(inner))
}

/// Rooms that documents may point into.
const ROOMS: &[&str] = &["src/", "tests/", "deploy/", "fixtures/", "commands/", "benches/", "examples/", ".ci/"];

/// What a document points to is there: files in backticks, below the package or below `src`.
pub(super) fn documents_point_to_what_is_there(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    let told = |path: &str| path.ends_with(".md") && !path.contains('/') && path != "CHANGELOG.md";
    for page in house.pages.iter().filter(|page| told(&page.path)) {
        for (index, line) in page.text.lines().enumerate() {
            let words = line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
            for word in words.filter(|word| !is_there(house, word)) {
                found.push(Finding::new(&page.path, index + 1, format!("points to `{word}`, which is not there")));
            }
        }
    }
    found
}

/// Whether what the word points to is there; a word that is no path of ours points to nothing.
fn is_there(house: &House, word: &str) -> bool {
    let path = word.split("::").next().and_then(|path| path.split(['*', '{']).next()).unwrap_or_default();
    let path = path.trim_end_matches([',', '.', ':']);
    let ours = ROOMS.iter().any(|room| path.starts_with(room)) || (path.ends_with(".rs") && path.contains('/'));
    let below = |page: &str| page.strip_prefix("src/").unwrap_or(page).starts_with(path) || page.starts_with(path);
    !ours || house.pages.iter().any(|page| below(&page.path))
}

/// A trait stands only where at least two types fulfil it.
pub(super) fn traits_have_two_fulfilments(house: &House) -> Vec<Finding> {
    let mut kept = BTreeMap::<&str, usize>::new();
    for source in house.rooms(&["src"]) {
        let kept_here = source.places("impl").filter(|at| !source.in_tests(*at)).filter_map(|at| fulfils(source, at));
        kept_here.for_each(|name| *kept.entry(name).or_default() += 1);
    }
    let mut found = Vec::new();
    for source in house.rooms(&["src"]) {
        for at in source.places("trait").filter(|at| !source.in_tests(*at)) {
            let name = source.word(at + 1).unwrap_or_default();
            let count = kept.get(name).copied().unwrap_or_default();
            if count < 2 {
                let says = format!("the trait `{name}` has {count} implementations; it needs two to exist");
                found.push(Finding::new(&source.path, source.line(at), says));
            }
        }
    }
    found
}

/// The trait of `impl<...> path::Trait<...> for Type`, when the word at `at` begins such a thing.
fn fulfils(source: &Source, at: usize) -> Option<&str> {
    let mut depth = 0_usize;
    let mut last = None;
    for next in source.indexes().skip(at + 1) {
        match source.word(next) {
            Some("for") if depth == 0 => return last,
            Some(word) if depth == 0 => last = Some(word),
            _ if source.is(next, '<') => depth += 1,
            _ if source.is(next, '>') && !source.is(next - 1, '-') => depth = depth.saturating_sub(1),
            _ if depth == 0 && ['{', '(', ')', ';', ','].iter().any(|mark| source.is(next, *mark)) => return None,
            _ => {}
        }
    }
    None
}
