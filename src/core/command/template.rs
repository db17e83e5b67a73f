//! The templates of a command file: minijinja over the values of the options, checked when the file is read.
//! A value is data and is never read as a template. Nothing can be included, and there is no escaping.

use std::{collections::BTreeMap, sync::LazyLock};

use minijinja::{
    Environment,
    ErrorKind::{UnknownFilter, UnknownFunction, UnknownTest},
    UndefinedBehavior, Value as Rendered,
};

use super::value::Value;

/// A template that parses and uses only options of its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    uses: Vec<String>,
}

/// The longest template, in bytes.
const LONGEST: usize = 2_000;
/// The most steps one rendering may take, so that a loop in a file cannot hold the bot.
const FUEL: u64 = 10_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_fuel(Some(FUEL));
    environment
});

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("a template of more than {LONGEST} bytes")]
    TooLong,
    #[error("a template that does not parse ({0})")]
    Syntax(String),
    #[error("the unknown variable `{0}`")]
    UnknownVariable(String),
}

impl Template {
    /// Parses a template that may use `variables`.
    pub(super) fn parse(source: &str, variables: &[&str]) -> Result<Self, TemplateError> {
        if source.len() > LONGEST {
            return Err(TemplateError::TooLong);
        }
        let template =
            ENVIRONMENT.template_from_str(source).map_err(|error| TemplateError::Syntax(in_words(&error)))?;
        let mut used: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        used.sort();
        let is_known = |name: &String| variables.contains(&name.as_str()) || is_global(name);
        if let Some(name) = used.iter().find(|name| !is_known(name)) {
            return Err(TemplateError::UnknownVariable(name.clone()));
        }
        // Filters are looked up only when a template runs, so it runs once here; that it may lack values is no mistake.
        let trial = template.render(BTreeMap::<&str, &str>::new()).err();
        match trial.filter(|error| matches!(error.kind(), UnknownFilter | UnknownTest | UnknownFunction)) {
            Some(error) => Err(TemplateError::Syntax(in_words(&error))),
            None => Ok(Self { source: source.to_owned(), uses: used }),
        }
    }

    /// What comes out for these values, without white space at its ends. An option that was not given is undefined.
    ///
    /// # Errors
    /// What minijinja says, in words.
    pub(super) fn render(&self, values: &BTreeMap<String, Value>) -> Result<String, String> {
        let context: BTreeMap<&str, Rendered> =
            values.iter().map(|(name, value)| (name.as_str(), lent(value))).collect();
        let text = ENVIRONMENT.render_str(&self.source, context).map_err(|error| in_words(&error))?;
        Ok(text.trim().to_owned())
    }

    /// Whether it uses this option.
    pub fn uses(&self, option: &str) -> bool {
        self.uses.iter().any(|used| used == option)
    }

    /// The options that it uses, by name.
    pub(super) fn used(&self) -> impl Iterator<Item = &str> {
        self.uses.iter().map(String::as_str)
    }

    /// The template as it stands in the file.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A value as templates see it: numbers and booleans as such, all else as text.
pub(super) fn lent(value: &Value) -> Rendered {
    match value {
        Value::Integer(number) => Rendered::from(*number),
        Value::Boolean(yes) => Rendered::from(*yes),
        Value::Service(_)
        | Value::Services(_)
        | Value::Environment(_)
        | Value::Environments(_)
        | Value::Tag(_)
        | Value::Digest(_)
        | Value::Duration(_)
        | Value::Moment(_)
        | Value::Text(_)
        | Value::Person(_)
        | Value::Choice(_)
        | Value::Command(_)
        | Value::Commit(_)
        | Value::Word(_) => Rendered::from(value.to_string()),
    }
}

/// Whether templates have this without an option of that name: `range`, ...
fn is_global(name: &str) -> bool {
    ENVIRONMENT.globals().any(|(global, _)| global == name)
}

pub(super) fn in_words(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}
