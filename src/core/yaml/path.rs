//! YAML paths: `spec.template.spec.containers[name=app].image`, `metadata.annotations["a.b/c"]`, `items[0]`.
//! A path is text on cards, in bindings and in digests, so its `Display` is one canonical form that parses back.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::format::Format;

/// One step down into a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a mapping, by the text of a key, whatever type YAML gives it.
    Key(String),
    /// Into a sequence, by place, from 0.
    Index(usize),
    /// Into the one item of a sequence whose `key` has the text `value`.
    Select {
        /// The key looked at in each item.
        key: String,
        /// The text its value must have.
        value: String,
    },
    /// Into the text that a value is.
    Inside(Format),
}

/// The way from the root of a document to one value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(Vec<Step>);

/// Why a text is not a path. `Display` is for people and ends with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column} of the path: {problem}. {}", self.remedy())]
pub struct PathError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: PathProblem,
}

/// What can be wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// A dot without a name after it.
    #[error("a name is missing")]
    NoName,
    /// Something that starts no step.
    #[error("no step can start here")]
    NoStep,
    /// `[` without `]`.
    #[error("`]` is missing")]
    NotClosed,
    /// Quoted text that is not a JSON string.
    #[error("this is not a JSON string")]
    NotJson,
    /// Between brackets stands neither a number, a quoted key nor `key=value`.
    #[error("between `[` and `]` stands neither a number, a quoted key nor `key=value`")]
    NoBracket,
    /// `[key=]`.
    #[error("the value after `=` is missing")]
    NoValue,
    /// `|` without the word of a format after it.
    #[error("after `|` stands none of `yaml`, `json` and `properties`")]
    NoFormat,
}

impl PathError {
    /// What to write instead.
    pub fn remedy(&self) -> String {
        match self.problem {
            PathProblem::NoName => "Write a name of letters, digits, `_` and `-` after the dot, or `[\"any key\"]`.",
            PathProblem::NoStep => "Write `.name`, `[\"any key\"]`, `[0]` or `[key=value]`.",
            PathProblem::NotClosed => "Close the step with `]`.",
            PathProblem::NotJson => "Write the text between double quotes, with `\\\"` and `\\\\` inside it.",
            PathProblem::NoBracket => "Write `[0]`, `[\"any key\"]` or `[name=app]`.",
            PathProblem::NoValue => "Write `[key=value]`, or `[key=\"\"]` for an empty value.",
            PathProblem::NoFormat => "Write `|yaml`, `|json` or `|properties`.",
        }
        .to_owned()
    }
}

impl Path {
    /// The document itself, written `.`.
    pub fn root() -> Self {
        Self::default()
    }

    /// Parses a path. The first dot may be left out; `.` and the empty text are the document itself.
    ///
    /// # Errors
    /// With the column and what to write instead.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut reader = Reader { text, at: 0 };
        let mut steps = Vec::new();
        if matches!(text, "" | ".") {
            return Ok(Self(steps));
        }
        if !text.starts_with(['.', '[', '|']) {
            steps.push(reader.name()?);
        }
        while reader.at < text.len() {
            steps.push(reader.step()?);
        }
        Ok(Self(steps))
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    /// This path and one place in a sequence more, from 0.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// This path and the item of a sequence whose `key` has the text `value`.
    #[must_use]
    pub fn select(mut self, key: &str, value: &str) -> Self {
        self.0.push(Step::Select { key: key.to_owned(), value: value.to_owned() });
        self
    }

    /// This path and the text that stands there, read as `format`.
    #[must_use]
    pub fn inside(mut self, format: Format) -> Self {
        self.0.push(Step::Inside(format));
        self
    }

    /// The steps, from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path of the first `count` steps.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Self {
        Self(self.0.iter().take(count).cloned().collect())
    }

    /// Where this path first steps into a text: the way to that text, its format, and the way in it.
    pub(super) fn split(&self) -> Option<(Self, Format, Self)> {
        self.0.iter().enumerate().find_map(|(place, step)| match step {
            Step::Inside(format) => {
                Some((self.prefix(place), *format, Self(self.0.iter().skip(place + 1).cloned().collect())))
            }
            Step::Key(_) | Step::Index(_) | Step::Select { .. } => None,
        })
    }
}

/// Reads steps off a text, from byte `at` on.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, problem: PathProblem) -> PathError {
        let column = self.text.get(..self.at).unwrap_or_default().chars().count() + 1;
        PathError { column, problem }
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn step(&mut self) -> Result<Step, PathError> {
        if self.take('.') {
            return self.name();
        }
        if self.take('|') {
            let start = self.at;
            let format = Format::of_word(self.run(is_name_character));
            self.at = if format.is_none() { start } else { self.at };
            return format.map(Step::Inside).ok_or_else(|| self.error(PathProblem::NoFormat));
        }
        if self.take('[') { self.bracket() } else { Err(self.error(PathProblem::NoStep)) }
    }

    fn name(&mut self) -> Result<Step, PathError> {
        let name = self.run(is_name_character);
        if name.is_empty() { Err(self.error(PathProblem::NoName)) } else { Ok(Step::Key(name.to_owned())) }
    }

    /// Takes the characters that fit, up to the first that does not.
    fn run(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// What stands after `[`, and the `]`.
    fn bracket(&mut self) -> Result<Step, PathError> {
        let start = self.at;
        let quoted = self.rest().starts_with('"');
        let text = if quoted { self.quoted()? } else { self.run(|c| !matches!(c, '=' | ']')).to_owned() };
        if self.take('=') {
            if text.is_empty() && !quoted {
                self.at = start;
                return Err(self.error(PathProblem::NoBracket));
            }
            let value = self.selected()?;
            return self.closed(Step::Select { key: text, value });
        }
        if quoted {
            return self.closed(Step::Key(text));
        }
        if self.rest().is_empty() {
            return Err(self.error(PathProblem::NotClosed));
        }
        match text.parse() {
            Ok(index) if text.bytes().all(|b| b.is_ascii_digit()) => self.closed(Step::Index(index)),
            Ok(_) | Err(_) => {
                self.at = start;
                Err(self.error(PathProblem::NoBracket))
            }
        }
    }

    /// The value of a selector: a JSON string, or everything up to `]`.
    fn selected(&mut self) -> Result<String, PathError> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let value = self.run(|c| c != ']');
        if value.is_empty() { Err(self.error(PathProblem::NoValue)) } else { Ok(value.to_owned()) }
    }

    fn closed(&mut self, step: Step) -> Result<Step, PathError> {
        if self.take(']') { Ok(step) } else { Err(self.error(PathProblem::NotClosed)) }
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let mut stream = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        let Some(Ok(text)) = stream.next() else { return Err(self.error(PathProblem::NotJson)) };
        self.at += stream.byte_offset();
        Ok(text)
    }
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_character)
}

/// `text` as a JSON string.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) if is_name(key) => f.write_str(key),
            Self::Key(key) => write!(f, "[{}]", json(key)),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Inside(format) => write!(f, "|{format}"),
            Self::Select { key, value } => {
                let bare_key = !key.is_empty() && !key.starts_with('"') && !key.contains(['=', ']']);
                let bare_value = !value.is_empty() && !value.starts_with('"') && !value.contains(']');
                let bare = |text: &str| !text.chars().any(char::is_control);
                let key = if bare_key && bare(key) { key.clone() } else { json(key) };
                let value = if bare_value && bare(value) { value.clone() } else { json(value) };
                write!(f, "[{key}={value}]")
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (place, step) in self.0.iter().enumerate() {
            let dotted = matches!(step, Step::Key(key) if is_name(key));
            if place > 0 && dotted {
                f.write_str(".")?;
            }
            write!(f, "{step}")?;
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}
impl TryFrom<String> for Path {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}
impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` parses, and is written as `canonical`, which parses back to the same.
    fn check(text: &str, canonical: &str) {
        let path = Path::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(path.to_string(), canonical, "{text}");
        assert_eq!(Path::parse(canonical).unwrap(), path, "{canonical}");
        assert_eq!(serde_json::from_value::<Path>(serde_json::to_value(&path).unwrap()).unwrap(), path);
    }

    #[test]
    fn paths_round_trip() {
        for (text, canonical) in [
            ("", "."),
            (".", "."),
            ("a", "a"),
            (".a", "a"),
            ("on.8080.a-b_c", "on.8080.a-b_c"),
            ("spec.containers[name=app].image", "spec.containers[name=app].image"),
            (r#"metadata.annotations["a.b/c"]"#, r#"metadata.annotations["a.b/c"]"#),
            (r#"["a"].b"#, "a.b"),
            (r#"["\u00e4\"\n"]"#, r#"["ä\"\n"]"#),
            (r#"[""]"#, r#"[""]"#),
            ("[0][12].x", "[0][12].x"),
            ("[007]", "[7]"),
            ("[name=a b=c]", "[name=a b=c]"),
            (r#"[name="a]b"]"#, r#"[name="a]b"]"#),
            (r#"[name="app"]"#, "[name=app]"),
            (r#"[name=""]"#, r#"[name=""]"#),
            (r#"["a=b"=c]"#, r#"["a=b"=c]"#),
            ("[0=x]", "[0=x]"),
            ("data[\"app.yaml\"]|yaml.server.port", "data[\"app.yaml\"]|yaml.server.port"),
            ("a|json.limits[0]|properties[\"x.y\"]", "a|json.limits[0]|properties[\"x.y\"]"),
            ("|yaml[0]", "|yaml[0]"),
        ] {
            check(text, canonical);
        }
    }

    #[test]
    fn a_bad_path_names_its_column_and_the_remedy() {
        for (text, column, problem) in [
            ("a..b", 3, PathProblem::NoName),
            ("a.", 3, PathProblem::NoName),
            ("ä", 1, PathProblem::NoName),
            ("a b", 2, PathProblem::NoStep),
            ("a]", 2, PathProblem::NoStep),
            ("a[0", 4, PathProblem::NotClosed),
            ("a[", 3, PathProblem::NotClosed),
            ("a[]", 3, PathProblem::NoBracket),
            ("a[-1]", 3, PathProblem::NoBracket),
            ("a[+1]", 3, PathProblem::NoBracket),
            ("a[name]", 3, PathProblem::NoBracket),
            ("a[99999999999999999999999]", 3, PathProblem::NoBracket),
            ("a[=x]", 3, PathProblem::NoBracket),
            ("a[k=]", 5, PathProblem::NoValue),
            (r#"a["x]"#, 3, PathProblem::NotJson),
            (r#"["ä"x]"#, 5, PathProblem::NotClosed),
            ("a|toml.b", 3, PathProblem::NoFormat),
            ("a|", 3, PathProblem::NoFormat),
        ] {
            assert_eq!(Path::parse(text).unwrap_err(), PathError { column, problem }, "{text}");
        }
        assert_eq!(
            Path::parse("a..b").unwrap_err().to_string(),
            "column 3 of the path: a name is missing. Write a name of letters, digits, `_` and `-` after the dot, or `[\"any key\"]`."
        );
    }

    #[test]
    fn a_built_path_is_the_parsed_one() {
        let built = Path::root().key("spec").key("a.b").index(2).select("name", "x]y").inside(Format::Json).key("z");
        assert_eq!(Path::parse(&built.to_string()).unwrap(), built);
    }
}
