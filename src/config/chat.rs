//! `slack` and `discord`: where the bot listens and who it is there. A transport comes with the secret it needs.

use url::Url;

use super::reading::Reading;
use crate::{
    core::{
        located::{Fields, Node, Value},
        names::NotAName,
    },
    secret::Secret,
};

/// Slack.
#[derive(Debug, Clone)]
pub struct Slack {
    /// How commands and clicks arrive.
    pub transport: SlackTransport,
    /// The base of its Web API: `https://slack.com/api`.
    pub api: Url,
    /// The workspaces (`T...`) whose commands are taken; none where the whole organisation's are.
    pub teams: Vec<String>,
    /// The organisation (`E...`) of several workspaces that they belong to, where there is one.
    pub enterprise: Option<String>,
    /// The bot's token.
    pub bot_token: Secret,
}

/// How Slack reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackTransport {
    /// Slack calls our HTTP endpoints.
    Http {
        /// What it signs them with.
        signing_secret: Secret,
    },
    /// We keep a WebSocket open to Slack.
    Socket {
        /// The token that opens it.
        app_token: Secret,
    },
}

/// Discord.
#[derive(Debug, Clone)]
pub struct Discord {
    /// How commands and clicks arrive.
    pub transport: DiscordTransport,
    /// The base of its REST API: `https://discord.com/api`.
    pub api: Url,
    /// The one guild whose commands are taken.
    pub guild: String,
    /// The application that commands are registered for.
    pub application_id: String,
    /// The bot's token.
    pub bot_token: Secret,
}

/// How Discord reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscordTransport {
    /// Discord calls our HTTP endpoint.
    Http {
        /// The Ed25519 key its calls are verified with, 64 hexadecimal digits.
        public_key: String,
    },
    /// We keep a WebSocket open to Discord.
    Gateway,
}

/// Which transport is asked for.
#[derive(Clone, Copy)]
enum Wanted {
    Http,
    Open,
}

impl Slack {
    pub(super) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let known = ["transport", "api", "team", "enterprise", "bot_token", "signing_secret", "app_token"];
        let fields = node.fields(&known, &mut reading.problems);
        let transport =
            wanted(fields, "socket", reading).and_then(|wanted| SlackTransport::read(wanted, fields, reading));
        let api = reading.api(fields, "https://slack.com/api");
        let enterprise = fields.get("enterprise").map(|node| node.named(enterprise_id, &mut reading.problems));
        let teams = match (fields.get("team"), &enterprise) {
            (None, Some(_)) => Some(Vec::new()),
            (Some(several), _) if matches!(several.value, Value::List(_)) => {
                Some(several.named_items(team_id, &mut reading.problems)).filter(|teams| !teams.is_empty())
            }
            _ => {
                let team = fields.required("team", "team: T0123", &mut reading.problems);
                team.and_then(|node| node.named(team_id, &mut reading.problems)).map(|team| vec![team])
            }
        };
        let bot_token = reading.required_secret(fields, "bot_token");
        let enterprise = match enterprise {
            Some(None) => return None,
            named => named.flatten(),
        };
        Some(Self { transport: transport?, api: api?, teams: teams?, enterprise, bot_token: bot_token? })
    }
}

impl SlackTransport {
    fn read(wanted: Wanted, fields: Fields<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        match wanted {
            Wanted::Http => {
                reading.unused(fields, &["app_token"], "transport: http");
                reading.required_secret(fields, "signing_secret").map(|signing_secret| Self::Http { signing_secret })
            }
            Wanted::Open => {
                reading.unused(fields, &["signing_secret"], "transport: socket");
                reading.required_secret(fields, "app_token").map(|app_token| Self::Socket { app_token })
            }
        }
    }
}

impl Discord {
    pub(super) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let known = ["transport", "api", "guild", "application_id", "public_key", "bot_token"];
        let fields = node.fields(&known, &mut reading.problems);
        let transport =
            wanted(fields, "gateway", reading).and_then(|wanted| DiscordTransport::read(wanted, fields, reading));
        let api = reading.api(fields, "https://discord.com/api");
        let guild = fields.required("guild", "guild: \"9000\"", &mut reading.problems);
        let guild = guild.and_then(|node| node.named(snowflake, &mut reading.problems));
        let application_id = fields.required("application_id", "application_id: \"9001\"", &mut reading.problems);
        let application_id = application_id.and_then(|node| node.named(snowflake, &mut reading.problems));
        let bot_token = reading.required_secret(fields, "bot_token");
        Some(Self {
            transport: transport?,
            api: api?,
            guild: guild?,
            application_id: application_id?,
            bot_token: bot_token?,
        })
    }
}

impl DiscordTransport {
    fn read(wanted: Wanted, fields: Fields<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let public_key = match wanted {
            Wanted::Open => {
                reading.unused(fields, &["public_key"], "transport: gateway");
                return Some(Self::Gateway);
            }
            Wanted::Http => {
                let example = "public_key: \"${env:DISCORD_PUBLIC_KEY}\"";
                fields.required("public_key", example, &mut reading.problems)?
            }
        };
        public_key.named(ed25519_key, &mut reading.problems).map(|public_key| Self::Http { public_key })
    }
}

/// `transport`: `http`, or the connection that we open ourselves.
fn wanted(fields: Fields<'_>, open: &str, reading: &mut Reading<'_>) -> Option<Wanted> {
    let node = fields.required("transport", "transport: http", &mut reading.problems)?;
    node.choice(&[("http", Wanted::Http), (open, Wanted::Open)], &mut reading.problems)
}

fn team_id(text: &str) -> Result<String, NotAName> {
    let fits = text.starts_with('T') && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    fits.then(|| text.to_owned()).ok_or_else(|| NotAName {
        found: text.chars().take(80).collect(),
        kind: "a Slack workspace",
        rule: "its id, `T` and upper-case letters and digits, not its name",
        example: "T0123",
    })
}

fn enterprise_id(text: &str) -> Result<String, NotAName> {
    let fits = text.starts_with('E') && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    fits.then(|| text.to_owned()).ok_or_else(|| NotAName {
        found: text.chars().take(80).collect(),
        kind: "a Slack organisation",
        rule: "its id, `E` and upper-case letters and digits, not its name",
        example: "E0123",
    })
}

fn snowflake(text: &str) -> Result<String, NotAName> {
    let fits = (1..=20).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    fits.then(|| text.to_owned()).ok_or_else(|| NotAName {
        found: text.chars().take(80).collect(),
        kind: "a Discord id",
        rule: "digits, in quotes",
        example: "\"9000\"",
    })
}

fn ed25519_key(text: &str) -> Result<String, NotAName> {
    let fits = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    fits.then(|| text.to_ascii_lowercase()).ok_or_else(|| NotAName {
        found: text.chars().take(80).collect(),
        kind: "a Discord public key",
        rule: "64 hexadecimal digits, from the application's page",
        example: "\"${env:DISCORD_PUBLIC_KEY}\"",
    })
}
