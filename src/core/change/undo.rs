//! Undoing one commit in one file: the values that it changed, put there or took away get what they had before, where
//! they still are as the commit left them. What values do not tell (new files, comments, order) is undone as a whole
//! file, while nobody has changed the file since.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Edit, Exact, How, PlanRefusal, Side,
    exact::{hash, json},
};
use crate::core::{
    names::{CommitId, ConnectionName, Field, RepoPath},
    yaml::{self, Document, Node, Path, Scalar},
};

/// One file in three states; `None` where it is not there.
#[derive(Debug, Clone, Copy)]
pub struct Versions<'a> {
    /// Which.
    pub path: &'a RepoPath,
    /// Before the commit.
    pub before: Option<&'a str>,
    /// As the commit left it.
    pub after: Option<&'a str>,
    /// At the tip.
    pub now: Option<&'a str>,
}

/// The edits that undo what a commit did to a file; none where it is undone already.
///
/// # Errors
/// When a place of it changed since.
pub fn undo(repository: &ConnectionName, parent: &CommitId, file: Versions<'_>) -> Result<Vec<Exact>, PlanRefusal> {
    if file.now == file.before {
        return Ok(Vec::new());
    }
    let whole = || {
        let edit = Edit {
            repository: repository.clone(),
            path: file.path.clone(),
            document: Document::Index(0),
            yaml_path: Path::root(),
            old: file.now.map(hash),
            new: file.before.map(hash).unwrap_or_default(),
        };
        vec![Exact { edit, how: How::File { as_in: parent.clone() } }]
    };
    match (by_values(repository, file), file.now == file.after) {
        (Some(places), _) => standing(places, file),
        (None, true) => Ok(whole()),
        (None, false) => Err(PlanRefusal::ChangedSince { places: format!("`{}`", file.path) }),
    }
}

/// Places that hold what the commit left are undone, those that hold what was before are already; others refuse.
fn standing(places: Vec<Exact>, file: Versions<'_>) -> Result<Vec<Exact>, PlanRefusal> {
    let open: Vec<Exact> = places.into_iter().filter(|one| !one.stands(file.now, Side::New)).collect();
    let moved: Vec<String> = open.iter().filter(|one| !one.stands(file.now, Side::Old)).map(Exact::place).collect();
    if moved.is_empty() { Ok(open) } else { Err(PlanRefusal::ChangedSince { places: moved.join(", ") }) }
}

/// The single values that differ, as edits that make the one state of the other; nothing where they do not tell all.
fn by_values(repository: &ConnectionName, file: Versions<'_>) -> Option<Vec<Exact>> {
    let (before, after) = (yaml::tree(file.before?).ok()?, yaml::tree(file.after?).ok()?);
    let mut found = Vec::new();
    if before.len() != after.len() {
        return None;
    }
    for (place, (before, after)) in before.iter().zip(&after).enumerate() {
        differences(&(Document::Index(place), Path::root()), (before, after), &mut found)?;
    }
    let exact = found.into_iter().map(|Difference { place: (document, yaml_path), after, before, how }| {
        let (repository, path) = (repository.clone(), file.path.clone());
        let edit = Edit { repository, path, document, yaml_path, old: after, new: before.unwrap_or_default() };
        Exact { edit, how }
    });
    let exact: Vec<Exact> = exact.collect();
    let values = |text: &str| yaml::tree(text).ok().map(|all| all.iter().map(json).collect::<Vec<_>>());
    let undone = super::exact::edited(file.after?, &exact)?;
    (!exact.is_empty() && values(&undone) == values(file.before?)).then_some(exact)
}

type Place = (Document, Path);

/// Where two nodes differ: what stands after, what stood before, and how the one is made of the other.
struct Difference {
    place: Place,
    after: Option<Value>,
    before: Option<Value>,
    how: How,
}

impl Difference {
    fn value(place: Place, after: Option<Value>, before: Option<Value>) -> Self {
        Self { place, after, before, how: How::Value }
    }
}

/// Collects where two nodes differ: the place, what stands after and what stood before. `None` where places cannot
/// tell it.
fn differences(place: &Place, (before, after): (&Node, &Node), found: &mut Vec<Difference>) -> Option<()> {
    let below = |path: Path| (place.0.clone(), path);
    match (before, after) {
        (Node::Mapping { entries: old, .. }, Node::Mapping { entries: new, .. }) => {
            let keys: BTreeSet<&String> = old.iter().chain(new).map(|(key, _)| key).collect();
            let twice = |entries: &[(String, Node)]| {
                entries.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len() != entries.len()
            };
            if twice(old) || twice(new) {
                return None;
            }
            for key in keys {
                one(below(place.1.clone().key(key)), (before.get(key), after.get(key)), found)?;
            }
            Some(())
        }
        (Node::Sequence { items: old, .. }, Node::Sequence { items: new, .. }) => {
            let by = ["name", "key"].into_iter().find_map(|key| Some((key, names(old, key)?, names(new, key)?)));
            if let Some((key, old_names, new_names)) = by {
                let all: BTreeSet<&String> = old_names.iter().chain(&new_names).collect();
                for name in all {
                    let item = |names: &[String], items: &'_ [Node]| {
                        names.iter().position(|one| one == name).map(|at| (at, items.len()))
                    };
                    let before = item(&old_names, old).and_then(|(at, _)| old.get(at));
                    let after = item(&new_names, new).and_then(|(at, _)| new.get(at));
                    one(below(place.1.clone().select(key, name)), (before, after), found)?;
                }
                return Some(());
            }
            if old.len() != new.len() {
                return items(place, (old, new), found);
            }
            for (at, pair) in old.iter().zip(new).enumerate() {
                differences(&below(place.1.clone().index(at)), pair, found)?;
            }
            Some(())
        }
        _ => one(place.clone(), (Some(before), Some(after)), found),
    }
}

/// Lists whose items are told apart by what they are, of which some came and some went: each by itself.
fn items(place: &Place, (old, new): (&[Node], &[Node]), found: &mut Vec<Difference>) -> Option<()> {
    let (old, new): (Vec<Value>, Vec<Value>) =
        (old.iter().map(whole).collect::<Option<_>>()?, new.iter().map(whole).collect::<Option<_>>()?);
    let is_twice =
        |all: &[Value]| all.iter().enumerate().any(|(at, one)| all.iter().skip(at + 1).any(|other| other == one));
    if is_twice(&old) || is_twice(&new) {
        return None;
    }
    let came = new.iter().filter(|value| !old.contains(value));
    let went = old.iter().filter(|value| !new.contains(value));
    let listed = |after: Option<Value>, before: Option<Value>| Difference {
        place: place.clone(),
        after,
        before,
        how: How::Listed,
    };
    let came = came.map(|value| listed(Some(value.clone()), None));
    found.extend(came.chain(went.map(|value| listed(None, Some(value.clone())))));
    Some(())
}

/// One place, on both sides or on one.
fn one(place: Place, sides: (Option<&Node>, Option<&Node>), found: &mut Vec<Difference>) -> Option<()> {
    match sides {
        (None, None) => Some(()),
        (Some(Node::Scalar { value: before, .. }), Some(Node::Scalar { value: after, .. })) => {
            if before != after {
                found.push(Difference::value(place, Some(told(after)?), Some(told(before)?)));
            }
            Some(())
        }
        (Some(before @ (Node::Mapping { .. } | Node::Sequence { .. })), Some(after))
            if std::mem::discriminant(before) == std::mem::discriminant(after) =>
        {
            differences(&place, (before, after), found)
        }
        (Some(before), Some(after)) => (json(before)? == json(after)?).then_some(()),
        (Some(gone), None) => {
            found.push(Difference::value(place, None, Some(whole(gone)?)));
            Some(())
        }
        (None, Some(new)) => {
            found.push(Difference::value(place, Some(whole(new)?), None));
            Some(())
        }
    }
}

/// A value as it can be told and set again without loss.
fn told(value: &Scalar) -> Option<Value> {
    match value {
        Scalar::Bool(_) | Scalar::String(_) => Some(value.to_json()),
        Scalar::Integer(number) => (number.unsigned_abs() <= 1 << 53).then(|| value.to_json()),
        Scalar::Null | Scalar::Float(_) => None,
    }
}

fn whole(node: &Node) -> Option<Value> {
    match node {
        Node::Scalar { value, .. } => told(value),
        Node::Mapping { entries, .. } => {
            let entries = entries.iter().map(|(key, node)| Some((key.clone(), whole(node)?)));
            entries.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
        }
        Node::Sequence { items, .. } => items.iter().map(whole).collect::<Option<Vec<_>>>().map(Value::Array),
        Node::Alias { .. } => None,
    }
}

/// The texts by which a key tells the items of a list apart.
fn names(items: &[Node], key: &str) -> Option<Vec<String>> {
    let names: Option<Vec<String>> =
        items.iter().map(|item| item.get(key).and_then(Node::as_str).map(str::to_owned)).collect();
    names.filter(|names| names.iter().collect::<BTreeSet<_>>().len() == names.len())
}

/// The variables and keys of configuration that may have changed between two states of a file.
pub fn changed_keys(before: &str, after: &str) -> BTreeSet<Field> {
    let (was, is): (BTreeSet<&str>, BTreeSet<&str>) = (before.lines().collect(), after.lines().collect());
    let differs: BTreeSet<&str> = was.symmetric_difference(&is).copied().take(MOST_LINES).collect();
    // The name of a variable may stand on the line above its value.
    let all = [before, after].into_iter().flat_map(|text| text.lines().zip(std::iter::once("").chain(text.lines())));
    let near = all.filter(|(line, _)| differs.contains(line)).flat_map(|(line, above)| [line, above]);
    let words = |line: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let words: Vec<String> =
            line.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words
    };
    near.flat_map(words)
        .flat_map(|word| [format!("env.{word}"), format!("config.{word}")])
        .filter_map(|name| Field::parse(&name).ok())
        .collect()
}

/// How many changed lines are looked at for names.
const MOST_LINES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(before: Option<&str>, after: Option<&str>, now: Option<&str>) -> Result<String, String> {
        let path = RepoPath::parse("a.yaml").unwrap();
        let (repository, parent) = (ConnectionName::parse("r").unwrap(), CommitId::parse(&"a".repeat(40)).unwrap());
        let file = Versions { path: &path, before, after, now };
        let exact = undo(&repository, &parent, file).map_err(|refusal| refusal.to_string())?;
        if exact.iter().any(|one| matches!(one.how, How::File { .. })) {
            return Ok(format!("whole: {}", before.unwrap_or("(gone)")));
        }
        Ok(super::super::exact::edited(now.unwrap_or_default(), &exact).unwrap())
    }

    #[test]
    fn values_are_undone_among_what_came_later() {
        let before = "a: 1\nb: {c: x}\nlist:\n- {name: p, v: 1}\n- {name: q, v: 2}\n";
        let after = "a: 2\nb: {c: x, d: y}\nlist:\n- {name: p, v: 1}\n- {name: q, v: 3}\n";
        let now = "# new\na: 2 # why\nb: {c: z, d: y}\nlist:\n- {name: p, v: 7}\n- {name: q, v: 3}\n";
        let expected = "# new\na: 1 # why\nb: {c: z}\nlist:\n- {name: p, v: 7}\n- {name: q, v: 2}\n";
        assert_eq!(undone(Some(before), Some(after), Some(now)).as_deref(), Ok(expected));
    }

    #[test]
    fn a_place_that_changed_since_is_refused_by_its_name() {
        let refused = undone(Some("a: 1\nb: 1\n"), Some("a: 2\nb: 2\n"), Some("a: 2\nb: 3\n"));
        assert_eq!(refused.unwrap_err(), "`a.yaml` at `b` changed since");
    }

    #[test]
    fn what_values_do_not_tell_goes_back_as_a_whole_while_nobody_touched_it() {
        assert_eq!(undone(None, Some("a: 1\n"), Some("a: 1\n")).as_deref(), Ok("whole: (gone)"));
        assert_eq!(undone(Some("a: 1\n"), None, None).as_deref(), Ok("whole: a: 1\n"));
        assert_eq!(undone(Some("- 1\n- 2\n"), Some("- 2\n"), Some("- 2\n")).as_deref(), Ok("whole: - 1\n- 2\n"));
        assert_eq!(undone(Some("- 1\n- 2\n"), Some("- 2\n"), Some("- 3\n")).unwrap_err(), "`a.yaml` changed since");
        assert_eq!(undone(Some("a: 1.5\n"), Some("a: 2\n"), Some("a: 2\n")).as_deref(), Ok("whole: a: 1.5\n"));
    }

    #[test]
    fn of_a_list_what_came_goes_whatever_came_beside_it() {
        let (before, after) = ("r:\n- a\n- b # b\n", "r:\n- a\n- b # b\n- c\n");
        let now = "r:\n- a\n- b # b\n- c\n- d # by hand\n";
        assert_eq!(undone(Some(before), Some(after), Some(now)).as_deref(), Ok("r:\n- a\n- b # b\n- d # by hand\n"));
        assert_eq!(undone(Some(before), Some(after), Some(before)).as_deref(), Ok(before));
        assert_eq!(undone(Some(after), Some(before), Some(before)).as_deref(), Ok(after));
    }

    #[test]
    fn what_was_undone_by_hand_is_left() {
        let now = "a: 1\nb: 9\n";
        assert_eq!(undone(Some("a: 1\nb: 1\n"), Some("a: 2\nb: 1\n"), Some(now)).as_deref(), Ok(now));
        assert_eq!(undone(Some("x: 1\n"), Some("x: 2\n"), Some("x: 1\n")).as_deref(), Ok("x: 1\n"));
    }

    #[test]
    fn names_on_changed_lines_may_be_fields() {
        let keys = changed_keys("data:\n  A_KEY: x\n  B: y\n", "data:\n  A_KEY: z\n  B: y\n");
        assert!(
            keys.contains(&Field::parse("config.A_KEY").unwrap()) && !keys.contains(&Field::parse("config.B").unwrap())
        );
    }
}
