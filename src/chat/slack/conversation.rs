//! Slack as the engine speaks to it: cards in, Block Kit out.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use futures::FutureExt as _;
use jiff::Timestamp;

use super::{
    account::Guests,
    client::{MessageRef, Post, SlackClient},
    error::SlackError,
    render,
    shared::{Channels, Outsiders},
    tenant::Tenant,
};
use crate::{
    chat::{
        Act, Call, Chat, Nudge, Place, To,
        card::{Card, Step},
    },
    core::{
        catalog::Platform,
        decide::Words,
        names::{Digest, RequestId},
    },
};

/// Slack, as one bot.
#[derive(Debug, Clone)]
pub struct SlackChat {
    /// Its Web API.
    pub client: SlackClient,
    /// The workspaces that are served.
    pub tenant: Tenant,
    /// What is known of its channels.
    pub channels: Arc<Channels>,
}

impl SlackChat {
    /// The card as it may stand in a channel.
    async fn fitting<'c>(&self, channel: &str, card: &'c Card) -> Result<Cow<'c, Card>, SlackError> {
        Ok(match self.channels.outsiders(&self.client, channel).await? {
            Outsiders::Read => Cow::Owned(card.for_outsiders()),
            Outsiders::None => Cow::Borrowed(card),
        })
    }
}

fn place(at: MessageRef) -> Place {
    Place { channel: at.channel, message: at.ts }
}

fn message(at: &Place) -> MessageRef {
    MessageRef { channel: at.channel.clone(), ts: at.message.clone() }
}

impl Chat for SlackChat {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    fn face(&self, card: &Card) -> Digest {
        Digest::of(serde_json::to_string(&render::card(card).blocks).unwrap_or_default().as_bytes())
    }

    fn post<'a>(&'a self, channel: &'a str, card: &'a Card, request: &'a RequestId) -> Call<'a, Place> {
        async move {
            let drawn = render::card(self.fitting(channel, card).await?.as_ref());
            let (channel, request) = (channel.to_owned(), request.to_string());
            let posted = self.client.post(Post { channel, text: drawn.text, blocks: drawn.blocks, request }).await;
            Ok(place(posted?))
        }
        .boxed()
    }

    fn edit<'a>(&'a self, at: &'a Place, card: &'a Card) -> Call<'a, ()> {
        async move {
            let drawn = render::card(self.fitting(&at.channel, card).await?.as_ref());
            Ok(self.client.update(&message(at), drawn.text, drawn.blocks).await?)
        }
        .boxed()
    }

    fn find<'a>(&'a self, channel: &'a str, request: &'a RequestId, since: Timestamp) -> Call<'a, Option<Place>> {
        async move { Ok(self.client.find(channel, request.as_str(), since).await?.map(place)) }.boxed()
    }

    fn detail<'a>(&'a self, at: &'a Place, title: &'a str, text: &'a str) -> Call<'a, ()> {
        async move {
            // What outsiders are not to read is in it.
            if self.channels.outsiders(&self.client, &at.channel).await? == Outsiders::Read {
                return Ok(());
            }
            Ok(self.client.detail(&message(at), title, text).await?)
        }
        .boxed()
    }

    fn tell<'a>(&'a self, at: &'a Place, _: &'a str, steps: &'a [Step]) -> Call<'a, ()> {
        async move {
            // Values are in it that outsiders are not to read.
            if self.channels.outsiders(&self.client, &at.channel).await? == Outsiders::Read {
                return Ok(());
            }
            Ok(self.client.tell_steps(&message(at), steps).await?)
        }
        .boxed()
    }

    fn told<'a>(&'a self, at: &'a Place) -> Call<'a, Option<u64>> {
        async move { Ok(self.client.told_steps(&message(at)).await?) }.boxed()
    }

    fn say<'a>(&'a self, channel: &'a str, words: &'a str) -> Call<'a, ()> {
        async move { Ok(self.client.say(channel, render::sentences(words)).await?) }.boxed()
    }

    fn point<'a>(&'a self, channel: &'a str, account: &'a str, at: &'a Place) -> Call<'a, ()> {
        async move {
            let link = self.client.permalink(&message(at)).await.unwrap_or_default();
            let words = format!("I am not in this channel, so the card is here: {link}");
            Ok(self.client.whisper(channel, account, words).await?)
        }
        .boxed()
    }

    fn barred<'a>(&'a self, account: &'a str) -> Call<'a, Option<Words>> {
        async move { Ok(self.client.user(account).await?.barred(&self.tenant, Guests::Barred, Act::Vote)) }.boxed()
    }

    fn remind<'a>(&'a self, to: To<'a>, nudge: Nudge<'a>) -> Call<'a, ()> {
        async move { Ok(self.client.remind(to, nudge).await?) }.boxed()
    }

    fn reminded<'a>(&'a self, to: To<'a>, mark: &'a str, since: Timestamp) -> Call<'a, bool> {
        async move { Ok(self.client.reminded(to, mark, since).await?) }.boxed()
    }

    fn members<'a>(&'a self, group: &'a str, asked: &'a BTreeSet<String>) -> Call<'a, BTreeSet<String>> {
        async move {
            let all = self.client.user_group(group, &self.tenant).await?;
            Ok(all.into_iter().filter(|account| asked.contains(account)).collect())
        }
        .boxed()
    }

    fn is_gone<'a>(&'a self, account: &'a str) -> Call<'a, bool> {
        async move { Ok(self.client.is_gone(account).await?) }.boxed()
    }

    fn link<'a>(&'a self, at: &'a Place) -> Call<'a, String> {
        async move { Ok(self.client.permalink(&message(at)).await?) }.boxed()
    }

    fn has_channel(&self, channel: &str) -> bool {
        !channel.bytes().all(|byte| byte.is_ascii_digit())
    }
}
