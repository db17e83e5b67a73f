//! Discord as the engine speaks to it: cards in, embeds and components out.

use std::{collections::BTreeSet, time::Duration};

use futures::FutureExt as _;
use jiff::Timestamp;

use super::{
    client::DiscordClient,
    error::code,
    markup::Markup,
    render,
    standing::{Member, stranger},
};
use crate::{
    chat::{
        Act, Call, Chat, Nudge, Place, To,
        card::{Card, Step},
    },
    clock,
    core::{
        catalog::Platform,
        decide::Words,
        names::{Digest, RequestId},
    },
    tasks::Tasks,
};

/// One server.
#[derive(Debug, Clone)]
pub struct DiscordChat {
    /// Its API.
    pub client: DiscordClient,
    /// What pauses here end with.
    pub tasks: Tasks,
}

/// How long until something that came before our first answer is tried again; twice as long each time.
const PAUSE: Duration = Duration::from_millis(150);
/// The longest such pause.
const LONGEST: Duration = Duration::from_secs(3);

impl Chat for DiscordChat {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    fn face(&self, card: &Card) -> Digest {
        Digest::of(render::edit(card).to_string().as_bytes())
    }

    fn post<'a>(&'a self, channel: &'a str, card: &'a Card, request: &'a RequestId) -> Call<'a, Place> {
        async move { Ok(self.client.post(channel, &render::post(card, request)).await?) }.boxed()
    }

    fn edit<'a>(&'a self, at: &'a Place, card: &'a Card) -> Call<'a, ()> {
        async move { Ok(self.client.edit(at, &render::edit(card)).await?) }.boxed()
    }

    fn find<'a>(&'a self, channel: &'a str, request: &'a RequestId, since: Timestamp) -> Call<'a, Option<Place>> {
        async move { Ok(self.client.find(channel, request.as_str(), since).await?) }.boxed()
    }

    fn detail<'a>(&'a self, at: &'a Place, title: &'a str, text: &'a str) -> Call<'a, ()> {
        async move { Ok(self.client.detail(at, title, text).await?) }.boxed()
    }

    fn tell<'a>(&'a self, at: &'a Place, title: &'a str, steps: &'a [Step]) -> Call<'a, ()> {
        async move { Ok(self.client.tell_steps(at, title, steps).await?) }.boxed()
    }

    fn told<'a>(&'a self, at: &'a Place) -> Call<'a, Option<u64>> {
        async move { Ok(self.client.told_steps(at).await?) }.boxed()
    }

    fn say<'a>(&'a self, channel: &'a str, words: &'a str) -> Call<'a, ()> {
        async move { Ok(self.client.post(channel, &render::saying(words)).await.map(drop)?) }.boxed()
    }

    fn point<'a>(&'a self, channel: &'a str, account: &'a str, at: &'a Place) -> Call<'a, ()> {
        async move {
            let guild = &self.client.home().guild;
            let link = format!("https://discord.com/channels/{guild}/{}/{}", at.channel, at.message);
            let mut words = Markup::new(500);
            words.raw("I cannot post in this channel, so the card is here: ").raw(&link);
            let (message, mut pause) = (render::privately(words.done()), PAUSE);
            loop {
                match self.client.whisper(channel, account, &message).await {
                    // Our first answer to their command is still on its way to Discord.
                    Err(error) if error.is_code(code::UNKNOWN_WEBHOOK) && pause < LONGEST => {
                        self.tasks.pause(pause).await;
                        pause *= 2;
                    }
                    told => return Ok(told?),
                }
            }
        }
        .boxed()
    }

    fn barred<'a>(&'a self, account: &'a str) -> Call<'a, Option<Words>> {
        async move {
            let member: Option<Member> = self.client.member(account).await?;
            Ok(member.map_or_else(|| Some(stranger()), |member| member.barred(clock::now(), Act::Vote)))
        }
        .boxed()
    }

    fn remind<'a>(&'a self, to: To<'a>, nudge: Nudge<'a>) -> Call<'a, ()> {
        async move { Ok(self.client.remind(to, nudge).await?) }.boxed()
    }

    fn reminded<'a>(&'a self, to: To<'a>, mark: &'a str, since: Timestamp) -> Call<'a, bool> {
        async move { Ok(self.client.reminded(to, mark, since).await?) }.boxed()
    }

    fn members<'a>(&'a self, group: &'a str, asked: &'a BTreeSet<String>) -> Call<'a, BTreeSet<String>> {
        async move {
            let mut found = BTreeSet::new();
            for account in asked {
                let member: Option<Member> = self.client.member(account).await?;
                let has = member.is_some_and(|member| member.roles.iter().any(|role| role == group));
                found.extend(has.then(|| account.clone()));
            }
            Ok(found)
        }
        .boxed()
    }

    fn is_gone<'a>(&'a self, account: &'a str) -> Call<'a, bool> {
        async move { Ok(self.client.member(account).await?.is_none()) }.boxed()
    }

    fn link<'a>(&'a self, at: &'a Place) -> Call<'a, String> {
        let guild = &self.client.home().guild;
        let link = format!("https://discord.com/channels/{guild}/{}/{}", at.channel, at.message);
        async move { Ok(link) }.boxed()
    }

    fn has_channel(&self, channel: &str) -> bool {
        !channel.is_empty() && channel.bytes().all(|byte| byte.is_ascii_digit())
    }
}
