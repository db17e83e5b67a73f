//! The calls of Discord's API that cards, answers, votes and registration use, over our one HTTP client. Answers are
//! read for what is needed of them and no more. Nothing is retried here, and what its rate limits forbid is not sent.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::OnceCell, time::Instant};
use url::Url;

use super::{
    error::{DiscordError, code},
    routes::{Counted, Rates, Route},
    standing::Member,
    tokens::Tokens,
};
use crate::{
    chat::Place,
    net::{self, NetError},
    secret::Secret,
};

/// The version of the API.
pub(super) const VERSION: &str = "v10";
/// How long Discord may take for one call, from the first byte out to the last byte in.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest answer: 100 messages with their embeds stay well below.
const LONGEST: usize = 8 * 1024 * 1024;
/// Messages on one page of a channel's history, and pages looked through before a card counts as not posted.
const PAGE: usize = 100;
const PAGES: usize = 20;
/// How far Discord's clock may be behind ours.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);
/// When Discord's ids begin, in milliseconds.
const EPOCH: i64 = 1_420_070_400_000;
/// As Discord asks bots to call themselves.
pub(super) const AGENT: &str = concat!("DiscordBot (leverframe, ", env!("CARGO_PKG_VERSION"), ")");

/// Which application, in which server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The server's id.
    pub guild: String,
    /// The application's id.
    pub application: String,
}

/// Discord's API as one bot. Clones share the connections and what is known of limits.
#[derive(Debug, Clone)]
pub struct DiscordClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    api: Url,
    authorization: HeaderValue,
    token: Secret,
    home: Home,
    rates: Rates,
    tokens: Tokens,
    me: OnceCell<String>,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    author: Identified,
    #[serde(default)]
    content: String,
    #[serde(default)]
    embeds: Vec<Embed>,
}

#[derive(Deserialize)]
struct Embed {
    footer: Option<Footer>,
}

#[derive(Deserialize)]
struct Footer {
    text: String,
}

#[derive(Deserialize)]
struct Gateway {
    url: Url,
}

/// Who a call speaks as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// The bot, by its token.
    AsBot,
    /// An answer, by the token in its path.
    InAnswer,
}

impl DiscordClient {
    /// A client for the API at `api` (`https://discord.com/api`). Nothing is sent yet.
    ///
    /// # Errors
    /// When `api` is not an HTTP address, or the token cannot stand in a header.
    pub fn new(http: reqwest::Client, api: &Url, token: &Secret, home: Home) -> Result<Self, DiscordError> {
        if !matches!(api.scheme(), "http" | "https") || api.cannot_be_a_base() {
            return Err(DiscordError::Settings(NetError::BadAddress(api.as_str().chars().take(80).collect())));
        }
        let host = api.host_str().unwrap_or_default().to_owned();
        let mut authorization = HeaderValue::try_from(format!("Bot {}", token.reveal()))
            .map_err(|_| DiscordError::Settings(NetError::BadToken { host }))?;
        authorization.set_sensitive(true);
        let (rates, tokens, me) = (Rates::default(), Tokens::default(), OnceCell::new());
        let (api, token) = (api.clone(), token.clone());
        Ok(Self(Arc::new(Inner { http, api, authorization, token, home, rates, tokens, me })))
    }

    /// Which application, in which server.
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// The bot's token, for the connection that is kept open.
    pub(super) fn token(&self) -> &Secret {
        &self.0.token
    }

    /// Remembers under what something can be said to one person alone.
    pub fn may_answer(&self, channel: &str, user: &str, token: &str) {
        self.0.tokens.keep((channel, user), token, Instant::now());
    }

    /// Posts a message and gives its id. After an error that is passing it may be there all the same.
    ///
    /// # Errors
    /// As every call: refused, too many, unreachable, late, garbage.
    pub async fn post(&self, channel: &str, message: &Value) -> Result<Place, DiscordError> {
        let route = of_channel(Method::POST, "messages", channel);
        let posted: Identified = self.ask(route, &["channels", channel, "messages"], Some(message)).await?;
        Ok(Place { channel: channel.to_owned(), message: posted.id })
    }

    /// Replaces what a message shows.
    ///
    /// # Errors
    /// As every call.
    pub async fn edit(&self, at: &Place, message: &Value) -> Result<(), DiscordError> {
        let route = of_channel(Method::PATCH, "messages/id", &at.channel);
        // A proxy's page in Discord's place is no edit.
        let path = ["channels", &at.channel, "messages", &at.message];
        self.ask::<Identified>(route, &path, Some(message)).await.map(drop)
    }

    /// Finds the message whose footer ends with `mark`, a request's id on its card, in a channel's history, looking at up to 2,000 messages from five minutes before
    /// `since`, because Discord's clock is not ours.
    ///
    /// # Errors
    /// As every call.
    pub async fn find(&self, channel: &str, mark: &str, since: Timestamp) -> Result<Option<Place>, DiscordError> {
        let me = self.me().await?;
        let mut after = id_at(since.saturating_sub(CLOCKS).unwrap_or(since));
        for _ in 0..PAGES {
            let page = self.page(channel, &after).await?;
            let ours = |message: &&Message| message.author.id == me && is_marked(message, mark);
            if let Some(found) = page.iter().find(ours) {
                return Ok(Some(Place { channel: channel.to_owned(), message: found.id.clone() }));
            }
            let newest = page.iter().filter_map(|message| message.id.parse::<u64>().ok()).max();
            match newest {
                Some(newest) if page.len() >= PAGE => after = newest.to_string(),
                Some(_) | None => break,
            }
        }
        Ok(None)
    }

    /// What the bot said in a thread, the oldest first, in up to 2,000 messages; nothing where there is no thread.
    ///
    /// # Errors
    /// As every call.
    pub(super) async fn said_in(&self, thread: &str) -> Result<Vec<String>, DiscordError> {
        let me = self.me().await?;
        // A thread has the id of the message that it hangs on, which is older than all that is in it.
        let (mut said, mut after) = (Vec::new(), thread.to_owned());
        for _ in 0..PAGES {
            let mut page = match self.page(thread, &after).await {
                Err(error) if error.is_code(code::UNKNOWN_CHANNEL) => return Ok(said),
                page => page?,
            };
            page.reverse();
            let is_last = page.len() < PAGE;
            after = page.last().map_or(after, |newest| newest.id.clone());
            said.extend(page.into_iter().filter(|one| one.author.id == me).map(|one| one.content));
            if is_last {
                break;
            }
        }
        Ok(said)
    }

    async fn page(&self, channel: &str, after: &str) -> Result<Vec<Message>, DiscordError> {
        let route = of_channel(Method::GET, "messages", channel);
        let path = ["channels", channel, "messages"];
        let mut address = self.address(&path)?;
        address.query_pairs_mut().append_pair("limit", &PAGE.to_string()).append_pair("after", after);
        read(&self.send(route, address, None, Speaks::AsBot).await?)
    }

    /// Who the bot is (`users/@me`), asked once.
    pub(super) async fn me(&self) -> Result<&str, DiscordError> {
        let ask = async {
            let route = of_channel(Method::GET, "me", "");
            self.ask::<Identified>(route, &["users", "@me"], None).await.map(|me| me.id)
        };
        self.0.me.get_or_try_init(|| ask).await.map(String::as_str)
    }

    /// What Discord says of a member of the server now; `None` for somebody who is none.
    ///
    /// # Errors
    /// As every call.
    pub async fn member(&self, user: &str) -> Result<Option<Member>, DiscordError> {
        let guild = &self.0.home.guild;
        let route = of_channel(Method::GET, "members/id", guild);
        match self.ask(route, &["guilds", guild, "members", user], None).await {
            Ok(member) => Ok(Some(member)),
            Err(error) if error.is_code(code::UNKNOWN_MEMBER) || error.is_code(code::UNKNOWN_USER) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Answers an interaction that came over the connection that is kept open. One that was answered already is left.
    ///
    /// # Errors
    /// As every call.
    pub async fn answer(&self, (id, token): (&str, &str), answer: &Value) -> Result<(), DiscordError> {
        let route = of_interaction(Method::POST, "callback");
        let address = self.address(&["interactions", id, token, "callback"])?;
        match self.send(route, address, Some(answer), Speaks::InAnswer).await {
            Err(error) if error.is_code(code::ALREADY_ANSWERED) => Ok(()),
            answered => answered.map(drop),
        }
    }

    /// Says something to one person after an interaction of theirs.
    ///
    /// # Errors
    /// As every call.
    pub async fn follow_up(&self, token: &str, message: &Value) -> Result<(), DiscordError> {
        let address = self.address(&["webhooks", &self.0.home.application, token])?;
        self.send(of_interaction(Method::POST, "webhook"), address, Some(message), Speaks::InAnswer).await.map(drop)
    }

    /// Replaces the answer that was put off, or with nothing to say takes it away.
    ///
    /// # Errors
    /// As every call.
    pub async fn settle(&self, token: &str, message: Option<&Value>) -> Result<(), DiscordError> {
        let address = self.address(&["webhooks", &self.0.home.application, token, "messages", "@original"])?;
        let method = if message.is_some() { Method::PATCH } else { Method::DELETE };
        self.send(of_interaction(method, "original"), address, message, Speaks::InAnswer).await.map(drop)
    }

    /// Says something to an account alone, where it typed or pressed something in the last 15 minutes.
    ///
    /// # Errors
    /// As every call, and where it did not.
    pub async fn whisper(&self, channel: &str, user: &str, message: &Value) -> Result<(), DiscordError> {
        let token = self.0.tokens.of((channel, user), Instant::now()).ok_or(DiscordError::NothingToAnswer)?;
        self.follow_up(&token, message).await
    }

    /// The commands that are registered for the server, as Discord has them.
    ///
    /// # Errors
    /// As every call.
    pub async fn commands(&self) -> Result<Vec<Value>, DiscordError> {
        let Home { guild, application } = &self.0.home;
        let route = of_channel(Method::GET, "commands", guild);
        self.ask(route, &["applications", application, "guilds", guild, "commands"], None).await
    }

    /// Registers exactly these commands for the server.
    ///
    /// # Errors
    /// As every call.
    pub async fn register(&self, commands: &[Value]) -> Result<(), DiscordError> {
        let Home { guild, application } = &self.0.home;
        let route = of_channel(Method::PUT, "commands", guild);
        let commands = Value::from(commands.to_vec());
        let path = ["applications", application, "guilds", guild, "commands"];
        self.ask::<Vec<Identified>>(route, &path, Some(&commands)).await.map(drop)
    }

    /// Where the connection that is kept open goes to (`gateway/bot`).
    ///
    /// # Errors
    /// As every call.
    pub async fn gateway(&self) -> Result<Url, DiscordError> {
        let gateway: Gateway = self.ask(of_channel(Method::GET, "gateway", ""), &["gateway", "bot"], None).await?;
        Ok(gateway.url)
    }

    pub(super) async fn ask<A>(&self, route: Route, path: &[&str], body: Option<&Value>) -> Result<A, DiscordError>
    where
        A: for<'de> Deserialize<'de>,
    {
        read(&self.send(route, self.address(path)?, body, Speaks::AsBot).await?)
    }

    async fn send(
        &self,
        route: Route,
        address: Url,
        body: Option<&Value>,
        speaks: Speaks,
    ) -> Result<bytes::Bytes, DiscordError> {
        let inner = &self.0;
        inner.rates.take(&route, Instant::now()).map_err(|retry_after| DiscordError::RateLimited { retry_after })?;
        let mut asked = inner.http.request(route.method.clone(), address).header(header::USER_AGENT, AGENT);
        if speaks == Speaks::AsBot {
            asked = asked.header(header::AUTHORIZATION, inner.authorization.clone());
        }
        if let Some(body) = body {
            asked = asked.json(body);
        }
        let answer = asked.timeout(PATIENCE).send().await.map_err(|error| NetError::of(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = net::read(answer, LONGEST).await?;
        inner.rates.learn(&route, &headers, Instant::now());
        if status.is_success() {
            return Ok(body);
        }
        let error = DiscordError::of(status, &body);
        if let (StatusCode::TOO_MANY_REQUESTS, DiscordError::RateLimited { retry_after }) = (status, &error) {
            inner.rates.refused(&route, &headers, *retry_after, Instant::now());
        }
        Err(error)
    }

    fn address(&self, path: &[&str]) -> Result<Url, DiscordError> {
        let mut address = self.0.api.clone();
        match address.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().push(VERSION).extend(path),
            Err(()) => return Err(DiscordError::Settings(NetError::BadAddress(self.0.api.to_string()))),
        };
        Ok(address)
    }
}

fn read<A: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<A, DiscordError> {
    serde_json::from_slice(body).map_err(|error| DiscordError::Garbage { cause: error.to_string() })
}

pub(super) fn of_channel(method: Method, kind: &'static str, major: &str) -> Route {
    Route { method, kind, major: major.to_owned(), counted: Counted::Yes }
}

/// Answers to interactions have limits of their own, one for each token, which nobody reaches with one answer or two.
fn of_interaction(method: Method, kind: &'static str) -> Route {
    Route { method, kind, major: String::new(), counted: Counted::No }
}

/// The smallest id of that moment.
fn id_at(at: Timestamp) -> String {
    let millis = u64::try_from(at.as_millisecond() - EPOCH).unwrap_or(0);
    (millis << 22).to_string()
}

/// The footer is ours alone: nobody's words stand in it.
fn is_marked(message: &Message, mark: &str) -> bool {
    let footers = message.embeds.iter().filter_map(|embed| embed.footer.as_ref());
    footers.into_iter().any(|footer| footer.text.ends_with(mark))
}
