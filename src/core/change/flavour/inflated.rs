//! `helmCharts` of a kustomization: charts that kustomize renders, with values in the kustomization's own text and in
//! files beside it.

use super::{Candidate, best};
use crate::core::change::{
    at::At,
    binding::Presence,
    references::{joined, parent},
    sight::{Fit, Sight},
};

impl<'s> Sight<'s> {
    /// The field in the values of the charts that one layer renders.
    pub(in crate::core::change) fn inflated(&self, depth: usize) -> Vec<Candidate> {
        let kustomizations = self.layers.get(depth).map(|layer| layer.kustomizations.as_slice()).unwrap_or_default();
        let listed = |at: &At<'s>| at.key("helmCharts").map(|list| list.items_by("name")).unwrap_or_default();
        best(kustomizations.iter().flat_map(listed).flat_map(|chart| self.of_chart(&chart)).collect())
    }

    /// Values in the order in which they have the last word: further files, then the text, then the values file; with
    /// `valuesMerge: merge` the file comes before the text.
    fn of_chart(&self, chart: &At<'s>) -> Vec<Candidate> {
        let name = chart.text_of("releaseName").or_else(|| chart.text_of("name")).unwrap_or_default();
        let fit = if self.is_named(&name) { Fit::Service } else { Fit::Unnamed };
        let here = parent(&chart.file.path);
        let file = |at: &At<'s>| at.text().and_then(|path| joined(here, path)).map(|path| self.documents_of(&path));
        let further = chart.key("additionalValuesFiles").map(|list| list.items()).unwrap_or_default();
        let further = further.iter().rev().filter_map(file);
        let text: Vec<At<'s>> = chart.key("valuesInline").into_iter().collect();
        let whole: Vec<At<'s>> = chart.key("valuesFile").as_ref().and_then(file).unwrap_or_default();
        let last = match chart.text_of("valuesMerge").as_deref() {
            Some("merge") => [whole, text],
            Some("replace") => [text, Vec::new()],
            Some(_) | None => [text, whole],
        };
        let sources: Vec<Vec<At<'s>>> = further.chain(last).collect();
        let found = sources.iter().map(|roots| {
            let values = |root: &At<'s>| self.chart_values(root, &[], fit);
            roots.iter().flat_map(values).collect::<Vec<_>>()
        });
        let found: Vec<Vec<Candidate>> = found.collect();
        let is_there = |list: &&Vec<Candidate>| list.iter().any(|one| one.binding.presence == Presence::There);
        found.iter().find(is_there).or_else(|| found.iter().find(|list| !list.is_empty())).cloned().unwrap_or_default()
    }
}
