//! One value set in a file of 60 and of 5,000 lines: our edit, proof included, beside what a program without an
//! edit engine does (serde_yaml reads the file and writes all of it again) and beside the least that any of them
//! must do (read the file's events once). All in one run, turn by turn; the ratios are what counts, not the times.

use std::{
    error::Error,
    fmt::Write as _,
    hint::black_box,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use granit_parser::Parser;
use leverframe::core::yaml::{self, Assignment, Document, Path};
use serde::Deserialize as _;
use serde_yaml::{Deserializer, Value};

/// What every contestant sets.
const NEW_IMAGE: &str = "registry.example.com/shop/checkout:v1.2.5";

type Outcome = Result<String, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    writeln!(out, "lines      ours    re-serialised       events only      lines changed: ours, re-serialised")?;
    for (documents, turns) in [(1, 200), (82, 20)] {
        let text = manifest(documents);
        let last = documents - 1;
        let [ours, again, least] =
            medians(turns, [&|| edited(&text, last), &|| serialised_again(&text, last), &|| events(&text)])?;
        let changed = [edited(&text, last)?, serialised_again(&text, last)?].map(|new| changed_lines(&text, &new));
        writeln!(
            out,
            "{:>5}   {ours:>7.0?}   {again:>7.0?} ({:>5.2}x)   {least:>7.0?} ({:>5.2}x)   {changed:?}",
            text.lines().count(),
            ratio(again, ours),
            ratio(least, ours),
        )?;
    }
    writeln!(out, "x: so many times the time of ours. One line was to change.")?;
    Ok(())
}

/// A file as people write it, with comments and quotes, of so many Deployments of 60 lines each.
fn manifest(count: usize) -> String {
    let mut documents = Vec::new();
    for number in 0..count {
        let mut text = format!(
            "# Owned by the shop team, see the runbook.\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  \
             name: checkout-{number}   # one per region\n  labels: {{ app: \"checkout\", tier: 'backend' }}\nspec:\n  \
             replicas: 3\n  template:\n    spec:\n      containers:\n        - name: app\n          \
             image: registry.example.com/shop/checkout:v1.2.4   # moved by levers\n          env:\n"
        );
        for variable in 0..23 {
            let _ = writeln!(text, "            - name: SETTING_{variable}\n              value: \"{variable}\"");
        }
        documents.push(text);
    }
    documents.join("---\n")
}

/// Ours: the bytes of one value replaced, and proven.
fn edited(text: &str, last: usize) -> Outcome {
    let path = Path::parse("spec.template.spec.containers[name=app].image")?;
    let assignment = Assignment::new(Document::parse(&last.to_string())?, path, NEW_IMAGE);
    Ok(yaml::set(text, &[assignment])?.text)
}

/// The baseline: every document read into values and written again.
fn serialised_again(text: &str, last: usize) -> Outcome {
    let mut written = Vec::new();
    for (number, document) in Deserializer::from_str(text).enumerate() {
        let mut value = Value::deserialize(document)?;
        if number == last {
            let image =
                ["spec", "template", "spec", "containers"].iter().try_fold(&mut value, |at, key| at.get_mut(key));
            let image = image.and_then(|containers| containers.get_mut(0)?.get_mut("image"));
            *image.ok_or("the image is not there")? = NEW_IMAGE.into();
        }
        written.push(serde_yaml::to_string(&value)?);
    }
    Ok(written.join("---\n"))
}

/// The least: every event of the file once.
fn events(text: &str) -> Outcome {
    for event in Parser::new_from_str(text) {
        black_box(event?);
    }
    Ok(String::new())
}

/// How many lines of the old file are not in the new one at their place from the top.
fn changed_lines(old: &str, new: &str) -> usize {
    let diff = similar::TextDiff::from_lines(old, new);
    diff.iter_all_changes().filter(|change| change.tag() == similar::ChangeTag::Delete).count()
}

/// The median time of one call of each, called in turn so that a busy moment hits all of them.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn medians<const N: usize>(turns: usize, calls: [&dyn Fn() -> Outcome; N]) -> Result<[Duration; N], Box<dyn Error>> {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..turns {
        for (call, times) in calls.iter().zip(&mut times) {
            let started = Instant::now();
            black_box(call()?);
            times.push(started.elapsed());
        }
    }
    Ok(times.map(|mut times| {
        times.sort_unstable();
        times.get(turns / 2).copied().unwrap_or_default()
    }))
}

fn ratio(other: Duration, ours: Duration) -> f64 {
    other.as_secs_f64() / ours.as_secs_f64()
}
