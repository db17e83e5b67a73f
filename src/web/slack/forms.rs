//! Forms in Slack: opened where a command lacks something or a button asks for words, taken when they are sent in, and
//! helped with names meanwhile.

use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value;

use super::SlackDesk;
use crate::{
    chat::{
        discord::suggest::{self, Draft, LookedUp},
        form::{Form, Purpose},
        slack::form::{self, Begun, Search, Submission},
    },
    core::{
        command::OptionKind,
        decide::{Click, Incoming, Press, Reply, Words},
        names::{CommandName, RequestId},
    },
    engine::{Said, Typed},
};

/// How long opening a form may take: what caused it is answered within a second.
const OPENING: Duration = Duration::from_millis(800);

impl SlackDesk {
    /// Opens a form where what was typed lacks something that a form can ask for. Where it cannot be opened the words
    /// that say how the command is written are as good.
    pub(super) async fn asks_for_the_rest(&self, typed: &Typed, trigger: &str, channel: &str) -> bool {
        let Some(begun) = self.engine.begun(typed) else { return false };
        let at = Begun { channel: channel.to_owned(), message: None };
        self.open_form(&Form::of_command(&begun), at, trigger).await
    }

    async fn open_form(&self, form: &Form, at: Begun, trigger: &str) -> bool {
        let view = form::modal(form, at);
        match tokio::time::timeout(OPENING, self.edge.client.open_form(trigger, &view)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, remedy = error.remedy(), "a form could not be opened");
                false
            }
            Err(_) => false,
        }
    }

    /// Opens a form for whoever pressed or picked something, once for each event.
    pub(super) async fn opens(&self, form: &Form, at: Begun, (trigger, event): (&str, &str)) -> Reply {
        if !self.open.asked.note(event) || self.open_form(form, at, trigger).await {
            return Reply::Taken;
        }
        Reply::Private(Words::new("Slack did not open the form for this.", "Press again in a moment."))
    }

    /// Takes a form. What is wrong is said in it, under its field; otherwise it closes, and the card follows.
    pub(super) async fn submitted(&self, form: Submission) -> Option<Value> {
        let (desk, event) = (self.clone(), format!("slack:form:{}", form.trigger));
        let of = event.clone();
        let work = async move {
            let first = form.first.clone();
            let (reply, wrong) = match desk.edge.tenant.foreign(&form.teams).map(str::to_owned) {
                Some(team) => (desk.stranger(&form.user, team, Some(of)).await, None),
                None => desk.sent(form, of).await,
            };
            match reply {
                Reply::Private(words) => Some(form::refused(&wrong.unwrap_or(first), &words)),
                Reply::Taken | Reply::Go | Reply::Stop => None,
            }
        };
        self.once(event, work.boxed()).await
    }

    /// What a form comes to, and the field that is wrong, where one is.
    async fn sent(&self, form: Submission, event: String) -> (Reply, Option<String>) {
        let (account, channel) = (format!("slack:{}", form.user), format!("slack:{}", form.at.channel));
        match form.purpose {
            Purpose::Command { name, settled } => {
                let asked_elsewhere: Vec<String> = settled.iter().map(|(name, _)| name.clone()).collect();
                let said = Said::Options(settled.into_iter().chain(form.answers).collect());
                let typed = Typed { account, via: "slack".to_owned(), channel, invoked: name, said };
                let wrong = self.engine.misfit(&typed).filter(|option| !asked_elsewhere.contains(option));
                (self.asked(typed, &form.user, event).await, wrong)
            }
            Purpose::Reject { request, digest } => {
                let Ok(request) = RequestId::parse(&request) else { return (Reply::Taken, None) };
                let click = Click {
                    asker: self.engine.asker(&account, "slack"),
                    request,
                    press: Press::Reject,
                    digest,
                    channel,
                    message: form.at.message.unwrap_or_default(),
                    barred: self.barred(&form.user).await,
                    why: form.answers.into_iter().next().map(|(_, why)| why),
                };
                (self.engine.take(Incoming::Clicked(click), Some(event)).await, None)
            }
        }
    }

    /// The names that fit what was typed so far.
    pub(super) async fn offered(&self, search: Search) -> Value {
        let ours = self.edge.tenant.foreign(&search.teams).is_none();
        let Some(rules) = self.engine.rules().filter(|_| ours) else { return form::offered([]) };
        let Search { command, option, text, others, .. } = &search;
        let draft = Draft { command, option, text, others };
        let definition = CommandName::parse(command).ok().and_then(|name| rules.commands.get(&name));
        let kind = |name: &str| Some(&definition?.option(name)?.kind);
        if suggest::is_earlier(&rules, draft) {
            let found = self.engine.earlier(command, others, text).await;
            // A commit of anybody's can be named too.
            let typed = Some(text.trim().to_owned()).filter(|typed| !typed.is_empty());
            return form::offered(typed.map(alone).into_iter().chain(found));
        }
        if kind(option) != Some(&OptionKind::ImageTag) {
            return form::offered(suggest::choices(&rules, draft).into_iter().map(alone));
        }
        if let Some((what, target)) = suggest::looked_up(&rules, draft) {
            let found = match what {
                LookedUp::Past => self.engine.past_versions(&target, text).await,
                LookedUp::Versions | LookedUp::Replicas => self.engine.versions(&target, text).await,
            };
            if !found.is_empty() {
                return form::offered(found.iter().map(|one| (one.value.clone(), one.label(form::SHOWN))));
            }
        }
        let service =
            others.iter().find(|(name, _)| matches!(kind(name), Some(OptionKind::Service | OptionKind::Services)));
        let known = match service {
            Some((_, service)) => self.engine.versions_seen(service).await,
            None => Vec::new(),
        };
        // Where no registry can be asked, what was typed is a version too: the newest is in no history yet.
        let typed = text.trim().to_owned();
        let fitting = known.into_iter().filter(|version| version.contains(&typed) && *version != typed);
        let first = (!typed.is_empty()).then_some(typed.clone());
        form::offered(first.into_iter().chain(fitting).map(alone))
    }

    /// Says something to one person in a channel, once for each event however often that comes.
    pub(super) fn tell(&self, event: &str, (channel, user): (String, String), words: Words) {
        if self.open.heard.note(event) {
            self.whisper_to(channel, user, words);
        }
    }
}

/// A value that says enough by itself.
fn alone(value: String) -> (String, String) {
    (value.clone(), value)
}
