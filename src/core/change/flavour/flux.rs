//! Flux's own Kustomizations: their `images` and `patches` are applied after everything in the directory that they
//! lead to, and their `postBuild` gives the variables there their values.

use super::Candidate;
use crate::core::{
    change::{Flavour, LocateRefusal, at::At, binding::Form, references::joined, sight::Sight},
    names::{Field, RepoPath},
};

impl<'s> Sight<'s> {
    /// The field in the Flux Kustomizations among the target's files: `images`, else patches.
    pub(in crate::core::change) fn of_flux(&self) -> Vec<Candidate> {
        let specs = self.flux_specs();
        let images = match self.field {
            Field::ImageTag | Field::ImageDigest => specs.iter().flat_map(|spec| self.images(spec, 0)).collect(),
            Field::Replicas
            | Field::ReplicasMin
            | Field::ReplicasMax
            | Field::Cpu
            | Field::Memory
            | Field::Env(_)
            | Field::Config(_) => Vec::new(),
        };
        if images.is_empty() { self.patches_in(&specs) } else { images }
    }

    /// Those that lead to the target's files, or of which it is not known where they lead.
    fn flux_specs(&self) -> Vec<At<'s>> {
        let ours = self
            .own_documents()
            .into_iter()
            .filter(|at| at.kind() == "Kustomization" && at.api().starts_with("kustomize.toolkit.fluxcd.io/"));
        let known = !self.containers(&self.manifests()).is_empty();
        let leads_here = |spec: &At<'s>| {
            let way: Option<RepoPath> = spec.text_of("path").and_then(|path| joined("", &path));
            way.is_none_or(|way| self.is_seen_in(&way)) || !known
        };
        ours.filter_map(|at| at.key("spec")).filter(leads_here).collect()
    }

    /// A value that is a variable is changed where Flux takes it from; one that only holds some is not.
    pub(in crate::core::change) fn substituted(&self, candidate: Candidate) -> Result<Candidate, LocateRefusal> {
        let value = self.value_of(&candidate).unwrap_or_default();
        if matches!(self.field, Field::Env(_) | Field::Config(_)) {
            return Ok(candidate);
        }
        let Some((_, rest)) = value.split_once("${") else { return Ok(candidate) };
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let is_whole = value.strip_prefix("${").and_then(|inner| inner.strip_suffix('}')) == Some(&name);
        let set = |spec: &At<'s>| spec.keys(&["postBuild", "substitute"])?.key(&name);
        match self.flux_specs().iter().find_map(set).filter(|_| is_whole) {
            Some(at) => Ok(Candidate::new(self, &at, Flavour::Variable, Form::Text, candidate.fit)),
            None => Err(LocateRefusal::Elsewhere {
                place: candidate.binding.to_string(),
                source_name: format!("the variable `{name}`, `{value}`"),
                instead: format!(
                    "Change `{name}` where Flux substitutes it from (`postBuild` of its Kustomization), or write the value out here in git."
                ),
            }),
        }
    }
}
