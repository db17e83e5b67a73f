//! Argo CD: an Application (or the one that an ApplicationSet makes) gives its source values in several ways. Of
//! those the parameters have the last word, then `valuesObject`, then the text `values`.

use super::{Candidate, holds_digest, is_image};
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::Form,
        image::split_image,
        marker,
        sight::{Fit, Sight},
    },
    names::Field,
    yaml::Format,
};

impl<'s> Sight<'s> {
    /// The field in the Applications among these documents.
    pub(in crate::core::change) fn applications(&self, documents: &[At<'s>]) -> Vec<Candidate> {
        let mut found = Vec::new();
        for document in documents.iter().filter(|at| at.api().starts_with("argoproj.io/")) {
            let spec = match document.kind().as_str() {
                "Application" => document.key("spec"),
                "ApplicationSet" => document.keys(&["spec", "template", "spec"]),
                _ => None,
            };
            let Some(spec) = spec else { continue };
            let fit = if self.is_named(&document.name()) { Fit::Service } else { Fit::Unnamed };
            let several = spec.key("sources").map(|list| list.items()).unwrap_or_default();
            let sources = spec.key("source").into_iter().chain(several);
            let mut ours: Vec<Candidate> = sources.flat_map(|source| self.source(&source, fit)).collect();
            for candidate in &mut ours {
                let updater = marker::updater(document).filter(|_| is_image(self.field));
                candidate.binding.automation = candidate.binding.automation.take().or(updater);
            }
            found.extend(ours);
        }
        found
    }

    fn source(&self, source: &At<'s>, fit: Fit) -> Vec<Candidate> {
        if let Some(kustomize) = source.key("kustomize") {
            return self.kustomized(&kustomize, fit);
        }
        let Some(helm) = source.key("helm") else { return Vec::new() };
        let parameters = helm.key("parameters").map(|list| list.items_by("name")).unwrap_or_default();
        let set: Vec<_> = parameters.iter().filter_map(|item| self.parameter(item, &parameters, fit)).collect();
        if !set.is_empty() {
            return set;
        }
        let object = helm.key("valuesObject").map(|at| self.chart_values(&at, &[], fit)).unwrap_or_default();
        if !object.is_empty() {
            return object;
        }
        let text = helm.key("values").and_then(|at| at.inside(Format::Yaml));
        text.map(|at| self.chart_values(&at, &[], fit)).unwrap_or_default()
    }

    /// One of `helm.parameters`, by its name; a digest may stand in another.
    fn parameter(&self, item: &At<'s>, all: &[At<'s>], fit: Fit) -> Option<Candidate> {
        let (name, value) = (item.text_of("name")?, item.key("value")?);
        let fit = fit.max(Fit::Near);
        let set = |endings: &[&str]| {
            let is_it = |ending: &&str| {
                let before = name.strip_suffix(*ending)?;
                (before.is_empty()
                    || before.strip_suffix('.').is_some_and(|key| !key.contains('.') && self.is_named(key)))
                .then_some(())
            };
            let ending = endings.iter().find(|ending| is_it(ending).is_some())?;
            let mut candidate = match *ending {
                "image.tag" => Candidate::tag(self, &value, Flavour::ArgoCd, Form::Text, fit),
                _ => Candidate::new(self, &value, Flavour::ArgoCd, Form::Text, fit),
            };
            let beside =
                name.strip_suffix("tag").filter(|_| *ending == "image.tag").map(|start| format!("{start}digest"));
            let digest = beside.and_then(|name| all.iter().find(|one| one.text_of("name").as_ref() == Some(&name)));
            let digest = digest.and_then(|one| one.text_of("value")).filter(|digest| !digest.is_empty());
            candidate.binding.digest = digest.or(candidate.binding.digest);
            Some(candidate)
        };
        let variable = |name: &str| [format!("env.{name}"), format!("envVars.{name}"), format!("extraEnvVars.{name}")];
        match self.field {
            Field::ImageTag => {
                let digest = || value.text().is_some_and(|text| text.contains(['/', ':']));
                set(&["image.tag"]).or_else(|| {
                    set(&["image"])
                        .filter(|_| digest())
                        .map(|_| Candidate::image(self, &value, "", (Flavour::ArgoCd, fit)))
                })
            }
            Field::ImageDigest => {
                set(&["image.digest"]).or_else(|| set(&["image.tag"]).filter(|_| holds_digest(&value)))
            }
            Field::Replicas => set(&["replicaCount", "replicas"]),
            Field::ReplicasMin => set(&["autoscaling.minReplicas"]),
            Field::ReplicasMax => set(&["autoscaling.maxReplicas"]),
            Field::Cpu => set(&["resources.requests.cpu"]),
            Field::Memory => set(&["resources.requests.memory"]),
            Field::Env(name) => set(&variable(name).each_ref().map(String::as_str)),
            Field::Config(_) => None,
        }
    }

    /// `kustomize.images`, each `name=new:tag` or `name:tag`, and `kustomize.replicas`.
    fn kustomized(&self, kustomize: &At<'s>, fit: Fit) -> Vec<Candidate> {
        if is_image(self.field) {
            let items = kustomize.key("images").map(|list| list.items()).unwrap_or_default();
            let one = items.len() == 1;
            let image = |item: &At<'s>| {
                let text = item.text()?.to_owned();
                let before = text.split_once('=').map_or("", |(name, _)| name);
                let start = if before.is_empty() { String::new() } else { format!("{before}=") };
                let reference = text.strip_prefix(&start).unwrap_or(&text);
                let named = self.fit(before).max(self.fit(split_image(reference).repository));
                let fit = named.max(if one { fit } else { Fit::Unnamed });
                Some(Candidate::image(self, item, &start, (Flavour::ArgoCd, fit)))
            };
            return super::best(items.iter().filter_map(image).collect());
        }
        if *self.field != Field::Replicas {
            return Vec::new();
        }
        let items = kustomize.key("replicas").map(|list| list.items_by("name")).unwrap_or_default();
        let count = |item: &At<'s>| {
            let fit = fit.max(self.fit(&item.text_of("name")?));
            Some(Candidate::new(self, &item.key("count")?, Flavour::ArgoCd, Form::Value, fit))
        };
        items.iter().filter_map(count).collect()
    }
}
