//! Looking: the files of a repository, read once, and what is found of a target in them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use super::{
    content::{Content, is_yaml},
    doubt::{count_doubt, doubt},
};
use crate::core::{
    catalog::{Catalog, Places},
    change::{self, Binding, LocateRefusal, SourceFile},
    names::{Field, RepoPath, Service, Target},
    rules,
};

/// A repository as it is looked at.
pub(super) struct Repository<'a> {
    /// The path of every file, sorted.
    pub(super) paths: &'a [RepoPath],
    /// The files that a service can live in, sorted.
    pub(super) contents: &'a [Content],
    read: &'a dyn Fn(&RepoPath) -> Option<SourceFile>,
    kept: RefCell<HashMap<RepoPath, Option<SourceFile>>>,
}

/// One field where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) binding: Binding,
    /// Its value, as people write it; `None` where it is not set yet.
    pub(super) value: Option<String>,
}

/// What was found of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Looked {
    /// At least one field.
    Found {
        /// The image's version.
        version: Option<Box<Place>>,
        /// How many run.
        replicas: Option<Box<Place>>,
    },
    /// No field, and nothing wrong.
    Nothing(String),
    /// Something that a person must decide.
    Wrong(String),
}

impl<'a> Repository<'a> {
    /// A repository of these files; `paths` and `contents` sorted by path.
    pub(super) fn new(
        paths: &'a [RepoPath],
        contents: &'a [Content],
        read: &'a dyn Fn(&RepoPath) -> Option<SourceFile>,
    ) -> Self {
        Self { paths, contents, read, kept: RefCell::default() }
    }

    /// The YAML files at a place.
    pub(super) fn files(&self, place: &RepoPath) -> Vec<SourceFile> {
        let start = self.paths.partition_point(|path| path < place);
        let near = self.paths.iter().skip(start).take_while(|path| path.as_str().starts_with(place.as_str()));
        near.filter(|path| path.is_within(place) && is_yaml(path.as_str())).filter_map(|path| self.file(path)).collect()
    }

    /// One file.
    pub(super) fn file(&self, path: &RepoPath) -> Option<SourceFile> {
        self.kept.borrow_mut().entry(path.clone()).or_insert_with(|| (self.read)(path)).clone()
    }

    fn contents_at(&self, place: &RepoPath) -> impl Iterator<Item = &Content> {
        let start = self.contents.partition_point(|content| content.path < *place);
        let near = self.contents.iter().skip(start);
        let near = near.take_while(|content| content.path.as_str().starts_with(place.as_str()));
        near.filter(|content| content.path.is_within(place))
    }

    /// Whether a service could live there.
    pub(super) fn holds_content(&self, place: &RepoPath) -> bool {
        self.contents_at(place).next().is_some()
    }

    /// Whether something there is called like the service.
    pub(super) fn is_called(&self, place: &RepoPath, service: &Service) -> bool {
        self.contents_at(place).any(|content| content.names.iter().any(|name| name == service.as_str()))
    }

    /// What is found of a target by the code that finds it later.
    pub(super) fn look(&self, catalog: &Catalog, places: &Places, target: &Target) -> Looked {
        let Some(place) = rules::place_of(catalog, places, target) else {
            return Looked::Wrong("it lies at no one place".to_owned());
        };
        let Ok(files) = change::gathered(&place, self.files(&place), &mut |path| {
            Ok::<_, std::convert::Infallible>(self.file(path))
        });
        let texts: BTreeMap<&RepoPath, &str> = files.iter().map(|file| (&file.path, file.text.as_str())).collect();
        let find = |field: Field| {
            let found = change::locate(&field, &rules::locator(catalog, places, target, &field), &files);
            found.map(|binding| {
                let text = texts.get(&binding.file).copied().unwrap_or_default();
                Place { value: change::value_at(&binding, text).ok().flatten(), binding }
            })
        };
        let (version, count) = (find(Field::ImageTag), find(Field::Replicas));
        let of_version = version.as_ref().ok().and_then(|version| doubt(&target.service, version, self));
        let of_count = || count_doubt(&target.service, count.as_ref().ok()?, self);
        match of_version.or_else(of_count) {
            Some(why) => Looked::Wrong(why),
            None => judged(version, count),
        }
    }
}

fn judged(version: Result<Place, LocateRefusal>, replicas: Result<Place, LocateRefusal>) -> Looked {
    match (version, replicas) {
        (Err(LocateRefusal::NotFound { .. }), Err(_)) => {
            Looked::Nothing("no version and no replica count of its own is written there".to_owned())
        }
        (Err(LocateRefusal::NotFound { .. }), Ok(replicas)) => {
            Looked::Found { version: None, replicas: Some(Box::new(replicas)) }
        }
        (Err(refusal), _) => Looked::Wrong(refusal.to_string()),
        (Ok(version), replicas) => {
            Looked::Found { version: Some(Box::new(version)), replicas: replicas.ok().map(Box::new) }
        }
    }
}
