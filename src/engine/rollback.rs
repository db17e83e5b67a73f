//! Rolling back: which versions a target had, by git and the ledger together; the one that comes back; what else was
//! different then and is left; and what would bring the other version back, held off by the same commit.

mod offered;
mod versions;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use versions::{Places, Version, known_versions, versions};

pub(super) use versions::Remembered;

use super::{
    Inner,
    effects::Trouble,
    facts::{self, Of},
    outside,
};
use crate::{
    chat::card::{Overdue, Progress},
    clock,
    core::{
        catalog::Reconciler,
        change::{self, Aside, Automation, Binding, Health, Held, Image, Paused, Planned, SourceFile, Then},
        decide::Words,
        names::{Field, ImageTag, RepoPath, RequestId, Service, Target},
        request::Request,
        rules::Rules,
        span::Span,
    },
};

/// How many versions there are to choose from.
const CHOICES: usize = 10;
/// How many files are looked into for what else writes the version.
const MANIFESTS: usize = 400;

/// What is to be restored.
pub(super) struct Restoring<'a> {
    /// The fields of the version.
    pub(super) fields: &'a [Field],
    /// Which version; the last that was healthy where none is named.
    pub(super) to: Option<ImageTag>,
    /// More fields that get the value they had then.
    pub(super) also: &'a [Field],
    /// How long automation is meant to be held off.
    pub(super) pause: Span,
}

pub(super) async fn plan(
    inner: &Arc<Inner>,
    of: Of<'_>,
    asked: Restoring<'_>,
) -> Result<Result<Planned, Words>, Trouble> {
    let places = match places(of, asked.fields) {
        Ok(places) => places,
        Err(words) => return Ok(Err(words)),
    };
    let versions = versions(inner, of, &places).await?;
    let chosen = match choose(inner, of, (&versions, &places), asked.to.as_ref()).await {
        Ok(chosen) => chosen,
        Err(words) => return Ok(Err(words)),
    };
    let mut set = chosen.set(&places);
    let mut aside = chosen.aside(&versions);
    if let Err(words) = then(inner, of, (&chosen, asked.also), (&mut set, &mut aside)).await? {
        return Ok(Err(words));
    }
    let refused = |refusal: change::PlanRefusal| Words::new(format!("{refusal}."), refusal.remedy());
    let planned = match of.set(&set) {
        Ok(planned) => planned,
        Err(refusal) => return Ok(Err(refused(refusal))),
    };
    Ok(held_off(of, (&places, asked.pause), (planned, aside)).await?.map_err(refused))
}

fn places(of: Of<'_>, fields: &[Field]) -> Result<Places, Words> {
    let (tag, digest) = (Field::ImageTag, Field::ImageDigest);
    if !fields.contains(&tag) {
        return Err(Words::new("This restores no version.", "Let the command restore `image_tag`."));
    }
    let find = |field: &Field| change::locate(field, &facts::locator(of.rules, of.target, field), of.files);
    let tag = find(&tag).map_err(|refusal| Words::new(format!("{refusal}."), refusal.remedy()))?;
    // An image that is pinned by digest goes back with the digest that it had.
    let digest = tag.digest.as_ref().and_then(|_| find(&digest).ok());
    Ok(Places { tag, digest })
}

/// The version that comes back, and where it is known from.
struct Chosen<'v> {
    tag: String,
    known: Option<&'v Version>,
}

impl Chosen<'_> {
    fn set(&self, places: &Places) -> BTreeMap<Field, Value> {
        let digest = places.digest.as_ref().and_then(|_| self.known?.digest.clone());
        let digest = digest.map(|digest| (Field::ImageDigest, Value::String(digest)));
        std::iter::once((Field::ImageTag, Value::String(self.tag.clone()))).chain(digest).collect()
    }

    fn aside(&self, versions: &[Version]) -> Aside {
        let others = versions.iter().skip(1).filter(|version| version.past.version != self.tag);
        let others = others.take(CHOICES).map(|version| version.past.clone()).collect();
        Aside { back_to: self.known.map(|version| version.past.clone()), others, ..Aside::default() }
    }
}

/// The version that was named, or the last healthy one before the present.
async fn choose<'v>(
    inner: &Arc<Inner>,
    of: Of<'_>,
    (versions, places): (&'v [Version], &Places),
    named: Option<&ImageTag>,
) -> Result<Chosen<'v>, Words> {
    if let Some(named) = named {
        let known = versions.iter().find(|version| version.past.version == named.as_str());
        return Ok(Chosen { tag: named.to_string(), known });
    }
    let Some(chosen) = by_default(inner, of, versions).await else {
        let text = format!("Git knows no version of {} before the present one.", of.target);
        return Err(Words::new(text, "Name one: `to=v1.2.3`."));
    };
    if is_rewritten(&chosen.binding, &places.tag) {
        return Err(rewritten(of, chosen, (versions, places)));
    }
    Ok(Chosen { tag: chosen.past.version.clone(), known: Some(chosen) })
}

/// The last healthy version before the present one that nobody rolled back from; the last of all where none is known to
/// be healthy.
async fn by_default<'v>(inner: &Arc<Inner>, of: Of<'_>, versions: &'v [Version]) -> Option<&'v Version> {
    let left = known_versions(inner, of).await.left;
    let before = || versions.iter().skip(1).filter(|version| !left.contains(&version.past.version));
    before().find(|version| version.past.health == Health::Healthy).or_else(|| before().next())
}

/// Whether a version stood at another place than the present one, or was one of another image.
fn is_rewritten(then: &Binding, now: &Binding) -> bool {
    (&then.file, &then.yaml_path, &then.form) != (&now.file, &now.yaml_path, &now.form)
}

/// The place was written anew since: whether the version fits there is for a person to say.
fn rewritten(of: Of<'_>, chosen: &Version, (versions, places): (&[Version], &Places)) -> Words {
    let since = versions.iter().rev().find(|version| !is_rewritten(&version.binding, &places.tag));
    let (commit, version) = (since.map_or("", |version| version.past.commit.short()), &chosen.past.version);
    let text = format!(
        "The place of the version was written anew by {commit}: `{version}` stood in {}, now the version stands in {}.",
        chosen.binding, places.tag
    );
    let (service, environment) = (&of.target.service, &of.target.environment);
    let choices = versions.iter().skip(1).take(CHOICES).map(|version| format!("`{}`", version.past.version));
    let remedy = format!(
        "If a version fits the new place, name it: `/rollback {service} {environment} to={version}` ({}). To undo the \
         rewriting too: `/revert {commit} {service} {environment}`.",
        choices.collect::<Vec<_>>().join(", ")
    );
    Words::new(text, remedy)
}

/// What else was different then: restored where somebody asked for it, told otherwise. Nothing is lowered unasked.
async fn then(
    inner: &Arc<Inner>,
    of: Of<'_>,
    (chosen, also): (&Chosen<'_>, &[Field]),
    (set, aside): (&mut BTreeMap<Field, Value>, &mut Aside),
) -> Result<Result<(), Words>, Trouble> {
    let Some(version) = chosen.known else {
        let text = format!("Git knows no `{}` of {}, so what else was so then is not known.", chosen.tag, of.target);
        return Ok(if also.is_empty() { Ok(()) } else { Err(Words::new(text, "Leave `also=` out.")) });
    };
    let was = facts::files(inner, of.rules, &version.last, of.target).await?;
    let differs = outside::changed_fields(of.rules, of.target, (of.files, &was));
    for line in differs.into_iter().filter(|line| !line.field.is_version()) {
        let asked = also.contains(&line.field)
            || (also.contains(&Field::Replicas) && matches!(line.field, Field::ReplicasMin | Field::ReplicasMax));
        match asked {
            true if !line.is_set() => {
                let text = format!("`{}` was not set when `{}` ran.", line.field, chosen.tag);
                return Ok(Err(Words::new(text, "Take it out in git, or leave it out of `also=`.")));
            }
            true => drop(set.insert(line.field.clone(), facts::value_of(&line.field, &line.new))),
            false if of.rules.catalog.is_sensitive(&line.field) => {}
            false => aside.differs.push(line),
        }
    }
    Ok(Ok(()))
}

/// The plan with what holds automation off, and what people are told of it.
async fn held_off(
    of: Of<'_>,
    (places, pause): (&Places, Span),
    (planned, mut aside): (Planned, Aside),
) -> Result<Result<Planned, change::PlanRefusal>, Trouble> {
    let (repository, rules) = (&of.home.name, of.rules);
    let bindings = || std::iter::once(&places.tag).chain(&places.digest);
    let mut held: Vec<Held> = bindings().flat_map(|at| change::held_off(repository, at, of.files)).collect();
    if held.is_empty() {
        held.extend(places.tag.automation.as_ref().and_then(by_hand));
    }
    let application = application(rules, of);
    let mut files = manifests(of, application.as_deref()).await?;
    let directory = rules.place_of(of.target).map(|place| place.to_string()).unwrap_or_default();
    let name = change::image_of(&places.tag, of.files).or_else(|| facts::image(rules, of.target));
    let image = Image { name: name.as_deref(), application: application.as_deref(), directory: &directory };
    held.extend(change::updaters(repository, image, &files));
    let now = clock::now();
    let until = now.checked_add(jiff::SignedDuration::try_from(pause.duration()).unwrap_or_default()).unwrap_or(now);
    let mut exact = Vec::new();
    for one in held {
        let is_locked = one.exact.iter().any(|at| rules.catalog.is_all_locked_in(of.target, &at.edit.path).is_some());
        let to_do =
            one.to_do.or_else(|| is_locked.then(|| "Its file is locked: hold it off by hand in git.".to_owned()));
        if !is_locked {
            exact.extend(one.exact);
        }
        if aside.paused.iter().all(|other| other.what != one.what) {
            aside.paused.push(Paused { what: one.what, until, to_do });
        }
    }
    files.extend(of.files.iter().cloned());
    let mut planned = match exact.is_empty() {
        true => Ok(planned),
        false => of.exactly(Some(planned), &exact, (&files, &Then::new())),
    };
    if let Ok(planned) = &mut planned {
        planned.plan.aside = Some(Box::new(aside));
    }
    Ok(planned)
}

/// A marker that stands where no line can be turned.
fn by_hand(automation: &Automation) -> Option<Held> {
    match automation {
        Automation::FluxImagePolicy { namespace, name, .. } => Some(Held {
            what: format!("Flux's image policy `{namespace}:{name}`"),
            exact: Vec::new(),
            to_do: Some(format!(
                "Take its marker off the line in git, or run `flux suspend image update --all -n {namespace}` and \
                 `flux resume image update --all -n {namespace}` when it may go on."
            )),
        }),
        // Found with the Applications.
        Automation::ArgoCdImageUpdater { .. } => None,
    }
}

/// The Argo CD Application that the catalog names for a target.
fn application(rules: &Rules, of: Of<'_>) -> Option<String> {
    match &rules.catalog.environment(&of.target.environment)?.reconciler {
        Reconciler::ArgoCd { application, .. } => Some(application.name_of(&of.target.service)),
        Reconciler::None | Reconciler::Flux { .. } => None,
    }
}

/// Files in which Applications and their like may stand, beside the target's own.
async fn manifests(of: Of<'_>, application: Option<&str>) -> Result<Vec<SourceFile>, Trouble> {
    let (mirror, base) = (&of.home.mirror, of.base);
    let words = [Some(of.target.service.as_str()), application, Some("argo"), Some("application"), Some("image-")];
    let fits = |path: &&RepoPath| {
        let text = path.as_str().to_ascii_lowercase();
        let is_yaml = text.ends_with(".yaml") || text.ends_with(".yml");
        is_yaml && !path.is_protected() && words.iter().flatten().any(|word| text.contains(&word.to_ascii_lowercase()))
    };
    let mut files = Vec::new();
    for path in mirror.paths(base).await?.iter().filter(fits).take(MANIFESTS) {
        if of.files.iter().all(|file| file.path != *path) {
            files.extend(mirror.file(base, path).await?);
        }
    }
    files.extend(of.files.iter().cloned());
    Ok(files)
}

/// Says on the cards of rollbacks that what they hold off was meant to go on by now. Nothing goes on by itself: it
/// would bring the version back.
pub(super) async fn note_overdue(inner: &Arc<Inner>) {
    let now = clock::now();
    let overdue: Vec<RequestId> = {
        let book = inner.book.lock().await;
        let aside = |request: &Request, service: &Service| {
            let plan = request.course().and_then(|course| course.plan.of(service));
            plan.and_then(|plan| plan.aside.clone()).unwrap_or_default()
        };
        let is_late = |paused: &Paused| paused.to_do.is_none() && paused.until < now;
        let goes_on = |request: &Request, target: &Target| {
            let mut after = book.iter().filter(|other| other.id > request.id && other.changed(target));
            after.any(|other| !aside(other, &target.service).resumed.is_empty())
        };
        let holds = |request: &&Request| {
            let held = |target: &Target| aside(request, &target.service).paused.iter().any(is_late);
            let mut targets = request.opened.targets();
            let is_landed = request.is_over() && request.commit().is_some();
            is_landed && targets.any(|target| held(&target) && !goes_on(request, &target))
        };
        book.iter().filter(holds).map(|request| request.id.clone()).collect()
    };
    for id in overdue {
        inner.note_progress(&id, Progress { overdue: Overdue::Yes, ..Progress::default() });
    }
}
