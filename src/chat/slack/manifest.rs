//! The Slack app as a manifest: everything that Slack must know of it, with the reason beside each permission. Written
//! line by line, because comments are half of its use.

use std::fmt::Write as _;

use url::Url;

use super::shortcut;
use crate::{
    chat::form::SHORTCUT,
    core::{
        catalog::CommandNames,
        command::{Commands, Definition},
    },
};

/// Names that Slack keeps for itself: one of them among the commands, and it refuses the whole manifest.
pub const RESERVED: [&str; 26] = [
    "archive", "away", "call", "collapse", "dm", "expand", "feed", "help", "invite", "join", "kick", "leave", "me",
    "msg", "mute", "open", "remind", "remove", "rename", "search", "shrug", "star", "status", "topic", "who", "apps",
];
/// Permissions of the bot, each with what it is for.
pub const SCOPES: [(&str, &str); 13] = [
    ("commands", "be told of the slash commands above"),
    ("chat:write", "post a card, edit it through its life, answer one person"),
    ("app_mentions:read", "be told of `@leverframe deploy ...`"),
    ("channels:history", "after a crash: look whether a card was posted already, instead of posting it twice"),
    ("groups:history", "the same in private channels it was invited to; remove it if there are none"),
    ("channels:read", "see whether a channel is shared with another organisation: values stay off its cards"),
    ("groups:read", "the same of private channels it was invited to; remove it if there are none"),
    ("im:write", "remind somebody directly of what waits for their approval"),
    ("im:history", "after a crash: look whether such a reminder arrived, instead of sending it twice"),
    ("usergroups:read", "see who is in a user group that the catalog names; remove it if it names none"),
    ("users:read", "see whether an account is a bot, a guest or deactivated: those ask for and approve nothing"),
    ("links:read", "be told when somebody posts a link to a request, and of no other link"),
    ("links:write", "show under that link how the request stands"),
];
/// What the bot is told of, each with what it is for.
const EVENTS: [(&str, &str); 3] = [
    ("app_mention", "the bot is asked in plain words"),
    ("app_home_opened", "somebody looks at what waits for approval"),
    ("link_shared", "somebody posts a link to a request"),
];

/// What the manifest depends on beside the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Install<'a> {
    /// How Slack reaches the bot.
    pub connection: Connection<'a>,
    /// Where people reach it, for links of ours that are shown where somebody posts them.
    pub public_url: Option<&'a Url>,
    /// Where the app is installed.
    pub reach: Reach,
}

/// Where the app is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In a workspace.
    Workspace,
    /// In an organisation of several workspaces (Enterprise Grid).
    Organisation,
}

/// How Slack reaches the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection<'a> {
    /// Over a connection that the bot opens.
    Socket,
    /// At this address.
    Http(&'a Url),
}

/// The manifest, in YAML.
pub fn manifest(commands: &Commands, names: &CommandNames, install: Install<'_>) -> String {
    let connection = install.connection;
    let mut text = String::from(head(connection));
    text += "_metadata:\n  major_version: 1\ndisplay_information:\n  name: Leverframe\n  description: Moves \
             production through git, with the approvals your policy asks for\n  background_color: \"#1f3a5f\"\n";
    text += "features:\n  app_home:\n    home_tab_enabled: true\n    messages_tab_enabled: true\n    messages_tab_read_only_enabled: true\n  bot_user:\n    \
             display_name: Leverframe\n    always_online: true\n  slash_commands:\n";
    slash_commands(&mut text, (commands, names), connection);
    let _ = writeln!(
        text,
        "  shortcuts:\n    # In the menu of every message.\n    - name: {SHORTCUT}\n      type: message\n      callback_id: {}\n      \
         description: Keeps what somebody said on the timeline of an incident",
        shortcut::CALLBACK
    );
    if let Some(host) = install.public_url.and_then(Url::host_str) {
        let _ = writeln!(text, "  # Links to requests are shown with how they stand.\n  unfurl_domains:\n    - {host}");
    }
    text += "oauth_config:\n  scopes:\n    bot:\n";
    for (scope, why) in SCOPES {
        let _ = writeln!(text, "      - {scope} # {why}");
    }
    settings(&mut text, install);
    text
}

fn head(connection: Connection<'_>) -> &'static str {
    match connection {
        Connection::Socket => {
            "# The Slack app, as `leverframe manifest slack` prints it. At https://api.slack.com/apps press Create New App,\n\
             # From a manifest, and paste this. Install it; its Bot User OAuth Token goes where `slack.bot_token` refers to.\n\
             # Under Basic Information, App-Level Tokens, make one with `connections:write` for `slack.app_token`.\n"
        }
        Connection::Http(_) => {
            "# The Slack app, as `leverframe manifest slack` prints it. At https://api.slack.com/apps press Create New App,\n\
             # From a manifest, and paste this. Install it; its Bot User OAuth Token goes where `slack.bot_token` refers to,\n\
             # and the Signing Secret, under Basic Information, where `slack.signing_secret` does.\n"
        }
    }
}

fn slash_commands(text: &mut String, (commands, names): (&Commands, &CommandNames), connection: Connection<'_>) {
    text.push_str("    # Everything can be asked under this one name.\n");
    let example = commands.iter().find(|command| command.name.as_str() == "deploy").or(commands.iter().next());
    let usage = example.map(|command| command.usage()).unwrap_or_default();
    slash_command(text, (names.name.as_str(), "Pull a lever, or see what runs where", &usage), connection);
    for name in &names.bare {
        let Some(definition) = commands.get(name) else { continue };
        if RESERVED.contains(&name.as_str()) {
            let _ = writeln!(text, "    # Slack keeps /{name} for itself: type `/{} {name}`.", names.name);
            continue;
        }
        slash_command(text, (name.as_str(), &definition.summary, &arguments(definition)), connection);
    }
}

/// What comes after a command's name.
fn arguments(definition: &Definition) -> String {
    let usage = definition.usage();
    usage.split_once(' ').map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

fn slash_command(text: &mut String, (name, description, hint): (&str, &str, &str), connection: Connection<'_>) {
    let _ = writeln!(text, "    - command: /{name}");
    if let Connection::Http(base) = connection {
        let _ = writeln!(text, "      url: {}", at(base, "commands"));
    }
    let _ = writeln!(text, "      description: {}", quoted(description));
    if !hint.is_empty() {
        let _ = writeln!(text, "      usage_hint: {}", quoted(hint));
    }
    text.push_str("      should_escape: false\n");
}

fn settings(text: &mut String, install: Install<'_>) {
    let connection = install.connection;
    text.push_str("settings:\n  event_subscriptions:\n");
    if let Connection::Http(base) = connection {
        let _ = writeln!(text, "    request_url: {}", at(base, "events"));
    }
    text.push_str("    bot_events:\n");
    for (event, why) in EVENTS {
        let _ = writeln!(text, "      - {event} # {why}");
    }
    text.push_str("  interactivity:\n    is_enabled: true\n");
    if let Connection::Http(base) = connection {
        let _ = writeln!(text, "    request_url: {}", at(base, "interactions"));
        let _ = writeln!(text, "    message_menu_options_url: {}", at(base, "options"));
    }
    let (socket, wide) = (connection == Connection::Socket, install.reach == Reach::Organisation);
    let _ = writeln!(
        text,
        "  org_deploy_enabled: {wide}\n  socket_mode_enabled: {socket}\n  token_rotation_enabled: false"
    );
}

fn at(base: &Url, door: &str) -> String {
    format!("{}/slack/{door}", base.as_str().trim_end_matches('/'))
}

/// Text in double quotes, as both JSON and YAML read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
