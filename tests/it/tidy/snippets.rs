//! The rules on snippets: what each must find, and what it must leave alone. A rule without both is refused,
//! because a rule that cannot fail holds nothing.

use super::{EXCEPTIONS, Finding, House, Page, RULES, complaints, dependencies, source::Source};

const MANIFEST: &str = "[package]\nname = \"x\"\n[dependencies]\nserde = \"1\"\nserde_json = \"1\"\nkube = { version = \"5\" }\n\
    slack-morphism = \"2\"\n[dev-dependencies]\ntempfile = \"3\"\n";

/// A house of one file and the manifest.
fn house(path: &str, text: &str) -> House {
    let page = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
    House::new(vec![page(path, text), page("Cargo.toml", MANIFEST)])
}

/// Rule, file, its text, the lines that must be found (none: it must be left alone).
const SNIPPETS: &[(&str, &str, &str, &[usize])] = &[
    ("the core is pure", "src/core/a.rs", "use std::fs;", &[1]),
    ("the core is pure", "src/core/a.rs", "use std::{fmt,\n    env::var};", &[2]),
    ("the core is pure", "src/core/a.rs", "fn f() { std::net::TcpStream::connect(); }", &[1]),
    ("the core is pure", "src/core/a.rs", "use std::time;", &[1]),
    ("the core is pure", "src/core/a.rs", "use std::time::*;", &[1]),
    ("the core is pure", "src/core/a.rs", "use std::time::{Duration, SystemTime};", &[1]),
    ("the core is pure", "src/core/a.rs", "use ::std::process::Command;", &[1]),
    ("the core is pure", "src/core/a.rs", "use std::{self, thread as t};", &[1, 1]),
    ("the core is pure", "src/core/a.rs", "use std::io::Read;", &[1]),
    ("the core is pure", "src/core/a.rs", "async fn f() {\n    g().await }", &[1, 2]),
    ("the core is pure", "src/core/a.rs", "use kube::Client;", &[1]),
    ("the core is pure", "src/core/a.rs", "fn f() { slack_morphism::hash() }", &[1]),
    ("the core is pure", "src/core/a.rs", "use crate::{core::names::Service, git::Mirror};", &[1]),
    ("the core is pure", "src/core/a/b.rs", "use super::super::super::clock;", &[1]),
    ("the core is pure", "src/core.rs", "use super::engine::run;", &[1]),
    ("the core is pure", "src/core/a.rs", "let at = jiff::Timestamp::now();", &[1]),
    ("the core is pure", "src/core/a.rs", "#[cfg(test)]\nmod tests { use crate::play::start; }", &[2]),
    ("the core is pure", "src/core/a.rs", "#[cfg(test)]\nmod tests { use std::fs; use super::super::b::c; }", &[]),
    (
        "the core is pure",
        "src/core/a.rs",
        "use std::{fmt, time::Duration}; // std::fs\nuse self::fs::F; use vote::V;",
        &[],
    ),
    ("the core is pure", "src/core/a.rs", "pub(crate) fn f() { g(\"std::env::var\"); super::names::f::<u8>() }", &[]),
    ("the core is pure", "src/core/a.rs", "use serde_json::Value; use crate::core::names::{self, Service};", &[]),
    ("the core is pure", "src/git/a.rs", "use std::fs; use kube::Client;", &[]),
    ("adapters are apart", "src/git/a.rs", "use crate::forge::Forge;", &[1]),
    ("adapters are apart", "src/ledger.rs", "fn f(c: &crate::chat::Card) {}", &[1]),
    ("adapters are apart", "src/chat/slack/a.rs", "use super::super::super::cluster;", &[1]),
    ("adapters are apart", "src/git/mod.rs", "use crate::{core::names, engine::Engine};", &[1]),
    ("adapters are apart", "src/cluster/tests.rs", "use crate::play::Cluster;", &[1]),
    ("adapters are apart", "src/chat/slack/a.rs", "use crate::{chat::card::Card, net, secret::Secret, clock};", &[]),
    ("adapters are apart", "src/engine/a.rs", "use crate::{git, forge, chat, ledger};", &[]),
    ("a platform's crate stays in its room", "src/engine/a.rs", "use kube::Client;", &[1]),
    ("a platform's crate stays in its room", "src/chat/card.rs", "use slack_morphism::prelude::*;", &[1]),
    ("a platform's crate stays in its room", "src/chat/slack/a.rs", "use slack_morphism::prelude::*;", &[]),
    ("a platform's crate stays in its room", "src/web/a.rs", "#[cfg(test)]\nmod tests { use kube::Client; }", &[]),
    ("a file opens with what it is for", "src/a.rs", "use std::fmt;\n", &[1]),
    ("a file opens with what it is for", "src/a.rs", "\n//! Late.\n", &[1]),
    ("a file opens with what it is for", "tests/it/a.rs", "//!\n//!\n//!\n//!\n//!\n//!\n//!\n//!\n//!\n", &[1]),
    ("a file opens with what it is for", "src/a.rs", "//! What it is for.\n\nuse std::fmt;\n", &[]),
    ("what is tested is what is shipped", "src/a.rs", "#[cfg(test)]\nuse std::fmt;", &[1]),
    ("what is tested is what is shipped", "src/a.rs", "#[cfg(test)]\nmod helper {}", &[1]),
    ("what is tested is what is shipped", "src/a.rs", "#[cfg(not(test))]\nmod tests {}", &[1]),
    ("what is tested is what is shipped", "src/a.rs", "#[cfg(any(test, unix))]\nmod tests {}", &[1]),
    ("what is tested is what is shipped", "src/a.rs", "fn f() {\n    if cfg!(test) {} }", &[2]),
    ("what is tested is what is shipped", "src/a.rs", "#![cfg_attr(test, allow(unused))]", &[1]),
    ("what is tested is what is shipped", "src/a.rs", "#[cfg(test)]\nmod tests;", &[]),
    ("what is tested is what is shipped", "src/a.rs", "#[cfg(test)]\n#[path = \"b.rs\"]\npub(crate) mod tests {}", &[]),
    ("what is tested is what is shipped", "src/a.rs", "#[cfg(unix)]\nmod a { #[test]\n fn f() {} }", &[]),
    ("nothing sleeps", "src/a.rs", "fn f() {\n    std::thread::sleep(d); }", &[2]),
    ("nothing sleeps", "tests/it/a.rs", "use tokio::time::{sleep, timeout};", &[1]),
    ("nothing sleeps", "src/a.rs", "tokio::time::sleep_until(then).await;", &[1]),
    ("nothing sleeps", "src/tasks.rs", "tokio::time::sleep(long).await;", &[]),
    ("nothing sleeps", "src/a.rs", "let sleep = 1; // thread::sleep", &[]),
    ("every test runs", "src/a.rs", "#[test]\n#[ignore]\nfn f() {}", &[2]),
    ("every test runs", "src/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", &[2]),
    ("every test runs", "src/a.rs", "fn ignore() { ignore() } // #[ignore]", &[]),
    ("nothing is unfinished", "src/a.rs", "fn f() {\n    todo!() }", &[2]),
    ("nothing is unfinished", "src/a.rs", "fn f() { unimplemented!(\"later\") }", &[1]),
    ("nothing is unfinished", "src/a.rs", "let a = dbg!(b);", &[1]),
    (
        "nothing is unfinished",
        "src/a.rs",
        "let todo = 'a'; // todo!()\nlet b = \"dbg!\"; let c: &'static str = r#\"\"todo!\"#;",
        &[],
    ),
    ("an exception has a reason", "src/a.rs", "#[allow(dead_code)]\nfn f() {}", &[1]),
    ("an exception has a reason", "src/a.rs", "#![expect(\n    dead_code,\n    clippy::panic,\n)]", &[1]),
    ("an exception has a reason", "src/a.rs", "#[cfg_attr(unix, allow(dead_code))]\nfn f() {}", &[1]),
    ("an exception has a reason", "src/a.rs", "#[allow(dead_code, reason = \"read by `doctor`\")]\nfn f() {}", &[]),
    ("an exception has a reason", "src/a.rs", "#[derive(Debug)]\nstruct A; fn f() { a.expect(1); }", &[]),
    ("documents point to what is there", "README.md", "ok\nsee `src/gone.rs`, `x --y deploy/gone.yaml`", &[2, 2]),
    ("documents point to what is there", "ARCHITECTURE.md", "`core/gone/mod.rs::decide`", &[1]),
    ("documents point to what is there", "src/a.rs", "//! `src/b.rs`", &[]),
    (
        "documents point to what is there",
        "README.md",
        "`Cargo.toml`, `leverframe.yaml`, `a.rs`, tests/it, `GET /x`",
        &[],
    ),
    ("a trait has two implementations", "src/a.rs", "trait Pager {}\nstruct A;\nimpl Pager for A {}", &[1]),
    (
        "a trait has two implementations",
        "src/a.rs",
        "pub trait Chat {}\nimpl Chat for A {}\n#[cfg(test)] mod tests { impl Chat for B {} }",
        &[1],
    ),
    (
        "a trait has two implementations",
        "src/a.rs",
        "trait Chat<T> {}\nimpl<F: Fn(u8) -> u8> crate::Chat<F> for A {}\nimpl Chat<u8> for B {}\nfn f(x: impl Fn()) { for _ in x {} }",
        &[],
    ),
];

/// The same, for the texts that are made here because this file is read by the rules as well.
fn made_snippets() -> Vec<(&'static str, &'static str, String, Vec<usize>)> {
    let long = |lines: usize| "//! Long.\n".to_owned() + &"fn f() {}\n".repeat(lines - 1);
    let tested = |lines: usize| long(lines) + "#[cfg(test)]\nmod tests {\n" + &"    fn g() {}\n".repeat(500) + "}\n";
    let machine = |folder: &str| format!("ok\nlet path = \"/{folder}/me/file\";\n");
    vec![
        ("a file is short", "src/a.rs", long(401), vec![401]),
        ("a file is short", "src/a.rs", tested(402), vec![401]),
        ("a file is short", "ARCHITECTURE.md", "a line\n".repeat(201), vec![201]),
        ("a file is short", "src/a.rs", long(400), vec![]),
        ("a file is short", "src/a.rs", tested(399), vec![]),
        ("a file is short", "src/a/tests.rs", long(900), vec![]),
        ("no machine is named", "README.md", machine("home"), vec![2]),
        ("no machine is named", "deploy/a.yaml", machine("tmp"), vec![2]),
        ("no machine is named", "src/a.rs", machine("root").replace("\"/", "file:///"), vec![2]),
        ("no machine is named", "README.md", "https://example.com/work/a, src/home/a.rs, ~/work/b".to_owned(), vec![]),
    ]
}

fn found(rule: &str, path: &str, text: &str) -> Vec<usize> {
    let rule = RULES.iter().find(|known| known.name == rule).unwrap_or_else(|| panic!("there is no rule `{rule}`"));
    let mut lines: Vec<_> = (rule.check)(&house(path, text)).into_iter().map(|Finding { line, .. }| line).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn rules_find_what_they_must_and_leave_the_rest() {
    for (rule, path, text, lines) in SNIPPETS {
        assert_eq!(found(rule, path, text), *lines, "[{rule}] {path}:\n{text}");
    }
    for (rule, path, text, lines) in made_snippets() {
        assert_eq!(found(rule, path, &text), lines, "[{rule}] {path}");
    }
}

#[test]
fn every_rule_has_a_bad_and_a_good_snippet() {
    let made = made_snippets();
    let all: Vec<_> = SNIPPETS.iter().map(|(rule, _, _, lines)| (*rule, lines.is_empty())).collect();
    let all: Vec<_> = all.into_iter().chain(made.iter().map(|(rule, _, _, lines)| (*rule, lines.is_empty()))).collect();
    for rule in RULES {
        for good in [true, false] {
            assert!(all.contains(&(rule.name, good)), "[{}] lacks a snippet (good: {good})", rule.name);
        }
    }
}

#[test]
fn exceptions_excuse_one_rule_in_one_file_and_are_told_when_idle() {
    let bad = house("src/a.rs", "//! A.\nfn f() { todo!() }\n");
    let told = complaints(&bad, &[]);
    assert_eq!(told, ["src/a.rs:2: `todo!` is left [nothing is unfinished] Finish it."]);
    assert_eq!(complaints(&bad, &[("nothing is unfinished", "src/a.rs", "why")]), Vec::<String>::new());
    assert_eq!(complaints(&bad, &[("nothing is unfinished", "src/b.rs", "why")]).len(), 2);
    let good = house("src/a.rs", "//! A.\n");
    let idle = complaints(&good, &[("nothing is unfinished", "src/a.rs", "why")]);
    assert_eq!(idle, ["src/a.rs: needs no exception from [nothing is unfinished] any more"]);
}

#[test]
fn exceptions_name_a_rule_and_say_why() {
    for (name, path, reason) in EXCEPTIONS {
        assert!(RULES.iter().any(|rule| rule.name == *name), "{path}: there is no rule `{name}`");
        assert!(reason.split_whitespace().count() > 3, "{path}: say why it is excepted from `{name}`");
    }
}

#[test]
fn the_manifest_gives_the_names_that_code_uses() {
    assert_eq!(dependencies(MANIFEST), ["serde", "serde_json", "kube", "slack_morphism", "tempfile"]);
}

#[test]
fn paths_are_unfolded() {
    let text = "use a::{b, c::{self, d as e}, f::*};\nfn g() { super::h::i(); self.j(); k::<L>::m(); 'n': loop {} }";
    let source = Source::new("src/x/y.rs", text);
    let paths: Vec<_> = source.paths().iter().map(|path| (path.line, path.text())).collect();
    let expected = ["a::b", "a::c", "a::c::d", "a::f::*"].map(|path| (1, path.to_owned()));
    let (used, called) = paths.split_at(expected.len());
    assert_eq!(used, expected);
    assert!(called.contains(&(2, "crate::x::h::i".to_owned())), "{called:?}");
}

#[test]
fn quotes_comments_and_raw_strings_hide_what_they_hold() {
    let text = "/* a /* b */ c */ let d = '\\''; let e = '\"'; r##\"f\"# \"##; b\"g\\\"\"; br\"h\"; // i\nj";
    let source = Source::new("src/a.rs", text);
    let words: Vec<_> = source.indexes().filter_map(|at| source.word(at)).collect();
    assert_eq!(words, ["let", "d", "let", "e", "j"]);
    assert_eq!(source.line(source.indexes().end - 1), 2);
}
