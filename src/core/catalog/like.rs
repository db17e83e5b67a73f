//! `like`: an environment takes over what another says and changes some of it. Key by key; within `approvals`,
//! command by command, so that naming one command does not drop the approvals of the others.

use super::check::member;
use crate::core::located::{Key, Node, Problem, Value, nearest};

/// The environments with what they are `like` merged in, in the file's order. A chain that cannot be followed is
/// reported, and its environment left out.
pub(super) fn merged(environments: &[(Key, Node)], problems: &mut Vec<Problem>) -> Vec<(Key, Node)> {
    let mut merged = Vec::new();
    for (_, node) in environments {
        member(node, "like").and_then(|like| like.text(problems));
    }
    for (key, node) in environments {
        match chain(key, node, environments) {
            Ok(chain) => merged.push((key.clone(), fold(&chain, node))),
            Err(problem) => problems.push(problem),
        }
    }
    merged
}

/// The environment and those it is like, itself first.
fn chain<'a>(key: &'a Key, node: &'a Node, all: &'a [(Key, Node)]) -> Result<Vec<&'a Node>, Problem> {
    let (mut names, mut nodes, mut last) = (vec![key.text.as_str()], vec![node], node);
    while let Some((like, name)) = like_of(last) {
        let Some((_, next)) = all.iter().find(|(key, _)| key.text == name) else {
            return Err(unknown(like, name, all));
        };
        if names.contains(&name) {
            names.push(name);
            let found = format!("a circle, `{}`", names.join("` like `"));
            let remedy = "Write all of one of them out, without `like`.";
            return Err(Problem { found, ..like.problem("an environment that is not like this one", remedy) });
        }
        names.push(name);
        nodes.push(next);
        last = next;
    }
    Ok(nodes)
}

fn unknown(like: &Node, name: &str, all: &[(Key, Node)]) -> Problem {
    let remedy = match nearest(name, all.iter().map(|(key, _)| key.text.as_str())) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "Name an environment of this catalog.".to_owned(),
    };
    like.problem("an environment", remedy)
}

/// The `like` of an environment, when it is a text.
fn like_of(node: &Node) -> Option<(&Node, &str)> {
    let like = member(node, "like")?;
    let Value::Text(name, _) = &like.value else { return None };
    Some((like, name))
}

fn fold(chain: &[&Node], top: &Node) -> Node {
    let mut nodes = chain.iter().rev();
    let first = nodes.next().map_or_else(|| top.clone(), |node| (*node).clone());
    nodes.fold(first, |base, node| overlay(&base, node, Depth::Environment))
}

/// How deep two maps are merged rather than one taken.
#[derive(Clone, Copy)]
enum Depth {
    Environment,
    Approvals,
    During,
    Severity,
}

impl Depth {
    /// Whether the values of this key are merged too.
    fn below(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Environment, "approvals") => Some(Self::Approvals),
            (Self::Approvals, "during") => Some(Self::During),
            (Self::During, _) => Some(Self::Severity),
            (Self::Environment | Self::Approvals | Self::Severity, _) => None,
        }
    }
}

/// `top` over `base`: what stands in `top` counts.
fn overlay(base: &Node, top: &Node, depth: Depth) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&base.value, &top.value) else {
        return top.clone();
    };
    let mut entries: Vec<(Key, Node)> = below.clone();
    for (key, node) in above {
        let place = entries.iter_mut().find(|(other, _)| other.text == key.text);
        match (place, depth.below(&key.text)) {
            (Some((_, earlier)), Some(deeper)) => *earlier = overlay(earlier, node, deeper),
            (Some((_, earlier)), None) => *earlier = node.clone(),
            (None, _) => entries.push((key.clone(), node.clone())),
        }
    }
    Node { value: Value::Map(entries), ..top.clone() }
}
