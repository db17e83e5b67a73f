//! What somebody said in a channel, onto an incident's timeline, whichever platform it was picked on.

use crate::{
    chat::{form::Form, remark::Remark},
    core::decide::{Reply, Words},
    engine::{Engine, Said, Typed},
};

/// What picking a message comes to.
pub(super) enum Noted {
    /// It is done, or why not.
    Said(Words),
    /// Several incidents are open: which is asked.
    Asks(Form),
}

/// Notes a remark on the incident that is open; where several are, a form asks. `by` is whoever picked it, where.
pub(super) async fn note(engine: &Engine, remark: &Remark, by: Typed, event: String) -> Noted {
    let account = remark.account.as_ref().map(|account| format!("{}:{account}", by.via));
    let person = account.and_then(|account| engine.asker(&account, &by.via).person);
    let text = remark.note(person.as_ref().map(|person| person.as_str()));
    let open = engine.open_incidents().await;
    let is_known = engine.asker(&by.account, &by.via).person.is_some();
    if open.len() > 1 && is_known && !engine.knows(&event).await {
        return Noted::Asks(Form::of_note(&open, Some(text)));
    }
    let mut options = vec![("what".to_owned(), "note".to_owned()), ("text".to_owned(), text)];
    options.extend(open.first().map(|(id, _)| ("id".to_owned(), id.to_string())));
    let typed = Typed { invoked: "incident".to_owned(), said: Said::Options(options), ..by };
    match engine.typed(typed, Some(event)).await {
        Reply::Private(words) => Noted::Said(words),
        Reply::Taken | Reply::Go | Reply::Stop => {
            let title = open.first().map_or("the incident", |(_, title)| title);
            Noted::Said(Words::plain(format!("Added to the timeline of `{}`.", title.replace('`', "'"))))
        }
    }
}
