//! What a proposal leaves out, each with the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Left, Proposal,
    content::{Content, Contents},
    family::Trial,
    look::Looked,
    words::{environment_word, is_generic, is_shared},
};
use crate::core::names::RepoPath;

/// Everything that is left out: `out` are the services that were taken out of the proposal.
pub(super) fn all(proposal: &Proposal, trials: &[Trial], out: Vec<Left>, contents: &Contents) -> Vec<Left> {
    let mut left: BTreeSet<Left> = out.into_iter().collect();
    let mut covered: Vec<&RepoPath> = Vec::new();
    for trial in trials {
        for (service, place, looked) in &trial.targets {
            covered.push(place);
            if let Looked::Nothing(why) = looked
                && proposal.services.contains_key(service)
                && !proposal
                    .rows
                    .iter()
                    .any(|row| row.target.service == *service && row.target.environment == trial.environment)
            {
                let what = format!("{service} in {} (`{place}`)", trial.environment);
                left.insert(Left { what, why: why.clone() });
            }
        }
        for (service, first, second) in &trial.twice {
            let what = format!("{service} in {}", trial.environment);
            left.insert(Left { what, why: format!("it lies at both `{first}` and `{second}`") });
        }
    }
    let missed = contents.files.iter().filter(|content| !covered.iter().any(|place| content.path.is_within(place)));
    left.extend(elsewhere(missed, &covered, proposal));
    left.extend(contents.unreadable.iter().map(unreadable));
    left.into_iter().collect()
}

fn unreadable(path: &RepoPath) -> Left {
    Left { what: format!("`{path}`"), why: "it does not parse as YAML".to_owned() }
}

/// Files that a service could live in and no proposed path reaches, by directory. What stands beside a file that is a
/// target puts it together.
fn elsewhere<'a>(missed: impl Iterator<Item = &'a Content>, covered: &[&RepoPath], proposal: &Proposal) -> Vec<Left> {
    let mut directories: BTreeMap<Option<RepoPath>, Vec<&Content>> = BTreeMap::new();
    for content in missed {
        directories.entry(content.path.parent()).or_default().push(content);
    }
    let beside: BTreeSet<Option<RepoPath>> = covered.iter().map(|place| place.parent()).collect();
    let puts_together = |contents: &[&Content]| contents.iter().all(|content| content.is_kustomization);
    let mut left = Vec::new();
    for (directory, contents) in directories {
        if beside.contains(&directory) && puts_together(&contents) {
            continue;
        }
        let directory = directory.map_or_else(|| ".".to_owned(), |directory| directory.to_string());
        left.push(Left { what: format!("`{directory}`"), why: why(&directory, &contents, proposal).to_owned() });
    }
    left
}

fn why(directory: &str, contents: &[&Content], proposal: &Proposal) -> &'static str {
    let steps: Vec<&str> = directory.split('/').collect();
    let named = steps.iter().any(|step| environment_word(step).is_some());
    if steps.contains(&"flux-system") {
        "it is Flux itself"
    } else if steps.iter().any(|step| is_shared(step)) || contents.iter().all(|content| content.is_shared) {
        "every environment that includes it shares it, so a change there is a change everywhere"
    } else if contents.iter().all(|content| content.is_values) && !proposal.environments.is_empty() && !named {
        "they are values that every environment starts from, or that of none"
    } else if steps.iter().all(|step| is_generic(step) || environment_word(step).is_some()) {
        "no step of its path names one service; an environment's path needs `{service}` in it"
    } else if proposal.environments.is_empty() {
        "no service could be told from it"
    } else if named {
        "the services of this environment lie elsewhere, and an environment has one path"
    } else {
        "no step of its path names an environment, or it lies deeper or higher than the other services"
    }
}
