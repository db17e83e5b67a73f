//! The calls of Slack's Web API that cards and refusals use, with slack-morphism's requests and models.
//! Answers are read for what is needed of them and no more: a message must not count as lost
//! because Slack echoes it with a block that nobody here knows. Nothing is retried here.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use slack_morphism::{
    ClientResult, SlackApiToken, SlackApiTokenValue, SlackChannelId, SlackClientSession, SlackMessageContent,
    SlackMessageMetadata, SlackTs,
    api::{SlackApiChatPostMessageRequest, SlackApiChatUpdateRequest},
    blocks::SlackBlock,
};
use tokio::time::Instant;
use url::Url;

use super::{
    connector::Connector,
    error::SlackError,
    rates::{POST, Rates},
};
use crate::{
    net::{self, NetError},
    secret::Secret,
};

/// The `event_type` of the metadata that makes a card findable again.
pub const CARD: &str = "leverframe_request";
/// Messages on one page of a channel's history.
const PAGE: &str = "200";
/// Pages looked through before a card counts as not posted.
const PAGES: usize = 10;
/// How far Slack's clock may be behind ours.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// Slack's Web API as one bot. Clones share the connections.
#[derive(Debug, Clone)]
pub struct SlackClient {
    slack: Arc<slack_morphism::SlackClient<Connector>>,
    token: SlackApiToken,
    http: reqwest::Client,
    rates: Arc<Rates>,
}

/// Who the bot token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The workspace, `T...`.
    pub team: String,
    /// The bot's own user, `U...`.
    pub bot_user: String,
}

/// A message to a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// Where, `C...`.
    pub channel: String,
    /// What notifications and old clients show, in Slack's markup.
    pub text: String,
    /// What people see.
    pub blocks: Vec<SlackBlock>,
    /// The request it is the card of, by which [`SlackClient::find`] finds it.
    pub request: String,
}

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct MessageRef {
    /// The channel, `C...`.
    pub channel: String,
    /// The message's time stamp, which is its name within the channel.
    pub ts: String,
}

/// What Slack says of an account, as far as it decides whether the account may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackUser {
    /// Deactivated.
    pub deleted: bool,
    /// Not a human.
    pub is_bot: bool,
    /// A guest of several channels.
    pub restricted: bool,
    /// A guest of one channel.
    pub ultra_restricted: bool,
    /// From another workspace, seen through a shared channel.
    pub stranger: bool,
    /// The workspace the account belongs to; empty where Slack does not say, which is nobody's workspace.
    pub team: String,
    /// In an organisation of several workspaces (Enterprise Grid), every one that the account belongs to.
    pub teams: Vec<String>,
    /// That organisation.
    pub enterprise: Option<String>,
}

#[derive(Deserialize)]
struct Tested {
    team_id: String,
    user_id: String,
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// Where a socket is; the ticket in it opens one connection.
#[derive(Deserialize)]
struct Opened {
    url: String,
}

#[derive(Deserialize)]
struct History {
    messages: Vec<Message>,
    #[serde(default)]
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Message {
    ts: String,
    #[serde(default)]
    metadata: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
pub(super) struct Cursor {
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Informed {
    user: Account,
}

/// Absent flags are false, as Slack leaves them out of deactivated accounts.
#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    is_restricted: bool,
    #[serde(default)]
    is_ultra_restricted: bool,
    #[serde(default)]
    is_stranger: bool,
    #[serde(default)]
    team_id: String,
    #[serde(default)]
    enterprise_user: Option<OfOrganisation>,
}

#[derive(Deserialize)]
struct OfOrganisation {
    #[serde(default)]
    enterprise_id: Option<String>,
    #[serde(default)]
    teams: Vec<String>,
}

#[derive(Deserialize)]
struct Linked {
    permalink: String,
}

impl SlackClient {
    /// A client for the Web API at `api` (`https://slack.com/api`). Nothing is sent yet.
    ///
    /// # Errors
    /// When `api` is not an HTTP address, or the token cannot stand in a header.
    pub fn new(http: reqwest::Client, api: &Url, bot_token: &Secret) -> Result<Self, SlackError> {
        if !matches!(api.scheme(), "http" | "https") {
            return Err(SlackError::Settings(NetError::BadAddress(api.as_str().chars().take(80).collect())));
        }
        net::bearer(bot_token, api).map_err(SlackError::Settings)?;
        let token = SlackApiToken::new(SlackApiTokenValue(bot_token.reveal().to_owned()));
        let slack = slack_morphism::SlackClient::new(Connector { http: http.clone(), api: api.clone() });
        Ok(Self { slack: Arc::new(slack), token, http, rates: Arc::default() })
    }

    fn session(&self) -> SlackClientSession<'_, Connector> {
        self.slack.open_session(&self.token)
    }

    pub(super) async fn ask<A>(&self, method: &'static str, parameters: &[(&str, &str)]) -> Result<A, SlackError>
    where
        A: for<'de> Deserialize<'de> + Send,
    {
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let session = self.session();
        self.within_limits((method, ""), session.http_session_api.http_get(method, &parameters, None)).await
    }

    /// Calls a method with a body; `at` says which and in which channel.
    pub(super) async fn tell<Q, A>(&self, at: (&'static str, &str), request: &Q) -> Result<A, SlackError>
    where
        Q: Serialize + Send + Sync,
        A: for<'de> Deserialize<'de> + Send,
    {
        let session = self.session();
        self.within_limits(at, session.http_session_api.http_post(at.0, request, None)).await
    }

    /// Does not call where Slack would refuse, and remembers where it did.
    async fn within_limits<A>(
        &self,
        (method, channel): (&'static str, &str),
        call: impl Future<Output = ClientResult<A>>,
    ) -> Result<A, SlackError> {
        let limited = |retry_after| SlackError::RateLimited { retry_after };
        self.rates.take(method, channel, Instant::now()).map_err(limited)?;
        let answer = call.await.map_err(SlackError::from);
        if let Err(SlackError::RateLimited { retry_after }) = &answer {
            self.rates.refused((method, channel), *retry_after, Instant::now());
        }
        answer
    }

    /// Whom the token speaks for (`auth.test`).
    ///
    /// # Errors
    /// As every call: refused, too many, unreachable, late, garbage.
    pub async fn identity(&self) -> Result<Identity, SlackError> {
        let tested: Tested = self.ask("auth.test", &[]).await?;
        Ok(Identity { team: tested.team_id, bot_user: tested.user_id })
    }

    /// Where a connection of Socket Mode is to be opened (`apps.connections.open`), by the app's own token. The address
    /// holds a ticket: it is not to be shown.
    ///
    /// # Errors
    /// As every call.
    pub async fn socket(&self, app_token: &Secret) -> Result<Url, SlackError> {
        let token = SlackApiToken::new(SlackApiTokenValue(app_token.reveal().to_owned()));
        let session = self.slack.open_session(&token);
        let opened: Opened =
            session.http_session_api.http_post("apps.connections.open", &serde_json::json!({}), None).await?;
        opened.url.parse().map_err(|_| SlackError::Garbage { cause: "no address of a WebSocket".to_owned() })
    }

    /// Says something to whoever caused an event, through the address that came with it.
    ///
    /// # Errors
    /// As every call.
    pub async fn respond(&self, address: &str, body: &serde_json::Value) -> Result<(), SlackError> {
        let garbage = |_| SlackError::Garbage { cause: "no address to answer at".to_owned() };
        let address: Url = address.parse().map_err(garbage)?;
        let answer = self.http.post(address).json(body).send().await.map_err(|error| NetError::of(&error))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(SlackError::Garbage { cause: status.to_string() }),
        }
    }

    /// Opens a form for whoever caused an event within the last three seconds (`views.open`).
    ///
    /// # Errors
    /// As every call.
    pub async fn open_form(&self, trigger: &str, view: &serde_json::Value) -> Result<(), SlackError> {
        let request = serde_json::json!({ "trigger_id": trigger, "view": view });
        let Nothing {} = self.tell(("views.open", ""), &request).await?;
        Ok(())
    }

    /// Draws somebody's home tab (`views.publish`).
    ///
    /// # Errors
    /// As every call.
    pub async fn publish_home(&self, user: &str, blocks: Vec<SlackBlock>) -> Result<(), SlackError> {
        let request = serde_json::json!({ "user_id": user, "view": {"type": "home", "blocks": blocks} });
        let Nothing {} = self.tell(("views.publish", ""), &request).await?;
        Ok(())
    }

    /// Posts a card (`chat.postMessage`). After [`SlackError::TimedOut`] or [`SlackError::Unreachable`] it may
    /// be there all the same: look with [`SlackClient::find`] before posting again.
    ///
    /// # Errors
    /// As every call.
    pub async fn post(&self, post: Post) -> Result<MessageRef, SlackError> {
        let payload = [("request".to_owned(), post.request)].into();
        let metadata = SlackMessageMetadata::new(CARD.to_owned()).with_event_payload(payload);
        let content = SlackMessageContent::new().with_text(post.text).with_blocks(post.blocks).with_metadata(metadata);
        let request = SlackApiChatPostMessageRequest::new(SlackChannelId(post.channel.clone()), content)
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        self.tell((POST, &post.channel), &request).await
    }

    /// Says something in a channel that is no card (`chat.postMessage`); `text` is in Slack's markup.
    ///
    /// # Errors
    /// As every call.
    pub async fn say(&self, channel: &str, text: String) -> Result<(), SlackError> {
        let content = SlackMessageContent::new().with_text(text);
        let request = SlackApiChatPostMessageRequest::new(SlackChannelId(channel.to_owned()), content)
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        let Nothing {} = self.tell((POST, channel), &request).await?;
        Ok(())
    }

    /// Replaces what a message shows (`chat.update`); its metadata stays.
    ///
    /// # Errors
    /// As every call.
    pub async fn update(&self, at: &MessageRef, text: String, blocks: Vec<SlackBlock>) -> Result<(), SlackError> {
        let content = SlackMessageContent::new().with_text(text).with_blocks(blocks);
        let request =
            SlackApiChatUpdateRequest::new(SlackChannelId(at.channel.clone()), content, SlackTs(at.ts.clone()));
        let Nothing {} = self.tell(("chat.update", &at.channel), &request).await?;
        Ok(())
    }

    /// Says something that only `user` sees, in a channel they are in (`chat.postEphemeral`).
    ///
    /// # Errors
    /// As every call.
    pub async fn whisper(&self, channel: &str, user: &str, text: String) -> Result<(), SlackError> {
        self.whispers((channel, user), SlackMessageContent::new().with_text(text)).await
    }

    /// Finds the card of `request` in a channel's history (`conversations.history`), looking at up to 2,000
    /// messages from five minutes before `since`, because Slack's clock is not ours.
    ///
    /// # Errors
    /// As every call.
    pub async fn find(&self, channel: &str, request: &str, since: Timestamp) -> Result<Option<MessageRef>, SlackError> {
        let oldest = since.saturating_sub(CLOCKS).unwrap_or(since).as_second().to_string();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let history = self.page(channel, &oldest, &cursor).await?;
            if let Some(found) = history.messages.iter().find(|message| is_card_of(message, request)) {
                return Ok(Some(MessageRef { channel: channel.to_owned(), ts: found.ts.clone() }));
            }
            cursor = history.response_metadata.unwrap_or_default().next_cursor.unwrap_or_default();
            if cursor.is_empty() {
                break;
            }
        }
        Ok(None)
    }

    async fn page(&self, channel: &str, oldest: &str, cursor: &str) -> Result<History, SlackError> {
        let mut parameters = vec![
            ("channel", channel),
            ("oldest", oldest),
            ("inclusive", "true"),
            ("include_all_metadata", "true"),
            ("limit", PAGE),
        ];
        if !cursor.is_empty() {
            parameters.push(("cursor", cursor));
        }
        self.ask("conversations.history", &parameters).await
    }

    /// What Slack says of an account (`users.info`).
    ///
    /// # Errors
    /// As every call.
    pub async fn user(&self, id: &str) -> Result<SlackUser, SlackError> {
        let Informed { user } = self.ask("users.info", &[("user", id)]).await?;
        Ok(SlackUser {
            deleted: user.deleted,
            is_bot: user.is_bot,
            restricted: user.is_restricted,
            ultra_restricted: user.is_ultra_restricted,
            stranger: user.is_stranger,
            team: user.team_id,
            enterprise: user.enterprise_user.as_ref().and_then(|of| of.enterprise_id.clone()),
            teams: user.enterprise_user.map(|of| of.teams).unwrap_or_default(),
        })
    }

    /// A message's address for people (`chat.getPermalink`).
    ///
    /// # Errors
    /// As every call.
    pub async fn permalink(&self, at: &MessageRef) -> Result<String, SlackError> {
        let parameters = [("channel", at.channel.as_str()), ("message_ts", at.ts.as_str())];
        let Linked { permalink } = self.ask("chat.getPermalink", &parameters).await?;
        Ok(permalink)
    }
}

/// Other apps' metadata may hold anything; only ours is looked into.
fn is_card_of(message: &Message, request: &str) -> bool {
    let Some(metadata) = &message.metadata else { return false };
    metadata.get("event_type").is_some_and(|kind| kind == CARD)
        && metadata.pointer("/event_payload/request").is_some_and(|of| of == request)
}
