//! Forms in Discord: opened where a command lacks something or a button asks for words, and taken when they are sent in.
//! Discord closes a form when it is answered; what is wrong with it is said beside a button that opens it again, filled
//! in as it was. And messages that are picked for an incident's timeline.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::{Desk, IN_TIME, account, event, nothing_more, private, put_off, standing};
use crate::{
    chat::{
        discord::{
            form,
            incoming::Origin,
            render,
            suggest::{self, Draft},
        },
        form::{Form, Purpose},
        remark::Remark,
    },
    clock,
    core::{
        command::Begun,
        decide::{Click, Incoming, Press, Reply, Words},
        names::{CommandName, RequestId},
    },
    engine::{Said, Typed},
    web::notes::{Noted, note},
};

/// The button that opens a form again.
pub(super) const AGAIN: &str = "again";
/// How many forms are kept to be opened again: those of a busy hour.
const KEPT: usize = 500;

/// Forms as they were sent in, by id, each with whose it is.
#[derive(Default)]
pub(super) struct Drafts(Mutex<VecDeque<(String, String, Form)>>);

impl Drafts {
    fn keep(&self, user: &str, form: Form) -> String {
        let id = clock::request_id(clock::now()).to_string();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((id.clone(), user.to_owned(), form));
        id
    }

    fn find(&self, id: &str, user: &str) -> Option<Form> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, whose, _)| known == id && whose == user).map(|(.., form)| form.clone())
    }
}

/// What a form came to.
struct Sent {
    reply: Reply,
    /// The same form, where sending it again may help.
    again: Option<Form>,
}

impl Desk {
    /// The answer that opens a form, where what was typed lacks something that a form can ask for.
    pub(super) fn asks_for_the_rest(&self, typed: &Typed) -> Option<Value> {
        self.form(&Form::of_command(&self.engine.begun(typed)?))
    }

    /// The answer that opens a form.
    pub(super) fn form(&self, form: &Form) -> Option<Value> {
        let rules = self.engine.rules();
        let names = |option: &str| {
            let (Some(rules), Purpose::Command { name, .. }) = (&rules, &form.purpose) else { return Vec::new() };
            suggest::choices(rules, Draft { command: name, option, text: "", others: &[] })
        };
        form::modal(form, names)
    }

    /// Opens a form as it was sent in.
    pub(super) fn opens_again(&self, origin: &Origin, draft: &str) -> Value {
        let form = self.drafts.find(draft, &origin.user).and_then(|form| self.form(&form));
        form.unwrap_or_else(|| {
            private(&Words::new("I do not have what you filled in any more.", "Type the command again."))
        })
    }

    /// Takes a form.
    pub(super) async fn filled(
        &self,
        origin: Origin,
        id: &str,
        message: Option<String>,
        answers: Vec<(String, String)>,
    ) -> Value {
        self.client.may_answer(&origin.channel, &origin.user, &origin.token);
        let Some(purpose) = form::purpose(id) else { return super::foreign("a form that is none of mine") };
        let is_on_a_card = message.is_some();
        let (desk, from) = (self.clone(), origin.clone());
        let mut work = Box::pin(async move { desk.sent(&from, purpose, message, answers).await });
        let sent = tokio::time::timeout(IN_TIME, &mut work).await;
        match &sent {
            Ok(Sent { reply: Reply::Private(words), again }) => {
                return json!({"type": 4, "data": self.corrigible(&origin.user, words, again.clone())});
            }
            Ok(_) if is_on_a_card => return nothing_more(),
            Ok(_) | Err(_) => {}
        }
        let (desk, busy) = (self.clone(), self.engine.busy());
        self.tasks.start(async move {
            let sent = match sent {
                Ok(sent) => sent,
                Err(_) => work.await,
            };
            let message = match &sent.reply {
                Reply::Private(words) => Some(desk.corrigible(&origin.user, words, sent.again)),
                Reply::Taken | Reply::Go | Reply::Stop => None,
            };
            desk.settle(&origin, message).await;
            drop(busy);
        });
        put_off()
    }

    /// What is wrong with a form, beside what opens it again.
    fn corrigible(&self, user: &str, words: &Words, again: Option<Form>) -> Value {
        let mut message = render::privately(render::words(words));
        if let (Some(form), Some(members)) = (again, message.as_object_mut()) {
            let id = format!("{AGAIN}:{}", self.drafts.keep(user, form));
            let button = json!({"type": 2, "style": 2, "label": "Correct it", "custom_id": id});
            members.insert("components".to_owned(), json!([{"type": 1, "components": [button]}]));
        }
        message
    }

    async fn sent(
        &self,
        origin: &Origin,
        purpose: Purpose,
        message: Option<String>,
        answers: Vec<(String, String)>,
    ) -> Sent {
        match purpose {
            Purpose::Command { name, settled } => self.ordered(origin, name, settled, answers).await,
            Purpose::Reject { request, digest } => {
                let Ok(request) = RequestId::parse(&request) else { return Sent { reply: Reply::Taken, again: None } };
                let click = Click {
                    asker: self.engine.asker(&account(origin), "discord"),
                    request,
                    press: Press::Reject,
                    digest,
                    channel: format!("discord:{}", origin.channel),
                    message: message.unwrap_or_default(),
                    barred: self.barred_now(origin).await,
                    why: answers.into_iter().next().map(|(_, why)| why),
                };
                let reply = self.engine.take(Incoming::Clicked(click), Some(event(origin))).await;
                // A form that is opened from elsewhere than the card would not know the card.
                Sent { reply, again: None }
            }
        }
    }

    /// Takes the options of a command.
    async fn ordered(
        &self,
        origin: &Origin,
        name: String,
        settled: Vec<(String, String)>,
        filled: Vec<(String, String)>,
    ) -> Sent {
        let answers = match form::answers(filled) {
            Ok(answers) => answers,
            Err(filled) => {
                let words = Words::new("What stands under More options is not understood.", "Write `name=value`.");
                return Sent { reply: Reply::Private(words), again: self.again(&name, &settled, &filled).await };
            }
        };
        let again = self.again(&name, &settled, &answers).await;
        let typed = Typed {
            account: account(origin),
            via: "discord".to_owned(),
            channel: format!("discord:{}", origin.channel),
            invoked: name,
            said: Said::Options(settled.into_iter().chain(answers).collect()),
        };
        let reply = standing::asked(&self.engine, typed, standing::of(origin), event(origin)).await;
        Sent { reply, again }
    }

    /// The form of a command with what was filled in.
    async fn again(&self, name: &str, settled: &[(String, String)], answers: &[(String, String)]) -> Option<Form> {
        let is_note = name == "incident";
        if let Some((_, incident)) = settled.iter().find(|(name, _)| is_note && name == "id") {
            let incident = RequestId::parse(incident).ok()?;
            return Some(Form::of_note(&[(incident, String::new())], None).filled(answers));
        }
        if is_note && !settled.is_empty() {
            return Some(Form::of_note(&self.engine.open_incidents().await, None).filled(answers));
        }
        let rules = self.engine.rules()?;
        let definition = rules.commands.get(&CommandName::parse(name).ok()?)?.clone();
        let given = settled.iter().chain(answers).cloned().collect();
        Some(Form::of_command(&Begun { definition, given, confirm: None }))
    }

    /// Somebody picked a message for an incident's timeline.
    pub(super) async fn picked(&self, origin: Origin, remark: Remark) -> Value {
        self.client.may_answer(&origin.channel, &origin.user, &origin.token);
        let by = Typed {
            account: account(&origin),
            via: "discord".to_owned(),
            channel: format!("discord:{}", origin.channel),
            invoked: String::new(),
            said: Said::Text(String::new()),
        };
        let (engine, of) = (self.engine.clone(), event(&origin));
        let mut work = Box::pin(async move { note(&engine, &remark, by, of).await });
        match tokio::time::timeout(IN_TIME, &mut work).await {
            Ok(Noted::Said(words)) => return private(&words),
            Ok(Noted::Asks(form)) => return self.form(&form).unwrap_or_else(nothing_more),
            Err(_) => {}
        }
        let (desk, busy) = (self.clone(), self.engine.busy());
        self.tasks.start(async move {
            let message = match work.await {
                Noted::Said(words) => Some(render::privately(render::words(&words))),
                // A form cannot follow an answer that was put off.
                Noted::Asks(_) => None,
            };
            desk.settle(&origin, message).await;
            drop(busy);
        });
        put_off()
    }
}
