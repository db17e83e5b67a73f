//! Forms in Slack: a modal as Block Kit, what people fill in, and what is offered while they look for a name. A form
//! carries what it is for and where it was begun, never authority.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::incoming::{NotUnderstood, Team, id, named, present};
use crate::{
    chat::form::{Entry, Field, Form, LONGEST, Need, Purpose},
    core::decide::Words,
};

/// By this a form is known to be one of ours.
const CALLBACK: &str = "leverframe_command";
/// The id of each element; its block has the option's name.
const ELEMENT: &str = "value";
/// The most characters of a title.
const TITLE: usize = 24;
/// The most characters of what an option shows.
pub const SHOWN: usize = 75;
/// The most characters of an option's value.
const VALUE: usize = 150;
/// The most options in one answer.
const OPTIONS: usize = 100;

/// Where a form was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The channel, `C...`.
    pub channel: String,
    /// The message whose button opened it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

/// What a form carries through Slack and back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Carried {
    #[serde(flatten)]
    at: Begun,
    purpose: Purpose,
}

/// A form that was sent in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Who, `U...` or `W...`.
    pub user: String,
    /// The workspaces it names, `T...`; all must be ours.
    pub teams: Vec<String>,
    /// The event's id.
    pub trigger: String,
    /// What for.
    pub purpose: Purpose,
    /// Where it was begun.
    pub at: Begun,
    /// The answers, in the form's order.
    pub answers: Vec<(String, String)>,
    /// The form's first field, where what is wrong with the whole is said.
    pub first: String,
}

/// Somebody looks for a name in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The workspaces it names.
    pub teams: Vec<String>,
    /// The command.
    pub command: String,
    /// The option.
    pub option: String,
    /// What was typed so far.
    pub text: String,
    /// The other options that are filled in.
    pub others: Vec<(String, String)>,
}

/// The modal of a form.
pub fn modal(form: &Form, at: Begun) -> Value {
    let carried = Carried { at, purpose: form.purpose.clone() };
    let blocks: Vec<Value> = form.fields.iter().map(input).collect();
    json!({
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": serde_json::to_string(&carried).unwrap_or_default(),
        "title": plain(&cut(&form.title, TITLE)),
        "submit": plain(&cut(&form.submit, TITLE)),
        "close": plain("Cancel"),
        "blocks": blocks,
    })
}

fn input(field: &Field) -> Value {
    let mut block = json!({
        "type": "input",
        "block_id": field.name,
        "label": plain(&field.label),
        "optional": field.need == Need::May,
        "element": element(field),
    });
    if let (Some(help), Some(members)) = (&field.help, block.as_object_mut()) {
        members.insert("hint".to_owned(), plain(&cut(help, LONGEST)));
    }
    block
}

fn element(field: &Field) -> Value {
    let given = field.given.as_ref();
    let (mut element, prefilled) = match &field.entry {
        Entry::Looked => {
            let element =
                json!({"type": "external_select", "min_query_length": 0, "placeholder": plain("Type to search")});
            (element, given.map(|value| ("initial_option", choice((value, value)))))
        }
        Entry::Chosen(choices) => {
            let options: Vec<Value> =
                choices.iter().take(OPTIONS).map(|(value, shown)| choice((value, shown))).collect();
            let initial = options.iter().find(|option| given.is_some_and(|given| option["value"] == given.as_str()));
            let initial = initial.cloned().map(|option| ("initial_option", option));
            (json!({"type": "static_select", "options": options}), initial)
        }
        Entry::Number { min, max } => {
            let mut element = json!({"type": "number_input", "is_decimal_allowed": false});
            for (limit, none, name) in [(min, i64::MIN, "min_value"), (max, i64::MAX, "max_value")] {
                if let (true, Some(members)) = (*limit != none, element.as_object_mut()) {
                    members.insert(name.to_owned(), json!(limit.to_string()));
                }
            }
            (element, given.map(|value| ("initial_value", json!(value))))
        }
        Entry::Line(example) => typed(example, given),
        Entry::Sentences(example) => {
            let (mut element, given) = typed(example, given);
            if let Some(members) = element.as_object_mut() {
                members.insert("multiline".to_owned(), json!(true));
            }
            (element, given)
        }
    };
    if let Some(members) = element.as_object_mut() {
        members.insert("action_id".to_owned(), json!(ELEMENT));
        members.extend(prefilled.map(|(name, value)| (name.to_owned(), value)));
    }
    element
}

type Drawn = (Value, Option<(&'static str, Value)>);

fn typed(example: &str, given: Option<&String>) -> Drawn {
    let element = json!({"type": "plain_text_input", "max_length": LONGEST, "placeholder": plain(example)});
    (element, given.map(|value| ("initial_value", json!(cut(value, LONGEST)))))
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}

fn choice((value, shown): (&str, &str)) -> Value {
    json!({"text": plain(&cut(shown, SHOWN)), "value": cut(value, VALUE)})
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The answer to a form in which something is wrong: it stays open and says it under that field.
pub fn refused(field: &str, words: &Words) -> Value {
    let remedy = words.remedy.as_ref().map(|remedy| format!(" {remedy}")).unwrap_or_default();
    // Slack shows this as it is; nothing in it is markup.
    let said = cut(&format!("{}{remedy}", words.text).replace('`', ""), LONGEST);
    json!({"response_action": "errors", "errors": { field: said }})
}

/// The answer to somebody who looks for a name: values, each with what helps to choose it.
pub fn offered(choices: impl IntoIterator<Item = (String, String)>) -> Value {
    let fits = |(value, _): &(String, String)| (1..=VALUE).contains(&value.chars().count());
    let shown = |(value, label): (String, String)| json!({"text": plain(&cut(&label, SHOWN)), "value": value});
    let options: Vec<Value> = choices.into_iter().filter(fits).take(OPTIONS).map(shown).collect();
    json!({ "options": options })
}

#[derive(Deserialize)]
struct Payload {
    user: Option<Who>,
    team: Option<Team>,
    enterprise: Option<Named>,
    trigger_id: Option<String>,
    view: Option<View>,
    block_id: Option<String>,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Who {
    id: Option<String>,
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
}

#[derive(Deserialize)]
struct View {
    #[serde(default)]
    callback_id: String,
    #[serde(default)]
    private_metadata: String,
    #[serde(default)]
    state: Option<State>,
    #[serde(default)]
    blocks: Vec<Block>,
}

#[derive(Deserialize, Default)]
struct State {
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, Filled>>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    block_id: String,
}

#[derive(Deserialize)]
struct Filled {
    value: Option<String>,
    selected_option: Option<Picked>,
}

#[derive(Deserialize)]
struct Picked {
    value: Option<String>,
}

impl Payload {
    /// Reads a payload about a form of ours; nothing where it is somebody else's.
    fn read(payload: &str) -> Result<Option<(Self, View, Carried)>, NotUnderstood> {
        let not_one = |error: serde_json::Error| NotUnderstood::NotAnInteraction(error.to_string());
        let mut read: Self = serde_json::from_str(payload).map_err(not_one)?;
        let Some(view) = read.view.take().filter(|view| view.callback_id == CALLBACK) else { return Ok(None) };
        let carried = serde_json::from_str(&view.private_metadata).map_err(not_one)?;
        Ok(Some((read, view, carried)))
    }

    fn teams(&self) -> Result<Vec<String>, NotUnderstood> {
        let own = self.user.as_ref().and_then(|user| user.team_id.clone());
        let enterprise = self.enterprise.as_ref().and_then(|named| named.id.clone());
        let team = self.team.as_ref();
        let (workspace, its) =
            (team.and_then(|team| team.id.clone()), team.and_then(|team| team.enterprise_id.clone()));
        named("team.id", [workspace, own, enterprise, its])
    }
}

impl View {
    /// What is filled in, in the form's order.
    fn options(&self) -> Vec<(String, String)> {
        let values = self.state.as_ref().map(|state| &state.values);
        let filled = |name: &str| {
            let filled = values?.get(name)?.get(ELEMENT)?;
            let picked = filled.selected_option.as_ref().and_then(|picked| picked.value.clone());
            filled.value.clone().or(picked).filter(|value| !value.is_empty())
        };
        let names = self.blocks.iter().map(|block| &block.block_id);
        names.filter_map(|name| Some((name.clone(), filled(name)?))).collect()
    }
}

/// Reads a form that was sent in; nothing where it is none of ours.
pub(super) fn submission(payload: &str) -> Result<Option<Submission>, NotUnderstood> {
    let Some((payload, view, carried)) = Payload::read(payload)? else { return Ok(None) };
    Ok(Some(Submission {
        teams: payload.teams()?,
        user: id("user.id", payload.user.and_then(|user| user.id))?,
        trigger: present("trigger_id", payload.trigger_id)?,
        purpose: carried.purpose,
        at: begun(carried.at)?,
        answers: view.options(),
        first: view.blocks.first().map(|block| block.block_id.clone()).unwrap_or_default(),
    }))
}

/// Reads what somebody looks for; nothing where it is in no form of ours.
pub(super) fn search(payload: &str) -> Result<Option<Search>, NotUnderstood> {
    let Some((payload, view, carried)) = Payload::read(payload)? else { return Ok(None) };
    let teams = payload.teams()?;
    let option = present("block_id", payload.block_id)?;
    let others = view.options().into_iter().filter(|(name, _)| *name != option).collect();
    let Purpose::Command { name: command, .. } = carried.purpose else { return Ok(None) };
    Ok(Some(Search { teams, command, option, text: payload.value, others }))
}

fn begun(at: Begun) -> Result<Begun, NotUnderstood> {
    let message = at.message.map(|message| id("message.ts", Some(message))).transpose()?;
    Ok(Begun { channel: id("channel.id", Some(at.channel))?, message })
}
