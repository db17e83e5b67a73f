//! Who judges an edit: two readers of YAML beside the engine's own. saphyr-parser, a relative of the engine's parser,
//! reads every node with its quotes, anchor and tag; serde_yaml, which is libyaml's code, reads values. What one of them read
//! before, with the wanted change made, must be what it reads after. How the change is made here is written for the
//! judges and shares nothing with the engine. Used by the tests and, through the same file, by `fuzz/`.

use leverframe::core::yaml::{self, Edited, Scalar, Step};
use serde::Deserialize as _;
use serde_yaml::Value;

use super::nodes::{self, Content, Node, Quotes};

/// What should have become of one place.
#[derive(Debug, Clone)]
pub(crate) enum Wanted<'a> {
    /// This value stands at the path.
    Set(&'a Scalar),
    /// The mapping at the path has one more entry, with this key, anywhere among its entries.
    Entry(&'a str, Value),
    /// The list at the path has one more item, at this place; `usize::MAX` is its end.
    Item(usize, Value),
    /// Nothing stood at the path; now this does.
    Filled(Value),
    /// What was at the path is gone.
    Gone,
}

/// One wanted change: document, path, and what is wanted there.
pub(crate) type Change<'a> = (usize, &'a [Step], Wanted<'a>);

/// Which of the judges could say something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) by_nodes: bool,
    pub(crate) by_values: bool,
}

/// What the judges read in a file before it is edited.
pub(crate) struct Judges<'t> {
    text: &'t str,
    pub(crate) nodes: Option<Vec<Node>>,
    values: Option<Vec<Value>>,
}

impl<'t> Judges<'t> {
    pub(crate) fn read(text: &'t str) -> Self {
        let nodes = nodes::read(text);
        // Where the two do not even count the same documents, libyaml reads another YAML.
        let values = values(text).filter(|values| nodes.as_ref().is_none_or(|nodes| nodes.len() == values.len()));
        Self { text, nodes, values }
    }

    /// Whether the file reads at all, and by whom.
    pub(crate) fn heard(&self) -> Heard {
        Heard { by_nodes: self.nodes.is_some(), by_values: self.values.is_some() }
    }

    /// Whether saphyr-parser and the engine's parser read the same.
    pub(crate) fn reads_as(&self, engine: &[yaml::Node]) -> bool {
        let Some(nodes) = &self.nodes else { return false };
        nodes.len() == engine.len() && nodes.iter().zip(engine).all(|(node, engine)| nodes::reads_as(node, engine))
    }

    /// Judges an edit.
    ///
    /// # Errors
    /// What is damaged.
    pub(crate) fn judge(&self, changes: &[Change<'_>], edited: &Edited) -> Result<Heard, String> {
        exact(self.text, edited)?;
        let mut heard = Heard::default();
        let after = nodes::read(&edited.text);
        // saphyr-parser does not read plain values behind a tab, which YAML allows.
        if self.nodes.is_some() && after.is_none() && !edited.text.contains(":\t") {
            return Err("saphyr-parser cannot read the edited file".to_owned());
        }
        if let (Some(before), Some(after)) = (&self.nodes, after) {
            by_nodes(before.clone(), changes, after)?;
            heard.by_nodes = true;
        }
        if let Some(before) = &self.values {
            heard.by_values = self.by_values(before.clone(), changes, &edited.text)?;
        }
        Ok(heard)
    }

    /// False where serde_yaml does not see one of the paths, so that it is no judge of this file.
    fn by_values(&self, mut expected: Vec<Value>, changes: &[Change<'_>], after: &str) -> Result<bool, String> {
        for (document, steps, wanted) in changes {
            let Some(root) = expected.get_mut(*document) else { return Ok(false) };
            let places = match self.nodes.as_ref().and_then(|nodes| nodes.get(*document)) {
                Some(nodes) => nodes::places(nodes, steps),
                None => places(root, steps),
            };
            if !places.is_some_and(|places| changed(root, &places, wanted)) {
                return Ok(false);
            }
        }
        let found = values(after).ok_or("serde_yaml cannot read the edited file, but could read the old one")?;
        let alike = found.len() == expected.len()
            && expected.iter().zip(&found).all(|(expected, found)| alike(expected, found));
        if alike { Ok(true) } else { Err("serde_yaml reads another difference than the wanted one".to_owned()) }
    }
}

fn by_nodes(mut expected: Vec<Node>, changes: &[Change<'_>], after: Vec<Node>) -> Result<(), String> {
    for (document, steps, wanted) in changes {
        let old = expected.get_mut(*document).ok_or("saphyr-parser sees fewer documents")?;
        let new = after.get(*document).ok_or("a document is gone")?;
        nodes::expect(old, new, steps, wanted)?;
    }
    if nodes::numbered(expected) == nodes::numbered(after) {
        return Ok(());
    }
    Err("saphyr-parser reads another difference than the wanted one".to_owned())
}

/// Every document, or nothing if one of them is not readable. libyaml counts a byte order mark as a column.
fn values(text: &str) -> Option<Vec<Value>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).ok()).collect()
}

/// The place of each step among its siblings, where saphyr-parser cannot say; only keys that are text.
fn places(value: &Value, steps: &[Step]) -> Option<Vec<usize>> {
    let Some((first, rest)) = steps.split_first() else { return Some(Vec::new()) };
    let (place, child) = match (value, first) {
        (Value::Sequence(items), Step::Index(place)) => (*place, items.get(*place)?),
        (Value::Mapping(entries), Step::Key(key)) => {
            let place = entries.keys().position(|name| name.as_str() == Some(key))?;
            (place, entries.values().nth(place)?)
        }
        _ => return None,
    };
    let mut places = places(child, rest)?;
    places.insert(0, place);
    Some(places)
}

/// Makes the change among values; `places` are the places of each step among its siblings.
fn changed(value: &mut Value, places: &[usize], wanted: &Wanted<'_>) -> bool {
    if let Value::Tagged(tagged) = value {
        return changed(&mut tagged.value, places, wanted);
    }
    let Some((first, rest)) = places.split_first() else { return arrived(value, wanted) };
    if let (true, Wanted::Gone) = (rest.is_empty(), wanted) {
        return gone(value, *first);
    }
    let child = match value {
        Value::Sequence(items) => items.get_mut(*first),
        Value::Mapping(entries) => entries.iter_mut().nth(*first).map(|(_, value)| value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Tagged(_) => None,
    };
    child.is_some_and(|child| changed(child, rest, wanted))
}

fn gone(value: &mut Value, place: usize) -> bool {
    match value {
        Value::Sequence(items) if place < items.len() => {
            items.remove(place);
            true
        }
        Value::Mapping(entries) => {
            let key = entries.iter().nth(place).map(|(key, _)| key.clone());
            key.is_some_and(|key| entries.shift_remove(&key).is_some())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Sequence(_) | Value::Tagged(_) => {
            false
        }
    }
}

fn arrived(value: &mut Value, wanted: &Wanted<'_>) -> bool {
    match (value, wanted) {
        (value, Wanted::Set(scalar)) => *value = value_of(scalar),
        (value @ Value::Null, Wanted::Filled(new)) => *value = new.clone(),
        (Value::Mapping(entries), Wanted::Entry(key, new)) => {
            entries.insert(Value::from(*key), new.clone());
        }
        (Value::Sequence(items), Wanted::Item(place, new)) => items.insert((*place).min(items.len()), new.clone()),
        _ => return false,
    }
    true
}

/// Equal, where `.nan` equals itself and the order of entries does not count.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || (one.is_nan() && other.is_nan()),
        (Value::Sequence(one), Value::Sequence(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Mapping(one), Value::Mapping(other)) => {
            let same = |(key, value): (&Value, &Value)| other.get(key).is_some_and(|other| alike(value, other));
            one.len() == other.len() && (one == other || one.iter().all(same))
        }
        (Value::Tagged(one), Value::Tagged(other)) => one.tag == other.tag && alike(&one.value, &other.value),
        (one, other) => one == other,
    }
}

/// What serde_yaml should read for a value.
pub(crate) fn value_of(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Float(text) => {
            match text.to_ascii_lowercase().replace(".inf", "inf").replace(".nan", "nan").parse::<f64>() {
                // Digits beyond every integer are a float to us and may be one of its big integers to serde_yaml.
                Ok(float) if text.contains(['.', 'e', 'E']) => Value::Number(serde_yaml::Number::from(float)),
                _ => serde_yaml::from_str(text).unwrap_or(Value::Null),
            }
        }
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(*value),
        Scalar::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
            (Ok(value), _) => value.into(),
            (Err(_), Ok(value)) => value.into(),
            (Err(_), Err(_)) => Value::Null,
        },
        Scalar::String(text) => Value::from(text.as_str()),
    }
}

/// Whether a node is the wanted value to readers of YAML 1.1 and 1.2 alike.
pub(crate) fn is(node: &Node, wanted: &Scalar) -> bool {
    let Content::Text(text, quotes) = &node.content else { return false };
    let read = match (wanted, quotes) {
        (Scalar::String(wanted), Quotes::Single | Quotes::Double) => text == wanted,
        // Where the file ends in a block without a line break saphyr-parser reads one; serde_yaml holds it exactly.
        (Scalar::String(wanted), Quotes::Literal | Quotes::Folded) => {
            text == wanted || text.strip_suffix('\n') == Some(wanted)
        }
        (Scalar::String(wanted), Quotes::Plain) => text == wanted && is_text_everywhere(text),
        (Scalar::Bool(wanted), Quotes::Plain) => text.eq_ignore_ascii_case(&wanted.to_string()),
        (Scalar::Integer(wanted), Quotes::Plain) => text.parse() == Ok(*wanted),
        (Scalar::Float(wanted), Quotes::Plain) => text == wanted || text.parse::<f64>().ok() == wanted.parse().ok(),
        _ => false,
    };
    read && node.anchor == 0 && node.tag.is_none()
}

/// Whether unquoted `text` is text to YAML 1.2's core schema (as serde_yaml reads it) and to YAML 1.1's types.
fn is_text_everywhere(text: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "<<", "="];
    let unsigned = text.trim_start_matches(['-', '+']);
    let only = |text: &str, extra: &str| {
        text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || extra.contains(c))
    };
    let sixty = unsigned
        .rsplit_once(':')
        .is_some_and(|(parts, last)| parts.split(':').all(|part| only(part, "_")) && only(last, "_."));
    let parts: Vec<_> = text.trim_start_matches(['-', '+']).splitn(3, '-').collect();
    let date = matches!(parts[..], [year, month, day] if {
        let (day, time) = day.split_at(day.find(|c: char| !c.is_ascii_digit()).unwrap_or(day.len()));
        year.len() == 4 && month.len() < 3 && day.len() < 3
            && [year, month, day].iter().all(|part| only(part, ""))
            && (time.is_empty() || time.starts_with(['T', 't', ' ']))
    });
    let number = only(unsigned, "_.,") && unsigned.matches('.').count() < 2;
    let word = words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let text_of_yaml_1_2 = matches!(serde_yaml::from_str(text), Ok(Value::String(read)) if read == text);
    text_of_yaml_1_2 && ![word, number, sixty, date].contains(&true)
}

/// Every byte outside the spans is the same, and no two spans lie in each other.
fn exact(text: &str, edited: &Edited) -> Result<(), String> {
    let mut spans: Vec<_> = edited.spans.iter().collect();
    spans.sort_by_key(|span| (span.after.start, span.after.end));
    let (mut rebuilt, mut done) = (String::new(), 0);
    for span in spans {
        let between = text.get(done..span.before.start);
        let new = edited.text.get(span.after.clone());
        let (Some(between), Some(new)) = (between, new) else { return Err(format!("{span:?} lies in another")) };
        rebuilt += between;
        rebuilt += new;
        done = span.before.end;
    }
    rebuilt += text.get(done..).ok_or("a span ends beyond the file")?;
    if rebuilt == edited.text { Ok(()) } else { Err("bytes outside the spans differ".to_owned()) }
}

#[cfg(test)]
mod tests {
    use leverframe::core::yaml::{EditedSpan, Path};

    use super::*;

    /// The judges' word on `before` becoming `after`, where `old` became `new`.
    fn check(
        before: &str,
        path: &str,
        wanted: Wanted<'_>,
        [old, new]: [&str; 2],
        after: &str,
    ) -> Result<Heard, String> {
        let at = before.find(old).unwrap();
        let span = EditedSpan { before: at..at + old.len(), after: at..at + new.len(), line: 1, old: None };
        let path = Path::parse(path).unwrap();
        let edited = Edited { text: after.to_owned(), spans: vec![span] };
        Judges::read(before).judge(&[(0, path.steps(), wanted)], &edited)
    }

    #[test]
    fn judges_agree_with_what_is_right() {
        let both = Ok(Heard { by_nodes: true, by_values: true });
        let v2 = Scalar::from("v2");
        assert_eq!(check("a: v1 # c\n", "a", Wanted::Set(&v2), ["v1", "v2"], "a: v2 # c\n"), both);
        assert_eq!(check("a: [x]\n", "a", Wanted::Item(1, "z".into()), ["x", "x, z"], "a: [x, z]\n"), both);
        assert_eq!(
            check("a: {b: 1}\n", "a", Wanted::Entry("c", 2.into()), ["1", "1, c: 2"], "a: {b: 1, c: 2}\n"),
            both
        );
        assert_eq!(check("a: 1\nb: 2\n", "a", Wanted::Gone, ["a: 1\n", ""], "b: 2\n"), both);
        assert_eq!(check("- &x 1\n- &y 2\n- *y\n", "[0]", Wanted::Gone, ["- &x 1\n", ""], "- &y 2\n- *y\n"), both);
    }

    #[test]
    fn judges_see_damage() {
        let (v2, ten) = (Scalar::from("v2"), Scalar::from("1.10"));
        for (before, path, wanted, change, after) in [
            ("a: v1 # c\n", "a", Wanted::Set(&v2), ["v1", "v2"], "a: v2\n"),
            ("a: v1\r\nb: 1\r\n", "a", Wanted::Set(&v2), ["v1", "v2"], "a: v2\nb: 1\n"),
            ("a: v1\nb: 'x'\n", "a", Wanted::Set(&v2), ["v1\nb: 'x'", "v2\nb: \"x\""], "a: v2\nb: \"x\"\n"),
            ("{a: v1, b: c}\n", "a", Wanted::Set(&v2), ["v1, b: c}", "v2}"], "{a: v2}\n"),
            ("{a: v1, b: c}\n", "a", Wanted::Set(&v2), ["v1, b: c}", "v2"], "{a: v2\n"),
            ("a: \"1.9\"\n", "a", Wanted::Set(&ten), ["\"1.9\"", "1.10"], "a: 1.10\n"),
            ("a: v1\n", "a", Wanted::Set(&ten), ["v1", "1.10"], "a: 1.10\n"),
            ("a: on\n", "a", Wanted::Set(&"off".into()), ["on", "off"], "a: off\n"),
            ("a: &t v1\nb: *t\n", "a", Wanted::Set(&v2), ["&t v1", "v2"], "a: v2\nb: *t\n"),
            ("a: [x]\n", "a", Wanted::Item(1, "y".into()), ["x", "y, x"], "a: [y, x]\n"),
            ("a: {b: 1}\n", "a", Wanted::Entry("c", 2.into()), ["1", "1, c: '2'"], "a: {b: 1, c: '2'}\n"),
            ("a: 1\nb: 2\n", "a", Wanted::Gone, ["a: 1\nb: 2\n", ""], ""),
        ] {
            let word = check(before, path, wanted, change, after);
            assert!(word.is_err(), "{before:?} -> {after:?}: {word:?}");
        }
    }
}
