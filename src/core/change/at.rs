//! A place in a document together with the way to it, for those who look for something.

use std::borrow::Cow;

use super::{SourceFile, plain};
use crate::core::yaml::{self, Document, Format, Node, Path, Scalar, Step};

/// A node and where it is.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) document: usize,
    pub(super) path: Path,
    pub(super) node: Cow<'a, Node>,
}

impl<'a> At<'a> {
    /// The root of a document.
    pub(super) fn root(file: &'a SourceFile, document: usize, node: &'a Node) -> Self {
        Self { file, document, path: Path::root(), node: Cow::Borrowed(node) }
    }

    /// The root of a file without a document.
    pub(super) fn nothing(file: &'a SourceFile) -> Self {
        let node = Node::Scalar { value: Scalar::Null, span: 0..0, line: 1 };
        Self { file, document: 0, path: Path::root(), node: Cow::Owned(node) }
    }

    pub(super) fn document(&self) -> Document {
        Document::Index(self.document)
    }

    fn child(&self, path: Path, pick: impl Fn(&Node) -> Option<&Node>) -> Option<At<'a>> {
        let node = match &self.node {
            Cow::Borrowed(node) => Cow::Borrowed(pick(node)?),
            Cow::Owned(node) => Cow::Owned(pick(node)?.clone()),
        };
        Some(At { file: self.file, document: self.document, path, node })
    }

    /// The value of a key, whatever it is.
    pub(super) fn key(&self, key: &str) -> Option<At<'a>> {
        self.child(self.path.clone().key(key), |node| node.get(key))
    }

    /// The value at the end of several keys.
    pub(super) fn keys(&self, keys: &[&str]) -> Option<At<'a>> {
        keys.iter().try_fold(self.clone(), |at, key| at.key(key))
    }

    /// The value at the end of a path, seen from here.
    pub(super) fn along(&self, path: &Path) -> Option<At<'a>> {
        path.steps().iter().try_fold(self.clone(), |at, step| match step {
            Step::Key(key) => at.key(key),
            Step::Index(place) => at.items().into_iter().nth(*place),
            Step::Select { key, value } => {
                at.items_by(key).into_iter().find(|item| item.text_of(key).as_ref() == Some(value))
            }
            Step::Inside(format) => at.inside(*format),
        })
    }

    /// The text that a value is, read as `format`; nothing where it is not one document of it.
    pub(super) fn inside(&self, format: Format) -> Option<At<'a>> {
        let node = parsed(self.text()?, format)?;
        Some(At {
            file: self.file,
            document: self.document,
            path: self.path.clone().inside(format),
            node: Cow::Owned(node),
        })
    }

    /// A whole file of another kind than YAML.
    pub(super) fn whole(file: &'a SourceFile, format: Format) -> Option<At<'a>> {
        let node = parsed(&file.text, format)?;
        let path = if format == Format::Properties { Path::root().inside(format) } else { Path::root() };
        Some(At { file, document: 0, path, node: Cow::Owned(node) })
    }

    /// Every entry of a mapping, with its key.
    pub(super) fn entries(&self) -> Vec<(String, At<'a>)> {
        let keys = self.node.entries().iter().map(|(key, _)| key.clone());
        keys.filter_map(|key| self.key(&key).map(|at| (key, at))).collect()
    }

    /// Every item of a list, by its place.
    pub(super) fn items(&self) -> Vec<At<'a>> {
        let count = self.node.items().len();
        (0..count)
            .filter_map(|place| self.child(self.path.clone().index(place), |node| node.items().get(place)))
            .collect()
    }

    /// Every item of a list, by the text of `key` where that tells it apart, by its place elsewhere.
    pub(super) fn items_by(&self, key: &str) -> Vec<At<'a>> {
        let name = |node: &Node| node.get(key).and_then(Node::as_str).map(str::to_owned);
        let names: Vec<Option<String>> = self.node.items().iter().map(name).collect();
        let mut items = self.items();
        for (item, name) in items.iter_mut().zip(&names) {
            if let Some(name) =
                name.as_ref().filter(|name| names.iter().flatten().filter(|one| one == name).count() == 1)
            {
                item.path = self.path.clone().select(key, name);
            }
        }
        items
    }

    /// The text of a value.
    pub(super) fn text(&self) -> Option<&str> {
        self.node.as_str()
    }

    /// The text of a key's value.
    pub(super) fn text_of(&self, key: &str) -> Option<String> {
        self.node.get(key).and_then(Node::as_str).map(str::to_owned)
    }

    /// A single value as people write it; nothing for nothing.
    pub(super) fn shown(&self) -> Option<String> {
        self.node.scalar().and_then(super::plan::fact).map(|value| super::plan::shown(&value))
    }

    /// `metadata.name`.
    pub(super) fn name(&self) -> String {
        self.keys(&["metadata", "name"]).and_then(|name| name.text().map(str::to_owned)).unwrap_or_default()
    }

    /// `kind`.
    pub(super) fn kind(&self) -> String {
        self.text_of("kind").unwrap_or_default()
    }

    /// `apiVersion`.
    pub(super) fn api(&self) -> String {
        self.text_of("apiVersion").unwrap_or_default()
    }
}

/// A text as one tree.
fn parsed(text: &str, format: Format) -> Option<Node> {
    match format {
        Format::Yaml | Format::Json => {
            let mut documents = yaml::tree(text).ok()?;
            let first = documents.pop().filter(|_| documents.is_empty());
            first.filter(|node| !node.entries().is_empty() || !node.items().is_empty())
        }
        Format::Properties => {
            let line = |(key, value, line): (&str, &str, usize)| {
                let value = Scalar::String(value.to_owned());
                (key.to_owned(), Node::Scalar { value, span: 0..0, line })
            };
            let entries: Vec<_> = plain::entries(text).into_iter().map(line).collect();
            (!entries.is_empty()).then_some(Node::Mapping { entries, line: 1 })
        }
    }
}
