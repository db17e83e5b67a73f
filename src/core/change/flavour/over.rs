//! What a kustomization does after its lists and patches, `replacements` and `transformers`, and its components, which
//! patch what it lists itself.

use super::{Candidate, is_image, workload::pod};
use crate::core::{
    change::{
        at::At,
        references::{by_directory, joined, parent},
        sight::Sight,
    },
    names::Field,
    yaml::Format,
};

/// Transformers of kustomize's own that touch names and labels alone.
const HARMLESS: [&str; 7] = [
    "AnnotationsTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "SortOrderTransformer",
    "SuffixTransformer",
];

impl<'s> Sight<'s> {
    /// The field in the lists and patches of one layer's components: they come after what the layer lists itself.
    pub(in crate::core::change) fn components(&self, depth: usize) -> Vec<Candidate> {
        let layer = self.layers.get(depth).map(|layer| layer.kustomizations.as_slice()).unwrap_or_default();
        let directories = by_directory(self.paths());
        let listed = layer.iter().flat_map(|at| {
            let items = at.key("components").map(|list| list.items()).unwrap_or_default();
            items.into_iter().filter_map(|item| joined(parent(&at.file.path), item.text()?)).collect::<Vec<_>>()
        });
        let kustomizations: Vec<At<'s>> = listed
            .filter_map(|directory| directories.get(directory.as_str()).copied())
            .flat_map(|path| self.documents_of(path))
            .collect();
        let lists = self.transformers_in(&kustomizations, depth + 1);
        if lists.is_empty() { self.patches_in(&kustomizations) } else { lists }
    }

    /// What in the layers down to this one sets the field after everything else, in words.
    pub(in crate::core::change) fn written_over(&self, depth: usize) -> Option<String> {
        let layers = self.layers.iter().take(depth + 1);
        layers.flat_map(|layer| &layer.kustomizations).find_map(|at| {
            self.replaced(at).or_else(|| self.transformed(at)).map(|list| format!("`{list}` of `{}`", at.file.path))
        })
    }

    fn replaced(&self, kustomization: &At<'s>) -> Option<&'static str> {
        let items = kustomization.key("replacements").map(|list| list.items()).unwrap_or_default();
        let definitions = items.iter().flat_map(|item| match item.key("path") {
            Some(path) => self.listed_in(&path),
            None => vec![item.clone()],
        });
        let targets = definitions.flat_map(|at| at.key("targets").map(|list| list.items()).unwrap_or_default());
        targets.into_iter().any(|target| self.is_replaced(&target)).then_some("replacements")
    }

    /// The documents of a file; of a list, its items.
    fn listed_in(&self, path: &At<'s>) -> Vec<At<'s>> {
        let path = path.text().and_then(|text| joined(parent(&path.file.path), text));
        let documents = path.map(|path| self.documents_of(&path)).unwrap_or_default();
        documents.into_iter().flat_map(|at| if at.node.items().is_empty() { vec![at] } else { at.items() }).collect()
    }

    fn is_replaced(&self, target: &At<'s>) -> bool {
        let paths = target.key("fieldPaths").map(|list| list.items()).unwrap_or_default();
        let touched = paths.iter().any(|path| path.text().is_some_and(|text| self.touches(text)));
        let selected = |key: &str| target.key("select").and_then(|select| select.text_of(key));
        let (kind, name) = (selected("kind"), selected("name"));
        let containers = self.containers(&self.manifests());
        let is_ours = |(of, called): &(String, String)| {
            kind.as_ref().is_none_or(|kind| kind == of)
                && name.as_ref().is_none_or(|name| self.called(called).contains(name))
        };
        let other_kind = kind.as_ref().is_some_and(|kind| pod(kind).is_none());
        touched && (other_kind || containers.is_empty() || containers.iter().any(|one| is_ours(&one.workload)))
    }

    fn transformed(&self, kustomization: &At<'s>) -> Option<&'static str> {
        let items = kustomization.key("transformers").map(|list| list.items()).unwrap_or_default();
        let changes = |item: &At<'s>| match item.inside(Format::Yaml).filter(|at| !at.kind().is_empty()) {
            Some(inline) => self.is_transformed(&inline, item.text().unwrap_or_default()),
            None => {
                let found = self.listed_in(item);
                found.is_empty() || found.iter().any(|at| self.is_transformed(at, &at.file.text))
            }
        };
        items.iter().any(changes).then_some("transformers")
    }

    /// Whether a transformer may set the field: one that is not known may.
    fn is_transformed(&self, transformer: &At<'s>, text: &str) -> bool {
        match transformer.kind().as_str() {
            kind if HARMLESS.contains(&kind) => false,
            "ReplicaCountTransformer" => *self.field == Field::Replicas,
            "ImageTagTransformer" => is_image(self.field),
            "PatchTransformer"
            | "PatchJson6902Transformer"
            | "PatchStrategicMergeTransformer"
            | "ReplacementTransformer" => self.touches(text),
            _ => true,
        }
    }

    /// Whether a path or a text names the field.
    fn touches(&self, text: &str) -> bool {
        match self.field {
            Field::ImageTag | Field::ImageDigest => text.contains("image"),
            Field::Replicas => text.contains("replicas"),
            Field::ReplicasMin => text.contains("minReplica"),
            Field::ReplicasMax => text.contains("maxReplica"),
            Field::Cpu | Field::Memory => text.contains("resources"),
            Field::Env(_) => text.contains("env"),
            Field::Config(key) => text.contains(key.as_str()),
        }
    }
}
