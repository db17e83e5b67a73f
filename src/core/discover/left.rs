//! What a proposal leaves out, each with the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Left, Proposal,
    content::{Content, Contents},
    family::Trial,
    look::Looked,
    words::{environment_word, is_shared},
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
    left.extend(elsewhere(missed, proposal));
    left.extend(contents.unreadable.iter().map(unreadable));
    left.into_iter().collect()
}

fn unreadable(path: &RepoPath) -> Left {
    Left { what: format!("`{path}`"), why: "it does not parse as YAML".to_owned() }
}

/// Files that a service could live in and no proposed path reaches, by directory.
fn elsewhere<'a>(missed: impl Iterator<Item = &'a Content>, proposal: &Proposal) -> Vec<Left> {
    let mut directories: BTreeMap<String, Vec<&Content>> = BTreeMap::new();
    for content in missed {
        let directory = content.path.parent().map_or_else(|| ".".to_owned(), |directory| directory.to_string());
        directories.entry(directory).or_default().push(content);
    }
    let mut left = Vec::new();
    for (directory, contents) in directories {
        left.push(Left { what: format!("`{directory}`"), why: why(&directory, &contents, proposal) });
    }
    left
}

fn why(directory: &str, contents: &[&Content], proposal: &Proposal) -> String {
    let steps: Vec<&str> = directory.split('/').collect();
    if steps.iter().any(|step| is_shared(step)) {
        return "it is shared by whatever includes it, so a change there is a change everywhere".to_owned();
    }
    if contents.iter().all(|content| content.is_kustomization)
        && steps.iter().any(|step| environment_word(step).is_some())
    {
        return "it is one kustomization for several services, and no step of its path names one".to_owned();
    }
    if proposal.environments.is_empty() {
        return "no service could be told from it".to_owned();
    }
    let named = steps.iter().any(|step| environment_word(step).is_some());
    if named {
        "another path serves this environment, and an environment has one path".to_owned()
    } else {
        "no step of its path names an environment, or the path of the one there is does not reach it".to_owned()
    }
}
