//! Reads a command file. Everything wrong with it is reported at once, each with its line and column; what the format
//! knows and Leverframe does not do yet is refused and never ignored.

use super::{
    changes::{change, timed},
    definition::{Action, CommandOption, Definition, FLOWS, Flow, OptionKind, Presence},
    refusal::ParseRefusal,
    registry::Commands,
    schema::{FILE, KeyOf, LATER_FLOWS, Needed, OPTION, TYPES, names},
    value::Known,
    vocabulary::Vocabulary,
};
use crate::core::{
    located::{self, Fields, Key, Node, Problem, Problems, Value, either},
    names::CommandName,
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
pub(super) fn keys<'a>(node: &'a Node, table: &[KeyOf], example: &str, problems: &mut Vec<Problem>) -> Fields<'a> {
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
    let (mut revert_after, mut begins_at) = (None, None);
    let action = match (fields.get("change"), fields.get("flow")) {
        (Some(node), None) => {
            revert_after = timed(node, "revert_after", &options, problems);
            begins_at = timed(node, "begins_at", &options, problems);
            change(node, &options, problems).map(Action::Change)
        }
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
    Some(Definition { name: name?, summary: summary?, options, action: action?, revert_after, begins_at })
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
        "services" => OptionKind::Services,
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
        "word" => OptionKind::Word,
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
            | OptionKind::Services
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
