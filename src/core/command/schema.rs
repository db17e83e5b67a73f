//! The keys that a command file may have, as one table: the loader refuses what is not in it, and the JSON Schema
//! that editors use is generated from it, so that the two cannot disagree.

use serde_json::{Map, Value as Json, json};

use super::definition::FLOWS;

/// A key of a map in a command file.
pub(super) struct KeyOf {
    pub(super) name: &'static str,
    pub(super) needed: Needed,
    about: &'static str,
    shape: fn() -> Json,
}

/// Whether a key must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    Always,
    Sometimes,
}

const fn key(name: &'static str, needed: Needed, about: &'static str, shape: fn() -> Json) -> KeyOf {
    KeyOf { name, needed, about, shape }
}

/// The words that `type` may have.
pub(super) const TYPES: [&str; 16] = [
    "service",
    "services",
    "environment",
    "environments",
    "image_tag",
    "image_digest",
    "integer",
    "duration",
    "moment",
    "text",
    "boolean",
    "person",
    "choice",
    "command",
    "commit",
    "word",
];

/// Flows that the format knows and that do nothing yet.
pub(super) const LATER_FLOWS: [&str; 1] = ["logs"];

/// The file itself.
pub(super) const FILE: [KeyOf; 5] = [
    key("name", Needed::Always, "What is typed.", || json!({"type": "string", "pattern": NAME})),
    key("summary", Needed::Always, "One line for lists and help.", text),
    key("options", Needed::Sometimes, "Its options in the order in which they may be typed.", options),
    key("change", Needed::Sometimes, "What it changes in git.", || map(&CHANGE)),
    key("flow", Needed::Sometimes, "The code it starts.", || one_of(FLOWS.map(|(word, _)| word).as_slice())),
];

/// An option.
pub(super) const OPTION: [KeyOf; 7] = [
    key("type", Needed::Always, "What values it takes.", || one_of(&TYPES)),
    key("required", Needed::Sometimes, "Whether it must be given.", || json!({"type": "boolean"})),
    key("min", Needed::Sometimes, "The least an `integer` may be.", || json!({"type": "integer"})),
    key("max", Needed::Sometimes, "The most an `integer` may be.", || json!({"type": "integer"})),
    key(
        "default",
        Needed::Sometimes,
        "Its value when it is left out.",
        || json!({"type": ["string", "integer", "boolean"]}),
    ),
    key("help", Needed::Sometimes, "What it is for.", text),
    key(
        "choices",
        Needed::Sometimes,
        "The values of a `choice`.",
        || json!({"type": "array", "items": text(), "minItems": 1}),
    ),
];

/// A change.
pub(super) const CHANGE: [KeyOf; 16] = [
    key(
        "set",
        Needed::Sometimes,
        "Fields and the templates of their values; `env.X | config.X` is whichever of them the service has.",
        values,
    ),
    key(
        "switch",
        Needed::Sometimes,
        "The same for values that are `on` or `off`, written in the words that stand there.",
        values,
    ),
    key(
        "set_path",
        Needed::Sometimes,
        "Places of files and the templates of their values.",
        || json!({"type": "array", "items": map(&SET_PATH), "minItems": 1}),
    ),
    key(
        "copy",
        Needed::Sometimes,
        "Fields that get the value they have in another environment; a version only where it is healthy there.",
        || json!({"type": "array", "items": text(), "minItems": 1}),
    ),
    key("from", Needed::Sometimes, "With `copy`: the environment.", text),
    key("restore", Needed::Sometimes, "Fields that get the value they had earlier.", versions),
    key("also", Needed::Sometimes, "With `restore`: more fields that get the value they had then.", text),
    key("pause", Needed::Sometimes, "With `restore`: how long automatic updates are held off.", text),
    key("revert", Needed::Sometimes, "The commit whose changes are undone.", text),
    key("resume", Needed::Sometimes, "Fields whose automatic updates go on.", versions),
    key(
        "render",
        Needed::Sometimes,
        "Templates that are made into files, and registered where a kustomization lists such.",
        rendering,
    ),
    key(
        "delete",
        Needed::Sometimes,
        "Files that go, and what registers them; `rendered`: all that was rendered there.",
        deleting,
    ),
    key(
        "service",
        Needed::Sometimes,
        "With `render` or `delete`: the service that it is about, where no option names it.",
        text,
    ),
    key(
        "register",
        Needed::Sometimes,
        "With `render`: kustomizations that get the service's place as a resource, where they are there.",
        || json!({"type": "array", "items": text()}),
    ),
    key(
        "revert_after",
        Needed::Sometimes,
        "When what was changed is given back: `4h` after it landed, or a moment; never where it comes out empty.",
        text,
    ),
    key(
        "begins_at",
        Needed::Sometimes,
        "When it begins, once it is approved: a moment, or `4h` from when it is asked for; at once where it comes out empty.",
        text,
    ),
];

/// A place that `set_path` gives a value.
pub(super) const SET_PATH: [KeyOf; 4] = [
    key("file", Needed::Always, "The file, as seen from the service's place in the environment.", text),
    key(
        "document",
        Needed::Sometimes,
        "Which document of it: `Kind/name`, or its number from 0.",
        || json!({"type": ["string", "integer"]}),
    ),
    key("path", Needed::Always, "The way to the value: `spec.schedule`.", text),
    key("value", Needed::Always, "The template of the value.", || json!({"type": ["string", "integer"]})),
];

/// A template that `render` makes into files.
pub(super) const RENDER: [KeyOf; 2] = [
    key("template", Needed::Always, "Its name: a directory below `.leverframe/templates`, or a starter.", text),
    key(
        "into",
        Needed::Sometimes,
        "A directory from the top of the repository; where it is not there, the template is left out.",
        text,
    ),
];

fn rendering() -> Json {
    let mut part = map(&RENDER);
    if let Json::Object(members) = &mut part {
        members.insert("type".into(), json!(["string", "object"]));
    }
    json!({"type": ["string", "array"], "items": part, "minItems": 1})
}

fn deleting() -> Json {
    json!({"type": ["string", "array"], "pattern": "^rendered$", "items": text(), "minItems": 1})
}

fn values() -> Json {
    json!({"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "integer"]}})
}

fn versions() -> Json {
    json!({"type": "array", "items": one_of(&["image_tag", "image_digest"]), "minItems": 1})
}

const NAME: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

/// The names of a table.
pub(super) fn names(table: &[KeyOf]) -> Vec<&'static str> {
    table.iter().map(|key| key.name).collect()
}

/// The JSON Schema (2020-12) of a command file.
pub fn command_schema() -> Json {
    let mut schema = map(&FILE);
    if let Json::Object(members) = &mut schema {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".into(), "A Leverframe command".into());
        members.insert("oneOf".into(), json!([{"required": ["change"]}, {"required": ["flow"]}]));
    }
    schema
}

fn text() -> Json {
    json!({"type": "string", "minLength": 1})
}

fn one_of(words: &[&str]) -> Json {
    json!({"type": "string", "enum": words})
}

fn options() -> Json {
    json!({"type": "object", "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"}, "additionalProperties": map(&OPTION)})
}

fn map(table: &[KeyOf]) -> Json {
    let always: Vec<&str> = table.iter().filter(|key| key.needed == Needed::Always).map(|key| key.name).collect();
    let mut properties = Map::new();
    for key in table {
        let mut shape = (key.shape)();
        if let Json::Object(members) = &mut shape {
            members.insert("description".into(), key.about.into());
        }
        properties.insert(key.name.to_owned(), shape);
    }
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if let (Json::Object(members), false) = (&mut schema, always.is_empty()) {
        members.insert("required".into(), always.into());
    }
    schema
}
