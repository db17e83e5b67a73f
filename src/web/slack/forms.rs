//! Forms in Slack: opened where a command lacks something, taken when they are sent in, and helped with names meanwhile.

use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value;

use super::SlackDesk;
use crate::{
    chat::{
        discord::suggest::{self, Draft, LookedUp},
        slack::form::{self, Search, Submission},
    },
    core::{
        command::OptionKind,
        decide::{Reply, Words},
        names::CommandName,
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
        let view = form::modal(&begun, channel);
        match tokio::time::timeout(OPENING, self.edge.client.open_form(trigger, &view)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, remedy = error.remedy(), "a form could not be opened");
                false
            }
            Err(_) => false,
        }
    }

    /// Takes a form. What is wrong is said in it, under its field; otherwise it closes, and the card follows.
    pub(super) async fn submitted(&self, form: Submission) -> Option<Value> {
        let (desk, event) = (self.clone(), format!("slack:form:{}", form.trigger));
        let of = event.clone();
        let work = async move {
            let foreign = form.teams.iter().find(|team| **team != desk.edge.team).cloned();
            let typed = Typed {
                account: format!("slack:{}", form.user),
                via: "slack".to_owned(),
                channel: format!("slack:{}", form.channel),
                invoked: form.command,
                said: Said::Options(form.options),
            };
            let wrong = desk.engine.misfit(&typed).unwrap_or(form.first);
            let reply = match foreign {
                Some(team) => desk.stranger(&form.user, team, Some(of)).await,
                None => desk.engine.typed(typed, Some(of)).await,
            };
            match reply {
                Reply::Private(words) => Some(form::refused(&wrong, &words)),
                Reply::Taken | Reply::Go | Reply::Stop => None,
            }
        };
        self.once(event, work.boxed()).await
    }

    /// The names that fit what was typed so far.
    pub(super) async fn offered(&self, search: Search) -> Value {
        let ours = search.teams.iter().all(|team| *team == self.edge.team);
        let Some(rules) = self.engine.rules().filter(|_| ours) else { return form::offered([]) };
        let Search { command, option, text, others, .. } = &search;
        let draft = Draft { command, option, text, others };
        let definition = CommandName::parse(command).ok().and_then(|name| rules.commands.get(&name));
        let kind = |name: &str| Some(&definition?.option(name)?.kind);
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
        let service = others.iter().find(|(name, _)| kind(name) == Some(&OptionKind::Service));
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
