//! A light tree of a file for those who look for something in it, also where a strict reader gives up
//! (duplicate keys, unknown tags).

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::{
    scalar::Scalar,
    stream::{Content, Stream},
};

/// One node. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// The entries in the order of the file, keys that stand twice included. An entry whose key is no single value
    /// is left out; a key that is an alias has the text it stands for.
    Mapping {
        /// Text of the key, and the value.
        entries: Vec<(String, Node)>,
        /// Where it starts.
        line: usize,
    },
    /// A list.
    Sequence {
        /// Its items.
        items: Vec<Node>,
        /// Where it starts.
        line: usize,
    },
    /// A single value. With a tag of its own it is text.
    Scalar {
        /// The value.
        value: Scalar,
        /// Its bytes in the file, quotes included; empty for nothing.
        span: Range<usize>,
        /// Where it starts.
        line: usize,
    },
    /// A reference to something defined elsewhere.
    Alias {
        /// Where it stands.
        line: usize,
    },
}

impl Node {
    /// The value of the first entry with this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[(String, Node)] {
        match self {
            Self::Mapping { entries, .. } => entries,
            Self::Sequence { .. } | Self::Scalar { .. } | Self::Alias { .. } => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        match self {
            Self::Sequence { items, .. } => items,
            Self::Mapping { .. } | Self::Scalar { .. } | Self::Alias { .. } => &[],
        }
    }

    /// The value, if it is a single one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar { value, .. } => Some(value),
            Self::Mapping { .. } | Self::Sequence { .. } | Self::Alias { .. } => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        self.scalar().and_then(Scalar::as_str)
    }

    /// Where it starts.
    pub fn line(&self) -> usize {
        match self {
            Self::Mapping { line, .. }
            | Self::Sequence { line, .. }
            | Self::Scalar { line, .. }
            | Self::Alias { line } => *line,
        }
    }
}

impl Stream<'_> {
    /// One tree per document, empty documents included.
    pub fn tree(&self) -> Vec<Node> {
        self.roots.iter().map(|root| self.node(root.item)).collect()
    }

    /// Recurses at most `DEPTH` deep, which parsing made sure of.
    fn node(&self, index: usize) -> Node {
        let line = self.line(index);
        let Some(item) = self.items.get(index) else { return Node::Alias { line } };
        match &item.content {
            Content::Alias(_) => Node::Alias { line },
            Content::Sequence(_) => {
                Node::Sequence { items: self.children(index).map(|child| self.node(child)).collect(), line }
            }
            Content::Mapping(_) => {
                let entry = |(key, value)| Some((self.scalar_text(key)?.to_owned(), self.node(value)));
                Node::Mapping { entries: self.entries(index).filter_map(entry).collect(), line }
            }
            Content::Scalar(text, style) => {
                let plain = *style == ScalarStyle::Plain && item.tag.is_none();
                let value = if plain { Scalar::of_plain(text) } else { Scalar::String(text.clone().into_owned()) };
                Node::Scalar { value, span: item.span.clone(), line }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_reads_what_strict_readers_refuse() {
        let text = "kind: Kustomization\nimages:\n- name: app\n  newTag: 1.10\n- name: b\n  name: c\nx: !Y 1\ny: &a z\n? [q]\n: r\n*a : w\n---\n";
        let documents = Stream::parse(text).unwrap().tree();
        assert_eq!(documents.len(), 2);
        let root = &documents[0];
        assert_eq!(root.get("kind").and_then(Node::as_str), Some("Kustomization"));
        let images = root.get("images").unwrap();
        let names: Vec<_> = images.items().iter().filter_map(|image| image.get("name")?.as_str()).collect();
        assert_eq!(names, ["app", "b"]);
        assert_eq!(images.items()[1].entries().len(), 2);
        let tag = images.items()[0].get("newTag").unwrap();
        assert_eq!((tag.scalar(), tag.line()), (Some(&Scalar::Float("1.10".into())), 4));
        assert_eq!(root.get("x").and_then(Node::as_str), Some("1"));
        assert_eq!(root.get("z").and_then(Node::as_str), Some("w"));
        assert_eq!(root.entries().len(), 5);
        assert_eq!(documents[1].scalar(), Some(&Scalar::Null));
    }
}
