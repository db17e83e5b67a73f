//! Looks at the object that is to be changed: what it is, who owns the value, whether what follows git can be held off,
//! and whether the cluster would take the change. Nothing is changed here.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Inner, Place, Trouble, failed, report};
use crate::{
    cluster::{ClusterError, DryRun},
    core::{
        break_glass::{Action, Kept, Kind, Live, LivePlan, Object, Override, Way, describe},
        change,
        decide::{Came, Words, sentence},
        names::{Field, Target},
        rules::Rules,
    },
    engine::facts,
};

/// Why no change can be planned: for now, or at all.
pub(super) enum Stop {
    Later(Trouble),
    Never(Words),
}

impl From<ClusterError> for Stop {
    fn from(error: ClusterError) -> Self {
        match super::passing(error) {
            Ok(words) => Self::Never(words),
            Err(trouble) => Self::Later(trouble),
        }
    }
}

impl From<Words> for Stop {
    fn from(words: Words) -> Self {
        Self::Never(words)
    }
}

pub(super) async fn check(inner: &Arc<Inner>, glass: &Override) -> Result<Duration, Trouble> {
    match plan(inner, glass).await {
        Ok(plan) => {
            report(inner, &glass.id, Came::Planned(Box::new(plan))).await;
            Ok(Duration::ZERO)
        }
        Err(Stop::Never(words)) => failed(inner, glass, words).await,
        Err(Stop::Later(trouble)) => Err(trouble),
    }
}

async fn plan(inner: &Arc<Inner>, glass: &Override) -> Result<LivePlan, Stop> {
    let rules = inner.glass_rules().map_err(Stop::Later)?;
    let place = Place::of(inner, &rules, &glass.opened.target)?;
    let mut plan = match &glass.opened.action {
        Action::Keep(kept) => as_it_is(inner, &place, kept).await?,
        Action::Record(done) => super::record::recorded(inner, &place, (&rules, &glass.opened.target), done).await?,
        Action::Scale(_) | Action::Image(_) | Action::Bounds(_) => {
            let plan = found(&place, &rules, glass).await?;
            place.cluster.change(&plan.object, &plan.patch, DryRun::Yes).await?;
            plan
        }
    };
    may_be_held(inner, &place, glass).await?;
    plan.git = git_value(inner, &rules, &glass.opened.target, &plan.field).await.ok().flatten();
    plan.pause = place.held;
    plan.remarks.extend(git_first(glass, &plan));
    Ok(plan)
}

/// The lane without a debt is offered first.
fn git_first(glass: &Override, plan: &LivePlan) -> Option<String> {
    let Target { service, environment } = &glass.opened.target;
    let typed = match &glass.opened.action {
        Action::Scale(count) => format!("/scale {service} {environment} {count}"),
        Action::Image(tag) => format!("/deploy {service} {environment} {tag}"),
        Action::Bounds(_) | Action::Keep(_) | Action::Record(_) => return None,
    };
    (plan.git.as_ref() != Some(&plan.new))
        .then(|| format!("Where git and its approvals are fast enough, `{typed}` does the same and leaves no debt"))
}

/// What somebody changed by hand, as it is live: from what git says, so that this is what it is given back to.
async fn as_it_is(inner: &Arc<Inner>, place: &Place, kept: &Kept) -> Result<LivePlan, Stop> {
    let matters = inner.matters().await;
    let drift = matters.drifts.get(&kept.drift);
    let seen = &drift.ok_or_else(|| Words::plain("This drift is not known here."))?.opened;
    let live = Live { uid: seen.uid.clone(), beside: seen.beside.clone(), way: seen.way.clone() };
    let values = (seen.field.clone(), seen.git.clone(), seen.live.clone());
    let plan = describe(&seen.target, seen.object.clone(), &live, values)
        .map_err(|error| Words::plain(sentence(&error.to_string())))?;
    if super::live_value(place, &plan).await?.as_ref() != Some(&plan.way.to) {
        return Err(undone(&plan).into());
    }
    Ok(plan)
}

/// What was to be kept is not so any more.
pub(super) fn undone(plan: &LivePlan) -> Words {
    let text = format!("{} is not {} any more, so there was nothing to keep.", plan.field, plan.new);
    Words::new(text, "Ask for it with `/breakglass`, which somebody else approves.")
}

/// The object with its value, as it is live.
async fn found(place: &Place, rules: &Rules, glass: &Override) -> Result<LivePlan, Stop> {
    let target = &glass.opened.target;
    let Some((kind, workload)) = place.cluster.raw_workload(&place.namespace, target.service.as_str()).await? else {
        let text = format!("There is no Deployment and no StatefulSet `{}` in `{}`.", target.service, place.namespace);
        return Err(Words::new(text, "Look at the names in the cluster and in the catalog.").into());
    };
    let (owner, remark) = owner(place, kind, target).await?;
    let mut plan = match &glass.opened.action {
        Action::Scale(count) => {
            if let Some(owner) = owner {
                return Err(owned(&owner, target, *count).into());
            }
            let field = (Field::Replicas, "/spec/replicas", json!(count));
            planned(place, (kind, &workload), target, field)?
        }
        Action::Bounds(least) => {
            let words = || Words::new("No autoscaler owns it.", "Use `/breakglass scale` instead.");
            let owner = owner.ok_or_else(words)?;
            let field = (Field::ReplicasMin, "/spec/minReplicas", json!(least));
            planned(place, (Kind::HorizontalPodAutoscaler, &owner), target, field)?
        }
        Action::Image(tag) => image(place, (kind, &workload), target, (tag.as_str(), facts::image(rules, target)))?,
        Action::Keep(_) | Action::Record(_) => {
            return Err(Words::plain("Nothing is changed by keeping it.").into());
        }
    };
    plan.remarks.extend(remark);
    Ok(plan)
}

/// The autoscaler that owns the count; where that may not be seen it is said.
pub(super) async fn owner(place: &Place, kind: Kind, target: &Target) -> Result<(Option<Value>, Option<String>), Stop> {
    match place.cluster.autoscaler(&place.namespace, kind, target.service.as_str()).await {
        Ok(owner) => Ok((owner, None)),
        Err(ClusterError::Forbidden { .. }) => {
            Ok((None, Some("Whether an autoscaler owns the count could not be seen".to_owned())))
        }
        Err(error) => Err(error.into()),
    }
}

fn owned(owner: &Value, target: &Target, count: u32) -> Words {
    let name = owner.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let Target { service, environment } = target;
    Words::new(
        format!("The autoscaler `{name}` owns the count of {target}, and would set it back."),
        format!("Raise what it keeps at least: `/breakglass bounds {service} {environment} {count}`."),
    )
}

/// One count of an object.
pub(super) fn planned(
    place: &Place,
    (kind, found): (Kind, &Value),
    target: &Target,
    (field, pointer, to): (Field, &str, Value),
) -> Result<LivePlan, Words> {
    // Kubernetes assumes one where nothing is said.
    let from = found.pointer(pointer).cloned().unwrap_or_else(|| json!(1));
    let (old, new) = (from.to_string(), to.to_string());
    let way = Way { pointer: pointer.to_owned(), from, to };
    described(place, (kind, found), target, (Vec::new(), way), (field, old, new))
}

pub(super) fn image(
    place: &Place,
    (kind, found): (Kind, &Value),
    target: &Target,
    (tag, image): (&str, Option<String>),
) -> Result<LivePlan, Words> {
    let under = "/spec/template/spec/containers";
    let containers = found.pointer(under).and_then(Value::as_array).cloned().unwrap_or_default();
    let of = |one: &Value, member: &str| one.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let own = containers.iter().position(|one| image.as_deref() == Some(parts(&of(one, "image")).0.as_str()));
    let Some(index) = own.or_else(|| (containers.len() == 1).then_some(0)) else {
        let text = format!("{target} has several containers, and none of them has the image of the catalog.");
        return Err(Words::new(text, "Name the service's `image` in the catalog."));
    };
    let container = containers.get(index).cloned().unwrap_or_default();
    let (name, from) = (of(&container, "name"), of(&container, "image"));
    let (repository, old) = parts(&from);
    let way =
        Way { pointer: format!("{under}/{index}/image"), from: json!(from), to: json!(format!("{repository}:{tag}")) };
    let beside = vec![(format!("{under}/{index}/name"), json!(name))];
    described(place, (kind, found), target, (beside, way), (Field::ImageTag, old, tag.to_owned()))
}

/// `repository` and version of `repository:version` or `repository@digest`.
pub(super) fn parts(image: &str) -> (String, String) {
    if let Some((repository, digest)) = image.split_once('@') {
        return (repository.to_owned(), digest.to_owned());
    }
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository.to_owned(), tag.to_owned()),
        Some(_) | None => (image.to_owned(), "latest".to_owned()),
    }
}

fn described(
    place: &Place,
    (kind, found): (Kind, &Value),
    target: &Target,
    (beside, way): (Vec<(String, Value)>, Way),
    (field, old, new): (Field, String, String),
) -> Result<LivePlan, Words> {
    if old == new {
        return Err(Words::new(format!("{field} of {target} is {new} already."), "Nothing to do."));
    }
    let text = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let object =
        Object { cluster: place.name.clone(), kind, namespace: place.namespace.clone(), name: text("/metadata/name") };
    let live = Live { uid: text("/metadata/uid"), beside, way };
    describe(target, object, &live, (field, old, new))
        .map_err(|error| Words::new(sentence(&error.to_string()), "Ask for another value."))
}

/// Whether what follows git can be held off, so that it stays so.
async fn may_be_held(inner: &Arc<Inner>, place: &Place, glass: &Override) -> Result<(), Stop> {
    let Some(reconciler) = &place.reconciler else { return Ok(()) };
    let Some(hold) = reconciler.hold().await? else {
        let what = place.held.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = format!("There is no {what}, which the catalog says follows git there.");
        return Err(Words::new(text, "Mend `reconciler` in the catalog.").into());
    };
    if let Some(obstacle) = hold.obstacle {
        let text = format!("What follows git cannot be held off: {}.", obstacle.why);
        return Err(Words::new(text, obstacle.way).into());
    }
    let ours = |by: &str| by == glass.id.as_str();
    match hold.by.filter(|by| !ours(by)) {
        // A person held it off, as the printed page says, and tells it now.
        Some(by) if glass.opened.action.is_keeping() && super::pause::is_a_persons(&by) => Ok(()),
        Some(by) if !super::pause::is_ours(inner, &by).await => {
            let text = format!("What follows git is paused already, by `{by}`, of which I know nothing.");
            Err(Words::new(text, "Whoever paused it must let it go on first.").into())
        }
        Some(_) | None => Ok(()),
    }
}

/// What git says of a field at the newest commit that is known here.
pub(in crate::engine) async fn git_value(
    inner: &Arc<Inner>,
    rules: &Rules,
    target: &Target,
    field: &Field,
) -> Result<Option<String>, Trouble> {
    let (_, commit) = inner.home_at(rules, target)?;
    let files = facts::files(inner, rules, commit, target).await?;
    let words = |why: String| Trouble::Other(format!("what git says of {field} cannot be read ({why})."));
    // An autoscaler's bound is asked for as the count, as people do.
    let asked = if *field == Field::ReplicasMin { Field::Replicas } else { field.clone() };
    let binding = change::locate(&asked, &facts::locator(rules, target, &asked), &files);
    let binding = binding.map_err(|refusal| words(refusal.to_string()))?;
    let Some(file) = files.iter().find(|file| file.path == binding.file) else { return Ok(None) };
    change::value_at(&binding, &file.text).map_err(|refusal| words(refusal.to_string()))
}
