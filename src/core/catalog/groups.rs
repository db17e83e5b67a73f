//! `environment_groups`: several environments under one name, in the order in which they are changed.

use crate::core::{
    located::{Node, Problem, either, nearest},
    names::Environment,
    span::Span,
};

/// Several environments that can be named as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentGroup {
    /// Its name, which no environment has.
    pub name: Environment,
    /// Its environments in order; never empty, none twice.
    pub steps: Vec<GroupStep>,
}

/// One environment of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStep {
    /// The environment.
    pub environment: Environment,
    /// How long it must be healthy before the next follows; absent: the next follows at once.
    pub healthy_for: Option<Span>,
}

impl EnvironmentGroup {
    pub(super) fn read(
        name: Environment,
        node: &Node,
        environments: &[Environment],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        if environments.contains(&name) {
            let found = "a group with the name of an environment".to_owned();
            let remedy = "Give the group a name of its own.";
            problems.push(Problem {
                place: node.key_place,
                found,
                ..node.problem("a name that no environment has", remedy)
            });
        }
        let mut steps: Vec<GroupStep> = Vec::new();
        for item in node.items(problems) {
            read_item(item, environments, &mut steps, problems);
        }
        trailing_wait(node, &steps, problems);
        (problems.len() == before).then_some(Self { name, steps })
    }
}

/// An environment, or how long the one before it must be healthy.
fn read_item(item: &Node, environments: &[Environment], steps: &mut Vec<GroupStep>, problems: &mut Vec<Problem>) {
    let Some(text) = item.text(problems) else { return };
    if let Some(environment) = environments.iter().find(|environment| environment.as_str() == text) {
        if steps.iter().any(|step| step.environment == *environment) {
            return problems.push(item.problem("each environment once", "Remove one of the two."));
        }
        return steps.push(GroupStep { environment: environment.clone(), healthy_for: None });
    }
    match (Span::parse(text), steps.last_mut()) {
        (Ok(span), Some(step @ GroupStep { healthy_for: None, .. })) => step.healthy_for = Some(span),
        (Ok(_), _) => {
            let remedy = "Put it between two environments: `[prod-eu, 10m, prod-us]`.";
            problems.push(item.problem("an environment before a length of time", remedy));
        }
        (Err(_), _) => {
            let names = || environments.iter().map(Environment::as_str);
            let remedy = match nearest(text, names()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Write {}, or a time like `10m`.", either(names())),
            };
            problems.push(item.problem("an environment, or how long it must be healthy", remedy));
        }
    }
}

fn trailing_wait(node: &Node, steps: &[GroupStep], problems: &mut Vec<Problem>) {
    let remedy = "Name the environments in order: `[prod-eu, 10m, prod-us]`.";
    match steps.last() {
        Some(GroupStep { healthy_for: None, .. }) => {}
        Some(GroupStep { healthy_for: Some(span), .. }) => {
            let found = format!("`{span}` at the end");
            problems.push(Problem { found, ..node.problem("an environment after a length of time", remedy) });
        }
        None => problems.push(node.problem("at least one environment", remedy)),
    }
}
