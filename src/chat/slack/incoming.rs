//! What people type and press in Slack, out of bodies that are known to be Slack's: slash commands
//! (`POST /slack/commands`) and interactions (`POST /slack/interactions`), or the envelopes of a socket with the same
//! in them. Who may do what is decided elsewhere.

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::{
    client::MessageRef,
    form::{self, Search, Submission},
    shortcut::{self, Shortcut},
    verify::Verified,
};

pub use super::typed::as_typed;

/// Why a body of Slack's was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// Slack only checks the certificate; there is nothing to do.
    #[error("Slack only checks that this address answers")]
    OnlyACheck,
    /// Not a form, or a member stands in it twice.
    #[error("the body is not a form as Slack sends it: {0}")]
    NotAForm(String),
    /// The form's `payload` is not the JSON of an interaction.
    #[error("the payload is not an interaction as Slack sends it: {0}")]
    NotAnInteraction(String),
    /// Something that every request has is absent.
    #[error("the request has no `{0}`")]
    Missing(&'static str),
    /// An id with characters that no id of Slack has.
    #[error("the request's `{0}` is not an id of Slack")]
    NotAnId(&'static str),
}

impl NotUnderstood {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::OnlyACheck => "Nothing to do.".into(),
            Self::NotAForm(_) | Self::NotAnInteraction(_) => {
                "Compare the app's request URLs with `leverframe manifest slack`.".into()
            }
            Self::Missing(_) | Self::NotAnId(_) => {
                "Try again; if it stays, report it with the time at which it happened.".into()
            }
        }
    }
}

/// A slash command as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashCommand {
    /// The workspace, `T...`.
    pub team: String,
    /// The organisation, `E...`, where there is one.
    pub enterprise: Option<String>,
    /// Whether the app is installed for the whole organisation.
    pub enterprise_install: bool,
    /// Where it was typed, `C...`.
    pub channel: String,
    /// That channel's name, for people only.
    pub channel_name: String,
    /// Who typed it, `U...` or `W...`.
    pub user: String,
    /// Their handle, for people only.
    pub user_name: String,
    /// `/deploy`.
    pub command: String,
    /// What stands after it, as typed.
    pub text: String,
    /// The event's id.
    pub trigger: String,
    /// Where a late answer may be posted for 30 minutes; whoever knows it may post.
    pub response_url: String,
}

impl SlashCommand {
    /// The workspace and the organisation that it names.
    pub fn teams(&self) -> Vec<String> {
        std::iter::once(&self.team).chain(&self.enterprise).cloned().collect()
    }
}

/// Something pressed, picked or sent in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// A button or a menu of a message or a view.
    Click(Click),
    /// A form of ours that was filled in and sent.
    Submitted(Submission),
    /// Somebody looks for a name in a form of ours.
    Searching(Search),
    /// Somebody wants a message on an incident's timeline.
    Shortcut(Shortcut),
    /// Anything else: global shortcuts, forms of others, ...
    Other {
        /// Slack's word for it.
        kind: String,
    },
}

/// One press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Who pressed, `U...` or `W...`.
    pub user: String,
    /// Every workspace and organisation that it names; all must be ours. In a channel shared with others that of whoever
    /// pressed is another one.
    pub teams: Vec<String>,
    /// What was pressed.
    pub action: String,
    /// What the button carries, or the option picked.
    pub value: String,
    /// The event's id.
    pub trigger: String,
    /// When it was pressed, as Slack writes it.
    pub at: Option<String>,
    /// Where a late answer may be posted; absent for views.
    pub response_url: Option<String>,
    /// Where it was pressed.
    pub place: Place,
}

/// Where something was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On a message.
    Message(MessageRef),
    /// On a message that only this person sees and that cannot be updated by its time stamp.
    Whisper(MessageRef),
    /// In a form or on the home tab, `V...`.
    View(String),
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    team_id: String,
    #[serde(default)]
    enterprise_id: String,
    #[serde(default)]
    is_enterprise_install: String,
    #[serde(default)]
    channel_id: String,
    #[serde(default)]
    channel_name: String,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    user_name: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    trigger_id: String,
    #[serde(default)]
    response_url: String,
    #[serde(default)]
    ssl_check: String,
}

/// Reads a slash command.
///
/// # Errors
/// When the body is not one, or lacks what every command has.
pub fn command(body: &Verified<Bytes>) -> Result<SlashCommand, NotUnderstood> {
    command_of(form(body.get())?)
}

/// Reads a slash command that came over a socket.
///
/// # Errors
/// As [`command`].
pub fn socket_command(payload: &RawValue) -> Result<SlashCommand, NotUnderstood> {
    let members: Map<String, Value> = read(payload.get())?;
    let as_in_a_form = |value: Value| match value {
        Value::String(text) => Some(Value::String(text)),
        Value::Bool(yes) => Some(Value::String(yes.to_string())),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let members = members.into_iter().filter_map(|(name, value)| Some((name, as_in_a_form(value)?)));
    let not_one = |error: serde_json::Error| NotUnderstood::NotAnInteraction(error.to_string());
    command_of(serde_json::from_value(Value::Object(members.collect())).map_err(not_one)?)
}

fn command_of(form: Form) -> Result<SlashCommand, NotUnderstood> {
    if form.ssl_check == "1" && form.command.is_empty() {
        return Err(NotUnderstood::OnlyACheck);
    }
    Ok(SlashCommand {
        team: id("team_id", Some(form.team_id))?,
        enterprise: match form.enterprise_id.as_str() {
            "" => None,
            _ => Some(id("enterprise_id", Some(form.enterprise_id))?),
        },
        enterprise_install: form.is_enterprise_install == "true",
        channel: id("channel_id", Some(form.channel_id))?,
        channel_name: form.channel_name,
        user: id("user_id", Some(form.user_id))?,
        user_name: form.user_name,
        command: present("command", Some(form.command))?,
        text: as_typed(&form.text),
        trigger: present("trigger_id", Some(form.trigger_id))?,
        response_url: form.response_url,
    })
}

fn form<F: DeserializeOwned>(body: &Bytes) -> Result<F, NotUnderstood> {
    serde_urlencoded::from_bytes(body).map_err(|error| NotUnderstood::NotAForm(error.to_string()))
}

pub(super) fn present(name: &'static str, text: Option<String>) -> Result<String, NotUnderstood> {
    text.filter(|text| !text.is_empty()).ok_or(NotUnderstood::Missing(name))
}

/// The workspaces and organisations that something names, each once.
pub(super) fn named<const N: usize>(
    name: &'static str,
    ids: [Option<String>; N],
) -> Result<Vec<String>, NotUnderstood> {
    let mut named: Vec<String> = Vec::new();
    for one in ids.into_iter().flatten() {
        let one = id(name, Some(one))?;
        if !named.contains(&one) {
            named.push(one);
        }
    }
    if named.is_empty() { Err(NotUnderstood::Missing(name)) } else { Ok(named) }
}

/// Ids go into the ledger, into addresses and into Slack's markup, so they must be nothing but ids.
pub(super) fn id(name: &'static str, text: Option<String>) -> Result<String, NotUnderstood> {
    let text = present(name, text)?;
    let fits =
        text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if fits { Ok(text) } else { Err(NotUnderstood::NotAnId(name)) }
}

#[derive(Deserialize)]
struct Wrapped {
    #[serde(default)]
    payload: String,
}

#[derive(Deserialize)]
struct Payload {
    user: Option<Who>,
    team: Option<Team>,
    enterprise: Option<Named>,
    channel: Option<Named>,
    message: Option<Stamped>,
    view: Option<Named>,
    container: Option<Container>,
    #[serde(default)]
    actions: Vec<Action>,
    trigger_id: Option<String>,
    response_url: Option<String>,
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

/// A workspace, and the organisation that it is in.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Team {
    pub(super) id: Option<String>,
    pub(super) enterprise_id: Option<String>,
}

#[derive(Deserialize)]
struct Stamped {
    ts: Option<String>,
}

#[derive(Deserialize)]
struct Container {
    channel_id: Option<String>,
    message_ts: Option<String>,
    view_id: Option<String>,
    #[serde(default)]
    is_ephemeral: bool,
}

#[derive(Deserialize)]
struct Action {
    action_id: Option<String>,
    value: Option<String>,
    selected_option: Option<Picked>,
    action_ts: Option<String>,
}

#[derive(Deserialize)]
struct Picked {
    value: Option<String>,
}

/// Reads an interaction.
///
/// # Errors
/// When the body is not one, or a click lacks what every click has.
pub fn interaction(body: &Verified<Bytes>) -> Result<Interaction, NotUnderstood> {
    let Wrapped { payload } = form(body.get())?;
    interaction_of(&present("payload", Some(payload))?)
}

/// Reads an interaction that came over a socket.
///
/// # Errors
/// As [`interaction`].
pub fn socket_interaction(payload: &RawValue) -> Result<Interaction, NotUnderstood> {
    interaction_of(payload.get())
}

fn interaction_of(payload: &str) -> Result<Interaction, NotUnderstood> {
    let kind: Kind = read(payload)?;
    let ours = match kind.kind.as_str() {
        "block_actions" => Some(Interaction::Click(click(read(payload)?)?)),
        "view_submission" => form::submission(payload)?.map(Interaction::Submitted),
        "block_suggestion" => form::search(payload)?.map(Interaction::Searching),
        "message_action" => shortcut::shortcut(payload)?.map(Interaction::Shortcut),
        _ => None,
    };
    Ok(ours.unwrap_or(Interaction::Other { kind: kind.kind }))
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

fn read<T: DeserializeOwned>(payload: &str) -> Result<T, NotUnderstood> {
    serde_json::from_str(payload).map_err(|error| NotUnderstood::NotAnInteraction(error.to_string()))
}

fn click(payload: Payload) -> Result<Click, NotUnderstood> {
    let place = place(&payload)?;
    let (user, user_team) = payload.user.map_or((None, None), |user| (user.id, user.team_id));
    let team = payload.team.unwrap_or_default();
    let enterprise = payload.enterprise.and_then(|named| named.id);
    let teams = named("team.id", [team.id, user_team, enterprise, team.enterprise_id])?;
    let action = payload.actions.into_iter().next().ok_or(NotUnderstood::Missing("actions"))?;
    let picked = action.selected_option.and_then(|option| option.value);
    Ok(Click {
        user: id("user.id", user)?,
        teams,
        action: present("action_id", action.action_id)?,
        at: action.action_ts,
        value: action.value.or(picked).unwrap_or_default(),
        trigger: present("trigger_id", payload.trigger_id)?,
        response_url: payload.response_url,
        place,
    })
}

/// A view's click has no channel; a message's has one twice, of which the container's is the surer.
fn place(payload: &Payload) -> Result<Place, NotUnderstood> {
    let container = payload.container.as_ref();
    let view = container.and_then(|at| at.view_id.clone()).or_else(|| payload.view.as_ref()?.id.clone());
    if let Some(view) = view {
        return id("view.id", Some(view)).map(Place::View);
    }
    let channel = container.and_then(|at| at.channel_id.clone()).or_else(|| payload.channel.as_ref()?.id.clone());
    let ts = container.and_then(|at| at.message_ts.clone()).or_else(|| payload.message.as_ref()?.ts.clone());
    let at = MessageRef { channel: id("channel.id", channel)?, ts: id("message.ts", ts)? };
    Ok(if container.is_some_and(|at| at.is_ephemeral) { Place::Whisper(at) } else { Place::Message(at) })
}
