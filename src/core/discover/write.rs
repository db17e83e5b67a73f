//! A proposal as the text of a catalog, with a line above each part that says why.

use std::fmt::Write as _;

use super::{Proposal, ProposedEnvironment, ProposedPin, ProposedService};
use crate::core::catalog::Landing;

/// The text of `.leverframe/catalog.yaml`.
pub fn catalog_text(proposal: &Proposal) -> String {
    let mut text = String::from(
        "# Proposed by `leverframe init` from the files of this repository. Read it, correct it, commit it.\n\n",
    );
    let fast = proposal.environments.iter().any(|environment| environment.landing == Landing::Commit);
    text.push_str("# Where services run. A change in a `pull_request` environment is reviewed before it lands");
    text.push_str(if fast { "; in a `commit` one it lands at once.\n" } else { ".\n" });
    text.push_str("environments:\n");
    for proposed in &proposal.environments {
        environment(&mut text, proposed);
    }
    groups(&mut text, proposal);
    services(&mut text, proposal);
    text
}

/// Writing to a string cannot fail.
fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(line);
    text.push('\n');
}

fn environment(text: &mut String, proposed: &ProposedEnvironment) {
    line(text, format_args!("  # {}.", proposed.because));
    line(text, format_args!("  {}:", proposed.name));
    line(text, format_args!("    path: {}", serde_json::Value::from(proposed.path.as_str())));
    line(text, format_args!("    landing: {}", proposed.landing.word()));
    if let Some(cluster) = &proposed.cluster {
        line(text, format_args!("    cluster: {cluster}   # connect it in `leverframe.yaml`, under `clusters`"));
    }
    if let Some(namespace) = &proposed.namespace {
        line(text, format_args!("    namespace: \"{namespace}\""));
    }
    if let Some(reconciler) = &proposed.reconciler {
        line(text, format_args!("    reconciler: {reconciler}"));
    }
}

fn groups(text: &mut String, proposal: &Proposal) {
    if proposal.groups.is_empty() {
        return;
    }
    text.push_str("\n# One thing in several places: changed in this order.\nenvironment_groups:\n");
    for (name, members) in &proposal.groups {
        let members: Vec<&str> = members.iter().map(|member| member.as_str()).collect();
        line(text, format_args!("  {name}: [{}]", members.join(", ")));
    }
}

fn services(text: &mut String, proposal: &Proposal) {
    let says = |service: &ProposedService| service.image.is_some() || service.pin.is_some();
    let named: Vec<_> =
        proposal.services.iter().filter(|(_, service)| !proposal.every_directory || says(service)).collect();
    if !proposal.every_directory {
        text.push_str(
            "\n# Some directories that fit a path are no services, or could not be placed: only those listed are.\n",
        );
        text.push_str("discover: false\n");
    }
    if named.is_empty() {
        return;
    }
    text.push('\n');
    if named.iter().any(|(_, service)| service.image.is_some()) {
        text.push_str(
            "# An image is named where every environment runs the same one, so that no second container is taken for it.\n",
        );
    }
    if named.iter().any(|(_, service)| service.pin.is_some()) {
        text.push_str("# A binding is pinned where looking into the files would not find it, or find several.\n");
    }
    text.push_str("services:\n");
    for (name, service) in named {
        let image = service.image.as_ref().map(|image| format!("image: {}", quoted(image)));
        let both: Vec<String> = image.into_iter().chain(service.pin.as_ref().map(pinned)).collect();
        let said = if both.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", both.join(", ")) };
        line(text, format_args!("  {}: {said}", key(name.as_str())));
    }
}

fn pinned(pin: &ProposedPin) -> String {
    let document = if pin.document == 0 { String::new() } else { format!(", document: {}", pin.document) };
    let place = format!("{{ file: {}, path: {}{document} }}", quoted(&pin.file), quoted(&pin.path));
    let digest = if pin.holds_digest { format!(", image_digest: {place}") } else { String::new() };
    format!("bindings: {{ image_tag: {place}{digest} }}")
}

fn quoted(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}

/// A key that every reader takes for the text it is: `on`, `007` and `null` are quoted.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && !["on", "off", "yes", "no", "y", "n", "true", "false", "null"].contains(&name);
    if plain { name.to_owned() } else { format!("\"{name}\"") }
}
