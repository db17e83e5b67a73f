//! Files that templates give a target, and files that go: planned on the newest commit, with what was rendered last into
//! the same places known from the requests that did it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Inner,
    effects::Trouble,
    facts::{self, Of},
    reverting,
};
use crate::core::{
    change::{self, Aside, Exact, PlanRefusal, Planned, Rendered, Repository, SourceFile, Taken, Then},
    command::{ByHand, Making, Part, Removing, Surroundings},
    decide::Words,
    names::{RepoPath, Target},
};

fn refused(refusal: PlanRefusal) -> Words {
    Words::new(format!("{refusal}."), refusal.remedy())
}

/// The directory of a target's files.
fn directory(of: Of<'_>) -> Result<RepoPath, Words> {
    let none = || {
        let text = format!("Where the files of {} are is not one place.", of.target);
        Words::new(text, "Give its environment a `path` in the catalog that leads to a directory for each service.")
    };
    let place = of.rules.place_of(of.target).ok_or_else(none)?;
    if place.as_str().ends_with(".yaml") || place.as_str().ends_with(".yml") { Err(none()) } else { Ok(place) }
}

/// Plans what templates give.
pub(super) async fn render(inner: &Arc<Inner>, of: Of<'_>, making: &Making) -> Result<Result<Planned, Words>, Trouble> {
    let paths = of.home.mirror.paths(of.base).await?;
    let prepared = directory(of).and_then(|place| Ok((files(inner, of, making, (&place, &paths))?, place)));
    let (files, place) = match prepared {
        Ok(prepared) => prepared,
        Err(words) => return Ok(Err(words)),
    };
    let registers: Vec<RepoPath> = making.register.iter().filter_map(|path| RepoPath::parse(path).ok()).collect();
    let beside = files.iter().filter_map(|file| kustomization(&file.path));
    let wanted = files.iter().map(|file| file.path.clone()).chain(beside).chain(registers.iter().cloned());
    let (there, last) = (read(of, wanted).await?, last(inner, of).await);
    let last = |path: &RepoPath| last.get(path).map(|(_, text)| text.clone());
    let repository = Repository { name: &of.home.name, base: of.base, files: &there, paths: &paths, last: &last };
    let exact = match change::rendered(&repository, &files, (&place, &registers)) {
        Ok(exact) => exact,
        Err(refusal) => return Ok(Err(refused(refusal))),
    };
    Ok(planned(of, &exact, (&there, files), "is so already"))
}

/// The files that the templates give, at their places.
fn files(
    inner: &Arc<Inner>,
    of: Of<'_>,
    making: &Making,
    (place, paths): (&RepoPath, &[RepoPath]),
) -> Result<Vec<Rendered>, Words> {
    listed(of)?;
    let around = surroundings(inner, of, making, place);
    let mut files = Vec::new();
    for Part { template, into } in &making.parts {
        let into = match into {
            None => place.clone(),
            Some(directory) => match RepoPath::parse(directory) {
                Ok(directory) if paths.iter().any(|path| path.is_within(&directory)) => directory,
                Ok(_) | Err(_) => continue,
            },
        };
        let made = of.rules.templates.made(template, &making.values, &around);
        for file in made.map_err(|refusal| Words::new(refusal.to_string(), refusal.remedy()))? {
            let path = RepoPath::parse(&format!("{into}/{}", file.path));
            let path = path.map_err(|error| Words::new(error.to_string(), "Give other values."))?;
            files.push(Rendered { path, text: file.text });
        }
    }
    Ok(files)
}

/// Where only listed services are services, a new one is listed first: the catalog is changed in a review.
fn listed(of: Of<'_>) -> Result<(), Words> {
    let Target { service, .. } = of.target;
    if of.rules.catalog.discovers() || of.rules.catalog.service(service).is_some() {
        return Ok(());
    }
    let text = format!("The catalog lists its services, and `{service}` is not among them.");
    Err(Words::new(text, format!("Add `{service}: {{}}` under `services` in the catalog first, in a reviewed commit.")))
}

fn surroundings(inner: &Arc<Inner>, of: Of<'_>, making: &Making, place: &RepoPath) -> Surroundings {
    let environment = of.rules.catalog.environment(&of.target.environment);
    let named = making.service.as_ref().unwrap_or(&of.target.service);
    let source = Target { service: named.clone(), environment: of.target.environment.clone() };
    let home = inner.home(of.rules, of.target).unwrap_or(of.home);
    Surroundings {
        target: of.target.service.to_string(),
        environment: of.target.environment.to_string(),
        namespace: environment.map(|at| at.namespace_of(&of.target.service)).unwrap_or_default(),
        place: place.to_string(),
        root: place.as_str().split('/').map(|_| "..").collect::<Vec<_>>().join("/"),
        source: of.rules.place_of(&source).map(|place| place.to_string()),
        image: facts::image(of.rules, &source),
        repository_url: home.url.clone(),
        branch: home.branch.clone(),
    }
}

/// The kustomization beside a file.
fn kustomization(path: &RepoPath) -> Option<RepoPath> {
    RepoPath::parse(&format!("{}/kustomization.yaml", path.parent()?)).ok()
}

/// Files of the commit that is planned on, those of the target among them.
async fn read(of: Of<'_>, wanted: impl Iterator<Item = RepoPath>) -> Result<Vec<SourceFile>, Trouble> {
    let mut files = of.files.to_vec();
    for path in wanted {
        if files.iter().all(|file| file.path != path) {
            files.extend(of.home.mirror.file(of.base, &path).await?);
        }
    }
    Ok(files)
}

/// What requests rendered last into each file. What a later one took away is no more.
async fn last(inner: &Arc<Inner>, of: Of<'_>) -> Last {
    inner.filled().await;
    let book = inner.book.lock().await;
    let mut last = Last::new();
    for request in book.iter().filter(|request| request.commit().is_some()) {
        let Some(course) = request.course() else { continue };
        if inner.home_by(course).is_some_and(|home| home.name != of.home.name) {
            continue;
        }
        let gone = course.plan.exact.iter().filter(|one| one.edit.new.is_null() && one.how == change::How::Rendered);
        gone.for_each(|one| drop(last.remove(&one.edit.path)));
        for Rendered { path, text } in course.plan.aside.iter().flat_map(|aside| &aside.rendered) {
            last.insert(path.clone(), (request.opened.target.clone(), text.clone()));
        }
    }
    last
}

/// Plans what goes.
pub(super) async fn delete(
    inner: &Arc<Inner>,
    of: Of<'_>,
    removing: &Removing,
) -> Result<Result<Planned, Words>, Trouble> {
    let place = match directory(of) {
        Ok(place) => place,
        Err(words) => return Ok(Err(words)),
    };
    let last = last(inner, of).await;
    if !removing.files.is_empty() {
        let named = removing.files.iter().filter_map(|file| RepoPath::parse(&format!("{place}/{file}")).ok());
        let named: Vec<RepoPath> = named.collect();
        return taken(of, (&place, &last), Taken::Named(&named)).await;
    }
    let rendered = last.iter().filter(|(_, (target, _))| target == of.target).map(|(path, _)| path.clone());
    let rendered: Vec<RepoPath> = rendered.collect();
    if removing.by_hand == ByHand::Taken {
        return taken(of, (&place, &last), Taken::Named(&rendered)).await;
    }
    let paths = of.home.mirror.paths(of.base).await?;
    let others = paths.iter().filter(|path| path.is_within(&place) && !rendered.contains(path));
    let others: Vec<String> = others.take(3).map(|path| format!("`{path}`")).collect();
    let is_whole = rendered.iter().any(|path| path.is_within(&place) && path.file_name() == "kustomization.yaml");
    if is_whole && !others.is_empty() {
        let text = format!("{} was not rendered: somebody put it there by hand.", others.join(", "));
        return Ok(Err(Words::new(text, "Take it away by hand first, in a reviewed commit, or keep it elsewhere.")));
    }
    taken(of, (&place, &last), Taken::Rendered(&rendered)).await
}

/// What was rendered last into each file, and for which target.
type Last = BTreeMap<RepoPath, (Target, String)>;

async fn taken(
    of: Of<'_>,
    (place, last): (&RepoPath, &Last),
    taken: Taken<'_>,
) -> Result<Result<Planned, Words>, Trouble> {
    let (Taken::Named(paths) | Taken::Rendered(paths)) = taken;
    let all = of.home.mirror.paths(of.base).await?;
    // Kustomizations above the place may list it; those that do not are left as they are.
    let above = if matches!(taken, Taken::Named(named) if !is_all(named, last, of)) {
        Vec::new()
    } else {
        above(place, paths, &all)
    };
    let beside = paths.iter().filter_map(kustomization);
    let there = read(of, paths.iter().cloned().chain(beside).chain(above.iter().cloned())).await?;
    let last = |path: &RepoPath| last.get(path).map(|(_, text)| text.clone());
    let repository = Repository { name: &of.home.name, base: of.base, files: &there, paths: &all, last: &last };
    Ok(match change::deleted(&repository, taken, (place, &above)) {
        Ok(exact) => planned(of, &exact, (&there, Vec::new()), "has nothing of that"),
        Err(refusal) => Err(refused(refusal)),
    })
}

/// Whether these are all that was rendered for the target.
fn is_all(named: &[RepoPath], last: &Last, of: Of<'_>) -> bool {
    last.iter().filter(|(_, (target, _))| target == of.target).all(|(path, _)| named.contains(path))
        && !named.is_empty()
}

/// The kustomizations that may list the target's place: beside it or above, and those beside what goes elsewhere.
fn above(place: &RepoPath, taken: &[RepoPath], all: &[RepoPath]) -> Vec<RepoPath> {
    let elsewhere = taken.iter().filter(|path| !path.is_within(place)).filter_map(RepoPath::parent);
    let mut starts: Vec<RepoPath> = elsewhere.chain(place.parent()).collect();
    let mut found = Vec::new();
    while let Some(directory) = starts.pop() {
        let file = RepoPath::parse(&format!("{directory}/kustomization.yaml")).ok();
        found.extend(file.filter(|file| all.contains(file) && !found.contains(file)));
        starts.extend(directory.parent());
    }
    found
}

fn planned(
    of: Of<'_>,
    exact: &[Exact],
    (there, files): (&[SourceFile], Vec<Rendered>),
    otherwise: &str,
) -> Result<Planned, Words> {
    if exact.is_empty() {
        return Err(Words::new(format!("{} {otherwise}.", of.target), "Nothing to do."));
    }
    let then: Then = files.iter().map(|file| (file.path.clone(), Some(file.text.clone()))).collect();
    let mut planned = of.exactly(None, exact, (there, &then)).map_err(refused)?;
    planned.plan.lines = reverting::lines(of, &planned)?;
    planned.plan.aside = Some(Box::new(Aside { rendered: files, ..Aside::default() }));
    Ok(planned)
}
