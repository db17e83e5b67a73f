//! Looking: the files of a repository, read once, and what is found of a target in them.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::{
    content::{Content, Contents, is_yaml},
    doubt::{count_doubt, doubt},
};
use crate::core::{
    catalog::{Catalog, Places},
    change::{self, Binding, LocateRefusal, SourceFile, Trees},
    names::{Field, RepoPath, Service, Target},
    rules,
    yaml::{Document, Node, Path, Refusal},
};

/// A repository as it is looked at.
pub(super) struct Repository<'a> {
    /// The path of every file, sorted.
    pub(super) paths: &'a [RepoPath],
    /// The files that a service can live in, sorted.
    pub(super) contents: &'a [Content],
    trees: &'a Trees,
    read: &'a dyn Fn(&RepoPath) -> Option<SourceFile>,
    kept: RefCell<HashMap<RepoPath, Option<SourceFile>>>,
}

/// The documents of a file, as long as they are looked at.
pub(super) struct Documents(Rc<Result<Vec<Node>, Refusal>>);

impl std::ops::Deref for Documents {
    type Target = [Node];
    fn deref(&self) -> &[Node] {
        self.0.as_deref().unwrap_or_default()
    }
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
        contents: &'a Contents,
        read: &'a dyn Fn(&RepoPath) -> Option<SourceFile>,
        trees: &'a Trees,
    ) -> Self {
        let kept = contents.sources.iter().map(|(path, file)| (path.clone(), Some(file.clone()))).collect();
        Self { paths, contents: &contents.files, trees, read, kept: RefCell::new(kept) }
    }

    /// The documents of a file; none where it does not parse.
    pub(super) fn documents(&self, file: &SourceFile) -> Documents {
        Documents(self.trees.of(file))
    }

    /// The text of the single value at a place.
    pub(super) fn text(&self, file: &SourceFile, document: &Document, path: &Path) -> Option<String> {
        self.trees.text(file, document, path)
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
        let mut read = |path: &RepoPath| Ok::<_, std::convert::Infallible>(self.file(path));
        let Ok(files) = change::gathered_in(&place, self.files(&place), &mut read, self.trees);
        let find = |field: Field| {
            let locator = rules::locator(catalog, places, target, &field);
            let found = change::locate_in(&field, &locator, &files, self.trees);
            found.map(|binding| {
                let file = files.iter().find(|file| file.path == binding.file);
                Place { value: file.and_then(|file| self.trees.value(file, &binding)), binding }
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
