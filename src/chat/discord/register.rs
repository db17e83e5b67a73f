//! What Discord must know of the commands: names, options with their types, what it asks us while somebody types.
//! Made of the definitions, within Discord's limits by construction, and registered only when it differs.

use serde_json::{Value, json};
use serenity::{
    builder::{CreateCommand, CreateCommandOption},
    model::application::{CommandOptionType, CommandType},
};

use super::{
    client::DiscordClient,
    error::DiscordError,
    limits::{COMBINED, COMMANDS, DESCRIPTION, ITEMS, NAME, cut, length},
    render::plain,
};
use crate::{
    chat::form::SHORTCUT,
    core::{
        command::{CommandOption, Commands, Definition, OptionKind},
        names::CommandName,
    },
};

/// The largest number that Discord takes: 2^53 - 1, beyond which numbers lose digits on the way.
const WHOLE: i64 = 9_007_199_254_740_991;
/// The option of the one command for all that holds what is typed.
pub const TYPED: &str = "command";

/// What came of registering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// Discord knew exactly these.
    Already,
    /// It was told.
    Now,
}

/// Registers `wanted` unless Discord has exactly that.
///
/// # Errors
/// As every call of the client.
pub async fn register(client: &DiscordClient, wanted: &[Value]) -> Result<Registered, DiscordError> {
    let mut there: Vec<Value> = client.commands().await?.iter().map(essence).collect();
    let mut ours: Vec<Value> = wanted.iter().map(essence).collect();
    let by_name = |command: &Value| command["name"].as_str().unwrap_or_default().to_owned();
    there.sort_by_key(by_name);
    ours.sort_by_key(by_name);
    if there == ours {
        return Ok(Registered::Already);
    }
    client.register(wanted).await?;
    Ok(Registered::Now)
}

/// What we say of a command, without what Discord adds to it.
fn essence(command: &Value) -> Value {
    let options = command["options"].as_array().map(|options| options.iter().map(essence).collect::<Vec<_>>());
    let choices = command["choices"]
        .as_array()
        .map(|choices| choices.iter().map(|choice| json!([choice["name"], choice["value"]])).collect::<Vec<_>>());
    let or = |name: &str, otherwise: Value| command.get(name).filter(|v| !v.is_null()).cloned().unwrap_or(otherwise);
    json!({"name": command["name"], "type": or("type", json!(1)), "description": or("description", json!("")),
        "required": or("required", json!(false)), "autocomplete": or("autocomplete", json!(false)),
        "min": number(&command["min_value"]), "max": number(&command["max_value"]),
        "choices": choices.unwrap_or_default(), "options": options.unwrap_or_default()})
}

/// `1` and `1.0` are one number.
fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// The commands as Discord is told of them: the one for all first, then each under its own name, and what stands in the
/// menu of every message. Those that Discord cannot name are reached through the one for all.
pub fn commands(commands: &Commands, one_for_all: &CommandName) -> Vec<Value> {
    let all = CreateCommandOption::new(CommandOptionType::String, TYPED, "What you would type, such as: status")
        .set_autocomplete(true);
    let all = CreateCommand::new(named(one_for_all.as_str()))
        .description("Any command as you would type it, its options in any order")
        .add_option(all);
    let nameable = |definition: &&std::sync::Arc<Definition>| {
        length(definition.name.as_str()) <= NAME && definition.name != *one_for_all
    };
    let each = commands.iter().filter(nameable).map(|definition| command(definition, commands));
    let on_messages = CreateCommand::new(SHORTCUT).kind(CommandType::Message);
    std::iter::once(plain(&all)).chain(each).take(COMMANDS).chain([plain(&on_messages)]).collect()
}

fn named(name: &str) -> String {
    name.chars().take(NAME).collect()
}

fn described(text: &str) -> String {
    let text = cut(text.trim(), DESCRIPTION);
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The name of an option that counts pods.
pub(super) const COUNT: &str = "replicas";

/// Whether the values of an option are listed in the registration, or asked for while somebody types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listing {
    Listed,
    Asked,
}

fn command(definition: &Definition, commands: &Commands) -> Value {
    let listed = with(definition, commands, Listing::Listed);
    if weight(&listed) <= COMBINED { listed } else { with(definition, commands, Listing::Asked) }
}

fn with(definition: &Definition, commands: &Commands, listing: Listing) -> Value {
    // Discord wants those that must be given before those that may be.
    let (must, may): (Vec<_>, Vec<_>) = definition.options.iter().partition(|option| option.is_required());
    let fit = |option: &&&CommandOption| length(&option.name) <= NAME;
    let options = must.iter().chain(&may).filter(fit).take(ITEMS).map(|option| of(option, commands, listing));
    let command = CreateCommand::new(definition.name.as_str()).description(described(&definition.summary));
    let mut command = plain(&command.set_options(options.collect()));
    bounds(&mut command, definition);
    command
}

fn of(option: &CommandOption, commands: &Commands, listing: Listing) -> CreateCommandOption {
    let kind = match &option.kind {
        OptionKind::Integer { .. } => CommandOptionType::Integer,
        OptionKind::Boolean => CommandOptionType::Boolean,
        OptionKind::Service
        | OptionKind::Services
        | OptionKind::Environment
        | OptionKind::Environments
        | OptionKind::Moment
        | OptionKind::ImageTag
        | OptionKind::ImageDigest
        | OptionKind::Duration
        | OptionKind::Text
        | OptionKind::Person
        | OptionKind::Choice(_)
        | OptionKind::Commit
        | OptionKind::Word
        | OptionKind::Command => CommandOptionType::String,
    };
    let help = option.help.as_deref().unwrap_or_else(|| option.kind.word());
    let told = CreateCommandOption::new(kind, option.name.as_str(), described(help)).required(option.is_required());
    match &option.kind {
        OptionKind::Service
        | OptionKind::Services
        | OptionKind::Environment
        | OptionKind::Environments
        | OptionKind::Person
        | OptionKind::Commit
        | OptionKind::ImageTag => told.set_autocomplete(true),
        OptionKind::Integer { .. } if option.name == COUNT => told.set_autocomplete(true),
        OptionKind::Choice(choices) => chosen(told, choices, listing),
        OptionKind::Command => {
            let names: Vec<String> = commands.iter().map(|definition| definition.name.to_string()).collect();
            chosen(told, &names, listing)
        }
        OptionKind::ImageDigest
        | OptionKind::Integer { .. }
        | OptionKind::Duration
        | OptionKind::Moment
        | OptionKind::Text
        | OptionKind::Word
        | OptionKind::Boolean => told,
    }
}

/// A list where it fits, otherwise answers while somebody types.
fn chosen(told: CreateCommandOption, choices: &[String], listing: Listing) -> CreateCommandOption {
    let fits = listing == Listing::Listed
        && (1..=ITEMS).contains(&choices.len())
        && choices.iter().all(|choice| (1..=DESCRIPTION).contains(&length(choice)));
    if !fits {
        return told.set_autocomplete(true);
    }
    choices.iter().fold(told, |told, choice| told.add_string_choice(choice, choice))
}

/// The builder takes no negative bounds, so they are written here.
fn bounds(command: &mut Value, definition: &Definition) {
    let options = command.get_mut("options").and_then(Value::as_array_mut).into_iter().flatten();
    for told in options.filter_map(Value::as_object_mut) {
        let option = told.get("name").and_then(Value::as_str).and_then(|name| definition.option(name));
        let Some(OptionKind::Integer { min, max }) = option.map(|option| &option.kind) else { continue };
        told.insert("min_value".to_owned(), json!((*min).clamp(-WHOLE, WHOLE)));
        told.insert("max_value".to_owned(), json!((*max).clamp(-WHOLE, WHOLE)));
    }
}

/// Everything that counts towards the length of a command.
fn weight(command: &Value) -> usize {
    let own: usize =
        ["name", "description", "value"].iter().filter_map(|member| command.get(*member)?.as_str()).map(length).sum();
    let inner = ["options", "choices"].iter().filter_map(|member| command.get(*member)?.as_array()).flatten();
    own + inner.map(weight).sum::<usize>()
}
