//! Why a file is not edited. A refusal names the line where it can and ends with what to do; nothing was changed.

use super::{document::Document, path::Path};

/// What stands at a place of a file, in the words of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `key: value` pairs.
    Mapping,
    /// A list.
    Sequence,
    /// One value.
    Scalar,
    /// Nothing: `null`, `~` or empty.
    Null,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mapping => "a mapping",
            Self::Sequence => "a list",
            Self::Scalar => "a single value",
            Self::Null => "empty",
        })
    }
}

/// Why a value was neither read nor set. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file is not YAML.
    #[error("line {line}, column {column}: the file does not parse: {words}")]
    DoesNotParse {
        /// Where the parser stopped.
        line: usize,
        /// Where the parser stopped, in characters from 1.
        column: usize,
        /// The parser's words.
        words: String,
    },
    /// A Helm or Go template stands where a value should, or keeps the file from parsing.
    #[error("line {line}: the file holds a template, `{{{{`, here")]
    Template {
        /// Where.
        line: usize,
    },
    /// Collections inside collections beyond any use.
    #[error("line {line}: collections lie more than {limit} deep in each other")]
    TooDeep {
        /// Where the limit was passed.
        line: usize,
        /// The limit.
        limit: usize,
    },
    /// The file has no such document.
    #[error("the file has no document `{document}`; there is {}", listed(there))]
    DocumentNotFound {
        /// What was asked for.
        document: Document,
        /// Up to five documents that are there.
        there: Vec<String>,
    },
    /// Several documents have that kind and name.
    #[error("{} documents are `{document}`, on lines {}", lines.len(), numbers(lines))]
    DocumentAmbiguous {
        /// What was asked for.
        document: Document,
        /// Where they start.
        lines: Vec<usize>,
    },
    /// A step of the path leads nowhere.
    #[error("line {line}: {here} has no `{step}`; there is {}", listed(there), here = called(at))]
    NotFound {
        /// The path up to the step.
        at: Path,
        /// The step.
        step: String,
        /// Where that mapping or list starts.
        line: usize,
        /// Up to five keys or items that are there.
        there: Vec<String>,
    },
    /// Something else stands there.
    #[error("line {line}: {here} is {found}, not {expected}", here = called(at))]
    WrongKind {
        /// The path of what stands there.
        at: Path,
        /// What stands there.
        found: Kind,
        /// What the path or the value asks for.
        expected: Kind,
        /// Where.
        line: usize,
    },
    /// Several items of a list fit `[key=value]`.
    #[error("{} items of {here} fit `{step}`, on lines {}", lines.len(), numbers(lines), here = called(at))]
    Ambiguous {
        /// The path of the list.
        at: Path,
        /// The step.
        step: String,
        /// Where they start.
        lines: Vec<usize>,
    },
    /// A key on the way stands more than once in its mapping.
    #[error("the key `{key}` of {here} stands {} times, on lines {}", lines.len(), numbers(lines), here = called(at))]
    DuplicateKey {
        /// The path of the mapping.
        at: Path,
        /// The key.
        key: String,
        /// Where.
        lines: Vec<usize>,
    },
    /// The way or the value is an alias.
    #[error("line {line}: {here} is an alias (`*`) of something defined elsewhere", here = called(at))]
    Alias {
        /// The path of the alias.
        at: Path,
        /// Where.
        line: usize,
    },
    /// A mapping or list on the way is used again elsewhere through its anchor.
    #[error(
        "line {line}: {here} has an anchor (`&`) that line {used} uses again, so a change here changes that too",
        here = called(at)
    )]
    Shared {
        /// The path of the anchored mapping or list.
        at: Path,
        /// Where it starts.
        line: usize,
        /// Where its first alias stands.
        used: usize,
    },
    /// The key is not in the mapping itself, but may come from a merge key.
    #[error("line {line}: `{key}` is not in {here} itself, but may come from its `<<`", here = called(at))]
    Merged {
        /// The path of the mapping.
        at: Path,
        /// The key.
        key: String,
        /// Where `<<` stands.
        line: usize,
    },
    /// The value carries an anchor.
    #[error(
        "line {line}: the value of {here} has an anchor (`&`), by which other places may use it",
        here = called(at)
    )]
    Anchor {
        /// The path of the value.
        at: Path,
        /// Where.
        line: usize,
    },
    /// The value carries a tag.
    #[error("line {line}: the value of {here} has the tag `{tag}`", here = called(at))]
    Tag {
        /// The path of the value.
        at: Path,
        /// The tag, resolved.
        tag: String,
        /// Where.
        line: usize,
    },
    /// The value is a `|` or `>` block.
    #[error("line {line}: the value of {here} is a text block (`|` or `>`)", here = called(at))]
    BlockScalar {
        /// The path of the value.
        at: Path,
        /// Where.
        line: usize,
    },
    /// A comment on the line of the value or of a key on the way locks it.
    #[error("line {line}: {here} is locked by the comment `# leverframe: locked`", here = called(at))]
    Locked {
        /// The path of the value.
        at: Path,
        /// Where the comment stands.
        line: usize,
    },
    /// Null, or a number that cannot be written.
    #[error("`{value}` cannot be set as a value")]
    NotAValue {
        /// What was given.
        value: String,
    },
    /// Two assignments of one call set the same place.
    #[error("{here} is set twice in one change", here = called(at))]
    SetTwice {
        /// The path of the second.
        at: Path,
    },
    /// The place is of a form that cannot be written into with certainty.
    #[error(
        "line {line}: {here} is written in a form that cannot be edited without touching its neighbours",
        here = called(at)
    )]
    NoPlace {
        /// The path of the value.
        at: Path,
        /// Where.
        line: usize,
    },
    /// Something is to be inserted where something stands already.
    #[error("line {line}: {here} is there already", here = called(at))]
    AlreadyThere {
        /// Its path.
        at: Path,
        /// Where.
        line: usize,
    },
    /// A path steps into a value that is no text whose inner bytes can be edited exactly.
    #[error("line {line}: {here} is {found}, into which no path can step", here = called(at))]
    NotAText {
        /// The path of the value.
        at: Path,
        /// What stands there.
        found: &'static str,
        /// Where.
        line: usize,
    },
    /// The text inside a value refuses the edit. Lines are those of the file.
    #[error("in the text at `{at}` (line {line}): {inner}")]
    Inside {
        /// The path of the text, its format as the last step.
        at: Path,
        /// Where the text starts.
        line: usize,
        /// Why, with paths from the root of that text.
        inner: Box<Refusal>,
    },
    /// The edited text did not prove to be the old one with the wanted values. A safety net; nothing was changed.
    #[error("{}the edit could not be proven exact ({why}); nothing was changed", place(*line))]
    NotProven {
        /// Which proof failed.
        why: &'static str,
        /// The line of the first edit.
        line: Option<usize>,
    },
}

impl Refusal {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::DoesNotParse { .. } => "Correct the file in git so that it is valid YAML.",
            Self::Template { .. } => {
                "Change the template by hand in git, or bind the field to the values file that fills it."
            }
            Self::TooDeep { .. } => "Change this file by hand in git.",
            Self::DocumentNotFound { .. } => "Name a document that is there, by its place from 0 or as `Kind/name`.",
            Self::DocumentAmbiguous { .. } => "Name the document by its place from 0.",
            Self::NotFound { .. } => "Correct the path, or add the value by hand in git.",
            Self::WrongKind { .. } => {
                "Correct the path so that every step fits what stands there and the last one is a single value."
            }
            Self::Ambiguous { .. } => "Use a key whose value only one item has, or the place of the item, like `[0]`.",
            Self::DuplicateKey { .. } => "Remove all but one of them by hand in git.",
            Self::Alias { .. } => "Set the value where its anchor stands, or write it out here by hand in git.",
            Self::Shared { .. } => "Change it by hand in git, or write the value out where the alias stands.",
            Self::Merged { .. } => "Set the value where it is defined, or add the key here by hand in git.",
            Self::Anchor { .. } => "Change it by hand in git, or remove the anchor.",
            Self::Tag { .. } => "Change it by hand in git, or remove the tag.",
            Self::BlockScalar { .. } => "Change it by hand in git, or write the value on one line.",
            Self::Locked { .. } => "Change it by hand in git, or ask whoever wrote the comment to remove it.",
            Self::NotAValue { .. } => "Give a text, a number, `true` or `false`.",
            Self::SetTwice { .. } => "Set each value once.",
            Self::NoPlace { .. } => "Change it by hand in git, or write it in the plain form `key: value`.",
            Self::AlreadyThere { .. } => "Set the value that is there, or remove it first.",
            Self::NotAText { .. } => "Change it by hand in git, or write the text as a `|` block.",
            Self::Inside { inner, .. } => return inner.remedy(),
            Self::NotProven { .. } => "Change it by hand in git, and report the file as a defect.",
        }
        .to_owned()
    }

    /// A stable word for the kind of refusal, for counting; of a refusal inside a text, that of the inner one.
    pub fn word(&self) -> &'static str {
        match self {
            Self::DoesNotParse { .. } => "does-not-parse",
            Self::Template { .. } => "template",
            Self::TooDeep { .. } => "too-deep",
            Self::DocumentNotFound { .. } => "document-not-found",
            Self::DocumentAmbiguous { .. } => "document-ambiguous",
            Self::NotFound { .. } => "not-found",
            Self::WrongKind { .. } => "wrong-kind",
            Self::Ambiguous { .. } => "ambiguous",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::Alias { .. } => "alias",
            Self::Shared { .. } => "shared",
            Self::Merged { .. } => "merged",
            Self::Anchor { .. } => "anchor",
            Self::Tag { .. } => "tag",
            Self::BlockScalar { .. } => "block-scalar",
            Self::Locked { .. } => "locked",
            Self::NotAValue { .. } => "not-a-value",
            Self::SetTwice { .. } => "set-twice",
            Self::NoPlace { .. } => "no-place",
            Self::AlreadyThere { .. } => "already-there",
            Self::NotAText { .. } => "not-a-text",
            Self::Inside { inner, .. } => inner.word(),
            Self::NotProven { .. } => "not-proven",
        }
    }

    /// The line it is about, where one is known.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::DoesNotParse { line, .. }
            | Self::Template { line }
            | Self::TooDeep { line, .. }
            | Self::NotFound { line, .. }
            | Self::WrongKind { line, .. }
            | Self::Alias { line, .. }
            | Self::Shared { line, .. }
            | Self::Merged { line, .. }
            | Self::Anchor { line, .. }
            | Self::Tag { line, .. }
            | Self::BlockScalar { line, .. }
            | Self::Locked { line, .. }
            | Self::NoPlace { line, .. }
            | Self::AlreadyThere { line, .. }
            | Self::NotAText { line, .. } => Some(*line),
            Self::Inside { line, inner, .. } => Some(inner.line().unwrap_or(*line)),
            Self::DocumentAmbiguous { lines, .. }
            | Self::Ambiguous { lines, .. }
            | Self::DuplicateKey { lines, .. } => lines.first().copied(),
            Self::NotProven { line, .. } => *line,
            Self::DocumentNotFound { .. } | Self::NotAValue { .. } | Self::SetTwice { .. } => None,
        }
    }
}

impl Refusal {
    /// The same with its lines, which were those of a text inside a file, as lines of the file.
    pub(super) fn told(mut self, of_file: &dyn Fn(usize) -> usize) -> Self {
        let tell = |line: &mut usize| *line = of_file(*line);
        match &mut self {
            Self::DoesNotParse { line, .. }
            | Self::Template { line }
            | Self::TooDeep { line, .. }
            | Self::NotFound { line, .. }
            | Self::WrongKind { line, .. }
            | Self::Alias { line, .. }
            | Self::Merged { line, .. }
            | Self::Anchor { line, .. }
            | Self::Tag { line, .. }
            | Self::BlockScalar { line, .. }
            | Self::Locked { line, .. }
            | Self::NoPlace { line, .. }
            | Self::AlreadyThere { line, .. }
            | Self::NotAText { line, .. } => tell(line),
            Self::Shared { line, used, .. } => [line, used].into_iter().for_each(tell),
            Self::DocumentAmbiguous { lines, .. }
            | Self::Ambiguous { lines, .. }
            | Self::DuplicateKey { lines, .. } => lines.iter_mut().for_each(tell),
            Self::NotProven { line, .. } => line.iter_mut().for_each(tell),
            Self::Inside { at, line, inner } => {
                let inner = Box::new(inner.as_ref().clone().told(of_file));
                return Self::Inside { at: at.clone(), line: of_file(*line), inner };
            }
            Self::DocumentNotFound { .. } | Self::NotAValue { .. } | Self::SetTwice { .. } => {}
        }
        self
    }
}

/// How many things a refusal lists at most.
pub(super) const LISTED: usize = 5;

fn listed(things: &[String]) -> String {
    if things.is_empty() {
        return "nothing".to_owned();
    }
    things.iter().map(|thing| format!("`{thing}`")).collect::<Vec<_>>().join(", ")
}

/// A path in a sentence.
fn called(path: &Path) -> String {
    if path.steps().is_empty() { "the document".to_owned() } else { format!("`{path}`") }
}

fn numbers(lines: &[usize]) -> String {
    let shown: Vec<_> = lines.iter().take(LISTED).map(ToString::to_string).collect();
    shown.join(", ") + if lines.len() > LISTED { " and more" } else { "" }
}

fn place(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind; the compiler does not count, so a new kind goes here, too.
    fn every() -> Vec<Refusal> {
        let at = || Path::root().key("image").key("tag");
        let (line, document) = (3, || Document::Named { kind: "Deployment".into(), name: "app".into() });
        vec![
            Refusal::DoesNotParse { line, column: 7, words: "the parser's words".into() },
            Refusal::Template { line },
            Refusal::TooDeep { line, limit: 128 },
            Refusal::DocumentNotFound { document: document(), there: vec!["0 Service/app".into()] },
            Refusal::DocumentAmbiguous { document: document(), lines: vec![1, 9] },
            Refusal::NotFound { at: Path::root(), step: "tga".into(), line, there: vec!["tag".into(), "name".into()] },
            Refusal::WrongKind { at: at(), found: Kind::Null, expected: Kind::Mapping, line },
            Refusal::Ambiguous { at: at(), step: "[name=app]".into(), lines: vec![1, 2, 3, 4, 5, 6] },
            Refusal::DuplicateKey { at: at(), key: "tag".into(), lines: vec![1, 2] },
            Refusal::Alias { at: at(), line },
            Refusal::Shared { at: at(), line, used: 9 },
            Refusal::Merged { at: at(), key: "tag".into(), line },
            Refusal::Anchor { at: at(), line },
            Refusal::Tag { at: at(), tag: "!mine".into(), line },
            Refusal::BlockScalar { at: at(), line },
            Refusal::Locked { at: at(), line },
            Refusal::NotAValue { value: "null".into() },
            Refusal::SetTwice { at: at() },
            Refusal::NoPlace { at: at(), line },
            Refusal::AlreadyThere { at: at(), line },
            Refusal::NotAText { at: at(), found: "a folded block (`>`)", line },
            Refusal::Inside {
                at: at().inside(super::super::format::Format::Yaml),
                line,
                inner: Box::new(Refusal::NotAText { at: at(), found: "x", line }),
            },
            Refusal::NotProven { why: "another node differs", line: Some(line) },
        ]
    }

    #[test]
    fn every_refusal_has_its_remedy() {
        let shown = every().iter().map(|refusal| format!("{refusal}. {}\n", refusal.remedy())).collect::<String>();
        let words: std::collections::BTreeSet<_> = every().iter().map(Refusal::word).collect();
        // A refusal inside a text has the word of the inner one.
        assert_eq!(words.len(), every().len() - 1);
        insta::assert_snapshot!(shown, @r"
        line 3, column 7: the file does not parse: the parser's words. Correct the file in git so that it is valid YAML.
        line 3: the file holds a template, `{{`, here. Change the template by hand in git, or bind the field to the values file that fills it.
        line 3: collections lie more than 128 deep in each other. Change this file by hand in git.
        the file has no document `Deployment/app`; there is `0 Service/app`. Name a document that is there, by its place from 0 or as `Kind/name`.
        2 documents are `Deployment/app`, on lines 1, 9. Name the document by its place from 0.
        line 3: the document has no `tga`; there is `tag`, `name`. Correct the path, or add the value by hand in git.
        line 3: `image.tag` is empty, not a mapping. Correct the path so that every step fits what stands there and the last one is a single value.
        6 items of `image.tag` fit `[name=app]`, on lines 1, 2, 3, 4, 5 and more. Use a key whose value only one item has, or the place of the item, like `[0]`.
        the key `tag` of `image.tag` stands 2 times, on lines 1, 2. Remove all but one of them by hand in git.
        line 3: `image.tag` is an alias (`*`) of something defined elsewhere. Set the value where its anchor stands, or write it out here by hand in git.
        line 3: `image.tag` has an anchor (`&`) that line 9 uses again, so a change here changes that too. Change it by hand in git, or write the value out where the alias stands.
        line 3: `tag` is not in `image.tag` itself, but may come from its `<<`. Set the value where it is defined, or add the key here by hand in git.
        line 3: the value of `image.tag` has an anchor (`&`), by which other places may use it. Change it by hand in git, or remove the anchor.
        line 3: the value of `image.tag` has the tag `!mine`. Change it by hand in git, or remove the tag.
        line 3: the value of `image.tag` is a text block (`|` or `>`). Change it by hand in git, or write the value on one line.
        line 3: `image.tag` is locked by the comment `# leverframe: locked`. Change it by hand in git, or ask whoever wrote the comment to remove it.
        `null` cannot be set as a value. Give a text, a number, `true` or `false`.
        `image.tag` is set twice in one change. Set each value once.
        line 3: `image.tag` is written in a form that cannot be edited without touching its neighbours. Change it by hand in git, or write it in the plain form `key: value`.
        line 3: `image.tag` is there already. Set the value that is there, or remove it first.
        line 3: `image.tag` is a folded block (`>`), into which no path can step. Change it by hand in git, or write the text as a `|` block.
        in the text at `image.tag|yaml` (line 3): line 3: `image.tag` is x, into which no path can step. Change it by hand in git, or write the text as a `|` block.
        line 3: the edit could not be proven exact (another node differs); nothing was changed. Change it by hand in git, and report the file as a defect.
        ");
    }
}
