//! Forms in Discord: a modal of at most five labelled fields, which cannot look for names while one types. Names are
//! listed where they are few enough, and typed where they are not; where a command has more options than a modal has
//! fields, those that are seldom given share the last one, as `name=value`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::limits::{CUSTOM_ID, DESCRIPTION, FIELD_LABEL, FIELDS, FORM_TITLE, ITEMS, cut, length};
use crate::{
    chat::form::{Entry, Field, Form, LONGEST, Need, Purpose},
    core::command,
};

/// The field that holds what has none of its own.
const MORE: &str = "+more";
/// The most of the options with a field of their own, where not all have one.
const OWN: usize = FIELDS - 1;

/// The answer that opens a form; nothing where its purpose does not fit into its id. `names` are those that an option may
/// have, by the option's name.
pub fn modal(form: &Form, names: impl Fn(&str) -> Vec<String>) -> Option<Value> {
    let id = id(&form.purpose).filter(|id| length(id) <= CUSTOM_ID)?;
    let (own, others) = divided(&form.fields);
    let mut fields: Vec<Value> = own.into_iter().map(|field| label(field, &names(&field.name))).collect();
    fields.extend((!others.is_empty()).then(|| more(&others)));
    let data = json!({"custom_id": id, "title": cut(&form.title, FORM_TITLE), "components": fields});
    Some(json!({"type": 9, "data": data}))
}

/// The fields that are shown, and those that share the last one. What must be given comes first, then what was given.
fn divided(fields: &[Field]) -> (Vec<&Field>, Vec<&Field>) {
    if fields.len() <= FIELDS {
        return (fields.iter().collect(), Vec::new());
    }
    let rank = |field: &Field| match (field.need, &field.given) {
        (Need::Must, _) => 0,
        (Need::May, Some(_)) => 1,
        (Need::May, None) => 2,
    };
    let mut ranked: Vec<&Field> = fields.iter().collect();
    ranked.sort_by_key(|field| rank(field));
    let own: BTreeSet<&str> = ranked.into_iter().take(OWN).map(|field| field.name.as_str()).collect();
    fields.iter().partition(|field| own.contains(field.name.as_str()))
}

fn label(field: &Field, names: &[String]) -> Value {
    let named = |name: &String| (name.clone(), name.clone());
    let component = match &field.entry {
        Entry::Looked => {
            let names: Vec<_> = names.iter().map(named).collect();
            listed(field, &names).unwrap_or_else(|| typed(field, "", 1))
        }
        Entry::Chosen(choices) => listed(field, choices).unwrap_or_else(|| typed(field, &one_of(choices), 1)),
        Entry::Number { min, max } => typed(field, &within(*min, *max), 1),
        Entry::Line(example) => typed(field, example, 1),
        Entry::Sentences(example) => typed(field, example, 2),
    };
    let mut told = json!({"type": 18, "label": cut(&field.label, FIELD_LABEL), "component": component});
    if let (Some(help), Some(members)) = (&field.help, told.as_object_mut()) {
        members.insert("description".to_owned(), json!(cut(help, DESCRIPTION)));
    }
    told
}

/// A list, where there are few enough to choose from and what was given is one of them.
fn listed(field: &Field, choices: &[(String, String)]) -> Option<Value> {
    let fits = |(value, _): &(String, String)| (1..=DESCRIPTION).contains(&length(value));
    let is_known = field.given.as_ref().is_none_or(|given| choices.iter().any(|(value, _)| value == given));
    if !(1..=ITEMS).contains(&choices.len()) || !choices.iter().all(fits) || !is_known {
        return None;
    }
    let option = |(value, shown): &(String, String)| {
        let mut option = json!({"label": cut(shown, DESCRIPTION), "value": value});
        if let (true, Some(members)) = (field.given.as_ref() == Some(value), option.as_object_mut()) {
            members.insert("default".to_owned(), json!(true));
        }
        option
    };
    let options: Vec<Value> = choices.iter().map(option).collect();
    let must = field.need == Need::Must;
    Some(json!({"type": 3, "custom_id": field.name, "required": must, "min_values": u8::from(must), "max_values": 1,
        "options": options}))
}

fn typed(field: &Field, example: &str, style: u8) -> Value {
    let mut input = json!({"type": 4, "custom_id": field.name, "style": style, "max_length": LONGEST,
        "required": field.need == Need::Must});
    if let Some(members) = input.as_object_mut() {
        let given = field.given.as_deref().filter(|given| !given.is_empty());
        members.extend(given.map(|given| ("value".to_owned(), json!(cut(given, LONGEST)))));
        members.extend((!example.is_empty()).then(|| ("placeholder".to_owned(), json!(cut(example, DESCRIPTION)))));
    }
    input
}

fn one_of(choices: &[(String, String)]) -> String {
    choices.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>().join(", ")
}

fn within(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, i64::MAX) => "A whole number".to_owned(),
        (min, i64::MAX) => format!("A whole number, {min} or more"),
        (i64::MIN, max) => format!("A whole number, {max} or less"),
        (min, max) => format!("A whole number, {min} to {max}"),
    }
}

/// The last field, for what has none of its own.
fn more(others: &[&Field]) -> Value {
    let names: Vec<&str> = others.iter().map(|field| field.name.as_str()).collect();
    let given: Vec<(&str, &str)> =
        others.iter().filter_map(|field| Some((field.name.as_str(), field.given.as_deref()?))).collect();
    let written = command::written(&given);
    let field = Field {
        name: MORE.to_owned(),
        label: "More options".to_owned(),
        help: Some(format!("As name=value: {}", names.join(", "))),
        need: Need::May,
        entry: Entry::Line(""),
        given: (!written.is_empty()).then_some(written),
    };
    let example = names.first().map(|name| format!("{name}=...")).unwrap_or_default();
    let mut told = label(&field, &[]);
    if let Some(members) = told.as_object_mut() {
        members.insert("component".to_owned(), typed(&field, &example, 2));
    }
    told
}

/// What a form carries through Discord and back.
fn id(purpose: &Purpose) -> Option<String> {
    match purpose {
        Purpose::Command { name, settled } => {
            Some(format!("command:{name}:{}", serde_urlencoded::to_string(settled).ok()?))
        }
        Purpose::Reject { request, digest } => Some(format!("reject:{request}:{digest}")),
    }
}

/// The purpose of a form of ours; nothing where it is somebody else's.
pub fn purpose(id: &str) -> Option<Purpose> {
    let (kind, rest) = id.split_once(':')?;
    let (first, second) = rest.split_once(':')?;
    match kind {
        "command" => {
            Some(Purpose::Command { name: first.to_owned(), settled: serde_urlencoded::from_str(second).ok()? })
        }
        "reject" => Some(Purpose::Reject { request: first.to_owned(), digest: second.to_owned() }),
        _ => None,
    }
}

/// Fields or options, each with its text.
type Answers = Vec<(String, String)>;

/// What was filled in, by option. What shares the last field comes apart; `Err` where it is not written as `name=value`.
///
/// # Errors
/// With what was filled in, the last field whole.
pub fn answers(filled: Answers) -> Result<Answers, Answers> {
    let Some((_, more)) = filled.iter().find(|(name, _)| name == MORE) else { return Ok(filled) };
    let Some(more) = command::by_name(more) else { return Err(filled) };
    Ok(filled.into_iter().filter(|(name, _)| name != MORE).chain(more).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, need: Need, given: Option<&str>) -> Field {
        let (label, given) = (name.to_uppercase(), given.map(str::to_owned));
        Field { name: name.to_owned(), label, help: None, need, entry: Entry::Looked, given }
    }

    fn form(fields: Vec<Field>) -> Form {
        let settled = vec![("what".to_owned(), "a note & more".to_owned())];
        let purpose = Purpose::Command { name: "deploy".to_owned(), settled };
        Form { purpose, title: "Deploy".to_owned(), submit: "Deploy".to_owned(), fields }
    }

    #[test]
    fn what_must_be_given_has_a_field_and_the_rest_shares_one() {
        let fields = vec![
            field("a", Need::Must, Some("x")),
            field("b", Need::May, None),
            field("c", Need::Must, None),
            field("d", Need::May, None),
            field("e", Need::May, Some("two words")),
            field("f", Need::May, Some("1")),
            field("g", Need::May, Some("2")),
        ];
        let shown = modal(&form(fields), |_| Vec::new()).unwrap();
        let fields = shown.pointer("/data/components").and_then(Value::as_array).unwrap();
        let ids: Vec<&str> =
            fields.iter().filter_map(|field| field.pointer("/component/custom_id")?.as_str()).collect();
        assert_eq!(ids, ["a", "c", "e", "f", MORE]);
        assert_eq!(shown.pointer("/data/components/4/component/value"), Some(&json!("g=2")));
        let id = shown.pointer("/data/custom_id").and_then(Value::as_str).unwrap();
        assert_eq!(purpose(id), Some(form(Vec::new()).purpose));
    }

    #[test]
    fn what_shares_a_field_comes_apart() {
        let filled = |more: &str| vec![("a".to_owned(), "x".to_owned()), (MORE.to_owned(), more.to_owned())];
        let told = answers(filled(r#"replicas=3 reason="why not""#)).unwrap();
        let told: Vec<String> = told.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(told, ["a=x", "replicas=3", "reason=why not"]);
        assert_eq!(answers(filled("just words")), Err(filled("just words")));
    }

    #[test]
    fn names_are_listed_where_they_are_few() {
        let shown = |names: &[&str], given| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let shown = modal(&form(vec![field("a", Need::Must, given)]), |_| names.clone()).unwrap();
            shown.pointer("/data/components/0/component/type").cloned()
        };
        assert_eq!(shown(&["x", "y"], Some("y")), Some(json!(3)));
        assert_eq!(shown(&["x"; 26], None), Some(json!(4)));
        assert_eq!(shown(&["x"], Some("z")), Some(json!(4)));
        assert_eq!(shown(&[], None), Some(json!(4)));
    }
}
