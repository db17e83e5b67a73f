//! What Slack may answer instead of doing what it was asked, sorted by what can be done about it.

use std::time::Duration;

use serde::Deserialize;
use slack_morphism::errors::SlackClientError;

use crate::net::NetError;

/// How long to wait when Slack asks for patience without saying how long.
const WAIT: Duration = Duration::from_secs(30);

/// Why a call to Slack did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum SlackError {
    /// Too many calls; nothing was done.
    #[error("Slack asks to wait {} s before the next call", retry_after.as_secs())]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Slack understood and refused; nothing was done.
    #[error("Slack refused: {error}{}", detail.as_deref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Refused {
        /// Slack's code, such as `channel_not_found`.
        error: String,
        /// What Slack added: the missing scope, the first complaint about blocks.
        detail: Option<String>,
    },
    /// No connection, or Slack is out of order. Whether it was done is unknown.
    #[error("Slack cannot be reached: {cause}")]
    Unreachable {
        /// What the connection or Slack said.
        cause: String,
    },
    /// No answer in time. Whether it was done is unknown.
    #[error("Slack did not answer in time")]
    TimedOut,
    /// The answer is not Slack's. Whether it was done is unknown.
    #[error("the answer is not one of Slack's Web API: {cause}")]
    Garbage {
        /// What was wrong with it.
        cause: String,
    },
    /// The settings in `leverframe.yaml` cannot be used.
    #[error("the settings under `slack` cannot be used: {0}")]
    Settings(NetError),
}

impl SlackError {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::RateLimited { .. } => "Nothing to do: it is tried again after that time.".into(),
            Self::Refused { error, detail } => refused(error, detail.as_deref()),
            Self::Unreachable { .. } | Self::TimedOut => {
                "Look at https://slack-status.com and at `HTTPS_PROXY` and `tls.ca_file`; it is tried again by itself."
                    .into()
            }
            Self::Garbage { .. } => {
                "It is tried again by itself; if it stays, look whether `slack.api` is the address of Slack's Web API."
                    .into()
            }
            Self::Settings(error) => error.remedy(),
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            // A proxy's page in Slack's place is garbage, and goes away like any outage.
            Self::RateLimited { .. } | Self::Unreachable { .. } | Self::TimedOut | Self::Garbage { .. } => true,
            Self::Refused { error, .. } => {
                matches!(error.as_str(), "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout")
            }
            Self::Settings(_) => false,
        }
    }
}

impl SlackError {
    /// How long Slack asks to wait, where it does.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut
            | Self::Garbage { .. }
            | Self::Settings(_) => None,
        }
    }
}

impl From<NetError> for SlackError {
    fn from(error: NetError) -> Self {
        let (timed_out, cause) = (matches!(error, NetError::TimedOut { .. }), error.to_string());
        match error.is_passing() {
            _ if timed_out => Self::TimedOut,
            true => Self::Unreachable { cause },
            false => Self::Garbage { cause },
        }
    }
}

/// One sentence per code of Slack that people meet; the rest are looked up in Slack's own words.
fn refused(error: &str, detail: Option<&str>) -> String {
    match error {
        "channel_not_found" | "not_in_channel" => "Type `/invite` and the bot's name in that channel.".into(),
        "is_archived" => "Unarchive the channel, or use another one.".into(),
        "user_not_in_channel" => "Join the channel first.".into(),
        "restricted_action" | "restricted_action_read_only_channel" | "ekm_access_denied" => {
            "Ask a workspace admin to let the bot post in that channel.".into()
        }
        "not_authed"
        | "invalid_auth"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "no_permission"
        | "not_allowed_token_type" => {
            "Install the app in the workspace again and put its bot token (`xoxb-...`) into `slack.bot_token`; \
             `slack.app_token` is the one that begins with `xapp-`."
                .into()
        }
        "missing_scope" => {
            let scope = detail.unwrap_or("that Slack names");
            format!("Add the scope `{scope}` to the app's bot token scopes and install the app again.")
        }
        "message_not_found" | "cant_update_message" | "edit_window_closed" => {
            "The message is gone or not the bot's; ask for `/lf status` to get a new one.".into()
        }
        "user_not_found" | "user_not_visible" => "Look whether the account is still a member of the workspace.".into(),
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            "Nothing to do: it is tried again by itself.".into()
        }
        code => format!("Look up `{code}` in Slack's API documentation, or report it with the request id."),
    }
}

/// What Slack adds to a refusal.
#[derive(Deserialize, Default)]
struct Explained {
    needed: Option<String>,
    #[serde(default)]
    response_metadata: Notes,
}

#[derive(Deserialize, Default)]
struct Notes {
    #[serde(default)]
    messages: Vec<String>,
}

fn detail(body: Option<&str>) -> Option<String> {
    let explained: Explained = serde_json::from_str(body?).ok()?;
    explained.needed.or_else(|| explained.response_metadata.messages.into_iter().next())
}

impl From<SlackClientError> for SlackError {
    fn from(error: SlackClientError) -> Self {
        match error {
            SlackClientError::RateLimitError(limit) => {
                Self::RateLimited { retry_after: limit.retry_after.unwrap_or(WAIT) }
            }
            SlackClientError::ApiError(api) if matches!(api.code.as_str(), "ratelimited" | "rate_limited") => {
                Self::RateLimited { retry_after: WAIT }
            }
            SlackClientError::ApiError(api) => {
                Self::Refused { detail: detail(api.http_response_body.as_deref()), error: api.code }
            }
            SlackClientError::HttpError(http) if http.status_code.is_server_error() => {
                Self::Unreachable { cause: http.status_code.to_string() }
            }
            SlackClientError::HttpError(http) => Self::Garbage { cause: http.status_code.to_string() },
            SlackClientError::HttpProtocolError(protocol) => lost(protocol.cause),
            SlackClientError::ProtocolError(protocol) => Self::Garbage { cause: protocol.json_error.to_string() },
            SlackClientError::EndOfStream(_)
            | SlackClientError::SystemError(_)
            | SlackClientError::SocketModeProtocolError(_) => Self::Garbage { cause: error.to_string() },
        }
    }
}

/// The connector's own error travels boxed inside slack-morphism's.
fn lost(cause: Option<Box<dyn std::error::Error + Send + Sync>>) -> SlackError {
    let Some(cause) = cause else { return SlackError::Unreachable { cause: "no answer".to_owned() } };
    match cause.downcast::<NetError>() {
        Ok(error) => (*error).into(),
        Err(other) => SlackError::Garbage { cause: other.to_string() },
    }
}
