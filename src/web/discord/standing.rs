//! Who somebody is, by Discord's own word: asked at every vote, and read off what comes with every command.

use super::{Desk, LOOK_UP};
use crate::{
    chat::{Act, discord::incoming::Origin},
    clock,
    core::decide::{Reply, Words},
    engine::{Engine, Standing, Typed},
};

/// What Discord says of whoever asks: it comes with what they typed.
pub(super) fn of(origin: &Origin) -> Standing {
    let barred = origin.member.as_ref().and_then(|member| member.barred(clock::now(), Act::Ask));
    barred.map_or(Standing::Good, Standing::Barred)
}

/// Takes what somebody typed or filled in, with what Discord says of them.
pub(super) async fn asked(engine: &Engine, typed: Typed, standing: Standing, event: String) -> Reply {
    match engine.wants_standing(&typed) {
        true => engine.asked(typed, standing, Some(event)).await,
        false => engine.typed(typed, Some(event)).await,
    }
}

impl Desk {
    /// What Discord itself says of whoever votes, asked at the vote. Who cannot be looked up cannot vote.
    pub(super) async fn barred(&self, user: &str) -> Option<Words> {
        let unknown = |why: String| {
            let remedy = "Press again in a moment; if it stays, ask whoever runs Leverframe to look into its log.";
            Some(Words::new(format!("Discord could not say who you are ({why}), so this was not counted."), remedy))
        };
        let chats = self.engine.chats();
        let account = format!("discord:{user}");
        let Some((chat, user)) = chats.of(&account) else { return unknown("it is not configured".to_owned()) };
        match tokio::time::timeout(LOOK_UP, chat.barred(user)).await {
            Ok(Ok(barred)) => barred,
            Ok(Err(error)) => {
                tracing::warn!(%error, remedy = error.remedy(), "a voter could not be looked up");
                unknown(error.to_string())
            }
            Err(_) => unknown("it did not answer in time".to_owned()),
        }
    }
}
