//! What people do in Slack, whichever way it comes: over HTTP, signed, or over the connections that we keep open. Each
//! event is worked on once however often it comes, and its answer is for whoever caused it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    Edge,
    skew::{self, skewed},
};
use crate::{
    chat::form::Form,
    chat::slack::{
        accounts::Accounts,
        client::SlackClient,
        event::{self as chat_event, Event},
        form::Begun,
        incoming::{self, Click as Pressed, Interaction, NotUnderstood, Place, SlashCommand},
        render,
        shared::Channels,
        tenant::Tenant,
        verify::{Verified, verify},
    },
    clock,
    core::{
        decide::{Asker, Click, Incoming, Press, Reply, TICK, Words},
        names::RequestId,
    },
    engine::{Engine, Said, Ticked, Typed},
    secret::Secret,
    tasks::Tasks,
};

/// How many delivered answers are remembered: more than come within that time.
const REMEMBERED: usize = 1000;
/// How long a private answer may take to be delivered.
const DELIVERY: Duration = Duration::from_secs(10);

/// What the edge needs of Slack.
#[derive(Clone)]
pub struct SlackEdge {
    /// The secret that signs what Slack sends over HTTP; none where nothing is taken that way.
    pub signing_secret: Option<Secret>,
    /// The workspaces that are served; others are refused.
    pub tenant: Tenant,
    /// Where people reach us, for links of ours that are shown where somebody posts them.
    pub public_url: Option<Url>,
    /// For private answers to clicks.
    pub client: SlackClient,
    /// What is known of accounts.
    pub accounts: Arc<Accounts>,
    /// What is known of channels.
    pub channels: Arc<Channels>,
}

/// Answers what people do in Slack. Clones share what is under way.
#[derive(Clone)]
pub struct SlackDesk {
    edge: SlackEdge,
    engine: Engine,
    tasks: Tasks,
    open: Arc<Open>,
}

/// Work on one event, for however many wait for its answer.
type Work = Shared<BoxFuture<'static, Option<Value>>>;

/// What is being worked on, by event, and what was.
#[derive(Default)]
struct Open {
    underway: Mutex<BTreeMap<String, Work>>,
    /// The events whose answer was delivered.
    heard: Remembered,
    /// The commands that opened a form, which their trigger does once.
    asked: Remembered,
}

/// The newest of many events.
#[derive(Default)]
struct Remembered(Mutex<VecDeque<String>>);

impl Remembered {
    /// Notes an event; whether that is news.
    fn note(&self, event: &str) -> bool {
        let mut events = lock(&self.0);
        if events.iter().any(|known| known == event) {
            return false;
        }
        if events.len() >= REMEMBERED {
            events.pop_front();
        }
        events.push_back(event.to_owned());
        true
    }

    fn has(&self, event: &str) -> bool {
        lock(&self.0).iter().any(|known| known == event)
    }
}

mod forms;
mod link;
mod mentions;
mod notes;
mod socket;
mod standing;
mod unfurl;

pub use socket::answer_socket;

/// `POST /slack/commands`.
pub(super) async fn command(State(edge): State<Arc<Edge>>, headers: HeaderMap, body: Bytes) -> Response {
    let (desk, verified) = match of_slack(&edge, &headers, body).await {
        Ok(verified) => verified,
        Err(response) => return response,
    };
    match incoming::command(&verified) {
        Ok(command) => answered(desk.command(command).await),
        Err(error) => misunderstood(&error),
    }
}

/// `POST /slack/interactions`.
pub(super) async fn interaction(State(edge): State<Arc<Edge>>, headers: HeaderMap, body: Bytes) -> Response {
    let (desk, verified) = match of_slack(&edge, &headers, body).await {
        Ok(verified) => verified,
        Err(response) => return response,
    };
    match incoming::interaction(&verified) {
        Ok(interaction) => answered(desk.interaction(interaction).await),
        Err(error) => misunderstood(&error),
    }
}

/// `POST /slack/events`.
pub(super) async fn event(State(edge): State<Arc<Edge>>, headers: HeaderMap, body: Bytes) -> Response {
    let (desk, verified) = match of_slack(&edge, &headers, body).await {
        Ok(verified) => verified,
        Err(response) => return response,
    };
    match chat_event::event(&verified) {
        Ok(Event::Challenge(challenge)) => Json(json!({ "challenge": challenge })).into_response(),
        Ok(event) => answered(desk.event(event).await),
        Err(error) => misunderstood(&error),
    }
}

/// Verifies a body as Slack's, or answers 401.
async fn of_slack<'e>(
    edge: &'e Edge,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(&'e SlackDesk, Verified<Bytes>), Response> {
    let desk = edge.slack.as_ref().and_then(|desk| Some((desk, desk.edge.signing_secret.as_ref()?)));
    let Some((desk, signing_secret)) = desk else { return Err(StatusCode::NOT_FOUND.into_response()) };
    match verify(signing_secret, headers, body, clock::now()) {
        Ok(verified) => Ok((desk, verified)),
        Err(error) => {
            edge.refusals.note(&edge.engine, error.into()).await;
            Err((StatusCode::UNAUTHORIZED, "not signed by Slack\n").into_response())
        }
    }
}

fn misunderstood(error: &NotUnderstood) -> Response {
    (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response()
}

/// 200 with nothing when it was taken (the card follows), or with words for whoever asked.
fn answered(answer: Option<Value>) -> Response {
    match answer {
        None => StatusCode::OK.into_response(),
        Some(answer) => Json(answer).into_response(),
    }
}

impl SlackDesk {
    /// A desk for one workspace.
    pub fn new(edge: SlackEdge, engine: Engine, tasks: Tasks) -> Self {
        Self { edge, engine, tasks, open: Arc::default() }
    }

    /// Works on an event once: who comes with it again meanwhile gets the same answer. The work goes on when whoever waits
    /// for it is gone.
    async fn once(&self, event: String, work: BoxFuture<'static, Option<Value>>) -> Option<Value> {
        let (work, is_new) = {
            let mut underway = lock(&self.open.underway);
            let known = underway.get(&event).cloned();
            let is_new = known.is_none();
            (known.unwrap_or_else(|| underway.entry(event.clone()).or_insert(work.shared()).clone()), is_new)
        };
        if !is_new {
            return work.await;
        }
        let (desk, carried) = (self.clone(), work.clone());
        self.tasks.start(async move {
            carried.await;
            lock(&desk.open.underway).remove(&event);
        });
        work.await
    }

    /// Takes a command; what whoever typed it is told at once, if anything.
    async fn command(&self, command: SlashCommand) -> Option<Value> {
        let (desk, event) = (self.clone(), command_event(&command));
        let work = async move {
            let id = command_event(&command);
            if let Some(team) = desk.edge.tenant.foreign(&command.teams()) {
                return desk.privately(desk.stranger(&command.user, team.to_owned(), Some(id)).await);
            }
            let (trigger, channel, user) = (command.trigger.clone(), command.channel.clone(), command.user.clone());
            let (typed, asked) = (typed(command), &desk.open.asked);
            if asked.has(&id) || desk.asks_for_the_rest(&typed, &trigger, &channel).await {
                asked.note(&id);
                return None;
            }
            let reply = desk.asked(typed, &user, id).await;
            desk.offering(&user, reply)
        };
        self.once(event, work.boxed()).await
    }

    /// Takes something pressed, sent in or looked for.
    async fn interaction(&self, interaction: Interaction) -> Option<Value> {
        let press = match interaction {
            Interaction::Click(press) => press,
            Interaction::Submitted(form) => return self.submitted(form).await,
            Interaction::Searching(search) => return Some(self.offered(search).await),
            Interaction::Shortcut(shortcut) => return self.picked(shortcut).await,
            Interaction::Other { .. } => return None,
        };
        let (desk, event) = (self.clone(), click_event(&press));
        self.once(event, async move { desk.click(&press).await }.boxed()).await
    }

    async fn click(&self, press: &Pressed) -> Option<Value> {
        let event = click_event(press);
        // What was answered already is not whispered again.
        if self.engine.knows(&event).await {
            return None;
        }
        // In a channel shared with another workspace both are named, and both must be ours.
        let reply = match self.edge.tenant.foreign(&press.teams) {
            None => self.pressed(press, event).await,
            Some(team) => self.stranger(&press.user, team.to_owned(), Some(event)).await,
        };
        if let Reply::Private(words) = reply {
            self.whisper(press, words);
        }
        None
    }

    /// Somebody from another workspace is told so, privately, and it is recorded.
    async fn stranger(&self, user: &str, team: String, event: Option<String>) -> Reply {
        let asker = Asker { account: format!("slack:{user}"), via: "slack".to_owned(), person: None };
        self.engine.take(Incoming::Stranger { asker, team }, event).await
    }

    /// What a button asks for; those that are only links ask for nothing.
    async fn pressed(&self, press: &Pressed, event: String) -> Reply {
        let event = Some(event);
        if press.action == render::LINK {
            return self.links(press).await;
        }
        let (Some((request, digest)), Place::Message(place)) = (press.value.split_once(':'), &press.place) else {
            return Reply::Taken;
        };
        let Ok(request) = RequestId::parse(request) else { return Reply::Taken };
        let (account, channel) = (format!("slack:{}", press.user), format!("slack:{}", place.channel));
        if press.action == "rollback" {
            let (via, invoked, said) = ("slack".to_owned(), String::new(), Said::Text(String::new()));
            return self.engine.roll_back(&request, Typed { account, via, channel, invoked, said }, event).await;
        }
        if let Some(field) = press.action.strip_prefix(TICK) {
            let (via, invoked, said) = ("slack".to_owned(), String::new(), Said::Text(String::new()));
            let (field, digest, message) = (field.to_owned(), digest.to_owned(), place.ts.clone());
            let pressed = Typed { account, via, channel, invoked, said };
            return self.engine.tick(Ticked { request, digest, message, field }, pressed, event).await;
        }
        if let Some(form) = Form::of_button(&press.action, &request, digest) {
            let at = Begun { channel: place.channel.clone(), message: Some(place.ts.clone()) };
            return self.opens(&form, at, (&press.trigger, event.as_deref().unwrap_or_default())).await;
        }
        let Some(button) = Press::parse(&press.action) else { return Reply::Taken };
        let click = Click {
            asker: self.engine.asker(&account, "slack"),
            request,
            press: button,
            digest: digest.to_owned(),
            channel,
            message: place.ts.clone(),
            barred: if button.is_vote() { self.barred_now(press).await } else { None },
            why: None,
        };
        self.engine.take(Incoming::Clicked(click), event).await
    }

    async fn barred_now(&self, press: &Pressed) -> Option<Words> {
        match skewed(press.at.as_deref().and_then(skew::of_slack)) {
            Some(words) => Some(words),
            None => self.barred(&press.user).await,
        }
    }

    /// A refused click is answered where it was made, for the presser's eyes only, after the acknowledgement.
    fn whisper(&self, press: &Pressed, words: Words) {
        let (Place::Message(place) | Place::Whisper(place)) = &press.place else { return };
        if press.action == render::LINK || !self.offers_link(&press.user) {
            return self.whisper_to(place.channel.clone(), press.user.clone(), words);
        }
        self.whisper_offering((place.channel.clone(), press.user.clone()), &words);
    }

    /// What whoever typed is told at once, if anything; the card says the rest.
    fn privately(&self, reply: Reply) -> Option<Value> {
        match reply {
            Reply::Taken | Reply::Go | Reply::Stop => None,
            Reply::Private(words) => Some(json!({ "response_type": "ephemeral", "text": self.text(&words) })),
        }
    }

    /// Words as Slack shows them, commands in the form that the app has them registered in.
    pub(super) fn text(&self, words: &Words) -> String {
        let text = render::words(words);
        let rules = self.engine.rules();
        rules.map_or_else(
            || text.clone(),
            |rules| rules.catalog.commands().spelled(|word| rules.commands.has(word), &text),
        )
    }

    /// Says something that only one person sees, in a channel they are in.
    fn whisper_to(&self, channel: String, user: String, words: Words) {
        let (client, text) = (self.edge.client.clone(), self.text(&words));
        let busy = self.engine.busy();
        self.tasks.start(async move {
            let told = tokio::time::timeout(DELIVERY, client.whisper(&channel, &user, text)).await;
            if let Ok(Err(error)) = told {
                tracing::warn!(%error, "a private answer could not be delivered");
            }
            drop(busy);
        });
    }
}

fn command_event(command: &SlashCommand) -> String {
    format!("slack:command:{}", command.trigger)
}

fn click_event(press: &Pressed) -> String {
    format!("slack:click:{}", press.trigger)
}

fn typed(command: SlashCommand) -> Typed {
    Typed {
        account: format!("slack:{}", command.user),
        via: "slack".to_owned(),
        channel: format!("slack:{}", command.channel),
        invoked: command.command.trim_start_matches('/').to_owned(),
        said: Said::Text(command.text),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
