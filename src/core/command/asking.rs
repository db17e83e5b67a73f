//! A command that somebody gave: a definition with values, and what it asks for.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

use super::{
    asking_error::AskingError,
    definition::{Action, Change, Choosing, Definition, Flow, Meant, OptionKind, SetPath},
    making::{Making, Removing},
    template::Template,
    value::Value,
    words::quoted,
};
use crate::core::{
    moment::Moment,
    names::{CommandName, Environment, Field, ImageDigest, ImageTag, Service, Target},
    several,
    span::Span,
    yaml::{Document, Path},
};

/// A command with its values. Made by `parse` and `from_options`, so every required option has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    definition: Arc<Definition>,
    values: BTreeMap<String, Value>,
    text: String,
}

/// What a command wants changed in its target.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// Fields with the values they shall have, never empty. `replicas`, `replicas_min` and `replicas_max` are JSON
    /// integers; every other field is a JSON string, whatever it looks like.
    Set(BTreeMap<Field, Json>),
    /// The same, where each may be one of several fields, whichever the target has.
    Choose(Vec<Chosen>),
    /// Places of the target's files with the values they shall have.
    At(Vec<PlaceAsked>),
    /// Fields that shall have the value that they have in another environment.
    Copy {
        /// The fields.
        fields: Vec<Field>,
        /// The environment.
        from: Environment,
    },
    /// Fields that shall have the value they had earlier.
    Restore {
        /// The fields.
        fields: Vec<Field>,
        /// The version to go back to; the last that was healthy if nothing is said.
        to: Option<ImageTag>,
        /// More fields that shall have the value they had then.
        also: Vec<Field>,
        /// How long what would bring the version back is held off.
        pause: Span,
    },
    /// What a commit changed shall be undone.
    Revert {
        /// The commit, `#12` for a pull request, or a request's id.
        what: String,
    },
    /// The automation of fields shall go on.
    Resume {
        /// The fields.
        fields: Vec<Field>,
    },
    /// Templates shall be made into files.
    Render(Making),
    /// Files shall go.
    Delete(Removing),
}

/// One of several fields, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The fields in the order in which they are looked for, never empty.
    pub fields: Vec<Field>,
    /// The value as text.
    pub value: String,
    /// How it is meant.
    pub meant: Meant,
}

/// A place of a file, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceAsked {
    /// The file, as seen from the target's place.
    pub file: String,
    /// Which document of it.
    pub document: Document,
    /// The way to the value.
    pub path: Path,
    /// The value as text.
    pub value: String,
}

/// How long an automation is held off where nothing is said.
const A_DAY: &str = "24h";

impl Command {
    pub(super) fn new(definition: Arc<Definition>, values: BTreeMap<String, Value>, text: String) -> Self {
        Self { definition, values, text }
    }

    /// What is typed.
    pub fn name(&self) -> &CommandName {
        &self.definition.name
    }

    /// The command's definition.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// The values by option; an option that was not given and has no default is absent.
    pub fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// The value of an option.
    pub fn value(&self, option: &str) -> Option<&Value> {
        self.values.get(option)
    }

    /// The values in declared order.
    fn in_order(&self) -> impl Iterator<Item = (&str, &OptionKind, &Value)> {
        let options = self.definition.options.iter();
        options.filter_map(|option| Some((option.name.as_str(), &option.kind, self.values.get(&option.name)?)))
    }

    /// The first service named.
    pub fn service(&self) -> Option<&Service> {
        self.services().first()
    }

    /// The services that one option names: one, or several.
    pub fn services(&self) -> &[Service] {
        let one = |value: &'_ Value| matches!(value, Value::Service(_) | Value::Services(_));
        match self.in_order().find(|(.., value)| one(value)) {
            Some((.., Value::Service(service))) => std::slice::from_ref(service),
            Some((.., Value::Services(services))) => services,
            Some(_) | None => &[],
        }
    }

    /// The services beside the first, in the same environment.
    pub fn with(&self) -> Vec<Service> {
        self.services().iter().skip(1).cloned().collect()
    }

    /// The first environment named that nothing is copied from.
    pub fn environment(&self) -> Option<&Environment> {
        let here = |name: &str| !self.definition.is_source(name);
        let named = self.in_order().filter(|(name, ..)| here(name));
        named.into_iter().find_map(|(.., value)| if let Value::Environment(name) = value { Some(name) } else { None })
    }

    /// The first image tag named.
    pub fn tag(&self) -> Option<&ImageTag> {
        self.in_order().find_map(|(.., value)| if let Value::Tag(tag) = value { Some(tag) } else { None })
    }

    /// What it is about, when it names a service and an environment. A change always does.
    pub fn target(&self) -> Option<Target> {
        let service = self.made().or_else(|| self.service().cloned())?;
        Some(Target { service, environment: self.environment()?.clone() })
    }

    /// Why, in the person's words: the option `reason`.
    pub fn reason(&self) -> Option<&str> {
        if let Some(Value::Text(reason)) = self.value("reason") { Some(reason) } else { None }
    }

    /// The flow it starts, when it is one.
    pub fn flow(&self) -> Option<Flow> {
        match self.definition.action {
            Action::Flow(flow) => Some(flow),
            Action::Change(_) => None,
        }
    }

    /// What it wants changed.
    ///
    /// # Errors
    /// When it is a flow, when nothing is to be changed, or when a template gives no value for its field.
    pub fn change(&self) -> Result<Asked, AskingError> {
        match &self.definition.action {
            Action::Flow(_) => Err(AskingError::NotAChange { command: self.name().clone() }),
            Action::Change(Change::Restore { fields, also, pause }) => {
                let (also, pause) = (self.listed(also.as_ref())?, self.span(pause.as_ref())?);
                Ok(Asked::Restore { fields: fields.clone(), to: self.tag().cloned(), also, pause })
            }
            Action::Change(Change::Revert(what)) => Ok(Asked::Revert { what: self.rendered(&Field::ImageTag, what)? }),
            Action::Change(Change::Copy { fields, from }) => {
                let from = self.rendered(&Field::ImageTag, from)?;
                let from =
                    Environment::parse(&from).map_err(|_| self.no_name(&from, "the environment to copy from"))?;
                Ok(Asked::Copy { fields: fields.clone(), from })
            }
            Action::Change(Change::Choose(all)) => {
                let chosen = all.iter().filter_map(|one| self.chosen(one).transpose());
                let chosen = chosen.collect::<Result<Vec<_>, _>>()?;
                if chosen.is_empty() { Err(self.nothing()) } else { Ok(Asked::Choose(chosen)) }
            }
            Action::Change(Change::At(all)) => {
                let places = all.iter().filter_map(|one| self.place(one).transpose());
                let places = places.collect::<Result<Vec<_>, _>>()?;
                if places.is_empty() { Err(self.nothing()) } else { Ok(Asked::At(places)) }
            }
            Action::Change(Change::Resume(fields)) => Ok(Asked::Resume { fields: fields.clone() }),
            Action::Change(Change::Render(rendering)) => self.making(rendering).map(Asked::Render),
            Action::Change(Change::Delete(deleting)) => self.removing(deleting).map(Asked::Delete),
            Action::Change(Change::Set(templates)) => {
                let mut fields = BTreeMap::new();
                for (field, template) in templates {
                    let text = self.rendered(field, template)?;
                    if !text.is_empty() {
                        fields.insert(field.clone(), self.typed(field, text)?);
                    }
                }
                if fields.is_empty() { Err(self.nothing()) } else { Ok(Asked::Set(fields)) }
            }
        }
    }

    /// How long what it changes is meant to last; nothing where it is meant to stay.
    ///
    /// # Errors
    /// When a template fails, or what comes out is no length of time and no moment.
    pub fn lasts(&self) -> Result<Option<Moment>, AskingError> {
        self.moment(self.definition.revert_after.as_ref(), "how long a change lasts")
    }

    /// When it begins; nothing where that is at once.
    ///
    /// # Errors
    /// As [`Command::lasts`].
    pub fn begins(&self) -> Result<Option<Moment>, AskingError> {
        self.moment(self.definition.begins_at.as_ref(), "when a change begins")
    }

    fn moment(&self, template: Option<&Template>, what: &'static str) -> Result<Option<Moment>, AskingError> {
        let Some(template) = template else { return Ok(None) };
        let text = self.rendered(&Field::Config("moment".to_owned()), template)?;
        let moment = |text: &str| Moment::parse(text).map_err(|_| self.no_name(text, what));
        Some(text.as_str()).filter(|text| !text.is_empty()).map(moment).transpose()
    }

    pub(super) fn nothing(&self) -> AskingError {
        AskingError::Nothing { command: self.name().clone() }
    }

    pub(super) fn no_name(&self, found: &str, what: &'static str) -> AskingError {
        AskingError::NotAName { command: self.name().clone(), found: found.chars().take(80).collect(), what }
    }

    /// One of several fields with its value; none where the value comes out empty.
    fn chosen(&self, one: &Choosing) -> Result<Option<Chosen>, AskingError> {
        let name = |template: &Template| {
            let name = self.plain(template, "the name of a field")?;
            Field::parse(&name).map_err(|_| self.no_name(&name, "the name of a field"))
        };
        let fields = one.fields.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let value = self.rendered(fields.first().unwrap_or(&Field::ImageTag), &one.value)?;
        if value.is_empty() {
            return Ok(None);
        }
        fields.iter().try_for_each(|field| self.typed(field, value.clone()).map(drop))?;
        Ok(Some(Chosen { fields, value, meant: one.meant }))
    }

    /// A place with its value; none where the value comes out empty.
    fn place(&self, one: &SetPath) -> Result<Option<PlaceAsked>, AskingError> {
        let value = self.rendered(&Field::Config("value".to_owned()), &one.value)?;
        let (file, path) = (self.plain(&one.file, "the name of a file")?, self.plain(&one.path, "a way")?);
        let path = Path::parse(&path).map_err(|_| self.no_name(&path, "a way"))?;
        let document = one.document.clone();
        Ok((!value.is_empty()).then_some(PlaceAsked { file, document, path, value }))
    }

    /// What comes out where only names may stand: what people give there must be plain, or it would say more.
    pub(super) fn plain(&self, template: &Template, what: &'static str) -> Result<String, AskingError> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_plain = |text: &str| text.chars().all(is_part) && !text.contains("..");
        let given = template.used().filter_map(|option| self.value(option)).map(ToString::to_string);
        match given.into_iter().find(|text| !is_plain(text)) {
            Some(text) => Err(self.no_name(&text, what)),
            None => self.rendered(&Field::ImageTag, template),
        }
    }

    pub(super) fn rendered(&self, field: &Field, template: &Template) -> Result<String, AskingError> {
        let failed = |reason| AskingError::Template { command: self.name().clone(), field: field.clone(), reason };
        template.render(&self.values).map_err(failed)
    }

    /// The fields that a text names, between commas or spaces.
    fn listed(&self, names: Option<&Template>) -> Result<Vec<Field>, AskingError> {
        let text = names.map(|names| self.rendered(&Field::ImageTag, names)).transpose()?.unwrap_or_default();
        let field = |name: &str| {
            Field::parse(name).map_err(|_| AskingError::NotAField {
                command: self.name().clone(),
                found: name.chars().take(80).collect(),
            })
        };
        text.split([',', ' ']).filter(|name| !name.is_empty()).map(field).collect()
    }

    fn span(&self, pause: Option<&Template>) -> Result<Span, AskingError> {
        let text = pause.map(|pause| self.rendered(&Field::ImageTag, pause)).transpose()?.unwrap_or_default();
        Ok(Span::parse(&text).or_else(|_| Span::parse(A_DAY)).unwrap_or(Span::HOUR))
    }

    /// The value of a field as JSON.
    fn typed(&self, field: &Field, text: String) -> Result<Json, AskingError> {
        let (value, expected) = match field {
            Field::Replicas | Field::ReplicasMin | Field::ReplicasMax => {
                (text.parse::<u32>().ok().map(Json::from), "a whole number from 0 on")
            }
            Field::ImageTag => (ImageTag::parse(&text).ok().map(|tag| Json::from(tag.as_str())), "an image tag"),
            Field::ImageDigest => {
                (ImageDigest::parse(&text).ok().map(|digest| Json::from(digest.as_str())), "an image digest")
            }
            Field::Cpu | Field::Memory | Field::Env(_) | Field::Config(_) => (Some(Json::from(text.as_str())), "text"),
        };
        value.ok_or_else(|| AskingError::NotAValue {
            command: self.name().clone(),
            field: field.clone(),
            found: text.chars().take(80).collect(),
            expected,
        })
    }

    /// The whole command on one line, as `parse` reads it back under one command for all:
    /// `deploy checkout prod v1.2.5 replicas=3 reason="fixes the login"`.
    pub fn to_text(&self) -> &str {
        &self.text
    }

    /// The first line of a commit: `deploy checkout v1.2.5 to prod replicas=3`. Free text is not in it.
    pub fn subject(&self) -> String {
        let tag =
            self.definition.options.iter().find(|option| option.is_required() && option.kind == OptionKind::ImageTag);
        let is_named = |kind: &OptionKind| {
            let names = matches!(kind, OptionKind::Service | OptionKind::Services | OptionKind::Environment);
            names || *kind == OptionKind::Text
        };
        let tag = tag.map(|option| option.name.as_str());
        let is_in_name = |name: &str| self.naming().is_some_and(|service| service.uses(name));
        let others =
            self.in_order().filter(|(name, kind, _)| !is_named(kind) && Some(*name) != tag && !is_in_name(name));
        let from = self.in_order().find(|(name, ..)| self.definition.is_source(name));

        let mut parts = vec![self.name().to_string()];
        let named = || Some(self.services()).filter(|named| !named.is_empty()).map(several::named);
        parts.extend(self.made().map(|made| made.to_string()).or_else(named));
        parts.extend(tag.and_then(|name| self.value(name)).map(Value::to_string));
        let preposition = if tag.is_some() { "to" } else { "in" };
        parts.extend(from.map(|(_, _, from)| format!("from {from}")));
        let preposition = if from.is_some() { "to" } else { preposition };
        parts.extend(self.environment().map(|environment| format!("{preposition} {environment}")));
        parts.extend(others.map(|(name, _, value)| format!("{name}={}", quoted(&value.to_string()))));
        parts.join(" ")
    }
}
