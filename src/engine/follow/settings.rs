//! Following variables and configuration: a variable is live when the pods' template has it, a key of a ConfigMap when
//! the one that the template names holds it. Where that one is called after what it holds, new pods came with it; a
//! plain one is taken up at the next restart, which is said.

use std::collections::BTreeMap;

use super::{Look, Place};
use crate::core::{
    change::Plan,
    names::Field,
    rollout::{Workload, is_named_by_content},
};

/// The variables that a change sets.
pub(super) fn variables(plan: &Plan) -> BTreeMap<String, String> {
    let variable = |field: &Field| if let Field::Env(name) = field { Some(name.clone()) } else { None };
    values(plan, variable).collect()
}

/// The keys of configuration that a change sets.
pub(super) fn of(plan: &Plan) -> Vec<(String, String)> {
    let key = |field: &Field| if let Field::Config(key) = field { Some(key.clone()) } else { None };
    values(plan, key).collect()
}

fn values<'a>(
    plan: &'a Plan,
    named: impl Fn(&Field) -> Option<String> + 'a,
) -> impl Iterator<Item = (String, String)> + 'a {
    let lines = plan.lines.iter().filter(|line| line.is_set());
    lines.filter_map(move |line| Some((named(&line.field)?, line.new.clone())))
}

/// Whether the ConfigMaps that the template names hold what they shall, and what is to be said of that; a look that is
/// not yet done where they do not. Keys within a file of a ConfigMap are not looked into: the reconciler tells of them.
pub(super) async fn look(place: &Place<'_>, workload: &Workload) -> Result<String, Look> {
    let mut held = Vec::new();
    for name in workload.config_maps.iter().filter(|_| !place.settings.is_empty()) {
        match place.cluster.config_map(&place.namespace, name).await {
            Ok(data) => held.extend(data.map(|data| (name, data))),
            Err(error) => return Ok(format!("; what `{name}` holds cannot be seen ({error})")),
        }
    }
    let mut plain = None;
    for (key, value) in &place.settings {
        let Some((name, data)) = held.iter().find(|(_, data)| data.contains_key(key)) else { continue };
        if data.get(key) != Some(value) {
            return Err(Look::NotYet(format!("`{name}` does not have the new `{key}` yet")));
        }
        plain = plain.or_else(|| Some(*name).filter(|name| !is_named_by_content(name)));
    }
    Ok(plain
        .map(|name| format!("; what is read from `{name}` at the start takes effect at the next restart"))
        .unwrap_or_default())
}
