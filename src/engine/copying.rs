//! Promoting: a target gets what the same service has in another environment. A version goes only where it is healthy,
//! with the digest that runs there.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    Inner,
    effects::Trouble,
    facts::{self, NotPlanned, Of},
};
use crate::core::{
    change::{self, Aside, Binding, Copied, Health, LocateRefusal, Planned, Presence, SourceFile},
    decide::Words,
    names::{Environment, Field, ImageTag, Target},
    rollout::{self, Verdict, Wanted, verdict},
};

/// What the source has, and what was seen of it.
struct Source<'a> {
    target: &'a Target,
    files: &'a [SourceFile],
}

/// How the version does where it comes from.
struct Seen {
    words: String,
    /// The digest that the pods were found to run.
    digest: Option<String>,
}

pub(super) async fn plan(
    inner: &Arc<Inner>,
    of: Of<'_>,
    (fields, from): (&[Field], &Environment),
) -> Result<Result<Planned, NotPlanned>, Trouble> {
    let target = Target { service: of.target.service.clone(), environment: from.clone() };
    if let Some(words) = nowhere(of, &target) {
        return Ok(Err(NotPlanned::Said(words)));
    }
    let (_, base) = inner.home_at(of.rules, &target)?;
    let files = facts::files(inner, of.rules, base, &target).await?;
    let source = Source { target: &target, files: &files };
    let mut set = match values(of, &source, fields) {
        Ok(set) => set,
        Err(words) => return Ok(Err(NotPlanned::Said(words))),
    };
    let mut seen = None;
    if let Some(tag) = set.get(&Field::ImageTag).and_then(Value::as_str).map(str::to_owned) {
        let healthy = match healthy(inner, of, &source, &tag).await {
            Ok(healthy) => healthy,
            Err(words) => return Ok(Err(NotPlanned::Said(words))),
        };
        pin(of, &mut set, healthy.digest.as_deref());
        seen = Some(healthy.words);
    }
    Ok(of.set(&set).map_err(NotPlanned::Refused).map(|mut planned| {
        let copied = Some(Copied { from: from.clone(), seen });
        planned.plan.aside = Some(Box::new(Aside { copied, ..Aside::default() }));
        planned
    }))
}

/// Why nothing can be taken from there.
fn nowhere(of: Of<'_>, source: &Target) -> Option<Words> {
    let (service, from) = (&source.service, &source.environment);
    if source == of.target {
        return Some(Words::new(format!("{from} has what {from} has."), "Name two environments."));
    }
    if of.rules.catalog.environment(from).is_none() {
        return Some(Words::new(format!("There is no environment `{from}`."), "Name one of the catalog."));
    }
    let is_there = of.rules.services.get(service).is_some_and(|places| places.contains(from));
    let text = format!("{service} is not in {from}.");
    (!is_there).then(|| Words::new(text, "Name an environment that it runs in; `/status` shows them."))
}

/// What the fields hold in the source. A digest that is not written there is no matter: the pods say it.
fn values(of: Of<'_>, source: &Source<'_>, fields: &[Field]) -> Result<BTreeMap<Field, Value>, Words> {
    let mut set = BTreeMap::new();
    for field in fields {
        let binding = match located(of, source.target, field, source.files) {
            Err(_) if *field == Field::ImageDigest => continue,
            found => found.map_err(|refusal| Words::new(format!("{refusal}."), refusal.remedy()))?,
        };
        let text = source.files.iter().find(|file| file.path == binding.file).map(|file| file.text.as_str());
        let value = text.and_then(|text| change::value_at(&binding, text).ok().flatten());
        match value {
            Some(value) => drop(set.insert(field.clone(), facts::value_of(field, &value))),
            None if *field == Field::ImageDigest => {}
            None => {
                let text = format!("{} says no `{field}`.", source.target);
                return Err(Words::new(text, "Set it there first, or name the value here."));
            }
        }
    }
    Ok(set)
}

fn located(of: Of<'_>, target: &Target, field: &Field, files: &[SourceFile]) -> Result<Binding, LocateRefusal> {
    change::locate(field, &facts::locator(of.rules, target, field), files)
}

/// Where the target pins its image by digest it gets the one that goes with the version; elsewhere none.
fn pin(of: Of<'_>, set: &mut BTreeMap<Field, Value>, running: Option<&str>) {
    let by_tag = located(of, of.target, &Field::ImageTag, of.files).is_ok_and(|binding| binding.digest.is_some());
    let by_digest = located(of, of.target, &Field::ImageDigest, of.files);
    let is_pinned = by_tag || by_digest.is_ok_and(|binding| binding.presence == Presence::There);
    match (is_pinned, running) {
        (false, _) => drop(set.remove(&Field::ImageDigest)),
        (true, Some(digest)) => {
            set.entry(Field::ImageDigest).or_insert_with(|| Value::from(digest));
        }
        (true, None) => {}
    }
}

/// What the source's cluster shows of the version; where it shows nothing, what the last request that brought it came
/// to. What is not known to be healthy does not go on.
async fn healthy(inner: &Arc<Inner>, of: Of<'_>, source: &Source<'_>, tag: &str) -> Result<Seen, Words> {
    let (service, from) = (&source.target.service, &source.target.environment);
    let environment = of.rules.catalog.environment(from);
    let named = environment.and_then(|environment| environment.cluster.as_ref());
    let by_name = || format!("Name the version if you know it: `/deploy {service} {} {tag}`.", of.target.environment);
    let cluster = named.and_then(|name| inner.reach.clusters.get(name));
    let Some((environment, cluster)) = environment.zip(cluster) else {
        return by_ledger(inner, source.target, tag, "no cluster is configured for it").await.ok_or_else(|| {
            let text = format!("Whether {tag} is healthy in {from} cannot be seen: no cluster is configured for it.");
            Words::new(text, by_name())
        });
    };
    let wanted =
        Wanted { image: facts::image(of.rules, source.target), tag: ImageTag::parse(tag).ok(), ..Wanted::default() };
    let looked = cluster.workload(&environment.namespace_of(service), service.as_str()).await;
    let workload = match looked {
        Ok(Some(workload)) => workload,
        Ok(None) => {
            let text = format!("{service} is in git in {from}, and not in its cluster.");
            return Err(Words::new(text, "Deploy it there first."));
        }
        Err(error) => {
            let why = format!("its cluster cannot be seen ({error})");
            let known = by_ledger(inner, source.target, tag, &why).await;
            return known.ok_or_else(|| {
                Words::new(format!("Whether {tag} is healthy in {from} is not known: {why}."), by_name())
            });
        }
    };
    let not_yet = |how: String| {
        let text = format!("{tag} is not healthy in {from}: {how}.");
        Words::new(text, format!("Wait until it is, or roll {from} back to a version that was."))
    };
    match verdict(&workload, &wanted) {
        Verdict::Live if workload.desired > 0 => Ok(Seen {
            words: format!("{} of {} pods run {tag}", workload.ready, workload.desired),
            digest: rollout::running_digest(&workload, &wanted),
        }),
        Verdict::Live => Err(not_yet("no pod of it runs there".to_owned())),
        Verdict::NotYet { running } => Err(not_yet(format!("its pods still run {running}"))),
        Verdict::Progressing { ready, desired } => Err(not_yet(format!("{ready} of {desired} pods are ready"))),
        Verdict::Failed { reason } => Err(not_yet(reason)),
    }
}

/// What the newest request that brought a version there came to, where that was this version and it was seen live.
async fn by_ledger(inner: &Arc<Inner>, source: &Target, tag: &str, why: &str) -> Option<Seen> {
    inner.filled().await;
    let book = inner.book.lock().await;
    let version = |request: &crate::core::request::Request| {
        let mut lines = request.lines_of(&source.service).iter();
        lines.find(|line| line.field == Field::ImageTag).map(|line| line.new.clone())
    };
    let mut brought = book.iter().rev().filter(|request| request.changed(source));
    let newest = brought.find(|request| version(request).is_some())?;
    let is_it = newest.was_live_of(&source.service) && version(newest).as_deref() == Some(tag);
    let words = format!("{} when it was deployed there; {why}", Health::Healthy.word());
    is_it.then_some(Seen { words, digest: None })
}
