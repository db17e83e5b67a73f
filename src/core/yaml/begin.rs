//! The first entry of a file that has no document: an empty one, or one of comments alone, as a values file is that
//! overrides nothing yet.

use super::{
    document::Document,
    format::Format,
    layout::is_blank_or_comment,
    literal::Literal,
    path::{Path, Step},
    plan::{Change, Splice},
    refusal::Refusal,
    stream::Stream,
};

/// The collection that is not there: the root of the document that begins.
pub(super) const NOWHERE: usize = usize::MAX;

impl Stream<'_> {
    /// Whether the first entry would begin the document that `document` means.
    pub(super) fn is_bare(&self, document: &Document) -> bool {
        let text = self.text.trim_start_matches('\u{feff}');
        *document == Document::Index(0)
            && self.roots.is_empty()
            && self.format == Format::Yaml
            && text.lines().all(is_blank_or_comment)
    }

    /// Puts `value` at `path` into a file without a document, below its comments.
    pub(super) fn begin(&self, path: &Path, value: Literal) -> Result<Splice, Refusal> {
        let end = self.text.len();
        let line = self.text.lines().count().max(1);
        if let Some(line) = self.locks.first() {
            return Err(Refusal::Locked { at: path.clone(), line: *line });
        }
        let later = path.steps().iter().any(|step| matches!(step, Step::Index(place) if *place > 0));
        if later || !matches!(path.steps().first(), Some(Step::Key(_))) {
            return Err(Refusal::NoPlace { at: path.clone(), line });
        }
        let value = value.beneath(path.steps())?;
        let hand = self.hand(NOWHERE, end, &value);
        let lines = hand.lines(&value, 0);
        let wrap = self.line_break(end);
        let starts_line = self.text.trim_start_matches('\u{feff}').is_empty() || self.text.ends_with('\n');
        let text = if starts_line { lines.strip_prefix(wrap).unwrap_or(&lines) } else { &lines };
        Ok(Splice {
            range: end..end,
            text: format!("{text}{wrap}"),
            change: Change::Added { collection: NOWHERE, key: None },
            value,
            old: None,
            line,
            depth: 0,
            document: 0,
            places: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::core::yaml::{Assignment, Document, Literal, Operation, Path, Scalar, edit};

    fn check(text: &str, path: &str, value: i128, expected: Result<&str, &str>) {
        let path = Path::parse(path).unwrap();
        let set = Assignment::new(Document::default(), path, Scalar::Integer(value)).building();
        let edited = edit(text, &[set.into()]);
        assert_eq!(edited.as_ref().map(|edited| edited.text.as_str()).map_err(|refusal| refusal.word()), expected);
    }

    #[test]
    fn a_file_without_a_document_gets_its_first_entry() {
        check("", "replicas", 3, Ok("replicas: 3\n"));
        check("\u{feff}", "a", 3, Ok("\u{feff}a: 3\n"));
        check("# nothing yet", "a.b", 3, Ok("# nothing yet\na:\n  b: 3\n"));
        check("# nothing yet\r\n\r\n", "a", 3, Ok("# nothing yet\r\n\r\na: 3\r\n"));
        check("# leverframe: locked\n", "a", 3, Err("locked"));
        check("", "[0]", 3, Err("document-not-found"));
        check("---\n# nothing\n", "a", 3, Ok("---\na: 3\n# nothing\n"));
        check("...\n", "a", 3, Err("document-not-found"));
    }

    #[test]
    fn several_go_into_one_document() {
        let one = |path: &str| Operation::Insert {
            document: Document::default(),
            path: Path::parse(path).unwrap(),
            value: Literal::Scalar(Scalar::String("on".to_owned())),
        };
        let edited = edit("# c\n", &[one("images[name=a].newTag"), one("b")]);
        assert_eq!(edited.unwrap().text, "# c\nimages:\n- name: a\n  newTag: \"on\"\nb: \"on\"\n");
    }
}
