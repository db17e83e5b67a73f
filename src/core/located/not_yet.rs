//! Keys that are read and checked but whose feature is not there yet, as a table: to support one is to remove its row.

use super::{
    problem::Notice,
    tree::{Node, Value},
};

/// A row: which key, with which value, and what to say of it.
#[derive(Debug, Clone, Copy)]
pub struct NotYet {
    /// The keys that lead to it with dots between; `*` stands for any key and for any item of a list.
    pub key: &'static str,
    /// With which value.
    pub when: When,
    /// What is not supported, as the subject that opens a sentence: "Slack over a socket".
    pub what: &'static str,
}

/// The value that makes a row apply.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// Whatever it is.
    Given,
    /// This word (or `true`).
    Is(&'static str),
    /// A text that begins like this.
    StartsWith(&'static str),
}

impl When {
    fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Given, _) => true,
            (Self::Is(word), Value::Text(text, _)) => word == text,
            (Self::Is(word), Value::Flag(flag)) => word == flag.to_string(),
            (Self::StartsWith(start), Value::Text(text, _)) => text.starts_with(start),
            (Self::Is(_) | Self::StartsWith(_), _) => false,
        }
    }
}

/// Which rows of `table` apply to the file, by line.
pub fn not_supported_yet(root: &Node, table: &[NotYet]) -> Vec<Notice> {
    let mut notices = Vec::new();
    for row in table {
        let steps: Vec<&str> = row.key.split('.').collect();
        visit(root, &steps, &mut |node| {
            if row.when.fits(&node.value) {
                let words = format!("{} is not supported yet; this key has no effect.", row.what);
                notices.push(Notice { line: node.key_place.line, key: node.key.clone(), words });
            }
        });
    }
    notices.sort();
    notices.dedup();
    notices
}

/// Calls `found` for every node that the steps lead to.
fn visit(node: &Node, steps: &[&str], found: &mut dyn FnMut(&Node)) {
    let Some((first, rest)) = steps.split_first() else {
        return found(node);
    };
    if let Value::Map(entries) = &node.value {
        let fitting = entries.iter().filter(|(key, _)| *first == "*" || *first == key.text);
        fitting.for_each(|(_, child)| visit(child, rest, found));
    }
    if let (Value::List(items), "*") = (&node.value, *first) {
        items.iter().for_each(|item| visit(item, rest, found));
    }
}
