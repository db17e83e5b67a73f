//! The rules that keep the rooms apart: what the core may touch, whom an adapter may know, and in which room
//! each platform's crate stays.

use super::{Finding, House, source::NamedPath};

/// What the core may never reach, tests excepted: the world outside a function's arguments.
const WORLD: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "env"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "io"],
    &["std", "os"],
    &["std", "time", "SystemTime"],
    &["std", "time", "Instant"],
];

/// The crates that the core may use.
const CORE_CRATES: &[&str] = &[
    "cedar_policy",
    "granit_parser",
    "include_dir",
    "jiff",
    "minijinja",
    "serde",
    "serde_json",
    "serde_json_canonicalizer",
    "serde_yaml",
    "sha2",
    "similar",
    "strsim",
    "thiserror",
];

/// The rooms that connect to something outside.
const ADAPTERS: &[&str] = &["git", "forge", "chat", "cluster", "ledger", "registry", "pager"];

/// The rooms above the adapters, which know them and are not known by them.
const ABOVE: &[&str] = &["engine", "web", "play", "cli"];

/// Crates that speak for one outside system, and the places that may name them, tests excepted.
const AT_HOME: &[(&str, &[&str])] = &[
    ("axum", &["src/web", "src/cli", "src/play"]),
    ("clap", &["src/cli", "src/main"]),
    ("git2", &["src/git", "src/play"]),
    ("k8s_openapi", &["src/cluster"]),
    ("kube", &["src/cluster", "src/net"]),
    ("maud", &["src/web", "src/play"]),
    ("octocrab", &["src/forge", "src/net"]),
    (
        "reqwest",
        &["src/net", "src/git", "src/forge", "src/chat", "src/cluster", "src/ledger/ship", "src/play", "src/registry"],
    ),
    ("serenity", &["src/chat/discord"]),
    ("slack_morphism", &["src/chat/slack"]),
    ("sled", &["src/ledger"]),
    ("tokio_websockets", &["src/net", "src/play"]),
    ("twilight_gateway", &["src/chat/discord"]),
];

/// `core` stays pure: values in, values out.
pub(super) fn core_is_pure(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in house.rooms(&["src/core"]) {
        let named = source.paths();
        let wrong = named.iter().filter_map(|path| Some((path.line, impure(house, path)?)));
        found.extend(wrong.map(|(line, says)| Finding::new(&source.path, line, says)));
        let waits = source.places("async").chain(source.places("await"));
        found.extend(waits.map(|at| Finding::new(&source.path, source.line(at), "the core never waits".to_owned())));
    }
    found
}

/// What is wrong with this path in the core. Test code of the core may read sample files; nothing more.
fn impure(house: &House, path: &NamedPath) -> Option<String> {
    let text = path.text();
    if let Some(room) = other_room(path).filter(|room| *room != "core") {
        return Some(format!("`{text}`: the core knows no other room, and `{room}` is one"));
    }
    if path.in_tests {
        return None;
    }
    if WORLD.iter().any(|place| path.reaches(place)) {
        return Some(format!("`{text}` reaches outside: the core is given values"));
    }
    if path.steps.last().is_some_and(|last| last == "now") {
        return Some(format!("`{text}` reads a clock: the core is given the time"));
    }
    let first = path.steps.first()?;
    let foreign = house.crates.contains(first) && !CORE_CRATES.contains(&first.as_str());
    foreign.then(|| format!("`{text}`: the core does not use the crate `{first}`"))
}

/// Adapters know the core and what carries them, never each other or what is built of them.
pub(super) fn adapters_are_apart(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for adapter in ADAPTERS {
        let closed = |room: &str| room != *adapter && (ADAPTERS.contains(&room) || ABOVE.contains(&room));
        for source in house.rooms(&[&format!("src/{adapter}")]) {
            let named = source.paths();
            let wrong = named.iter().filter_map(|path| Some((path, other_room(path).filter(|room| closed(room))?)));
            let says = |room: &str| format!("the room `{adapter}` does not know the room `{room}`");
            found.extend(wrong.map(|(path, room)| Finding::new(&source.path, path.line, says(room))));
        }
    }
    found
}

/// The room of `crate::room::...`.
fn other_room(path: &NamedPath) -> Option<&str> {
    match path.steps.as_slice() {
        [root, room, ..] if root == "crate" => Some(room),
        _ => None,
    }
}

/// The types of a platform stay in the room that speaks to it.
pub(super) fn crates_are_at_home(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in house.rooms(&["src"]) {
        for path in source.paths().iter().filter(|path| !path.in_tests) {
            let away = |homes: &[&str]| !homes.iter().any(|home| House::is_in(&source.path, home));
            let entry =
                AT_HOME.iter().find(|(name, homes)| path.steps.first().is_some_and(|s| s == name) && away(homes));
            let says = entry.map(|(name, homes)| format!("`{name}` is named only in {}", homes.join(", ")));
            found.extend(says.map(|says| Finding::new(&source.path, path.line, says)));
        }
    }
    found
}
