//! The proof of a proposal: it is written down, read by the catalog's own parser, and every target is looked at again
//! under it. What does not hold is taken out, with the reason, until all of the rest does.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Left, Proposal, ProposedEnvironment, Row,
    content::Contents,
    doubt::image_at,
    family::Trial,
    followed, left,
    look::{Looked, Place, Repository},
    pin::pin,
    words::{environment_word, landing_of},
    write::catalog_text,
};
use crate::core::{
    catalog::{Catalog, Places},
    names::{Environment, Field, RepoPath, Service, Target},
};

/// How often a proposal is mended before it is given up.
const MENDED: usize = 5;

/// The proposal that these trials make, proven.
pub(super) fn proven(trials: &[Trial], contents: &Contents, repository: &Repository<'_>) -> Proposal {
    let mut out: BTreeMap<Service, Left> = BTreeMap::new();
    for _ in 0..MENDED {
        let mut proposal = drafted(trials, &out, repository);
        followed::add(&mut proposal, trials, contents);
        if proposal.environments.is_empty() {
            break;
        }
        let wrong = wrongs(&mut proposal, repository);
        if wrong.is_empty() {
            // Where no path names an environment, it takes a version or a count to tell a GitOps repository.
            if proposal.rows.is_empty() && trials.iter().all(|trial| trial.written.is_none()) {
                break;
            }
            proposal.left = left::all(&proposal, trials, out.into_values().collect(), contents);
            return proposal;
        }
        out.extend(wrong);
    }
    let mut nothing = Proposal::default();
    nothing.left = left::all(&nothing, trials, out.into_values().collect(), contents);
    nothing
}

/// The proposal without the services that are out already.
fn drafted(trials: &[Trial], out: &BTreeMap<Service, Left>, repository: &Repository<'_>) -> Proposal {
    let mut proposal = Proposal { every_directory: out.is_empty(), ..Proposal::default() };
    let mut images: BTreeMap<Service, BTreeSet<Option<String>>> = BTreeMap::new();
    for trial in trials {
        let mut count = 0_usize;
        for (service, _, looked) in trial.targets.iter().filter(|(service, ..)| !out.contains_key(service)) {
            count += 1;
            proposal.services.entry(service.clone()).or_default();
            if let Looked::Found { version: Some(place), .. } = looked {
                images.entry(service.clone()).or_default().insert(image_at(place, repository));
            }
        }
        proposal.every_directory &= trial.strays.is_empty() && trial.twice.is_empty();
        if count > 0 {
            proposal.environments.push(environment(trial, count));
        }
    }
    for (service, images) in images {
        let image =
            images.into_iter().reduce(|first, next| first.filter(|first| Some(first) == next.as_ref())).flatten();
        proposal.services.entry(service).or_default().image = image;
    }
    for (service, proposed) in &mut proposal.services {
        proposed.pin = pin(service, trials, repository);
    }
    proposal.groups = groups(&proposal.environments);
    proposal
}

fn environment(trial: &Trial, count: usize) -> ProposedEnvironment {
    let services = if count == 1 { "1 service lies".to_owned() } else { format!("{count} services lie") };
    let because = match trial.written.as_deref() {
        Some(written) if environment_word(written).is_some() => format!("{services} there; `{written}` names it"),
        Some(written) => format!("{services} there; `{written}` is a directory of a cluster"),
        None => format!("{services} there; no path names an environment, so all is one"),
    };
    ProposedEnvironment {
        name: trial.environment.clone(),
        path: trial.path.clone(),
        landing: landing_of(trial.environment.as_str()),
        cluster: None,
        namespace: None,
        reconciler: None,
        because,
    }
}

/// Environments that share a word, `prod-eu` and `prod-us`, where no environment has it alone.
fn groups(environments: &[ProposedEnvironment]) -> Vec<(Environment, Vec<Environment>)> {
    let mut words: BTreeMap<&str, Vec<Environment>> = BTreeMap::new();
    for environment in environments {
        if let Some(word) = environment_word(environment.name.as_str()) {
            words.entry(word).or_default().push(environment.name.clone());
        }
    }
    let free = |name: &Environment| environments.iter().all(|environment| environment.name != *name);
    let several = words.into_iter().filter(|(_, members)| members.len() > 1);
    several.filter_map(|(word, members)| Some((Environment::parse(word).ok().filter(free)?, members))).collect()
}

/// Looks at every target under the proposal as it would be written; what is wrong, by service.
fn wrongs(proposal: &mut Proposal, repository: &Repository<'_>) -> BTreeMap<Service, Left> {
    let mut wrong = BTreeMap::new();
    let Ok(catalog) = Catalog::parse(&catalog_text(proposal), "") else {
        proposal.environments.clear();
        return wrong;
    };
    let places = catalog.places(repository.paths);
    let (mut rows, mut targets) = (Vec::new(), BTreeSet::new());
    for (target, place) in places.found() {
        targets.insert(target.clone());
        match repository.look(&catalog, &places, target) {
            Looked::Found { version, replicas } => {
                let found = [(Field::ImageTag, version), (Field::Replicas, replicas)];
                rows.extend(found.into_iter().filter_map(|(field, at)| Some(row(target, field, *at?))));
            }
            Looked::Nothing(_) => {}
            Looked::Wrong(why) => {
                wrong.insert(target.service.clone(), Left { what: format!("{target} (`{place}`)"), why });
            }
        }
    }
    for (target, first, second) in places.twice() {
        wrong.insert(target.service.clone(), lies_twice(target, first, second));
    }
    wrong.extend(shared(&rows, &places));
    (proposal.rows, proposal.targets) = (rows, targets);
    wrong
}

fn lies_twice(target: &Target, first: &RepoPath, second: &RepoPath) -> Left {
    Left { what: target.to_string(), why: format!("it lies at both `{first}` and `{second}`") }
}

fn row(target: &Target, field: Field, place: Place) -> Row {
    Row { target: target.clone(), field, binding: place.binding, value: place.value }
}

/// Two targets with a field at one place would change each other.
fn shared(rows: &[Row], places: &Places) -> BTreeMap<Service, Left> {
    let mut seen: BTreeMap<(String, String), &Target> = BTreeMap::new();
    let mut wrong = BTreeMap::new();
    for row in rows {
        let binding = &row.binding;
        let key = (binding.file.to_string(), format!("{} {}", binding.document, binding.yaml_path));
        if let Some(other) = seen.insert(key, &row.target) {
            let place = places.of(&row.target).map(ToString::to_string).unwrap_or_default();
            let why = format!("its `{}` is that of {other} too, {binding}", row.field);
            wrong.insert(row.target.service.clone(), Left { what: format!("{} (`{place}`)", row.target), why });
        }
    }
    wrong
}
