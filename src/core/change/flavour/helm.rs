//! Values of a Helm chart, wherever they stand: a values file, a HelmRelease, an Application. Looked for at the top
//! and at most two levels below, under the service's name or one that means the application itself.

use super::{Barrier, Candidate, holds_digest, is_image, twins::with_twins};
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::{Form, Presence},
        image::split_image,
        sight::{Fit, Sight, Whose},
        value_at,
    },
    names::Field,
    yaml::{Node, Step},
};

/// Names of a level that say nothing but that it is the application. What names a part of one (`backend`, `api`,
/// `server`, `web`) is not among them: charts of several parts have these beside others.
const OURSELVES: [&str; 8] = ["app", "application", "chart", "common", "main", "deployment", "service", "generic"];
/// The keys under which charts keep what scales by itself.
const SCALING: [&str; 4] = ["autoscaling", "hpa", "horizontalPodAutoscaler", "autoscaler"];
/// The keys under which charts keep environment variables.
const VARIABLES: [&str; 6] = ["env", "envVars", "extraEnv", "extraEnvVars", "environment", "envs"];

impl<'s> Sight<'s> {
    /// The field in the target's values files: this environment's own has the last word; what is only in the shared
    /// one is added to it.
    pub(in crate::core::change) fn values_files(&self) -> Vec<Candidate> {
        let (own, shared) = (self.values(Whose::Environment), self.values(Whose::All));
        let here = |files: &[At<'s>]| -> Vec<Candidate> {
            best(files.iter().flat_map(|root| self.chart_values(root, &shared, Fit::Unnamed)).collect())
        };
        let (mut mine, theirs) = (here(&own), here(&shared));
        let Some(file) = own.first() else { return theirs };
        for candidate in &mut mine {
            let same = theirs.iter().find(|other| other.binding.yaml_path == candidate.binding.yaml_path);
            if let (Presence::Added { .. }, Some(same)) = (&candidate.binding.presence, same) {
                candidate.binding.presence = Presence::Added { now: self.value_of(same) };
            }
        }
        if mine.iter().any(|candidate| candidate.binding.presence == Presence::There) {
            mine.retain(|candidate| candidate.binding.presence == Presence::There);
        }
        if mine.is_empty() {
            theirs.into_iter().map(|candidate| self.overridden(candidate, file)).collect()
        } else {
            mine
        }
    }

    /// The same value in this environment's file instead of the one that all share.
    fn overridden(&self, mut candidate: Candidate, file: &At<'s>) -> Candidate {
        let now = self.value_of(&candidate);
        let in_list = candidate.binding.yaml_path.steps().iter().any(|step| !matches!(step, Step::Key(_)));
        candidate.barrier = candidate.barrier.or_else(|| in_list.then_some(Barrier::WholeList));
        if candidate.barrier.is_none() {
            candidate.binding.file = file.file.path.clone();
            candidate.binding.document = file.document();
            candidate.binding.presence = Presence::Added { now };
            candidate.binding.automation = None;
        }
        candidate
    }

    /// The value that a candidate has now.
    pub(super) fn value_of(&self, candidate: &Candidate) -> Option<String> {
        let file = self.file(&candidate.binding.file)?;
        value_at(&candidate.binding, &file.text).ok().flatten()
    }

    /// The field in one tree of values. `fit` is that of the object that holds them.
    pub(super) fn chart_values(&self, root: &At<'s>, shared: &[At<'s>], fit: Fit) -> Vec<Candidate> {
        let mut found = self.values_at(root, shared, fit.max(Fit::Near));
        found.extend(self.controllers(root, shared, fit));
        for (key, below) in root.entries() {
            let named = if self.is_named(&key) { Fit::Service } else { Fit::Unnamed };
            found.extend(self.nested(&below, (&key, named), shared));
            for (key, below) in below.entries() {
                let named = if self.is_named(&key) { Fit::Service } else { named };
                found.extend(self.nested(&below, (&key, named), shared));
            }
        }
        best(found).into_iter().map(|candidate| with_twins(candidate, root)).collect()
    }

    /// `controllers.*.containers.*`, as charts have it that take any container.
    fn controllers(&self, root: &At<'s>, shared: &[At<'s>], fit: Fit) -> Vec<Candidate> {
        let controllers = root.key("controllers").map(|at| at.entries()).unwrap_or_default();
        let of = |(_, at): &(String, At<'s>)| at.key("containers").map(|at| at.entries()).unwrap_or_default();
        let all: Vec<_> =
            controllers.iter().flat_map(|one| of(one).into_iter().map(|inner| (one.0.clone(), inner))).collect();
        let alone = all.len() == 1;
        let one = |(controller, (name, at)): &(String, (String, At<'s>))| {
            let named = self.is_named(name) || (self.is_named(controller) && OURSELVES.contains(&name.as_str()));
            let fit = if named {
                Fit::Service
            } else if alone {
                fit.max(Fit::Near)
            } else {
                Fit::Unnamed
            };
            let mut found = self.values_at(at, shared, fit);
            found.retain(|candidate| candidate.fit > Fit::Unnamed);
            found
        };
        let mut found: Vec<Candidate> = all.iter().flat_map(one).collect();
        if *self.field == Field::Replicas {
            let counted = |(name, at): &(String, At<'s>)| {
                let fit = if self.is_named(name) { Fit::Service } else { fit.max(Fit::Near) };
                self.values_at(at, shared, fit)
            };
            found.extend(controllers.iter().flat_map(counted));
        }
        found
    }

    /// Below the top a place counts only by its name or its image.
    fn nested(&self, at: &At<'s>, (key, named): (&str, Fit), shared: &[At<'s>]) -> Vec<Candidate> {
        let by_word = if OURSELVES.contains(&key) { Fit::Unnamed } else { Fit::Service };
        let mut found = self.values_at(at, shared, named);
        found.retain(|candidate| candidate.fit >= by_word);
        found
    }

    fn values_at(&self, at: &At<'s>, shared: &[At<'s>], fit: Fit) -> Vec<Candidate> {
        match self.field {
            field if is_image(field) => self.image_at(at, fit).into_iter().collect(),
            Field::Replicas => ["replicaCount", "replicas"]
                .into_iter()
                .filter_map(|key| at.key(key))
                .filter(|at| at.node.scalar().is_some())
                .map(|at| Candidate::new(self, &at, Flavour::Helm, Form::Value, fit))
                .collect(),
            Field::ReplicasMin | Field::ReplicasMax => self.autoscaling_at(at, shared, fit).into_iter().collect(),
            Field::Env(name) => {
                let lists = VARIABLES.into_iter().filter_map(|key| at.key(key));
                lists.filter_map(|list| self.in_list(&list, name, (Flavour::Helm, fit))).collect()
            }
            Field::Cpu | Field::Memory if at.key("resources").is_some() => {
                vec![self.in_resources(at, (Flavour::Helm, fit))]
            }
            Field::Cpu | Field::Memory | Field::ImageTag | Field::ImageDigest | Field::Config(_) => Vec::new(),
        }
    }

    /// `image`, whole or in parts.
    fn image_at(&self, at: &At<'s>, fit: Fit) -> Option<Candidate> {
        let image = at.key("image")?;
        if let Some(whole) = image.text() {
            let fit = fit.max(self.fit(split_image(whole).repository));
            return Some(Candidate::image(self, &image, "", (Flavour::Helm, fit)));
        }
        let repository = image.text_of("repository").or_else(|| image.text_of("name"));
        if repository.is_none() && image.node.get("tag").is_none() && image.node.get("digest").is_none() {
            return matches!(*image.node, Node::Alias { .. })
                .then(|| Candidate::new(self, &image, Flavour::Helm, Form::Value, fit));
        }
        // A chart that keeps the version elsewhere need not read a tag.
        if image.node.get("tag").is_none() && image.node.get("version").is_some() {
            return None;
        }
        let registry = image.text_of("registry").filter(|registry| !registry.is_empty());
        let by_image = repository.map_or(Fit::Unnamed, |name| {
            let whole = registry.map(|registry| format!("{registry}/{name}"));
            whole.map_or(Fit::Unnamed, |whole| self.fit(&whole)).max(self.fit(&name))
        });
        let form = (Flavour::Helm, Form::Value, fit.max(by_image));
        let digest = image.text_of("digest").filter(|digest| !digest.is_empty());
        if *self.field == Field::ImageDigest {
            // A chart that has no such key may not read it.
            let behind_tag = || image.key("tag").filter(holds_digest);
            return match image.key("digest").filter(|_| digest.is_some() || behind_tag().is_none()) {
                Some(at) => Some(Candidate::new(self, &at, form.0, form.1, form.2)),
                None => behind_tag().map(|at| Candidate::tag(self, &at, form.0, form.1, form.2)),
            };
        }
        let mut candidate = match image.key("tag") {
            Some(at) => Candidate::tag(self, &at, form.0, form.1, form.2),
            None => Candidate::key(self, &image, "tag", form),
        };
        candidate.binding.digest = digest.or(candidate.binding.digest);
        Some(candidate)
    }

    /// `autoscaling`, where it is enabled here or in the values that all share.
    fn autoscaling_at(&self, at: &At<'s>, shared: &[At<'s>], fit: Fit) -> Option<Candidate> {
        // Helm's reader takes the words of YAML 1.1, too.
        let is_yes = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y");
        let enabled = |at: &At<'_>| at.key("enabled").map(|at| at.shown().is_some_and(|word| is_yes(&word)));
        let called = SCALING.into_iter().find(|name| at.key(name).is_some())?;
        let scaling = at.key(called)?;
        let elsewhere = || {
            shared
                .iter()
                .filter(|root| root.file.path != at.file.path)
                .find_map(|root| enabled(&root.along(&at.path)?.key(called)?))
        };
        if !enabled(&scaling).or_else(elsewhere).unwrap_or(false) {
            return None;
        }
        let key = if *self.field == Field::ReplicasMin { "minReplicas" } else { "maxReplicas" };
        Some(Candidate::key(self, &scaling, key, (Flavour::Helm, Form::Value, fit)))
    }

    /// The values of a Flux HelmRelease; of an image that it renames after rendering, what it renames it to.
    pub(in crate::core::change) fn releases(&self, documents: &[At<'s>]) -> Vec<Candidate> {
        let releases = documents.iter().filter(|at| at.kind() == "HelmRelease" && at.api().starts_with("helm.toolkit"));
        releases.flat_map(|at| self.release(at)).collect()
    }

    fn release(&self, release: &At<'s>) -> Vec<Candidate> {
        let fit = if self.is_named(&release.name()) { Fit::Service } else { Fit::Unnamed };
        let renderers = release.keys(&["spec", "postRenderers"]).map(|list| list.items()).unwrap_or_default();
        let kustomized = renderers.iter().filter_map(|one| one.key("kustomize")).filter(|_| is_image(self.field));
        let mut rendered: Vec<Candidate> = kustomized.flat_map(|at| self.images(&at, 0)).collect();
        rendered.retain(|candidate| candidate.fit >= Fit::Service);
        match release.keys(&["spec", "values"]) {
            Some(values) if rendered.is_empty() => self.chart_values(&values, &[], fit),
            Some(_) | None => rendered,
        }
    }
}

/// Those that fit best.
pub(in crate::core::change) fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let best = candidates.iter().map(|candidate| candidate.fit).max();
    candidates.retain(|candidate| Some(candidate.fit) == best);
    candidates
}
