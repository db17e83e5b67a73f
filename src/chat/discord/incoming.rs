//! What people type and press in Discord, out of interactions that are known to be Discord's, whichever way they came.
//! They are read by serenity's models, after members that those insist on and Discord may leave out were filled in;
//! forms and picked messages, whose newer parts those models do not know, by our own eyes. Who may do what is decided
//! elsewhere.

use serde_json::{Map, Value, json};
use serenity::model::application::{
    CommandDataOption, CommandDataOptionValue, CommandInteraction, CommandType, ComponentInteraction,
    ComponentInteractionDataKind, Interaction as Model,
};

use super::standing::Member;
use crate::chat::remark::Remark;

mod raw;

/// Why an interaction was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// No JSON object, or a member that every interaction has is absent or something else.
    #[error("the body is not an interaction as Discord sends it: {0}")]
    NotAnInteraction(String),
}

impl NotUnderstood {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotAnInteraction(_) => {
                "Try again; if it stays, report it with the time at which it happened.".to_owned()
            }
        }
    }
}

/// Where an interaction comes from and how it is answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The interaction's id, which is its event.
    pub id: String,
    /// What its answers are sent under, for 15 minutes. A secret of sorts: whoever has it speaks for the bot there.
    pub token: String,
    /// The server; none in a direct message.
    pub guild: Option<String>,
    /// The channel.
    pub channel: String,
    /// Who typed or pressed.
    pub user: String,
    /// What Discord says of them with it, in a server.
    pub member: Option<Member>,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, guild, channel, user, token: _, member: _ } = self;
        f.debug_struct("Origin").field("id", id).field("guild", guild).field("at", &(channel, user)).finish()
    }
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// Discord looks whether this address is an application's.
    Ping,
    /// A slash command.
    Command {
        /// Whose and where.
        origin: Origin,
        /// Its name, without the slash.
        name: String,
        /// Its options as text, by name.
        options: Vec<(String, String)>,
    },
    /// Somebody is typing an option.
    Typing {
        /// Whose and where.
        origin: Origin,
        /// The command's name.
        name: String,
        /// The option's name.
        option: String,
        /// What is typed so far.
        text: String,
        /// The options that have a value already.
        others: Vec<(String, String)>,
    },
    /// A button.
    Click {
        /// Whose and where.
        origin: Origin,
        /// The message it is on.
        message: String,
        /// What it does: `approve`.
        action: String,
        /// What came with it: request and digest.
        value: String,
    },
    /// A form that was sent in.
    Filled {
        /// Whose and where.
        origin: Origin,
        /// The form's id.
        form: String,
        /// The message whose button opened it.
        message: Option<String>,
        /// What was filled in, by field, without what was left empty.
        answers: Vec<(String, String)>,
    },
    /// Somebody picked a message by a command on messages.
    Picked {
        /// Whose and where.
        origin: Origin,
        /// The command.
        name: String,
        /// The message.
        remark: Remark,
    },
    /// Something that no message and no command of ours leads to: menus of users, selects.
    Foreign {
        /// Whose and where.
        origin: Origin,
        /// What it is, in words.
        what: &'static str,
    },
}

/// Reads an interaction.
///
/// # Errors
/// When it is none.
pub fn interaction(body: &[u8]) -> Result<Interaction, NotUnderstood> {
    let wrong = |error: serde_json::Error| NotUnderstood::NotAnInteraction(error.to_string());
    let mut value: Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
    let raw = raw::read(&value);
    if let Some(understood) = raw.as_ref().and_then(raw::Raw::understood) {
        return Ok(understood);
    }
    let foreign = raw.map(raw::Raw::foreign);
    let member = raw::member(&value);
    complete(&mut value);
    let model = match serde_json::from_value(Value::Object(value)) {
        Ok(model) => model,
        Err(error) => return foreign.ok_or_else(|| wrong(error)),
    };
    match model {
        Model::Ping(_) => Ok(Interaction::Ping),
        Model::Command(command) => Ok(given(command, member)),
        Model::Autocomplete(command) => Ok(typing(command, member)),
        Model::Component(component) => Ok(click(component, member)),
        // A form is read above, where it is whole.
        Model::Modal(_) | _ => Err(NotUnderstood::NotAnInteraction("a kind that is not known".to_owned())),
    }
}

fn of_command(command: &CommandInteraction, member: Option<Member>) -> Origin {
    Origin {
        id: command.id.to_string(),
        token: command.token.clone(),
        guild: command.guild_id.map(|id| id.to_string()),
        channel: command.channel_id.to_string(),
        user: command.member.as_ref().map_or(command.user.id, |member| member.user.id).to_string(),
        member,
    }
}

fn given(command: CommandInteraction, member: Option<Member>) -> Interaction {
    let origin = of_command(&command, member);
    if command.data.kind != CommandType::ChatInput {
        return Interaction::Foreign { origin, what: "a command on a person or a message" };
    }
    let options: Option<Vec<_>> = command.data.options.iter().map(option).collect();
    match options {
        Some(options) => Interaction::Command { origin, name: command.data.name, options },
        None => Interaction::Foreign { origin, what: "a command with options of another kind" },
    }
}

fn typing(command: CommandInteraction, member: Option<Member>) -> Interaction {
    let origin = of_command(&command, member);
    let Some(typed) = command.data.autocomplete() else {
        return Interaction::Foreign { origin, what: "an option that nobody types" };
    };
    let (option, text) = (typed.name.to_owned(), typed.value.to_owned());
    let others = command.data.options.iter().filter_map(self::option).filter(|(name, _)| *name != option).collect();
    Interaction::Typing { origin, name: command.data.name.clone(), option, text, others }
}

/// An option with its value as one would type it.
fn option(option: &CommandDataOption) -> Option<(String, String)> {
    let text = match &option.value {
        CommandDataOptionValue::Boolean(true) => "yes".to_owned(),
        CommandDataOptionValue::Boolean(false) => "no".to_owned(),
        CommandDataOptionValue::Integer(number) => number.to_string(),
        CommandDataOptionValue::Number(number) => number.to_string(),
        CommandDataOptionValue::String(text) => text.clone(),
        CommandDataOptionValue::Autocomplete { value, .. } => value.clone(),
        // Nothing of ours asks for these.
        CommandDataOptionValue::SubCommand(_)
        | CommandDataOptionValue::SubCommandGroup(_)
        | CommandDataOptionValue::Attachment(_)
        | CommandDataOptionValue::Channel(_)
        | CommandDataOptionValue::Mentionable(_)
        | CommandDataOptionValue::Role(_)
        | CommandDataOptionValue::User(_)
        | CommandDataOptionValue::Unknown(_)
        | _ => return None,
    };
    Some((option.name.clone(), text))
}

fn click(component: ComponentInteraction, member: Option<Member>) -> Interaction {
    let origin = Origin {
        id: component.id.to_string(),
        token: component.token,
        guild: component.guild_id.map(|id| id.to_string()),
        channel: component.channel_id.to_string(),
        user: component.member.as_ref().map_or(component.user.id, |member| member.user.id).to_string(),
        member,
    };
    let ComponentInteractionDataKind::Button = component.data.kind else {
        return Interaction::Foreign { origin, what: "a choice" };
    };
    let id = component.data.custom_id;
    let (action, value) = id.split_once(':').unwrap_or((&id, ""));
    let (action, value) = (action.to_owned(), value.to_owned());
    Interaction::Click { origin, message: component.message.id.to_string(), action, value }
}

/// Fills in what serenity insists on, where it does not matter here. Of the message that a button is on only its id
/// is kept: a part that serenity does not know must not cost the click.
fn complete(interaction: &mut Map<String, Value>) {
    for (name, value) in [
        ("application_id", json!("1")),
        ("entitlements", json!([])),
        ("attachment_size_limit", json!(0)),
        ("locale", json!("en-US")),
        ("version", json!(1)),
    ] {
        if interaction.get(name).is_none_or(Value::is_null) {
            interaction.insert(name.to_owned(), value);
        }
    }
    interaction.remove("channel");
    if let Some(member) = interaction.get_mut("member").and_then(Value::as_object_mut) {
        let user = member.get("user").map(only_named).unwrap_or_default();
        let roles = member.get("roles").cloned().unwrap_or_else(|| json!([]));
        *interaction.entry("member").or_insert_with(|| json!({})) =
            json!({"user": user, "roles": roles, "deaf": false, "mute": false, "flags": 0});
    }
    if let Some(user) = interaction.get_mut("user") {
        *user = only_named(user);
    }
    if let Some(message) = interaction.get("message") {
        let (id, channel) = (message.get("id").cloned(), interaction.get("channel_id").cloned());
        let message = json!({"id": id, "channel_id": channel, "author": {"id": "1", "username": "bot"}, "content": "",
            "timestamp": "2015-01-01T00:00:00Z", "tts": false, "mention_everyone": false, "mentions": [],
            "mention_roles": [], "attachments": [], "embeds": [], "pinned": false, "type": 0});
        interaction.insert("message".to_owned(), message);
    }
    if let Some(data) = interaction.get_mut("data").and_then(Value::as_object_mut) {
        data.remove("resolved");
    }
}

fn only_named(user: &Value) -> Value {
    let name = user.get("username").cloned().unwrap_or_else(|| json!("somebody"));
    json!({"id": user.get("id"), "username": name, "bot": user.get("bot").is_some_and(|bot| bot == true)})
}
