//! What happens in Slack without anybody typing a command or pressing anything (`POST /slack/events`, or `events_api` over
//! a socket): the bot is mentioned, somebody opens its home tab or names a page of ours. Everything else is left on
//! purpose.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    incoming::{NotUnderstood, as_typed, id, named, present},
    verify::Verified,
};

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Slack asks whether this address is ours.
    Challenge(String),
    /// Somebody mentioned the bot.
    Mention(Mention),
    /// Somebody opened the bot's home tab.
    HomeOpened {
        /// The workspaces it names.
        teams: Vec<String>,
        /// Who, `U...`.
        user: String,
    },
    /// Somebody said something with links of ours in it.
    Linked(Shared),
    /// Anything else, what bots say among it.
    Other {
        /// Slack's word for it.
        kind: String,
    },
}

/// The bot was mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The workspaces it names, `T...`; all must be ours.
    pub teams: Vec<String>,
    /// Who, `U...`.
    pub user: String,
    /// Where, `C...`.
    pub channel: String,
    /// The event's id.
    pub event: String,
    /// What stands after the mention, as typed.
    pub text: String,
}

/// Links of ours in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The workspaces it names.
    pub teams: Vec<String>,
    /// Who said it, `U...`.
    pub user: String,
    /// Where, `C...`.
    pub channel: String,
    /// The message.
    pub message: String,
    /// The event's id.
    pub event: String,
    /// The links, as Slack found them.
    pub links: Vec<String>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    challenge: String,
    team_id: Option<String>,
    enterprise_id: Option<String>,
    event_id: Option<String>,
    event: Option<Inner>,
    #[serde(default)]
    authorizations: Vec<Authorization>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(rename = "type", default)]
    kind: String,
    user: Option<String>,
    /// The workspaces of whoever did it, where Slack names them; others than ours in a channel shared with them.
    user_team: Option<String>,
    source_team: Option<String>,
    team: Option<String>,
    bot_id: Option<String>,
    subtype: Option<String>,
    edited: Option<serde::de::IgnoredAny>,
    channel: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    tab: String,
    #[serde(default)]
    source: String,
    message_ts: Option<String>,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct Authorization {
    user_id: Option<String>,
    enterprise_id: Option<String>,
    #[serde(default)]
    is_enterprise_install: bool,
}

/// Reads an event.
///
/// # Errors
/// When the body is not one, or lacks what every event of its kind has.
pub fn event(body: &Verified<Bytes>) -> Result<Event, NotUnderstood> {
    read(body.get())
}

/// Reads an event that came over a socket.
///
/// # Errors
/// As [`event`].
pub fn socket_event(payload: &RawValue) -> Result<Event, NotUnderstood> {
    read(payload.get().as_bytes())
}

fn read(body: &[u8]) -> Result<Event, NotUnderstood> {
    // An event that nobody here knows may look like anything.
    let body: Body =
        serde_json::from_slice(body).map_err(|error| NotUnderstood::NotAnInteraction(error.to_string()))?;
    if body.kind == "url_verification" {
        return Ok(Event::Challenge(body.challenge));
    }
    let Some(inner) = &body.event else { return Ok(Event::Other { kind: body.kind }) };
    match inner.kind.as_str() {
        // What a bot says, or somebody edits, asks for nothing: two bots would talk for ever.
        "app_mention" if inner.bot_id.is_none() && inner.subtype.is_none() && inner.edited.is_none() => {
            let ours = body.authorizations.iter().find_map(|one| one.user_id.as_deref());
            Ok(Event::Mention(Mention {
                teams: body.teams(inner)?,
                user: id("event.user", inner.user.clone())?,
                channel: id("event.channel", inner.channel.clone())?,
                text: after_the_mention(&inner.text, ours),
                event: present("event_id", body.event_id)?,
            }))
        }
        "app_home_opened" if inner.tab != "messages" => {
            Ok(Event::HomeOpened { teams: body.teams(inner)?, user: id("event.user", inner.user.clone())? })
        }
        // What somebody only writes so far has no place yet: it comes again when it is said.
        "link_shared" if inner.bot_id.is_none() && inner.source != "composer" => Ok(Event::Linked(Shared {
            teams: body.teams(inner)?,
            user: id("event.user", inner.user.clone())?,
            channel: id("event.channel", inner.channel.clone())?,
            message: id("event.message_ts", inner.message_ts.clone())?,
            links: inner.links.iter().map(|link| link.url.clone()).collect(),
            event: present("event_id", body.event_id)?,
        })),
        _ => Ok(Event::Other { kind: inner.kind.clone() }),
    }
}

impl Body {
    /// The workspaces and organisations that it names. Where the app is installed for a whole organisation, that stands
    /// among the authorizations.
    fn teams(&self, inner: &Inner) -> Result<Vec<String>, NotUnderstood> {
        let wide = self.authorizations.iter().find(|one| one.is_enterprise_install);
        let organisation = wide.and_then(|one| one.enterprise_id.clone());
        let Inner { user_team, source_team, team, .. } = inner;
        let ids = [&self.team_id, user_team, source_team, team, &self.enterprise_id, &organisation];
        named("team_id", ids.map(Clone::clone))
    }
}

/// What is asked of the bot: all that follows the mention of it, or the first mention where Slack does not say who it is.
/// Polite words before a command are none of it.
fn after_the_mention(text: &str, ours: Option<&str>) -> String {
    let begins = ours.map_or_else(|| "<@".to_owned(), |ours| format!("<@{ours}"));
    let after = text.split_once(&begins).and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(_, rest)| rest);
    let typed = as_typed(after);
    let mut rest = typed.trim_start_matches([' ', ',', ':', '\n', '\t', '\u{a0}']);
    for polite in ["please ", "can you ", "could you ", "please "] {
        // Compared letter by letter, because cutting text elsewhere may cut a letter in two.
        if rest.get(..polite.len()).is_some_and(|start| start.eq_ignore_ascii_case(polite)) {
            rest = rest.get(polite.len()..).unwrap_or_default().trim_start();
        }
    }
    rest.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mention(text: &str) -> String {
        after_the_mention(text, Some("U9"))
    }

    #[test]
    fn what_is_asked_stands_after_the_mention() {
        assert_eq!(mention("<@U9> deploy checkout v1.2.5 to prod"), "deploy checkout v1.2.5 to prod");
        assert_eq!(mention("hey <@U1|bo>, <@U9>: Please deploy cart &lt;now&gt; "), "deploy cart <now>");
        assert_eq!(mention("<@U9>\u{a0}can you roll back cart"), "roll back cart");
        assert_eq!(mention("<@U9>"), "");
        assert_eq!(after_the_mention("<@U7> status", None), "status");
        assert_eq!(mention("<@U9> dépløy 🚀"), "dépløy 🚀");
        assert_eq!(mention("<@U9> pleasé"), "pleasé");
    }

    #[test]
    fn bots_and_edits_ask_for_nothing() {
        let said = |more: &str| {
            let body = format!(
                r#"{{"type":"event_callback","team_id":"T1","event_id":"E1","event":{{"type":"app_mention","user":"U2",
                "channel":"C1","text":"<@U9> status"{more}}}}}"#
            );
            read(body.as_bytes()).unwrap()
        };
        assert!(matches!(said(""), Event::Mention(mention) if mention.text == "status" && mention.teams == ["T1"]));
        for theirs in [r#","user_team":"T2""#, r#","team":"T2""#, r#","source_team":"T2""#] {
            assert!(matches!(said(theirs), Event::Mention(mention) if mention.teams == ["T1", "T2"]), "{theirs}");
        }
        for more in [r#","bot_id":"B1""#, r#","subtype":"bot_message""#, r#","edited":{"user":"U2","ts":"1"}"#] {
            assert_eq!(said(more), Event::Other { kind: "app_mention".into() }, "{more}");
        }
        assert_eq!(read(br#"{"type":"url_verification","challenge":"c"}"#), Ok(Event::Challenge("c".into())));
    }
}
