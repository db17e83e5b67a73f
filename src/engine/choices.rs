//! What is offered while somebody fills in a command, whatever the platform: the versions that the service's registry
//! has, newest first and the present one marked, and counts near the present one. Also whether a tag exists that was
//! asked for. Where nothing is known in time nothing is offered, and what is typed counts.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;

use super::{Engine, Inner, facts};
use crate::{
    clock,
    core::{
        change,
        command::{Asked, Command},
        decide::TagSeen,
        names::{Field, Service, Target},
        rules::Rules,
    },
    registry::{ImageName, RegistryError, Version},
};

/// How long a platform that waits three seconds can be kept waiting for choices.
const IN_TIME: Duration = Duration::from_millis(1500);
/// How long a request is kept waiting for whether its tag exists; planning takes as long beside it.
const TAG_IN_TIME: Duration = Duration::from_millis(700);
/// The most choices: Slack's menus hold a hundred, Discord's 25.
const MOST: usize = 100;
/// How many tags are named instead of one that is not there.
const NEAREST: usize = 3;
/// How many digits of a digest are shown.
const DIGITS: usize = 12;

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is put in.
    pub value: String,
    /// What helps to choose: age, digest, which one it is now. May be empty.
    pub note: String,
}

impl Choice {
    /// On one line of at most so many characters; the value is never cut.
    pub fn label(&self, most: usize) -> String {
        let whole = if self.note.is_empty() { self.value.clone() } else { format!("{} ({})", self.value, self.note) };
        if whole.chars().count() <= most { whole } else { self.value.clone() }
    }
}

impl Engine {
    /// The versions of a target's image that fit what was typed, newest first, at most a hundred. Answers within a
    /// second and a half, from memory where the image was asked for before.
    pub async fn versions(&self, target: &Target, typed: &str) -> Vec<Choice> {
        let Some(rules) = self.inner.rules() else { return Vec::new() };
        let found = tokio::time::timeout(IN_TIME, versions(&self.inner, &rules, target, typed)).await;
        found.ok().flatten().unwrap_or_default()
    }

    /// Counts near the present one of a target: the present one first, then one and two more and fewer, and double.
    pub async fn replicas(&self, target: &Target, typed: &str) -> Vec<Choice> {
        let Some(rules) = self.inner.rules() else { return Vec::new() };
        let now = tokio::time::timeout(IN_TIME, value(&self.inner, &rules, target, &Field::Replicas)).await;
        let Some(now) = now.ok().flatten().and_then(|now| now.parse::<u32>().ok()) else { return Vec::new() };
        let limits = rules.catalog.replica_limits();
        let most = limits.max.unwrap_or(u32::MAX);
        let mut near = vec![now];
        for count in [now.saturating_add(1), now.saturating_add(2), now.saturating_mul(2), now.saturating_sub(1)] {
            if !near.contains(&count) && (limits.min..=most).contains(&count) {
                near.push(count);
            }
        }
        let note = |count: u32| if count == now { format!("now in {}", target.environment) } else { String::new() };
        let choices = near.into_iter().map(|count| Choice { value: count.to_string(), note: note(count) });
        choices.filter(|choice| choice.value.starts_with(typed.trim())).collect()
    }
}

async fn versions(inner: &Arc<Inner>, rules: &Rules, target: &Target, typed: &str) -> Option<Vec<Choice>> {
    let image = image(inner, rules, target).await?;
    let (listing, now) =
        tokio::join!(inner.reach.registries.versions(&image), value(inner, rules, target, &Field::ImageTag));
    let listing = listing.ok()?;
    let choice = |version: &Version| Choice {
        value: version.tag.clone(),
        note: note(version, (now.as_deref() == Some(&version.tag)).then_some(target)),
    };
    Some(listing.search(typed).take(MOST).map(choice).collect())
}

/// `now in prod, 3 h old, 0123456789ab`
fn note(version: &Version, now_in: Option<&Target>) -> String {
    let now = now_in.map(|target| format!("now in {}", target.environment));
    let age = version.made.map(|made| format!("{} old", age(clock::now().duration_since(made))));
    let digest = version.digest.as_deref().and_then(|digest| digest.split_once(':'));
    let digest = digest.map(|(_, digits)| digits.chars().take(DIGITS).collect());
    [now, age, digest].into_iter().flatten().collect::<Vec<String>>().join(", ")
}

/// A length of time in its largest unit.
pub(super) fn age(span: jiff::SignedDuration) -> String {
    let minutes = span.as_mins().max(0);
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

/// A field's value at the tip, as people write it.
async fn value(inner: &Arc<Inner>, rules: &Rules, target: &Target, field: &Field) -> Option<String> {
    let (_, base) = inner.home_at(rules, target).ok()?;
    let files = facts::files(inner, rules, base, target).await.ok()?;
    let binding = change::locate(field, &rules.locator(target, field), &files).ok()?;
    let file = files.iter().find(|file| file.path == binding.file)?;
    change::value_at(&binding, &file.text).ok().flatten()
}

/// The target's image, where its registry may be asked: as its files name it, or as the catalog does.
async fn image(inner: &Arc<Inner>, rules: &Rules, target: &Target) -> Option<ImageName> {
    let (_, base) = inner.home_at(rules, target).ok()?;
    let files = facts::files(inner, rules, base, target).await.ok()?;
    let tag = Field::ImageTag;
    let binding = change::locate(&tag, &rules.locator(target, &tag), &files).ok();
    let in_files = binding.and_then(|binding| change::image_of(&binding, &files));
    let names = in_files.into_iter().chain(facts::image(rules, target));
    names.filter_map(|name| ImageName::parse(&name).ok()).find(|image| inner.reach.registries.knows(image))
}

/// The same of several services: that of one which lacks it, or could not be asked about, before that of others.
pub(super) async fn tags_seen(
    inner: &Arc<Inner>,
    rules: &Rules,
    command: &Command,
    (target, with): (&Target, &[Service]),
) -> Option<TagSeen> {
    let of = |service: &Service| {
        let target = Target { service: service.clone(), environment: target.environment.clone() };
        async move { tag_seen(inner, rules, command, &target).await }
    };
    let each = join_all(std::iter::once(&target.service).chain(with).map(of)).await;
    let rank = |seen: &TagSeen| match seen {
        TagSeen::Missing { .. } => 2,
        TagSeen::Unseen { .. } => 1,
        TagSeen::There => 0,
    };
    each.into_iter().flatten().max_by_key(rank)
}

/// Whether the tag exists that a command would put in; what was there before needs no proof.
async fn tag_seen(inner: &Arc<Inner>, rules: &Rules, command: &Command, target: &Target) -> Option<TagSeen> {
    let Ok(Asked::Set(set)) = command.change() else { return None };
    let tag = set.get(&Field::ImageTag)?.as_str()?.to_owned();
    let looked = tokio::time::timeout(TAG_IN_TIME, async {
        let image = image(inner, rules, target).await?;
        Some(look(inner, &image, tag).await)
    });
    match looked.await {
        Ok(seen) => seen,
        Err(_) => Some(TagSeen::Unseen { why: "the registry has not answered in time".to_owned() }),
    }
}

async fn look(inner: &Arc<Inner>, image: &ImageName, tag: String) -> TagSeen {
    let registries = &inner.reach.registries;
    let unseen = |error: RegistryError| TagSeen::Unseen { why: error.to_string() };
    match registries.has(image, &tag).await {
        Ok(true) => TagSeen::There,
        Ok(false) => {
            let listing = registries.versions(image).await;
            let nearest = listing.map(|listing| listing.nearest(&tag, NEAREST)).unwrap_or_default();
            TagSeen::Missing { image: image.to_string(), tag, nearest }
        }
        Err(error) => unseen(error),
    }
}
