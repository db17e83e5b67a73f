//! Discord's interactions, whichever way they come: over HTTP, signed, to `POST /discord/interactions`, or over the
//! connection that we keep open. Discord waits three seconds for the first answer; what takes longer is put off.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    Edge,
    skew::{self, skewed},
};
use crate::{
    chat::discord::{
        client::DiscordClient,
        error::code,
        incoming::{self, Interaction, Origin},
        render,
        suggest::{self, Draft, LookedUp},
        verify::{PublicKey, verify},
    },
    chat::form::{Form, SHORTCUT},
    clock,
    core::{
        decide::{Asker, Click, Incoming, Press, Reply, TICK, Words},
        names::RequestId,
    },
    engine::{Choice, Engine, Said, Ticked, Typed},
    tasks::Tasks,
};

/// How long an answer may take before it is put off; the way to Discord and back takes its part of three seconds.
const IN_TIME: Duration = Duration::from_millis(2000);
/// How long looking up a voter may take.
const LOOK_UP: Duration = Duration::from_millis(1500);
/// How often, and with what first pause, an answer that was put off is tried: Discord may not have it yet.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(150);

/// What the edge needs of Discord.
#[derive(Clone)]
pub struct DiscordEdge {
    /// The key by which requests over HTTP are known; none where they are not taken.
    pub public_key: Option<PublicKey>,
    /// Its API.
    pub client: DiscordClient,
}

/// Answers interactions.
#[derive(Clone)]
pub struct Desk {
    engine: Engine,
    client: DiscordClient,
    tasks: Tasks,
    /// Forms that were sent in with something wrong, to be opened again.
    drafts: Arc<forms::Drafts>,
}

mod forms;
mod link;
mod standing;

/// Where interactions come in over HTTP.
pub(super) struct Door {
    /// The key by which requests are known; none where they are not taken.
    key: Option<PublicKey>,
    desk: Desk,
}

impl Door {
    pub(super) fn new(edge: DiscordEdge, engine: &Engine, tasks: &Tasks) -> Self {
        Self { key: edge.public_key, desk: Desk::new(engine.clone(), edge.client, tasks.clone()) }
    }
}

/// `POST /discord/interactions`.
pub(super) async fn interaction(State(edge): State<Arc<Edge>>, headers: HeaderMap, body: Bytes) -> Response {
    let door = edge.discord.as_ref().and_then(|door| Some((door.key.as_ref()?, &door.desk)));
    let Some((key, desk)) = door else { return StatusCode::NOT_FOUND.into_response() };
    let verified = match verify(key, &headers, body, clock::now()) {
        Ok(verified) => verified,
        Err(error) => {
            edge.refusals.note(&edge.engine, error.into()).await;
            return (StatusCode::UNAUTHORIZED, "not signed by Discord\n").into_response();
        }
    };
    match incoming::interaction(verified.get()) {
        Ok(interaction) => Json(desk.answer(interaction).await).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// An answer with words for whoever asked.
fn private(words: &Words) -> Value {
    let data = render::privately(render::words(words));
    json!({"type": 4, "data": data})
}

/// Taken: the card says the rest. What is shown until then is for whoever asked alone.
fn put_off() -> Value {
    json!({"type": 5, "data": {"flags": 64}})
}

/// A click that was taken: the message it is on changes by itself.
fn nothing_more() -> Value {
    json!({"type": 6})
}

fn foreign(what: &str) -> Value {
    private(&Words::new(format!("I do not know what to do with {what}."), "Type `/help` for what I take."))
}

fn event(origin: &Origin) -> String {
    format!("discord:{}", origin.id)
}

fn account(origin: &Origin) -> String {
    format!("discord:{}", origin.user)
}

impl Desk {
    /// A desk for one application.
    pub fn new(engine: Engine, client: DiscordClient, tasks: Tasks) -> Self {
        Self { engine, client, tasks, drafts: Arc::default() }
    }

    /// The first answer, as Discord reads it. What is to be said later is said by a task.
    pub async fn answer(&self, interaction: Interaction) -> Value {
        let Some(origin) = origin(&interaction).cloned() else { return json!({"type": 1}) };
        let ours = origin.guild.as_deref() == Some(self.client.home().guild.as_str());
        match interaction {
            Interaction::Typing { name, option, text, others, .. } => {
                let draft = Draft { command: &name, option: &option, text: &text, others: &others };
                self.choices(ours, draft).await
            }
            Interaction::Ping => json!({"type": 1}),
            Interaction::Command { .. }
            | Interaction::Click { .. }
            | Interaction::Filled { .. }
            | Interaction::Picked { .. }
            | Interaction::Foreign { .. }
                if !ours =>
            {
                self.stranger(&origin).await
            }
            Interaction::Command { name, options, .. } => self.command(origin, name, options).await,
            Interaction::Click { message, action, value, .. } => self.click(origin, message, &action, &value).await,
            Interaction::Filled { form, message, answers, .. } => self.filled(origin, &form, message, answers).await,
            Interaction::Picked { name, remark, .. } if name == SHORTCUT => self.picked(origin, remark).await,
            Interaction::Picked { .. } => foreign("a command on messages that is none of mine"),
            Interaction::Foreign { what, .. } => foreign(what),
        }
    }

    async fn choices(&self, ours: bool, draft: Draft<'_>) -> Value {
        let choices: Vec<Value> = match self.engine.rules().filter(|_| ours) {
            Some(rules) if suggest::is_earlier(&rules, draft) => {
                let found = self.engine.earlier(draft.command, draft.others, draft.text).await;
                suggest::offered(LookedUp::Past, found)
            }
            Some(rules) => match suggest::looked_up(&rules, draft) {
                Some((what, target)) => {
                    let found = match what {
                        LookedUp::Versions => self.engine.versions(&target, draft.text).await,
                        LookedUp::Past => self.engine.past_versions(&target, draft.text).await,
                        LookedUp::Replicas => self.engine.replicas(&target, draft.text).await,
                    };
                    let label = |choice: &Choice| (choice.value.clone(), choice.label(suggest::LABEL));
                    suggest::offered(what, found.iter().map(label))
                }
                None => {
                    let names = suggest::choices(&rules, draft);
                    names.iter().map(|name| json!({"name": name, "value": name})).collect()
                }
            },
            None => Vec::new(),
        };
        json!({"type": 8, "data": {"choices": choices}})
    }

    /// Somebody from another server, or in a direct message, is told so, privately, and it is recorded.
    async fn stranger(&self, origin: &Origin) -> Value {
        let asker = Asker { account: account(origin), via: "discord".to_owned(), person: None };
        let team = origin.guild.clone().unwrap_or_else(|| "a direct message".to_owned());
        match self.engine.take(Incoming::Stranger { asker, team }, Some(event(origin))).await {
            Reply::Private(words) => private(&words),
            Reply::Taken | Reply::Go | Reply::Stop => put_off(),
        }
    }

    async fn command(&self, origin: Origin, name: String, options: Vec<(String, String)>) -> Value {
        self.client.may_answer(&origin.channel, &origin.user, &origin.token);
        let (engine, event) = (self.engine.clone(), event(&origin));
        let typed = typed(&engine, &origin, name, options);
        if let Some(form) = self.asks_for_the_rest(&typed) {
            return form;
        }
        let standing = standing::of(&origin);
        let mut work = Box::pin(async move { standing::asked(&engine, typed, standing, event).await });
        let reply = tokio::time::timeout(IN_TIME, &mut work).await;
        if let Ok(Reply::Private(words)) = &reply {
            return json!({"type": 4, "data": self.privately(&origin, words)});
        }
        let (desk, busy) = (self.clone(), self.engine.busy());
        self.tasks.start(async move {
            let reply = match reply {
                Ok(reply) => reply,
                Err(_) => work.await,
            };
            let message = match &reply {
                Reply::Private(words) => Some(desk.privately(&origin, words)),
                Reply::Taken | Reply::Go | Reply::Stop => None,
            };
            desk.settle(&origin, message).await;
            drop(busy);
        });
        put_off()
    }

    /// Says what was put off, or takes away what stands in its place: the card says it.
    async fn settle(&self, origin: &Origin, message: Option<Value>) {
        let mut pause = PAUSE;
        for _ in 0..TRIES {
            match self.client.settle(&origin.token, message.as_ref()).await {
                Ok(()) => return,
                // Our first answer is still on its way to Discord, or Discord is out of order.
                Err(error)
                    if error.is_code(code::UNKNOWN_WEBHOOK)
                        || error.is_code(code::UNKNOWN_MESSAGE)
                        || error.is_passing() =>
                {
                    self.tasks.pause(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    tracing::warn!(%error, remedy = error.remedy(), "an answer could not be settled");
                    return;
                }
            }
        }
        tracing::warn!("an answer could not be settled: Discord does not know the interaction");
    }

    async fn click(&self, origin: Origin, message: String, action: &str, value: &str) -> Value {
        self.client.may_answer(&origin.channel, &origin.user, &origin.token);
        if action == forms::AGAIN {
            return self.opens_again(&origin, value);
        }
        if action == link::LINK {
            return self.links(&origin).await;
        }
        let Some((request, digest)) = value.split_once(':') else { return nothing_more() };
        let Ok(request) = RequestId::parse(request) else { return nothing_more() };
        if let Some(form) = Form::of_button(action, &request, digest).and_then(|form| self.form(&form)) {
            return form;
        }
        let (desk, from, action, digest) = (self.clone(), origin.clone(), action.to_owned(), digest.to_owned());
        let mut work = Box::pin(async move { desk.pressed(&from, (request, digest), message, &action).await });
        match tokio::time::timeout(IN_TIME, &mut work).await {
            Ok(Reply::Private(words)) => json!({"type": 4, "data": self.privately(&origin, &words)}),
            Ok(Reply::Taken | Reply::Go | Reply::Stop) => nothing_more(),
            Err(_) => {
                let (client, busy) = (self.client.clone(), self.engine.busy());
                self.tasks.start(async move {
                    if let Reply::Private(words) = work.await {
                        let message = render::privately(render::words(&words));
                        if let Err(error) = client.follow_up(&origin.token, &message).await {
                            tracing::warn!(%error, "a private answer could not be delivered");
                        }
                    }
                    drop(busy);
                });
                nothing_more()
            }
        }
    }

    /// What a button asks for; those that are only links ask for nothing.
    async fn pressed(
        &self,
        origin: &Origin,
        (request, digest): (RequestId, String),
        message: String,
        action: &str,
    ) -> Reply {
        let (account, event) = (account(origin), Some(event(origin)));
        if action == "rollback" {
            let pressed = typed(&self.engine, origin, String::new(), Vec::new());
            return self.engine.roll_back(&request, pressed, event).await;
        }
        if let Some(field) = action.strip_prefix(TICK) {
            let pressed = typed(&self.engine, origin, String::new(), Vec::new());
            let field = field.to_owned();
            return self.engine.tick(Ticked { request, digest, message, field }, pressed, event).await;
        }
        let Some(press) = Press::parse(action) else { return Reply::Taken };
        let click = Click {
            asker: self.engine.asker(&account, "discord"),
            request,
            press,
            digest,
            channel: format!("discord:{}", origin.channel),
            message,
            barred: if press.is_vote() { self.barred_now(origin).await } else { None },
            why: None,
        };
        self.engine.take(Incoming::Clicked(click), event).await
    }
    async fn barred_now(&self, origin: &Origin) -> Option<Words> {
        match skewed(skew::of_discord(&origin.id)) {
            Some(words) => Some(words),
            None => self.barred(&origin.user).await,
        }
    }
}

/// The one command for all holds what is typed in one option; the others have theirs apart.
fn typed(engine: &Engine, origin: &Origin, name: String, options: Vec<(String, String)>) -> Typed {
    let one_for_all = engine.rules().is_some_and(|rules| rules.catalog.commands().name.as_str() == name);
    let said = if one_for_all {
        Said::Text(options.into_iter().map(|(_, text)| text).collect())
    } else {
        Said::Options(options)
    };
    let (via, channel) = ("discord".to_owned(), format!("discord:{}", origin.channel));
    Typed { account: account(origin), via, channel, invoked: name, said }
}

/// Answers what comes over the connection that is kept open, each in a task of its own.
pub async fn answer_all(desk: Desk, mut queue: mpsc::Receiver<Vec<u8>>) {
    loop {
        let next = tokio::select! {
            next = queue.recv() => next,
            () = desk.tasks.stopping() => None,
        };
        let Some(body) = next else { return };
        match incoming::interaction(&body) {
            Ok(interaction) => {
                let desk = desk.clone();
                desk.tasks.clone().start(async move { desk.call_back(interaction).await });
            }
            Err(error) => tracing::warn!(%error, remedy = error.remedy(), "an interaction was not understood"),
        }
    }
}

impl Desk {
    /// Answers an interaction by a call. Within three seconds it is tried again where Discord cannot be reached.
    async fn call_back(&self, interaction: Interaction) {
        let Some(Origin { id, token, .. }) = origin(&interaction).cloned() else { return };
        let answer = self.answer(interaction).await;
        for _ in 0..2 {
            match self.client.answer((&id, &token), &answer).await {
                Err(error) if error.is_passing() => self.tasks.pause(PAUSE).await,
                Err(error) => return tracing::warn!(%error, remedy = error.remedy(), "an answer was not taken"),
                Ok(()) => return,
            }
        }
        tracing::warn!("an interaction could not be answered: Discord cannot be reached");
    }
}

fn origin(interaction: &Interaction) -> Option<&Origin> {
    match interaction {
        Interaction::Ping => None,
        Interaction::Command { origin, .. }
        | Interaction::Typing { origin, .. }
        | Interaction::Click { origin, .. }
        | Interaction::Filled { origin, .. }
        | Interaction::Picked { origin, .. }
        | Interaction::Foreign { origin, .. } => Some(origin),
    }
}
