//! What only the whole catalog shows: names that lead nowhere, rules that nobody can meet.

use std::collections::BTreeSet;

use super::{
    approvals::Approvals,
    environment::EnvironmentRules,
    names::Approvers,
    people::{People, Person},
    sources::Sources,
};
use crate::core::{
    located::{Key, Node, Notice, Problem, Value},
    names::ConnectionName,
};

/// What `leverframe.yaml` connects to: the names that a catalog may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// All repositories.
    pub repositories: BTreeSet<ConnectionName>,
    /// All clusters.
    pub clusters: BTreeSet<ConnectionName>,
}

/// Two environments whose one file is the same would change each other. A directory may be shared, because each may
/// have files of its own in it; where they have not, `check` says so.
pub(super) fn shared_paths(environments: &[EnvironmentRules], nodes: &[(Key, Node)], problems: &mut Vec<Problem>) {
    for (index, rules) in environments.iter().enumerate() {
        let same = |other: &&EnvironmentRules| {
            other.path == rules.path && other.repository == rules.repository && rules.path.is_file()
        };
        let Some(other) = environments.iter().take(index).find(same) else { continue };
        let Some((_, node)) = nodes.iter().find(|(key, _)| key.text == rules.name.as_str()) else { continue };
        let found = format!("`{}`, which `{}` has too", rules.path, other.name);
        let remedy = format!("Give `{}` a path of its own.", rules.name);
        let place = member(node, "path").map_or(node.key_place, |path| path.place);
        let key = format!("{}.path", node.key);
        problems.push(Problem { place, key, found, expected: "a path that no other environment has".into(), remedy });
    }
}

/// The approvals that name somebody unknown, or that too few people could give.
pub(super) fn approvals(
    environments: &[EnvironmentRules],
    nodes: &[(Key, Node)],
    whom: (&People, &Sources),
) -> Vec<Notice> {
    let mut notices = Vec::new();
    for rules in environments {
        let node = nodes
            .iter()
            .find(|(key, _)| key.text == rules.name.as_str())
            .and_then(|(_, node)| member(node, "approvals"));
        let Some(node) = node else { continue };
        unknown_approvers(&rules.approvals, node, whom, &mut notices);
        too_few(rules, node, whom, &mut notices);
    }
    notices.sort();
    notices.dedup();
    notices
}

fn unknown_approvers(approvals: &Approvals, node: &Node, whom: (&People, &Sources), notices: &mut Vec<Notice>) {
    let mut say = |from: &[Approvers], place: Option<&Node>| {
        for approvers in from.iter().filter(|approvers| !is_known(approvers, whom)) {
            let (line, key) = place.map_or((1, "approvals"), |node| (node.key_place.line, node.key.as_str()));
            let words = format!("Nobody under `people` is `{approvers}`, so no vote counts by it.");
            notices.push(Notice { line, key: key.to_owned(), words });
        }
    };
    for (command, rule) in &approvals.usual {
        rule.shares().for_each(|(_, from)| say(from, member(node, command.as_str())));
    }
    for (severity, rules) in &approvals.during {
        let node = member(node, "during").and_then(|node| member(node, &severity.to_string()));
        for (command, rule) in rules {
            let place = node.and_then(|node| member(node, command.as_str()));
            say(rule.from.as_deref().unwrap_or_default(), place);
        }
    }
}

fn is_known(approvers: &Approvers, (people, sources): (&People, &Sources)) -> bool {
    let anybody = |fits: &dyn Fn(&Person) -> bool| people.iter().any(fits);
    match approvers {
        Approvers::Team(team) => anybody(&|person| person.teams.contains(team)),
        Approvers::Group(group) => sources.contains_key(group) || anybody(&|person| person.groups.contains(group)),
        Approvers::Person(id) => people.by_id(id).is_some(),
        Approvers::OnCall { .. } => true,
    }
}

fn too_few(rules: &EnvironmentRules, node: &Node, (people, sources): (&People, &Sources), notices: &mut Vec<Notice>) {
    for (command, rule) in &rules.approvals.usual {
        let mut from = rule.shares().flat_map(|(_, from)| from);
        let elsewhere = |approvers: &Approvers| match approvers {
            Approvers::OnCall { .. } => true,
            Approvers::Group(group) => sources.contains_key(group),
            Approvers::Team(_) | Approvers::Person(_) => false,
        };
        let is_told_elsewhere = from.any(elsewhere);
        let members: Vec<&Person> = people.iter().filter(|person| person.guest_until.is_none()).collect();
        let able = rule.filled(&members);
        let asked = usize::try_from(rule.total()).unwrap_or(usize::MAX);
        if is_told_elsewhere || able >= asked {
            continue;
        }
        let (line, key) =
            member(node, command.as_str()).map_or((1, &node.key), |node| (node.key_place.line, &node.key));
        let words =
            format!("It needs {asked} approvals, and of `people` {able} could give one, so it can never be approved.");
        notices.push(Notice { line, key: key.clone(), words });
    }
}

/// What the catalog names and `leverframe.yaml` does not connect to.
pub(super) fn connections(environments: &[EnvironmentRules], nodes: &[(Key, Node)], to: &Connections) -> Vec<Notice> {
    let mut notices = Vec::new();
    for rules in environments {
        let Some((_, node)) = nodes.iter().find(|(key, _)| key.text == rules.name.as_str()) else { continue };
        let mut say = |key: &str, words: String| {
            let line = member(node, key).map_or(node.key_place.line, |node| node.key_place.line);
            notices.push(Notice { line, key: format!("{}.{key}", node.key), words });
        };
        if let Some(cluster) = rules.cluster.as_ref().filter(|cluster| !to.clusters.contains(*cluster)) {
            say(
                "cluster",
                format!(
                    "`leverframe.yaml` has no cluster `{cluster}`; add it under `clusters`. Until then what runs there cannot be seen."
                ),
            );
        }
        match &rules.repository {
            Some(name) if !to.repositories.contains(name) => {
                say(
                    "repository",
                    format!(
                        "`leverframe.yaml` has no repository `{name}`; add it under `repositories`. Until then this environment cannot be changed."
                    ),
                );
            }
            Some(_) | None => {}
        }
    }
    notices
}

/// A member of a map.
pub(super) fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
}
