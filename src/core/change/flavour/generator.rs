//! `configMapGenerator`: literals in the kustomization, and files of `KEY=value` lines, YAML or JSON beside it.

use super::{Barrier, Candidate};
use crate::core::{
    change::{
        Flavour,
        at::At,
        binding::Form,
        references::{joined, parent},
        sight::{Fit, Sight},
    },
    yaml::Format,
};

impl<'s> Sight<'s> {
    /// A key of the ConfigMaps that a kustomization makes.
    pub(super) fn generated(&self, kustomization: &At<'s>, key: &str) -> Vec<Candidate> {
        let makers = kustomization.key("configMapGenerator").map(|list| list.items_by("name")).unwrap_or_default();
        makers.iter().flat_map(|maker| self.made(maker, key)).collect()
    }

    fn made(&self, maker: &At<'s>, key: &str) -> Vec<Candidate> {
        let fit = self.config_fit(&maker.text_of("name").unwrap_or_default());
        let listed = |list: &str| maker.key(list).map(|list| list.items()).unwrap_or_default();
        let start = format!("{key}=");
        let literals =
            listed("literals").into_iter().filter(|item| item.text().is_some_and(|text| text.starts_with(&start)));
        let mut found: Vec<Candidate> = literals
            .map(|item| Candidate::new(self, &item, Flavour::Kustomize, Form::After(start.clone()), fit))
            .collect();
        let here = parent(&maker.file.path);
        let path = |item: &At<'_>| {
            let text = item.text()?;
            let (name, path) = text.split_once('=').map_or((None, text), |(name, path)| (Some(name), path));
            let file = self.file(&joined(here, path)?)?;
            Some((name.unwrap_or(file.path.file_name()).to_owned(), file))
        };
        for (_, file) in listed("envs").iter().chain(maker.key("env").iter()).filter_map(path) {
            let at = At::whole(file, Format::Properties).and_then(|at| at.key(key));
            found.extend(at.map(|at| Candidate::new(self, &at, Flavour::ConfigMap, Form::Text, fit)));
        }
        for (name, file) in listed("files").iter().filter_map(path) {
            if name == key {
                let instead = format!("Change the file `{}` in git.", file.path);
                let barrier = Barrier::From(format!("the whole file `{}`", file.path), instead);
                found.push(Candidate::new(self, maker, Flavour::Kustomize, Form::Text, fit).barred(barrier));
            }
            let at = format_of(file.path.file_name()).and_then(|format| At::whole(file, format));
            found.extend(at.and_then(|at| self.setting(&at, key, fit)));
        }
        found
    }
}

/// What a file or a text block holds, by its name.
pub(super) fn format_of(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension {
        "yaml" | "yml" => Some(Format::Yaml),
        "json" => Some(Format::Json),
        "properties" => Some(Format::Properties),
        _ => None,
    }
}

impl<'s> Sight<'s> {
    /// A key inside a YAML, JSON or properties text: as it is written, or as a path.
    pub(super) fn setting(&self, text: &At<'s>, key: &str, fit: Fit) -> Option<Candidate> {
        let at = text.key(key).or_else(|| text.along(&crate::core::yaml::Path::parse(key).ok()?))?;
        at.node.scalar()?;
        Some(Candidate::new(self, &at, Flavour::ConfigMap, Form::Like, fit))
    }

    /// How well the name of a ConfigMap fits the service.
    pub(super) fn config_fit(&self, name: &str) -> Fit {
        let near = name.starts_with(self.locator.service.as_str());
        self.fit(name).max(if near { Fit::Near } else { Fit::Unnamed })
    }
}
