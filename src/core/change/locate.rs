//! Finding the one place of a field. Layer by layer, from what has the last word to what it builds on: the lists of
//! a kustomization, its patches, what it applies, and the same again of its bases.

use std::fmt;

use super::{
    Binding, Flavour, LocateRefusal, Locator, Pin, SourceFile, Trees, apply,
    at::At,
    binding::{Form, Presence},
    flavour::{Barrier, Candidate, best, is_encrypted, is_image, of_pin},
    image::{Tag, is_digest, split_image},
    marker,
    references::parent,
    sight::{Fit, Sight, pages},
};
use crate::core::{
    names::{Field, RepoPath},
    yaml::{self, Document, Path, Scalar, Step},
};

/// Finds the one place of a field. Where an autoscaler owns the replicas, `replicas` is found as `replicas_min`.
///
/// # Errors
/// When there is none, when several fit, when it cannot be changed there, or when a file in the way does not parse.
pub fn locate(field: &Field, locator: &Locator, files: &[SourceFile]) -> Result<Binding, LocateRefusal> {
    locate_in(field, locator, files, &Trees::default())
}

/// As [`locate`], in files of which some may be parsed already.
///
/// # Errors
/// As [`locate`].
pub fn locate_in(
    field: &Field,
    locator: &Locator,
    files: &[SourceFile],
    trees: &Trees,
) -> Result<Binding, LocateRefusal> {
    if let Some(pin) = &locator.pin {
        return pinned(field, pin, locator, files, trees);
    }
    let pages = pages(locator, files, trees);
    if *field == Field::Replicas {
        match Sight::open(&Field::ReplicasMin, locator, &pages)?.found() {
            Err(LocateRefusal::NotFound { .. }) => {}
            found => return found,
        }
    }
    Sight::open(field, locator, &pages)?.found()
}

impl<'s> Sight<'s> {
    fn found(&self) -> Result<Binding, LocateRefusal> {
        let of_flux = self.of_flux();
        if !of_flux.is_empty() {
            return self.judged(best(of_flux));
        }
        for depth in 0..self.layers.len() {
            let steps: [&dyn Fn(usize) -> Vec<Candidate>; 4] = [
                &|depth| self.transformers(depth),
                &|depth| self.patches(depth),
                &|depth| self.components(depth),
                &|depth| self.applied(depth),
            ];
            for step in steps {
                let found = step(depth);
                if !found.is_empty() {
                    let over = self.written_over(depth);
                    let barred = |candidate: Candidate| match &over {
                        Some(what) => candidate.barred(Barrier::WrittenOver(what.clone())),
                        None => candidate,
                    };
                    return self.judged(best(found).into_iter().map(barred).collect());
                }
            }
        }
        let not_found = || LocateRefusal::NotFound { field: self.field.clone(), looked: self.looked() };
        Err(self.unreadable().unwrap_or_else(not_found))
    }

    /// What one layer applies as it is, and the values of charts.
    fn applied(&self, depth: usize) -> Vec<Candidate> {
        let documents: &[At<'s>] = self.layers.get(depth).map(|layer| layer.manifests.as_slice()).unwrap_or_default();
        let mut found = match self.field {
            Field::Config(key) => self.config_maps(documents, key),
            Field::ReplicasMin | Field::ReplicasMax => self.autoscalers(documents),
            Field::ImageTag | Field::ImageDigest | Field::Replicas | Field::Cpu | Field::Memory | Field::Env(_) => {
                self.workloads(documents)
            }
        };
        found.extend(self.releases(documents));
        found.extend(self.applications(documents));
        let inflated = self.inflated(depth);
        if depth == 0 && inflated.is_empty() {
            found.extend(self.values_files());
        }
        found.extend(inflated);
        if let (Field::Config(key), true) = (self.field, found.is_empty()) {
            return self.secrets(documents, key);
        }
        found
    }

    /// The one candidate, if it is one and can be changed.
    fn judged(&self, mut candidates: Vec<Candidate>) -> Result<Binding, LocateRefusal> {
        candidates.dedup_by(|one, other| {
            let place = |candidate: &Candidate| {
                (
                    candidate.binding.file.clone(),
                    candidate.binding.document.clone(),
                    candidate.binding.yaml_path.clone(),
                )
            };
            place(one) == place(other)
        });
        let fit = candidates.first().map_or(Fit::Unnamed, |candidate| candidate.fit);
        if let Some(refusal) = self.unreadable().filter(|_| fit < Fit::Service) {
            return Err(refusal);
        }
        if candidates.len() > 1 {
            let places: Vec<String> = candidates.iter().map(|candidate| candidate.binding.to_string()).collect();
            return Err(LocateRefusal::Ambiguous { field: self.field.clone(), candidates: places.join(" or ") });
        }
        let not_found = || LocateRefusal::NotFound { field: self.field.clone(), looked: self.looked() };
        let candidate = candidates.pop().ok_or_else(not_found)?;
        // Values of a chart need not name the image; where it is named, it must be the one.
        let other = is_image(self.field) && candidate.fit == Fit::Unnamed && candidate.binding.flavour != Flavour::Helm;
        if let Some(image) = self.locator.image.clone().filter(|_| other) {
            return Err(LocateRefusal::OtherImage { place: candidate.binding.to_string(), image });
        }
        if let Some(refusal) = candidate.refusal(self.field) {
            return Err(refusal);
        }
        let candidate = self.substituted(candidate)?;
        let candidate = if self.is_own(&candidate.binding.file) { candidate } else { self.over_shared(&candidate)? };
        let path = candidate.binding.file.clone();
        if self.is_encrypted(&path) {
            return Err(LocateRefusal::Encrypted { place: candidate.binding.to_string(), path });
        }
        Ok(candidate.binding)
    }

    /// What is changed for this target alone, where the value is in files that others share.
    fn over_shared(&self, shared: &Candidate) -> Result<Candidate, LocateRefusal> {
        self.overlay(shared).ok_or_else(|| LocateRefusal::Shared {
            field: self.field.clone(),
            place: shared.binding.to_string(),
            instead: if shared.binding.flavour == Flavour::Helm {
                format!(
                    "Write the value into values that only this target has, in git; from then on `{}` is found there.",
                    self.field
                )
            } else {
                format!(
                    "Add a patch of it to the target's own kustomization in git; from then on `{}` is found there.",
                    self.field
                )
            },
        })
    }
}

/// The catalog's place. `{service}` and `{environment}` stand for themselves in the name of the file.
fn pinned(
    field: &Field,
    pin: &Pin,
    locator: &Locator,
    files: &[SourceFile],
    trees: &Trees,
) -> Result<Binding, LocateRefusal> {
    let wrong = |what: &dyn fmt::Display| LocateRefusal::BadPin { field: field.clone(), what: what.to_string() };
    let named = pin.file.as_str().replace("{service}", locator.service.as_str());
    let named = named.replace("{environment}", locator.environment.as_str());
    let directory = match &locator.directory {
        Some(directory) if files.iter().any(|file| file.path == *directory) => parent(directory).to_owned(),
        Some(directory) => directory.to_string(),
        None => String::new(),
    };
    let whole = if directory.is_empty() { named } else { format!("{directory}/{named}") };
    let path = RepoPath::parse(&whole).map_err(|error| wrong(&error))?;
    let Some(file) = files.iter().find(|file| file.path == path) else {
        return Err(LocateRefusal::NoSuchFile { path });
    };
    let at_column = |error: yaml::PathError| wrong(&format!("column {} of its path: {}", error.column, error.problem));
    let yaml_path = Path::parse(&pin.path).map_err(at_column)?;
    let document = Document::parse(&pin.document.to_string()).map_err(|error| wrong(&error))?;
    let unreadable = |refusal| LocateRefusal::Unreadable { path: path.clone(), refusal };
    let value = apply::read(&file.text, &document, &yaml_path).map_err(unreadable)?;
    let mut binding = Binding {
        field: field.clone(),
        file: path.clone(),
        document,
        form: pinned_form(field, &yaml_path, value.as_ref()),
        presence: if value.is_some() { Presence::There } else { Presence::Added { now: None } },
        yaml_path,
        flavour: Flavour::Pinned,
        automation: None,
        digest: None,
        limit: None,
        twins: Vec::new(),
    };
    let whole = value.as_ref().and_then(Scalar::as_str).unwrap_or_default();
    binding.digest = match binding.form {
        Form::ImageOf { .. } => split_image(whole).digest.map(str::to_owned),
        Form::TagOf => Tag::of(whole).digest.map(str::to_owned),
        Form::Value | Form::Text | Form::Like | Form::After(_) => None,
    };
    let read = trees.of(file);
    let documents = read.as_deref().unwrap_or_default();
    let roots: Vec<At<'_>> = documents.iter().enumerate().map(|(place, node)| At::root(file, place, node)).collect();
    if roots.iter().any(|root| is_encrypted(&root.node)) {
        return Err(LocateRefusal::Encrypted { place: binding.to_string(), path });
    }
    if let Some(root) = roots.iter().find(|root| root.is_in(&binding.document)) {
        binding.automation = root.along(&binding.yaml_path).and_then(|at| marker::flux(&at));
        binding.twins = of_pin(&binding, root);
    }
    Ok(binding)
}

/// How a pinned value is written, by what stands there.
fn pinned_form(field: &Field, path: &Path, value: Option<&Scalar>) -> Form {
    let text = value.and_then(Scalar::as_str).unwrap_or_default();
    let is_tag = matches!(path.steps().last(), Some(Step::Key(key)) if key.to_ascii_lowercase().ends_with("tag"));
    let is_reference = text.contains(['/', ':', '@']) && !is_digest(text);
    match field {
        field if is_image(field) && is_tag && Tag::of(text).digest.is_some() => Form::TagOf,
        field if is_image(field) && is_reference => Form::image("", text),
        Field::ImageTag | Field::ImageDigest | Field::Replicas | Field::ReplicasMin | Field::ReplicasMax => Form::Value,
        Field::Cpu | Field::Memory | Field::Env(_) | Field::Config(_) => Form::Like,
    }
}
