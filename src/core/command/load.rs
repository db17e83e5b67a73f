//! Reads a command file. Everything wrong with it is reported at once, each with its line and column; what the format
//! knows and Leverframe does not do yet is refused and never ignored.

use super::{
    definition::{Action, Change, CommandOption, Definition, FLOWS, Flow, OptionKind, Presence},
    refusal::ParseRefusal,
    registry::Commands,
    schema::{CHANGE, FILE, KeyOf, LATER_FLOWS, LATER_VERBS, Needed, OPTION, TYPES, names},
    template::{Template, TemplateError},
    value::Known,
    vocabulary::Vocabulary,
};
use crate::core::{
    located::{self, Fields, Key, Node, Problem, Problems, Value, either, nearest},
    names::{CommandName, Field},
};

/// What is wrong with a command file: for each mistake file, line, column, what was found, what was expected, and a
/// remedy.
pub type DefinitionError = Problems;

/// The most options a command may have.
const MOST_OPTIONS: usize = 20;
/// Names that an option cannot have, because templates read them as something else.
const TAKEN: [&str; 12] = ["true", "false", "none", "and", "or", "not", "in", "is", "if", "else", "loop", "self"];

impl Definition {
    /// Reads a command file; `file` is its name in messages.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(text: &str, file: &str) -> Result<Self, DefinitionError> {
        let root = located::parse(text).map_err(|list| Problems::new(file, list))?;
        let mut problems = Vec::new();
        let definition = definition(&root, &mut problems);
        match definition {
            Some(definition) if problems.is_empty() => Ok(definition),
            _ => Err(Problems::new(file, problems)),
        }
    }
}

/// The keys of a map, with unknown and missing ones reported.
fn keys<'a>(node: &'a Node, table: &[KeyOf], example: &str, problems: &mut Vec<Problem>) -> Fields<'a> {
    let fields = node.fields(&names(table), problems);
    for key in table.iter().filter(|key| key.needed == Needed::Always) {
        fields.required(key.name, example, problems);
    }
    fields
}

fn definition(root: &Node, problems: &mut Vec<Problem>) -> Option<Definition> {
    let fields = keys(root, &FILE, "name: deploy", problems);
    let name = fields.get("name").and_then(|node| node.named(CommandName::parse, problems));
    let summary = fields.get("summary").and_then(|node| node.text(problems)).map(str::to_owned);
    let options = options(fields.get("options"), problems);
    let action = match (fields.get("change"), fields.get("flow")) {
        (Some(node), None) => change(node, &options, problems).map(Action::Change),
        (None, Some(node)) => flow(node, problems).map(Action::Flow),
        (None, None) => {
            problems.push(fields.missing("change` or `flow", "flow: status"));
            None
        }
        (Some(_), Some(flow)) => {
            problems.push(Problem {
                found: "`flow` beside `change`".into(),
                ..flow.problem("one of the two", "Remove one.")
            });
            None
        }
    };
    Some(Definition { name: name?, summary: summary?, options, action: action? })
}

fn flow(node: &Node, problems: &mut Vec<Problem>) -> Option<Flow> {
    if let Value::Text(word, _) = &node.value
        && LATER_FLOWS.contains(&word.as_str())
    {
        let remedy = format!("The flow `{word}` is not supported yet; remove this command until it is.");
        problems.push(node.problem(either(FLOWS.map(|(word, _)| word)), remedy));
        return None;
    }
    node.choice(&FLOWS, problems)
}

fn options(node: Option<&Node>, problems: &mut Vec<Problem>) -> Vec<CommandOption> {
    let entries = node.map_or(&[] as &[(Key, Node)], |node| node.entries(problems));
    if let Some((key, node)) = entries.get(MOST_OPTIONS) {
        let found = format!("{} options", entries.len());
        let problem = node.problem(format!("{MOST_OPTIONS} at most"), "Split the command in two.");
        problems.push(Problem { place: key.place, found, ..problem });
    }
    entries.iter().filter_map(|(key, node)| option(key, node, problems)).collect()
}

fn option(key: &Key, node: &Node, problems: &mut Vec<Problem>) -> Option<CommandOption> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts_well = key.text.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let fits = starts_well && key.text.len() <= 40 && key.text.chars().all(is_part);
    if !fits || TAKEN.contains(&key.text.as_str()) {
        let expected =
            "a lower-case letter, then lower-case letters, digits and `_`, 40 at most, and no word of templates";
        let problem = node.problem(expected, "Write it like `replicas`.");
        problems.push(Problem { place: key.place, found: format!("the option name `{}`", key.text), ..problem });
    }
    let fields = keys(node, &OPTION, "type: text", problems);
    let kind = kind(&fields, problems)?;
    let help = fields.get("help").and_then(|node| node.text(problems)).map(str::to_owned);
    let option = CommandOption { name: key.text.clone(), kind, presence: Presence::Optional, help };
    Some(CommandOption { presence: presence(&fields, &option, problems), ..option })
}

fn kind(fields: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<OptionKind> {
    let words = TYPES.map(|word| (word, word));
    let word = fields.get("type")?.choice(&words, problems)?;
    for key in ["min", "max"] {
        belongs(fields, key, "integer", word, problems);
    }
    belongs(fields, "choices", "choice", word, problems);
    Some(match word {
        "service" => OptionKind::Service,
        "environment" => OptionKind::Environment,
        "image_tag" => OptionKind::ImageTag,
        "image_digest" => OptionKind::ImageDigest,
        "integer" => limits(fields, problems),
        "duration" => OptionKind::Duration,
        "moment" => OptionKind::Moment,
        "environments" => OptionKind::Environments,
        "boolean" => OptionKind::Boolean,
        "person" => OptionKind::Person,
        "choice" => OptionKind::Choice(choices(fields, problems)),
        "command" => OptionKind::Command,
        "commit" => OptionKind::Commit,
        _ => OptionKind::Text,
    })
}

/// Reports `key` where it stands in an option of another type than `owner`.
fn belongs(fields: &Fields<'_>, key: &str, owner: &str, word: &str, problems: &mut Vec<Problem>) {
    if let Some(node) = fields.get(key).filter(|_| word != owner) {
        let problem = node.problem(format!("`{key}` in options of type `{owner}` only"), "Remove it.");
        problems.push(Problem {
            place: node.key_place,
            found: format!("`{key}` in an option of type `{word}`"),
            ..problem
        });
    }
}

fn limits(fields: &Fields<'_>, problems: &mut Vec<Problem>) -> OptionKind {
    let mut limit =
        |key: &str, otherwise: i64| fields.get(key).map_or(otherwise, |node| whole(node, otherwise, problems));
    let (min, max) = (limit("min", i64::MIN), limit("max", i64::MAX));
    if let Some(node) = fields.get("max").filter(|_| min > max) {
        problems.push(node.problem(format!("`max` to be at least `min`, which is {min}"), "Correct one of the two."));
    }
    OptionKind::Integer { min, max }
}

fn whole(node: &Node, otherwise: i64, problems: &mut Vec<Problem>) -> i64 {
    if let Value::Number(number) = &node.value
        && let Some(number) = number.as_i64()
    {
        return number;
    }
    problems.push(node.problem("a whole number", "Write it in digits, without quotes."));
    otherwise
}

fn choices(fields: &Fields<'_>, problems: &mut Vec<Problem>) -> Vec<String> {
    let items = fields.get("choices").map_or(&[] as &[Node], |node| node.items(problems));
    let choices: Vec<String> = items.iter().filter_map(|item| item.text(problems)).map(str::to_owned).collect();
    if items.is_empty() {
        problems.push(fields.missing("choices", "choices: [small, large]"));
    }
    choices
}

fn presence(fields: &Fields<'_>, option: &CommandOption, problems: &mut Vec<Problem>) -> Presence {
    let required = fields.get("required").and_then(|node| node.flag(problems)).unwrap_or(false);
    let Some(node) = fields.get("default") else {
        return if required { Presence::Required } else { Presence::Optional };
    };
    if required {
        problems.push(node.problem("no `default` where `required: true`", "Remove one of the two."));
    }
    let text = match &node.value {
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Nothing | Value::Text(..) | Value::List(_) | Value::Map(_) | Value::Reported => {
            node.text(problems).unwrap_or_default().to_owned()
        }
    };
    if let Some(refusal) = no_default(option, &text).filter(|_| !text.is_empty()) {
        problems.push(node.problem(format!("a value of type `{}`", option.kind.word()), refusal.remedy()));
    }
    Presence::Default(text)
}

/// Why a default is no value of its option. Names are checked when the command is given, as the catalog has them.
fn no_default(option: &CommandOption, text: &str) -> Option<ParseRefusal> {
    if matches!(
        option.kind,
        OptionKind::Service
            | OptionKind::Environment
            | OptionKind::Environments
            | OptionKind::Person
            | OptionKind::Command
    ) {
        return None;
    }
    let known = Known { commands: &Commands::default(), vocabulary: &Vocabulary::default() };
    known.value(&option.kind, text).is_none().then(|| known.refusal(option, text))
}

fn change(node: &Node, options: &[CommandOption], problems: &mut Vec<Problem>) -> Option<Change> {
    let known: Vec<&str> = names(&CHANGE).into_iter().chain(LATER_VERBS).collect();
    let fields = node.fields(&known, problems);
    for verb in LATER_VERBS {
        if let Some(later) = fields.get(verb) {
            let remedy = format!("`{verb}` is not supported yet; remove this command until it is.");
            let problem = later.problem("`set` or `restore`", remedy);
            problems.push(Problem { place: later.key_place, found: format!("`{verb}`"), ..problem });
        }
    }
    if let Some(what) = fields.get("revert") {
        let variables: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
        return template(what, &variables, problems).map(Change::Revert);
    }
    target(node, options, problems);
    if let Some(fields) = fields.get("resume") {
        return Some(Change::Resume(restored(fields, options, problems)));
    }
    match (fields.get("set"), fields.get("restore")) {
        (Some(set), None) => Some(Change::Set(templates(set, options, problems))),
        (None, Some(list)) => {
            let variables: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
            let mut templated = |key: &str| fields.get(key).and_then(|node| template(node, &variables, problems));
            let (also, pause) = (templated("also"), templated("pause"));
            Some(Change::Restore { fields: restored(list, options, problems), also, pause })
        }
        (None, None) => {
            if LATER_VERBS.iter().all(|verb| fields.get(verb).is_none()) {
                problems.push(fields.missing("set` or `restore", "set: { replicas: \"{{ replicas }}\" }"));
            }
            None
        }
        (Some(_), Some(restore)) => {
            let problem = restore.problem("one of the two", "Remove one.");
            problems.push(Problem { found: "`restore` beside `set`".into(), ..problem });
            None
        }
    }
}

/// A change is one target's: it needs one service and one environment, both required.
fn target(node: &Node, options: &[CommandOption], problems: &mut Vec<Problem>) {
    for kind in [OptionKind::Service, OptionKind::Environment] {
        let mut fitting = options.iter().filter(|option| option.kind == kind);
        let (first, second) = (fitting.next(), fitting.next());
        if second.is_none() && first.is_some_and(CommandOption::is_required) {
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

fn templates(node: &Node, options: &[CommandOption], problems: &mut Vec<Problem>) -> Vec<(Field, Template)> {
    let entries = node.named_entries(Field::parse, problems);
    if entries.is_empty() && problems.is_empty() {
        problems.push(node.problem("fields and their values", "Write `{ replicas: \"{{ replicas }}\" }`."));
    }
    let variables: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
    let mut templates = Vec::new();
    for (field, node) in entries {
        if let Some(template) = template(node, &variables, problems) {
            templates.push((field, template));
        }
    }
    templates
}

fn template(node: &Node, variables: &[&str], problems: &mut Vec<Problem>) -> Option<Template> {
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
    let (expected, remedy) = match &error {
        TemplateError::UnknownVariable(name) => match nearest(name, variables.iter().copied()) {
            Some(near) => (either(variables.iter().copied()), format!("Did you mean `{{{{ {near} }}}}`?")),
            None => (either(variables.iter().copied()), "Use an option of this command, or add one.".to_owned()),
        },
        TemplateError::Syntax(_) => ("a template".to_owned(), "Write it like `\"{{ replicas }}\"`.".to_owned()),
        TemplateError::TooLong => ("a short template".to_owned(), "Shorten it.".to_owned()),
    };
    problems.push(Problem { found: error.to_string(), ..node.problem(expected, remedy) });
    None
}
