//! Files that a command makes of templates, and files that it takes away: what its own file says under `render` and
//! `delete`, and what that comes to for the values that somebody gave.

use std::collections::BTreeMap;

use super::{
    asking::{Asked, Command},
    asking_error::AskingError,
    changes::template,
    definition::{Action, Change, OptionKind},
    load::keys,
    parse::Begun,
    schema::RENDER,
    template::Template,
    value::Value as Given,
};
use crate::core::{
    located::{Node, Place, Problem, Value},
    names::{Field, Service},
    several,
};

/// What is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// The templates, one after the other.
    pub parts: Vec<RenderedPart>,
    /// The service that it is about, where that is not the one that an option names.
    pub service: Option<Template>,
    /// Kustomizations, from the top of the repository, that get the service's place as a resource.
    pub register: Vec<Template>,
}

/// One template of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedPart {
    /// Its name: a directory below `.leverframe/templates`.
    pub template: String,
    /// Where that stands in the command's file.
    pub place: Place,
    /// A directory from the top of the repository; absent: the service's place.
    pub into: Option<Template>,
}

/// What is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleting {
    /// The files, as seen from the service's place; none: all that was rendered for it.
    pub files: Vec<Template>,
    /// The service that it is about, where that is not the one that an option names.
    pub service: Option<Template>,
}

/// What somebody asks to be rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Making {
    /// The templates.
    pub parts: Vec<Part>,
    /// Kustomizations from the top of the repository.
    pub register: Vec<String>,
    /// The options that templates may use, by name.
    pub values: BTreeMap<String, Given>,
    /// The service that an option names.
    pub service: Option<Service>,
}

/// One template that is to be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub template: String,
    /// A directory from the top of the repository; absent: the target's place.
    pub into: Option<String>,
}

/// What somebody asks to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removing {
    /// Files as seen from the target's place; none: all that was rendered for it.
    pub files: Vec<String>,
    /// What becomes of a rendered file that somebody changed.
    pub by_hand: ByHand,
}

/// What becomes of what people did by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    /// It stays, and so does the file.
    Kept,
    /// It goes with the file, as people say who are shown it.
    Taken,
}

/// What stands under `render`, `delete` and beside them.
pub(super) struct Read<'a> {
    pub(super) service: Option<&'a Node>,
    pub(super) register: Option<&'a Node>,
    pub(super) variables: &'a [&'a str],
}

impl Read<'_> {
    pub(super) fn rendering(&self, node: &Node, problems: &mut Vec<Problem>) -> Rendering {
        let parts = match &node.value {
            Value::List(items) => items.iter().filter_map(|item| self.part(item, problems)).collect(),
            Value::Nothing | Value::Flag(_) | Value::Number(_) | Value::Text(..) | Value::Map(_) | Value::Reported => {
                self.part(node, problems).into_iter().collect()
            }
        };
        Rendering { parts, service: self.service(problems), register: self.list(self.register, problems) }
    }

    pub(super) fn deleting(&self, node: &Node, problems: &mut Vec<Problem>) -> Deleting {
        let files = match &node.value {
            Value::Text(word, _) if word == RENDERED => Vec::new(),
            Value::List(_) => self.list(Some(node), problems),
            Value::Nothing | Value::Flag(_) | Value::Number(_) | Value::Text(..) | Value::Map(_) | Value::Reported => {
                let remedy = "Write `rendered` for all that was rendered there, or `[database.yaml]`.";
                problems.push(node.problem("`rendered` or a list of files", remedy));
                Vec::new()
            }
        };
        if let Value::List(items) = &node.value
            && items.is_empty()
        {
            problems.push(node.problem("at least one file", "Write `[database.yaml]`, or `rendered`."));
        }
        Deleting { files, service: self.service(problems) }
    }

    fn service(&self, problems: &mut Vec<Problem>) -> Option<Template> {
        self.service.and_then(|node| template(node, self.variables, problems))
    }

    fn list(&self, node: Option<&Node>, problems: &mut Vec<Problem>) -> Vec<Template> {
        let Some(node) = node else { return Vec::new() };
        let mut found = Vec::new();
        for item in node.items(problems) {
            let Some(path) = template(item, self.variables, problems) else { continue };
            if path.source().split('/').any(|step| matches!(step, "" | "." | "..")) {
                problems.push(item.problem("a path without `..`", "Write it like `database.yaml`."));
            }
            found.push(path);
        }
        found
    }

    /// A template's name, or a map with it.
    fn part(&self, node: &Node, problems: &mut Vec<Problem>) -> Option<RenderedPart> {
        let (named, into) = if let Value::Map(_) = &node.value {
            let fields = keys(node, &RENDER, "template: database", problems);
            let into = fields.get("into").and_then(|into| template(into, self.variables, problems));
            (fields.get("template")?, into)
        } else {
            (node, None)
        };
        let name = named.text(problems)?.to_owned();
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(is_part) {
            problems.push(named.problem("the name of a template", "Write it like `database`."));
        }
        Some(RenderedPart { template: name, place: named.place, into })
    }
}

/// The option that confirms what is hard to undo.
pub(super) const CONFIRM: &str = "confirm";

/// The word for all that was rendered.
const RENDERED: &str = "rendered";

impl Command {
    /// What is typed once more for what is hard to undo: the service's name; of several the environment's.
    pub fn to_confirm(&self) -> Option<String> {
        match self.services() {
            [_, _, ..] => self.environment().map(ToString::to_string),
            _ => self.target().map(|target| target.service.to_string()),
        }
    }

    /// What lacks only the name that is typed for what is hard to undo: nothing runs afterwards, files go, or it is of
    /// many services at once.
    pub fn unconfirmed(&self) -> Option<Begun> {
        self.definition().option(CONFIRM)?;
        let is_many = self.services().len() > several::MANY;
        let is_hard = match self.change().ok()? {
            Asked::Set(set) => set.get(&Field::Replicas).is_some_and(|count| *count == 0),
            Asked::Delete(_) => true,
            Asked::Choose(_)
            | Asked::At(_)
            | Asked::Copy { .. }
            | Asked::Restore { .. }
            | Asked::Revert { .. }
            | Asked::Resume { .. }
            | Asked::Render(_) => false,
        };
        let name = self.to_confirm()?;
        let said = self.value(CONFIRM).map(ToString::to_string);
        let values = self.values().iter().filter(|(option, _)| *option != CONFIRM);
        let given = values.map(|(option, value)| (option.clone(), value.to_string())).collect();
        let definition = std::sync::Arc::clone(self.definition());
        let is_unsaid = (is_hard || is_many) && said.as_deref() != Some(name.as_str());
        is_unsaid.then_some(Begun { definition, given, confirm: Some(name) })
    }

    /// The template of the service that it makes or takes away, where no option names that.
    pub(super) fn naming(&self) -> Option<&Template> {
        match &self.definition().action {
            Action::Change(Change::Render(Rendering { service, .. }) | Change::Delete(Deleting { service, .. })) => {
                service.as_ref()
            }
            Action::Change(_) | Action::Flow(_) => None,
        }
    }

    /// The service that it makes or takes away, where no option names that.
    pub(super) fn made(&self) -> Option<Service> {
        Service::parse(&self.plain(self.naming()?, "the name of a service").ok()?).ok()
    }

    /// Why the service that it makes has no name.
    fn named_well(&self) -> Result<(), AskingError> {
        let Some(naming) = self.naming() else { return Ok(()) };
        let name = self.plain(naming, "the name of a service")?;
        Service::parse(&name).map(drop).map_err(|_| self.no_name(&name, "the name of a service"))
    }

    pub(super) fn making(&self, rendering: &Rendering) -> Result<Making, AskingError> {
        self.named_well()?;
        let part = |part: &RenderedPart| {
            let into = part.into.as_ref().map(|into| self.plain(into, "the name of a directory")).transpose()?;
            Ok(Part { template: part.template.clone(), into })
        };
        let register = rendering.register.iter().map(|path| self.plain(path, "the name of a file"));
        let kind = |name: &str| self.definition().option(name).map(|option| option.kind.clone());
        // Free text and times are for people, and stand in no file.
        let is_data = |(name, _): &(&String, &Given)| {
            !matches!(kind(name), Some(OptionKind::Text | OptionKind::Duration | OptionKind::Moment))
        };
        let values = self.values().iter().filter(is_data);
        let values: BTreeMap<String, Given> = values.map(|(name, value)| (name.clone(), value.clone())).collect();
        for text in values.values().map(ToString::to_string) {
            self.writable(&text)?;
        }
        Ok(Making {
            parts: rendering.parts.iter().map(part).collect::<Result<_, AskingError>>()?,
            register: register.collect::<Result<_, AskingError>>()?,
            values,
            service: self.service().cloned(),
        })
    }

    /// What people give stands in files as it is, so it holds nothing that would say more there than itself.
    fn writable(&self, text: &str) -> Result<(), AskingError> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '+' | '=');
        let is_plain = text.chars().all(is_part) && !text.starts_with(['-', '@', ':']) && !text.ends_with(':');
        if is_plain { Ok(()) } else { Err(self.no_name(text, "a file")) }
    }

    pub(super) fn removing(&self, deleting: &Deleting) -> Result<Removing, AskingError> {
        self.named_well()?;
        let files = deleting.files.iter().map(|file| self.plain(file, "the name of a file"));
        Ok(Removing { files: files.collect::<Result<_, _>>()?, by_hand: ByHand::Kept })
    }
}
