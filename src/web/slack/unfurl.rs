//! Links of ours in a message: what stands behind them is shown under it, as far as whoever reads the channel may see it.

use std::collections::BTreeMap;

use url::Url;

use super::SlackDesk;
use crate::{
    chat::{
        card::{Card, Span},
        slack::{client::MessageRef, event::Shared, render, shared::Outsiders},
    },
    clock,
    core::names::RequestId,
    engine::Snapshot,
};

/// How many links of one message are shown.
const MOST: usize = 5;

impl SlackDesk {
    /// Shows what somebody of the catalog links to, once for each message. Of others' links nothing is said, and in a
    /// channel that outsiders read no value.
    pub(super) fn unfurl(&self, shared: Shared) {
        let known = || self.engine.asker(&format!("slack:{}", shared.user), "slack").person.is_some();
        let ours = self.edge.tenant.foreign(&shared.teams).is_none() && known();
        if !ours || !self.open.heard.note(&format!("slack:event:{}", shared.event)) {
            return;
        }
        let (desk, busy) = (self.clone(), self.engine.busy());
        self.tasks.start(async move {
            let shown = desk.previews(&shared).await;
            let at = MessageRef { channel: shared.channel, ts: shared.message };
            if !shown.is_empty()
                && let Err(error) = desk.edge.client.unfurl(&at, &shown).await
            {
                tracing::warn!(%error, remedy = error.remedy(), "a link could not be shown");
            }
            drop(busy);
        });
    }

    async fn previews(&self, shared: &Shared) -> BTreeMap<String, render::Rendered> {
        let mut shown = BTreeMap::new();
        // Where that cannot be seen, values stay off.
        let outsiders = self.edge.channels.outsiders(&self.edge.client, &shared.channel).await;
        for link in shared.links.iter().take(MOST) {
            let Some(id) = self.edge.public_url.as_ref().and_then(|base| named(base, link)) else { continue };
            let Some(snapshot) = self.engine.snapshot(&id).await else { continue };
            let card = self.preview(snapshot).await;
            let card = match &outsiders {
                Ok(Outsiders::None) => card,
                Ok(Outsiders::Read) | Err(_) => card.for_outsiders(),
            };
            shown.insert(link.clone(), render::card(&card));
        }
        shown
    }

    /// The card without its buttons: it is pressed where it is kept true.
    async fn preview(&self, snapshot: Snapshot) -> Card {
        let Snapshot { mut card, at } = snapshot;
        card.buttons.clear();
        let mut note = vec![Span::Text("As it was at ".to_owned()), Span::At(clock::now())];
        let place = at.as_ref().and_then(|at| Some((at.channel.strip_prefix("slack:")?, &at.message)));
        if let Some((channel, message)) = place {
            let at = MessageRef { channel: channel.to_owned(), ts: message.clone() };
            if let Ok(url) = self.edge.client.permalink(&at).await {
                note.extend([Span::Text("; ".to_owned()), Span::Link { url, text: "its card".to_owned() }]);
            }
        }
        card.notes.insert(0, note);
        card
    }
}

/// What a link of ours is about: `https://levers.example.com/requests/01J...`.
fn named(base: &Url, link: &str) -> Option<RequestId> {
    let link: Url = link.parse().ok()?;
    let same = link.scheme() == base.scheme()
        && link.host_str() == base.host_str()
        && link.port_or_known_default() == base.port_or_known_default();
    let rest = link.path().strip_prefix(base.path().trim_end_matches('/'))?;
    RequestId::parse(rest.strip_prefix("/requests/")?.trim_end_matches('/')).ok().filter(|_| same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_ours_name_something() {
        let id = "01JD8QK3V7M9T2X4B6C8D0E1F2";
        let check = |base: &str, link: String, is_ours: bool| {
            let found = named(&base.parse().unwrap(), &link).map(|id| id.to_string());
            assert_eq!(found, is_ours.then(|| id.to_owned()), "{link}");
        };
        let base = "https://levers.example.com";
        check(base, format!("{base}/requests/{id}"), true);
        check(base, format!("https://levers.example.com:443/requests/{id}/?a#b"), true);
        check("https://example.com/levers/", format!("https://example.com/levers/requests/{id}"), true);
        for other in ["http://levers.example.com", "https://evil.example.com", "https://levers.example.com:8443"] {
            check(base, format!("{other}/requests/{id}"), false);
        }
        check(base, format!("https://levers.example.com@evil.example.com/requests/{id}"), false);
        check(base, format!("{base}/requests/{id}/more"), false);
        check(base, format!("{base}/{id}"), false);
    }
}
