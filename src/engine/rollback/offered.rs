//! What is offered while somebody types the version to go back to: what the target had, as git and the ledger know it,
//! never what a registry has. The one that a rollback takes where none is named comes first.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{by_default, places, versions::versions};
use crate::{
    clock,
    core::{
        change::Past,
        names::{CommandName, Field, Target},
        rules::Rules,
    },
    engine::{
        Choice, Engine, Inner,
        choices::age,
        facts::{self, Of},
    },
};

/// How long a platform that waits three seconds can be kept waiting for choices.
const IN_TIME: Duration = Duration::from_millis(1500);

impl Engine {
    /// The versions that a target had before the present one and that fit what was typed: first the one that a rollback
    /// takes by itself, then the newest first. Answers within a second and a half; what is read later is remembered.
    pub async fn past_versions(&self, target: &Target, typed: &str) -> Vec<Choice> {
        let Some(rules) = self.inner.rules() else { return Vec::new() };
        let (say, told) = oneshot::channel();
        let (inner, target) = (Arc::clone(&self.inner), target.clone());
        self.inner.tasks.start(async move {
            // Nobody may be left to hear it.
            let _: Result<(), _> = say.send(past(&inner, &rules, &target).await.unwrap_or_default());
        });
        let found = tokio::time::timeout(IN_TIME, told).await;
        let found = found.ok().and_then(Result::ok).unwrap_or_default();
        let typed = typed.trim();
        found.into_iter().filter(|choice| choice.value.contains(typed)).collect()
    }
}

async fn past(inner: &Arc<Inner>, rules: &Rules, target: &Target) -> Option<Vec<Choice>> {
    let (home, base) = inner.home_at(rules, target).ok()?;
    let files = facts::files(inner, rules, base, target).await.ok()?;
    let command = CommandName::parse("rollback").ok()?;
    let of = Of { rules, command: &command, target, home, base, files: &files, beside: &[], owed: &BTreeMap::new() };
    let places = places(of, &[Field::ImageTag, Field::ImageDigest]).ok()?;
    let versions = versions(inner, of, &places).await.ok()?;
    let first = by_default(inner, of, &versions).await.map(|version| version.past.version.clone());
    let mut choices: Vec<(bool, Choice)> = Vec::new();
    for version in versions.iter().skip(1) {
        let is_first = first.as_ref() == Some(&version.past.version);
        let note = note(rules, &version.past, is_first.then_some("taken if nothing is chosen"));
        choices.push((!is_first, Choice { value: version.past.version.clone(), note }));
    }
    choices.sort_by_key(|(later, _)| *later);
    Some(choices.into_iter().map(|(_, choice)| choice).collect())
}

/// `healthy, 3 d old, by Ana Moreau`
fn note(rules: &Rules, past: &Past, first: Option<&str>) -> String {
    let person = past.by.as_ref().and_then(|id| rules.catalog.person(id));
    let by = person.map(|person| format!("by {}", person.name));
    let age = format!("{} old", age(clock::now().duration_since(past.at)));
    let parts = [Some(past.health.word().to_owned()), Some(age), by, first.map(str::to_owned)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
