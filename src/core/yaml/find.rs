//! Following a path through a parsed file. It looks at the way and at nothing else, so that what stands in other
//! places of the file (anchors, duplicates, tags) never stops it.

use granit_parser::{ScalarStyle, StructureStyle};

use super::{
    document::Document,
    path::{Path, Step},
    refusal::{Kind, LISTED, Refusal},
    stream::{Content, Root, Stream},
};

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Way {
    /// The place of the document among all.
    pub(super) document: usize,
    /// The collections gone through, from the root, by index.
    pub(super) through: Vec<usize>,
    /// The keys gone through, by index.
    pub(super) keys: Vec<usize>,
    /// The place of each step among its siblings (pairs, for a mapping): the same way for another reader.
    pub(super) places: Vec<usize>,
    /// What is at the end.
    pub(super) end: End,
}

/// What is at the end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// A node, by index.
    Item(usize),
    /// The collection, by index, in which the step after the first `taken` finds nothing; or nothing at all, in which
    /// no step finds anything.
    Missing { parent: usize, taken: usize },
}

/// What a step found.
enum Found {
    Child { key: Option<usize>, item: usize, place: usize },
    Missing,
}

impl Stream<'_> {
    /// Follows `path` in `document` as far as it leads.
    pub(super) fn find(&self, document: &Document, path: &Path) -> Result<Way, Refusal> {
        let (document, root) = self.root(document)?;
        let (through, keys, places) = (Vec::new(), Vec::new(), Vec::new());
        let mut way = Way { document, through, keys, places, end: End::Item(root.item) };
        let mut current = root.item;
        for (count, step) in path.steps().iter().enumerate() {
            let at = Spot { stream: self, path, count, item: current };
            at.passable()?;
            way.through.push(current);
            match at.down(step)? {
                Found::Child { key, item, place } => {
                    way.keys.extend(key);
                    way.places.push(place);
                    way.end = End::Item(item);
                    current = item;
                }
                Found::Missing => {
                    way.end = End::Missing { parent: current, taken: count };
                    return Ok(way);
                }
            }
        }
        Ok(way)
    }

    /// Why `path` does not lead on from `parent`, to which its first `taken` steps lead.
    pub(super) fn no_way(&self, parent: usize, taken: usize, path: &Path) -> Refusal {
        let at = Spot { stream: self, path, count: taken, item: parent };
        match (path.steps().get(taken), self.kind(parent)) {
            (Some(step), Kind::Mapping | Kind::Sequence) => at.not_found(step),
            (Some(step), found @ (Kind::Scalar | Kind::Null)) => at.wrong_kind(found, expected_by(step)),
            (None, _) => Refusal::NoPlace { at: path.clone(), line: self.line(parent) },
        }
    }

    /// What stands at a node, for messages.
    pub(super) fn kind(&self, item: usize) -> Kind {
        match self.items.get(item).map(|item| (&item.content, &item.tag)) {
            Some((Content::Mapping(_), _)) => Kind::Mapping,
            Some((Content::Sequence(_), _)) => Kind::Sequence,
            Some((Content::Scalar(text, ScalarStyle::Plain), None)) if is_null(text) => Kind::Null,
            Some((Content::Scalar(..) | Content::Alias(_), _)) | None => Kind::Scalar,
        }
    }

    /// Whether `{{ ... }}` stands at a node: to YAML a mapping in a mapping, or part of a text.
    pub(super) fn is_template(&self, item: usize) -> bool {
        match self.items.get(item).map(|item| &item.content) {
            Some(Content::Scalar(..)) => self.raw(item).contains("{{"),
            Some(Content::Mapping(StructureStyle::Flow)) => self.raw(item).starts_with("{{"),
            Some(Content::Mapping(StructureStyle::Block) | Content::Sequence(_) | Content::Alias(_)) | None => false,
        }
    }

    fn root(&self, document: &Document) -> Result<(usize, Root), Refusal> {
        let missing = || Refusal::DocumentNotFound { document: document.clone(), there: self.documents() };
        match document {
            Document::Index(index) => Ok((*index, *self.roots.get(*index).ok_or_else(missing)?)),
            Document::Named { kind, name } => {
                let fits = |root: &Root| {
                    let metadata = self.values(root.item, "metadata");
                    self.values(root.item, "kind").iter().any(|item| self.scalar_text(*item) == Some(kind))
                        && metadata.iter().any(|item| self.has(self.resolved(*item), "name", name))
                };
                let hits: Vec<_> = self.roots.iter().enumerate().filter(|(_, root)| fits(root)).collect();
                match hits.as_slice() {
                    [] => Err(missing()),
                    [(index, root)] => Ok((*index, **root)),
                    _ => {
                        let lines = hits.iter().map(|(_, root)| self.line(root.item)).collect();
                        Err(Refusal::DocumentAmbiguous { document: document.clone(), lines })
                    }
                }
            }
        }
    }

    /// The first documents, as `0 Deployment/checkout`.
    fn documents(&self) -> Vec<String> {
        let text = |item: Option<&usize>| item.and_then(|item| self.scalar_text(*item)).unwrap_or("?").to_owned();
        let called = |(index, root): (usize, &Root)| {
            let kinds = self.values(root.item, "kind");
            if kinds.is_empty() {
                return index.to_string();
            }
            let names = self.values(root.item, "metadata").first().map(|item| self.values(*item, "name"));
            format!("{index} {}/{}", text(kinds.first()), text(names.unwrap_or_default().first()))
        };
        self.roots.iter().enumerate().take(LISTED).map(called).collect()
    }

    /// The values of every entry of `mapping` whose key has the text `key`; none if it is no mapping.
    fn values(&self, mapping: usize, key: &str) -> Vec<usize> {
        match self.items.get(mapping).map(|item| &item.content) {
            Some(Content::Mapping(_)) => {
                let fits = |(name, _): &(usize, usize)| self.scalar_text(*name) == Some(key);
                self.entries(mapping).filter(fits).map(|(_, value)| value).collect()
            }
            Some(Content::Scalar(..) | Content::Sequence(_) | Content::Alias(_)) | None => Vec::new(),
        }
    }

    /// Whether `mapping` has an entry whose key and value have these texts.
    fn has(&self, mapping: usize, key: &str, value: &str) -> bool {
        self.values(mapping, key).iter().any(|item| self.scalar_text(*item) == Some(value))
    }
}

/// What a step leads into.
fn expected_by(step: &Step) -> Kind {
    match step {
        Step::Key(_) => Kind::Mapping,
        Step::Index(_) | Step::Select { .. } => Kind::Sequence,
        Step::Inside(_) => Kind::Scalar,
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A node on the way, before the step number `count`.
struct Spot<'s, 't> {
    stream: &'s Stream<'t>,
    path: &'s Path,
    count: usize,
    item: usize,
}

impl Spot<'_, '_> {
    fn at(&self) -> Path {
        self.path.prefix(self.count)
    }

    fn line(&self) -> usize {
        self.stream.line(self.item)
    }

    /// An alias leads elsewhere, and a template is no YAML even where it looks like a mapping.
    fn passable(&self) -> Result<(), Refusal> {
        if let Some(Content::Alias(_)) = self.stream.items.get(self.item).map(|item| &item.content) {
            return Err(Refusal::Alias { at: self.at(), line: self.line() });
        }
        if self.stream.is_template(self.item) {
            return Err(Refusal::Template { line: self.line() });
        }
        Ok(())
    }

    fn down(&self, step: &Step) -> Result<Found, Refusal> {
        let expected = expected_by(step);
        let found = self.stream.kind(self.item);
        if found == Kind::Null {
            return Ok(Found::Missing);
        }
        if found != expected {
            return Err(self.wrong_kind(found, expected));
        }
        match step {
            Step::Key(key) => self.by_key(key),
            Step::Index(place) => self.by_place(step, *place),
            Step::Select { key, value } => self.by_selector(step, key, value),
            // Paths into texts are taken apart before they are followed.
            Step::Inside(_) => Err(Refusal::NoPlace { at: self.at(), line: self.line() }),
        }
    }

    fn wrong_kind(&self, found: Kind, expected: Kind) -> Refusal {
        Refusal::WrongKind { at: self.at(), found, expected, line: self.line() }
    }

    fn by_place(&self, step: &Step, place: usize) -> Result<Found, Refusal> {
        match self.stream.children(self.item).nth(place) {
            Some(item) => Ok(Found::Child { key: None, item, place }),
            None if self.stream.children(self.item).count() == place => Ok(Found::Missing),
            None => Err(self.not_found(step)),
        }
    }

    fn by_key(&self, key: &str) -> Result<Found, Refusal> {
        let stream = self.stream;
        let fits = |(_, (name, _)): &(usize, (usize, usize))| stream.scalar_text(*name) == Some(key);
        let hits: Vec<_> = stream.entries(self.item).enumerate().filter(fits).collect();
        match hits.as_slice() {
            [] => match stream.entries(self.item).find(|(name, _)| self.merges(*name)) {
                Some((merge, _)) => {
                    Err(Refusal::Merged { at: self.at(), key: key.to_owned(), line: stream.line(merge) })
                }
                None => Ok(Found::Missing),
            },
            [(place, (name, item))] => {
                if let Some(Content::Alias(_)) = stream.items.get(*name).map(|name| &name.content) {
                    return Err(Refusal::Alias { at: self.path.prefix(self.count + 1), line: stream.line(*name) });
                }
                Ok(Found::Child { key: Some(*name), item: *item, place: *place })
            }
            _ => {
                let lines = hits.iter().map(|(_, (name, _))| stream.line(*name)).collect();
                Err(Refusal::DuplicateKey { at: self.at(), key: key.to_owned(), lines })
            }
        }
    }

    /// Whether a key is a merge key: `<<` without quotes.
    fn merges(&self, key: usize) -> bool {
        let content = self.stream.items.get(key).map(|key| &key.content);
        matches!(content, Some(Content::Scalar(text, ScalarStyle::Plain)) if text == "<<")
    }

    fn by_selector(&self, step: &Step, key: &str, value: &str) -> Result<Found, Refusal> {
        let stream = self.stream;
        let fits = |(_, item): &(usize, usize)| stream.has(stream.resolved(*item), key, value);
        let hits: Vec<_> = stream.children(self.item).enumerate().filter(fits).collect();
        match hits.as_slice() {
            [] => Ok(Found::Missing),
            [(place, item)] => {
                if stream.values(*item, key).len() > 1 {
                    let twice = stream.entries(*item).filter(|(name, _)| stream.scalar_text(*name) == Some(key));
                    let lines = twice.map(|(name, _)| stream.line(name)).collect();
                    return Err(Refusal::DuplicateKey {
                        at: self.path.prefix(self.count + 1),
                        key: key.to_owned(),
                        lines,
                    });
                }
                Ok(Found::Child { key: None, item: *item, place: *place })
            }
            _ => {
                let lines = hits.iter().map(|(_, item)| stream.line(*item)).collect();
                Err(Refusal::Ambiguous { at: self.at(), step: step.to_string(), lines })
            }
        }
    }

    /// Names the keys there are, or the items by the key they were looked for or by their places.
    fn not_found(&self, step: &Step) -> Refusal {
        let stream = self.stream;
        let item = |(place, item): (usize, usize)| match step {
            Step::Select { key, .. } => {
                let value = stream.values(stream.resolved(item), key).first().copied()?;
                let value = stream.scalar_text(value)?.to_owned();
                Some(Step::Select { key: key.clone(), value }.to_string())
            }
            Step::Key(_) | Step::Index(_) | Step::Inside(_) => Some(Step::Index(place).to_string()),
        };
        if let Step::Key(_) = step {
            let keys = stream.entries(self.item).filter_map(|(name, _)| stream.scalar_text(name));
            let there = keys.take(LISTED).map(str::to_owned).collect();
            return Refusal::NotFound { at: self.at(), step: step.to_string(), line: self.line(), there };
        }
        let there = stream.children(self.item).enumerate().filter_map(item).take(LISTED).collect();
        Refusal::NotFound { at: self.at(), step: step.to_string(), line: self.line(), there }
    }
}
