//! What Discord may answer instead of doing what it was asked, sorted by what can be done about it.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::net::NetError;

/// How long to wait when Discord asks for patience without saying how long.
const WAIT: Duration = Duration::from_secs(5);

/// Why a call to Discord did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum DiscordError {
    /// Too many calls; nothing was done.
    #[error("Discord asks to wait {:.1} s before the next call", retry_after.as_secs_f64())]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Discord understood and refused; nothing was done.
    #[error("Discord refused: {message} ({code}){}", detail.as_deref().map(|d| format!(": {d}")).unwrap_or_default())]
    Refused {
        /// Discord's code, such as 50013; 0 where it gives none.
        code: u64,
        /// Discord's words for it.
        message: String,
        /// The first member of ours that it complains about.
        detail: Option<String>,
    },
    /// No connection, or Discord is out of order. Whether it was done is unknown.
    #[error("Discord cannot be reached: {cause}")]
    Unreachable {
        /// What the connection or Discord said.
        cause: String,
    },
    /// No answer in time. Whether it was done is unknown.
    #[error("Discord did not answer in time")]
    TimedOut,
    /// The answer is not Discord's. Whether it was done is unknown.
    #[error("the answer is not one of Discord's API: {cause}")]
    Garbage {
        /// What was wrong with it.
        cause: String,
    },
    /// Nothing can be said to one person alone without a command or a click of theirs in the last 15 minutes.
    #[error("there is no command of theirs in the last 15 minutes to answer")]
    NothingToAnswer,
    /// The settings in `leverframe.yaml` cannot be used.
    #[error("the settings under `discord` cannot be used: {0}")]
    Settings(NetError),
}

/// Codes of Discord that are told apart.
pub mod code {
    /// No such member of the guild.
    pub const UNKNOWN_MEMBER: u64 = 10007;
    /// No such channel, or thread.
    pub const UNKNOWN_CHANNEL: u64 = 10003;
    /// No such message.
    pub const UNKNOWN_MESSAGE: u64 = 10008;
    /// No such account.
    pub const UNKNOWN_USER: u64 = 10013;
    /// The token of an interaction is too old, or its answer did not arrive yet.
    pub const UNKNOWN_WEBHOOK: u64 = 10015;
    /// The interaction is too old to be answered.
    pub const UNKNOWN_INTERACTION: u64 = 10062;
    /// The interaction was answered already.
    pub const ALREADY_ANSWERED: u64 = 40060;
    /// The message has a thread.
    pub const THREAD_EXISTS: u64 = 160_004;
}

impl DiscordError {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::RateLimited { .. } => "Nothing to do: it is tried again after that time.".into(),
            Self::Refused { code, .. } => refused(*code),
            Self::Unreachable { .. } | Self::TimedOut => {
                "Look at https://discordstatus.com and at `HTTPS_PROXY` and `tls.ca_file`; it is tried again by itself."
                    .into()
            }
            Self::Garbage { .. } => {
                "It is tried again by itself; if it stays, look whether `discord.api` is the address of Discord's API."
                    .into()
            }
            Self::NothingToAnswer => "Look into the home channel.".into(),
            Self::Settings(error) => error.remedy(),
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            // A proxy's page in Discord's place is garbage, and goes away like any outage.
            Self::RateLimited { .. } | Self::Unreachable { .. } | Self::TimedOut | Self::Garbage { .. } => true,
            Self::Refused { .. } | Self::NothingToAnswer | Self::Settings(_) => false,
        }
    }

    /// Whether Discord refused with this code.
    pub fn is_code(&self, wanted: u64) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == wanted)
    }

    /// What an answer that is no success means.
    pub(super) fn of(status: StatusCode, body: &[u8]) -> Self {
        let explained: Option<Explained> = serde_json::from_slice(body).ok();
        match (status, explained) {
            (StatusCode::TOO_MANY_REQUESTS, explained) => {
                let seconds = explained.and_then(|said| said.retry_after).filter(|seconds| *seconds >= 0.0);
                let wait = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                Self::RateLimited { retry_after: wait.unwrap_or(WAIT) }
            }
            (status, _) if status.is_server_error() => Self::Unreachable { cause: status.to_string() },
            (_, Some(Explained { code: Some(code), message: Some(message), errors, .. })) => {
                // Without the token it says 0; the status says what is meant.
                let code = if code == 0 { u64::from(status.as_u16()) } else { code };
                Self::Refused { code, message, detail: errors.as_ref().and_then(complaint) }
            }
            (status, _) => Self::Garbage { cause: status.to_string() },
        }
    }
}

impl From<NetError> for DiscordError {
    fn from(error: NetError) -> Self {
        let cause = error.to_string();
        match (matches!(error, NetError::TimedOut { .. }), error.is_passing()) {
            (true, _) => Self::TimedOut,
            (false, true) => Self::Unreachable { cause },
            (false, false) => Self::Garbage { cause },
        }
    }
}

/// One sentence per code of Discord that people meet; the rest are looked up in Discord's own words.
fn refused(code: u64) -> String {
    match code {
        401 | 40001 | 50014 => {
            "Make a new token on the application's Bot page and put it into `discord.bot_token`.".into()
        }
        403 | 50001 | 50013 => {
            "Add the bot with the scopes `bot` and `applications.commands`, and give its role View Channels, Send Messages, \
             Embed Links and Read Message History in that channel."
                .into()
        }
        10002 | 10003 => "Look whether the id is right and the channel still there.".into(),
        10004 => "Look whether `discord.guild` is the server's id and the bot was added to it.".into(),
        code::UNKNOWN_MEMBER | code::UNKNOWN_USER => "Look whether the account is still a member of the server.".into(),
        code::UNKNOWN_MESSAGE | 50005 => {
            "The message is gone or not the bot's; ask for `/status` to see how things stand.".into()
        }
        code::UNKNOWN_WEBHOOK | code::UNKNOWN_INTERACTION | 50027 => "Type the command again.".into(),
        50035 => "Report it with the request id: the message broke a rule of Discord.".into(),
        50083 | 160_005 => "Open the thread again, or use another channel.".into(),
        code => format!("Look up {code} in Discord's API documentation, or report it with the request id."),
    }
}

#[derive(Deserialize)]
struct Explained {
    code: Option<u64>,
    message: Option<String>,
    errors: Option<Value>,
    retry_after: Option<f64>,
}

/// `embeds.0.description: Must be 4096 or fewer in length.`, the first there is.
fn complaint(errors: &Value) -> Option<String> {
    if let Some(first) = errors.get("_errors").and_then(|list| list.get(0)) {
        return first.get("message")?.as_str().map(str::to_owned);
    }
    errors.as_object()?.iter().find_map(|(member, inner)| Some(format!("{member}.{}", complaint(inner)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_by_what_can_be_done() {
        let of = |status: u16, body: &str| DiscordError::of(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let said = |status, body: &str| of(status, body).to_string();
        assert_eq!(
            said(403, r#"{"code":50013,"message":"Missing Permissions"}"#),
            "Discord refused: Missing Permissions (50013)"
        );
        let body = r#"{"code":50035,"message":"Invalid Form Body","errors":{"embeds":{"0":{"title":{"_errors":[{"code":"X","message":"Too long"}]}}}}}"#;
        assert_eq!(said(400, body), "Discord refused: Invalid Form Body (50035): embeds.0.title.Too long");
        assert!(of(401, r#"{"code":0,"message":"401: Unauthorized"}"#).remedy().contains("discord.bot_token"));
        assert_eq!(
            said(429, r#"{"retry_after":1.336,"global":true}"#),
            "Discord asks to wait 1.3 s before the next call"
        );
        assert_eq!(said(429, "<html>"), "Discord asks to wait 5.0 s before the next call");
        for (status, body) in
            [(429, r#"{"retry_after":-1}"#), (429, r#"{"retry_after":1e300}"#), (502, ""), (404, "<html>")]
        {
            assert!(of(status, body).is_passing(), "{status} {body}");
        }
    }
}
