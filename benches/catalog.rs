//! A catalog of 10,000 services in two environments: how long it takes to load with all rules, and to offer names while
//! somebody types; each beside the least that could be done. Limits: 500 ms and 50 ms.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures and fails by panicking; it reads the clock"
)]

use std::{hint::black_box, time::Duration};

use leverframe::{
    chat::discord::suggest::{self, Draft},
    core::rules::Rules,
};

#[path = "../tests/it/many_services.rs"]
mod many_services;

use many_services::{SERVICES, repository};

fn main() {
    let (commit, files, paths) = repository(SERVICES);
    let catalog = files.first().expect("the catalog").text.clone();
    let load = fastest(5, || {
        black_box(Rules::read(commit.clone(), &files, &paths).unwrap());
    });
    let parse = fastest(5, || {
        black_box(serde_yaml::from_str::<serde_yaml::Value>(&catalog).unwrap());
    });
    line(
        "load of catalog, policy, commands, templates and places",
        load,
        ("serde_yaml alone reads the catalog", parse),
        500,
    );

    let rules = Rules::read(commit, &files, &paths).unwrap();
    for text in ["s", "s099", "9999", "nothing-like-it"] {
        let draft = Draft { command: "deploy", option: "service", text, others: &[] };
        let offer = fastest(20, || {
            black_box(suggest::choices(&rules, draft));
        });
        let scan = fastest(20, || {
            let names = rules.services.keys().filter(|name| name.as_str().contains(text));
            black_box(names.take(25).collect::<Vec<_>>());
        });
        line(&format!("names offered for `{text}`"), offer, ("a scan that stops at 25 names", scan), 50);
    }
}

fn fastest(times: u32, mut run: impl FnMut()) -> Duration {
    let one = |_| {
        let start = std::time::Instant::now();
        run();
        start.elapsed()
    };
    (0..times).map(one).min().unwrap_or_default()
}

fn line(what: &str, ours: Duration, (baseline, theirs): (&str, Duration), limit: u64) {
    let within = if ours <= Duration::from_millis(limit) { "within" } else { "ABOVE" };
    println!("{what}: {ours:.2?}, {within} the limit of {limit} ms; {baseline}: {theirs:.2?}");
}
