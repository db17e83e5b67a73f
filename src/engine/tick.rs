//! The buttons of a card that lead back: Roll back, and what is ticked on a rollback's card. While people decide the request itself becomes another change; once it has
//! landed, what was ticked is asked for anew, as if whoever pressed had typed it.

use std::sync::Arc;

use super::{Engine, Inner, Said, Typed, facts};
use crate::core::{
    change::Plan,
    command::Asked,
    decide::{Incoming, Reply, Tick, Words},
    names::{Field, ImageTag, RequestId, Target},
    request::{Request, State},
};

/// A press on one of the choices.
#[derive(Debug, Clone)]
pub struct Ticked {
    /// Of which request.
    pub request: RequestId,
    /// The first digits of the digest that the card showed.
    pub digest: String,
    /// The message.
    pub message: String,
    /// The field, as the button names it.
    pub field: String,
}

impl Engine {
    /// Asks for the version before the one that a request brought, as if whoever pressed had typed it. A card that
    /// shows a change from before the newest one takes nothing back.
    pub async fn roll_back(&self, request: &RequestId, pressed: Typed, event: Option<String>) -> Reply {
        if let Some(answer) = self.inner.answered(event.as_deref()).await {
            return answer;
        }
        let Some(theirs) = self.inner.request(request).await else {
            return Reply::Private(Words::new("This request is not known here.", "Type `/rollback` instead."));
        };
        if let Some(words) = self.newer(&theirs).await {
            return Reply::Private(words);
        }
        let said = Said::Text(named(&theirs));
        self.typed(Typed { invoked: "rollback".to_owned(), said, ..pressed }, event).await
    }

    /// What to say where a newer change of the same target has landed.
    async fn newer(&self, request: &Request) -> Option<Words> {
        let book = self.inner.book.lock().await;
        let newest = |target: &Target| book.iter().rev().find(|other| other.changed(target));
        let mut targets = request.opened.targets().filter(|target| request.changed(target));
        let newer = targets.find_map(|target| newest(&target).filter(|newest| newest.id != request.id))?;
        let text = format!("`{}` came after this, so this card is not the one to roll back from.", newer.opened.title);
        Some(Words::new(text, format!("Type `/rollback {}`.", named(request))))
    }

    /// Restores one more field with a rollback, or one less.
    pub async fn tick(&self, ticked: Ticked, pressed: Typed, event: Option<String>) -> Reply {
        if let Some(answer) = self.inner.answered(event.as_deref()).await {
            return answer;
        }
        let (Some(request), Ok(field)) = (self.inner.request(&ticked.request).await, Field::parse(&ticked.field))
        else {
            return Reply::Private(Words::new("This request is not known here.", "Type `/rollback` instead."));
        };
        if let State::Following(..) | State::Over { commit: Some(_), .. } = &request.state {
            return self.restore_too(&request, &field, (pressed, event)).await;
        }
        let tick = Tick {
            asker: self.asker(&pressed.account, &pressed.via),
            request: ticked.request,
            digest: ticked.digest,
            channel: pressed.channel,
            message: ticked.message,
            planned: planned(&self.inner, &request, &field).await,
            field,
        };
        self.inner.take(Incoming::Ticked(Box::new(tick)), event).await
    }

    /// It has landed: what the version ran with is asked for by a request of its own.
    async fn restore_too(&self, request: &Request, field: &Field, (pressed, event): (Typed, Option<String>)) -> Reply {
        if let Some(words) = self.newer(request).await {
            return Reply::Private(words);
        }
        let aside = request.course().and_then(|course| course.plan.aside.as_ref());
        let Some(back_to) = aside.and_then(|aside| aside.back_to.as_ref()) else {
            return Reply::Private(Words::new("This request restored no version.", "Type `/rollback` instead."));
        };
        let target = &request.opened.target;
        let said = format!("{} {} to={} also={field}", target.service, target.environment, back_to.version);
        let invoked = request.opened.command.to_string();
        self.typed(Typed { invoked, said: Said::Text(said), ..pressed }, event).await
    }
}

/// What a request changed, as one types it.
fn named(request: &Request) -> String {
    let changed = request.opened.targets().filter(|target| request.changed(target));
    let services: Vec<String> = changed.map(|target| target.service.to_string()).collect();
    format!("{} {}", services.join(","), request.opened.target.environment)
}

/// The change of a rollback with one more field, or with one less where it has it.
async fn planned(inner: &Arc<Inner>, request: &Request, field: &Field) -> Result<Plan, Words> {
    let Some(rules) = inner.rules() else { return Err(Words::new("The rules are not read yet.", "Press again.")) };
    let course = request.course().ok_or_else(|| Words::new("It is not planned yet.", "Press again in a moment."))?;
    let lines = course.plan.lines.iter().map(|line| &line.field);
    let mut also: Vec<Field> = lines.filter(|other| !other.is_version()).cloned().collect();
    let before = also.len();
    also.retain(|other| other != field);
    if also.len() == before {
        also.push(field.clone());
    }
    let version = course.plan.aside.as_ref().and_then(|aside| aside.back_to.as_ref());
    let version = version.and_then(|version| ImageTag::parse(&version.version).ok());
    let asked = match facts::asked_again(&rules, request)? {
        Asked::Restore { fields, pause, .. } => Asked::Restore { fields, to: version, also, pause },
        Asked::Set(_)
        | Asked::Choose(_)
        | Asked::At(_)
        | Asked::Copy { .. }
        | Asked::Revert { .. }
        | Asked::Render(_)
        | Asked::Delete(_)
        | Asked::Resume { .. } => {
            return Err(Words::new("This request restores no version.", "Type `/rollback` instead."));
        }
    };
    let (command, target) = (&request.opened.command, &request.opened.target);
    match facts::plan_asked(inner, &rules, (command, target), asked).await {
        Ok(planned) => planned.map(|planned| planned.plan),
        Err(trouble) => Err(Words::new(format!("The change could not be planned: {trouble}."), "Press again.")),
    }
}

/// Expired requests end even when nobody touches them.
pub(super) async fn watch_deadlines(inner: Arc<Inner>) {
    while !inner.tasks.is_stopping() {
        inner.take(Incoming::Clock, None).await;
        super::rollback::note_overdue(&inner).await;
        super::glass::digest(&inner).await;
        inner.tasks.pause(std::time::Duration::from_secs(5)).await;
    }
}
