//! Reads what a command file says under `change`.

use super::{
    definition::{Change, Choosing, CommandOption, Meant, OptionKind, SetPath},
    load::keys,
    making::{CONFIRM, Deleting, Read, Rendering},
    schema::{CHANGE, SET_PATH, names},
    template::{Template, TemplateError},
};
use crate::core::{
    located::{Fields, Key, Node, Problem, Value, either, nearest},
    names::Field,
    yaml::{Document, Path},
};

/// What a change does; each file has one of them.
const VERBS: [&str; 9] = ["set", "switch", "set_path", "copy", "restore", "revert", "resume", "render", "delete"];

pub(super) fn change(node: &Node, options: &[CommandOption], problems: &mut Vec<Problem>) -> Option<Change> {
    let fields = node.fields(&names(&CHANGE), problems);
    let variables: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
    let asked = Asked { fields: &fields, options, variables: &variables };
    let change = asked.change(problems);
    if !matches!(change, Some(Change::Revert(_))) {
        target(node, options, change.as_ref(), problems);
    }
    change
}

/// When the change begins, or how long what is changed is meant to last.
pub(super) fn timed(
    node: &Node,
    key: &str,
    options: &[CommandOption],
    problems: &mut Vec<Problem>,
) -> Option<Template> {
    let fields = node.fields(&names(&CHANGE), &mut Vec::new());
    let variables: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
    fields.get(key).and_then(|node| template(node, &variables, problems))
}

/// What stands under `change`, and the options that its templates may use.
struct Asked<'a> {
    fields: &'a Fields<'a>,
    options: &'a [CommandOption],
    variables: &'a [&'a str],
}

impl Asked<'_> {
    fn change(&self, problems: &mut Vec<Problem>) -> Option<Change> {
        let given: Vec<(&str, &Node)> = VERBS.iter().filter_map(|verb| Some((*verb, self.fields.get(verb)?))).collect();
        // What is set and what is switched are fields alike.
        let other = |(verb, _): &&(&str, &Node)| !matches!(*verb, "set" | "switch");
        if let (2.., Some((second, node))) = (given.len(), given.iter().rev().find(other)) {
            let first = given.iter().map(|(verb, _)| *verb).find(|verb| verb != second).unwrap_or_default();
            let problem = node.problem("one of the two", "Remove one.");
            problems.push(Problem { found: format!("`{second}` beside `{first}`"), ..problem });
            return None;
        }
        let Some((verb, node)) = given.first().copied() else {
            problems.push(self.fields.missing("set` or `restore", "set: { replicas: \"{{ replicas }}\" }"));
            return None;
        };
        match verb {
            "revert" => template(node, self.variables, problems).map(Change::Revert),
            "resume" => Some(Change::Resume(restored(node, self.options, problems))),
            "set_path" => Some(Change::At(self.places(node, problems))),
            "render" => Some(Change::Render(self.making().rendering(node, problems))),
            "delete" => Some(Change::Delete(self.making().deleting(node, problems))),
            "copy" => self.copied(node, problems),
            "restore" => {
                let fields = restored(node, self.options, problems);
                let (also, pause) = (self.templated("also", problems), self.templated("pause", problems));
                Some(Change::Restore { fields, also, pause })
            }
            _ => Some(self.set(problems)),
        }
    }

    fn making(&self) -> Read<'_> {
        let (service, register) = (self.fields.get("service"), self.fields.get("register"));
        Read { service, register, variables: self.variables }
    }

    fn templated(&self, key: &str, problems: &mut Vec<Problem>) -> Option<Template> {
        self.fields.get(key).and_then(|node| template(node, self.variables, problems))
    }

    fn copied(&self, node: &Node, problems: &mut Vec<Problem>) -> Option<Change> {
        let fields = node.named_items(Field::parse, problems);
        if fields.is_empty() && problems.is_empty() {
            problems.push(node.problem("a list of fields", "Write `[image_tag, image_digest]`."));
        }
        if self.fields.get("from").is_none() {
            problems.push(self.fields.missing("from", "from: \"{{ from }}\""));
        }
        Some(Change::Copy { fields, from: self.templated("from", problems)? })
    }

    /// What is set and what is switched. Where every key is one field and no more it is a plain setting.
    fn set(&self, problems: &mut Vec<Problem>) -> Change {
        let is_plain = |(key, _): &(Key, Node)| !key.text.contains(['{', '|']);
        if let (Some(set), None) = (self.fields.get("set"), self.fields.get("switch"))
            && set.entries(&mut Vec::new()).iter().all(is_plain)
        {
            return Change::Set(templates(set, self.variables, problems));
        }
        let mut all = Vec::new();
        for (verb, meant) in [("set", Meant::Literally), ("switch", Meant::AsSwitch)] {
            let entries = self.fields.get(verb).map_or(&[] as &[(Key, Node)], |node| node.entries(problems));
            all.extend(entries.iter().filter_map(|entry| self.choosing(entry, meant, problems)));
        }
        if all.is_empty() && problems.is_empty() {
            problems.push(self.fields.missing("set", "set: { replicas: \"{{ replicas }}\" }"));
        }
        Change::Choose(all)
    }

    /// `env.{{ name }} | config.{{ name }}`, and the value.
    fn choosing(&self, (key, node): &(Key, Node), meant: Meant, problems: &mut Vec<Problem>) -> Option<Choosing> {
        let names = key.text.split('|').map(str::trim).collect::<Vec<_>>();
        let fields = names.into_iter().map(|name| field(name, (key, node), self.variables, problems));
        let fields = fields.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>();
        let value = template(node, self.variables, problems)?;
        Some(Choosing { fields: fields?, value, meant })
    }

    fn places(&self, node: &Node, problems: &mut Vec<Problem>) -> Vec<SetPath> {
        let items = node.items(problems);
        if items.is_empty() && problems.is_empty() {
            problems.push(node.problem(
                "a list of places",
                "Write `[{ file: cronjob.yaml, path: spec.schedule, value: \"{{ schedule }}\" }]`.",
            ));
        }
        items.iter().filter_map(|item| self.place(item, problems)).collect()
    }

    fn place(&self, node: &Node, problems: &mut Vec<Problem>) -> Option<SetPath> {
        let fields = keys(node, &SET_PATH, "file: cronjob.yaml", problems);
        let mut read = |key: &str| fields.get(key).and_then(|node| template(node, self.variables, problems));
        let (file, path, value) = (read("file"), read("path"), read("value"));
        let document = fields.get("document").map_or(Some(Document::Index(0)), |node| document(node, problems));
        if let (Some(template), Some(node)) = (&path, fields.get("path"))
            && let Err(error) = Path::parse(&sample(template.source()))
        {
            problems.push(node.problem("a way in a YAML file", error.remedy()));
        }
        let leaves = |template: &Template| template.source().split('/').any(|step| matches!(step, "" | "." | ".."));
        if let (Some(_), Some(node)) = (file.as_ref().filter(|file| leaves(file)), fields.get("file")) {
            problems.push(node.problem("a file within the service's place", "Write it like `cronjob.yaml`."));
        }
        Some(SetPath { file: file?, document: document?, path: path?, value: value? })
    }
}

fn document(node: &Node, problems: &mut Vec<Problem>) -> Option<Document> {
    let text = match &node.value {
        Value::Number(number) => number.to_string(),
        Value::Nothing | Value::Flag(_) | Value::Text(..) | Value::List(_) | Value::Map(_) | Value::Reported => {
            node.text(problems)?.to_owned()
        }
    };
    let problem = || node.problem("a document", "Write it like `CronJob/report`, or its number from 0.");
    Document::parse(&text).map_err(|_| problems.push(problem())).ok()
}

/// A template with a plain name in place of each of its parts.
fn sample(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        text.push_str("name");
        rest = after.split_once("}}").map_or("", |(_, rest)| rest);
    }
    text + rest
}

/// The name of a field that may hold templates.
fn field(name: &str, (key, node): (&Key, &Node), variables: &[&str], problems: &mut Vec<Problem>) -> Option<Template> {
    if let Err(error) = Field::parse(&sample(name)) {
        problems.push(key.refused(error, &node.key));
        return None;
    }
    match Template::parse(name, variables) {
        Ok(template) => Some(template),
        Err(error) => {
            problems.push(Problem { place: key.place, ..no_template(node, &error, variables) });
            None
        }
    }
}

/// A change is one target's: it needs one service and one environment, both required.
fn target(node: &Node, options: &[CommandOption], change: Option<&Change>, problems: &mut Vec<Problem>) {
    let is_source =
        |option: &CommandOption| matches!(change, Some(Change::Copy { from, .. }) if from.uses(&option.name));
    let makes = matches!(change, Some(Change::Render(_) | Change::Delete(_)));
    let is_named = matches!(
        change,
        Some(Change::Render(Rendering { service: Some(_), .. }) | Change::Delete(Deleting { service: Some(_), .. }))
    );
    for kind in [OptionKind::Service, OptionKind::Environment] {
        if kind == OptionKind::Service && is_named {
            continue;
        }
        let takes = |option: &CommandOption| {
            let may = kind == OptionKind::Service && change.is_none_or(Change::takes_several);
            option.kind == kind || (may && option.kind == OptionKind::Services)
        };
        let mut fitting = options.iter().filter(|option| takes(option) && !is_source(option));
        let (first, second) = (fitting.next(), fitting.next());
        let is_given = |option: &CommandOption| option.is_required() || (makes && option.has_default());
        if second.is_none() && first.is_some_and(is_given) {
            continue;
        }
        let word = kind.word();
        let found = match (first, second) {
            (None, _) => format!("a change without an option of type `{word}`"),
            (Some(option), None) => format!("a change whose option `{}` may be left out", option.name),
            (Some(_), Some(option)) => format!("`{}`, a second option of type `{word}`", option.name),
        };
        let remedy = format!("Write `{word}: {{ type: {word}, required: true }}` under `options`.");
        let problem = node.problem(format!("one required option of type `{word}`"), remedy);
        problems.push(Problem { place: node.key_place, found, ..problem });
    }
    let several = options.iter().any(|option| option.kind == OptionKind::Services);
    if several && !options.iter().any(|option| option.name == CONFIRM && option.kind == OptionKind::Text) {
        let remedy =
            "Write `confirm: { type: text }` under `options`: where there are many, a name is typed once more.";
        let problem = node.problem("an option `confirm` beside one of type `services`", remedy);
        problems.push(Problem { place: node.key_place, found: "none".to_owned(), ..problem });
    }
}

fn restored(node: &Node, options: &[CommandOption], problems: &mut Vec<Problem>) -> Vec<Field> {
    let versions = [("image_tag", Field::ImageTag), ("image_digest", Field::ImageDigest)];
    let items = node.items(problems);
    if items.is_empty() {
        problems.push(node.problem("a list of fields", "Write `[image_tag, image_digest]`."));
    }
    let tags: Vec<&str> = options
        .iter()
        .filter(|option| option.kind == OptionKind::ImageTag)
        .map(|option| option.name.as_str())
        .collect();
    if tags.len() > 1 {
        let problem = node.problem("one at most, the version to go back to", "Remove the others.");
        problems.push(Problem { found: format!("options of type `image_tag`: {}", tags.join(", ")), ..problem });
    }
    items.iter().filter_map(|item| item.choice(&versions, problems)).collect()
}

fn templates(node: &Node, variables: &[&str], problems: &mut Vec<Problem>) -> Vec<(Field, Template)> {
    let entries = node.named_entries(Field::parse, problems);
    if entries.is_empty() && problems.is_empty() {
        problems.push(node.problem("fields and their values", "Write `{ replicas: \"{{ replicas }}\" }`."));
    }
    let mut templates = Vec::new();
    for (field, node) in entries {
        if let Some(template) = template(node, variables, problems) {
            templates.push((field, template));
        }
    }
    templates
}

pub(super) fn template(node: &Node, variables: &[&str], problems: &mut Vec<Problem>) -> Option<Template> {
    let source = match &node.value {
        Value::Number(number) => number.to_string(),
        Value::Nothing | Value::Flag(_) | Value::Text(..) | Value::List(_) | Value::Map(_) | Value::Reported => {
            node.text(problems)?.to_owned()
        }
    };
    let error = match Template::parse(&source, variables) {
        Ok(template) => return Some(template),
        Err(error) => error,
    };
    problems.push(no_template(node, &error, variables));
    None
}

fn no_template(node: &Node, error: &TemplateError, variables: &[&str]) -> Problem {
    let (expected, remedy) = match error {
        TemplateError::UnknownVariable(name) => match nearest(name, variables.iter().copied()) {
            Some(near) => (either(variables.iter().copied()), format!("Did you mean `{{{{ {near} }}}}`?")),
            None => (either(variables.iter().copied()), "Use an option of this command, or add one.".to_owned()),
        },
        TemplateError::Syntax(_) => ("a template".to_owned(), "Write it like `\"{{ replicas }}\"`.".to_owned()),
        TemplateError::TooLong => ("a short template".to_owned(), "Shorten it.".to_owned()),
    };
    Problem { found: error.to_string(), ..node.problem(expected, remedy) }
}
