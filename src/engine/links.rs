//! Linking a person's account on GitHub, and giving their approvals there as reviews in their own name.

use std::{sync::Arc, time::Duration};

use super::{Inner, facts::IN_TIME};
use crate::{
    clock,
    core::{
        catalog::Platform,
        decide::{Asker, Incoming, Linked, Words},
        names::PersonId,
        rules::Rules,
    },
    forge::{Accounts, Code, Grant, Typed},
};

/// How long until GitHub is asked again that could not be asked.
const AGAIN: Duration = Duration::from_secs(5);

/// What somebody is told who wants to link their account.
pub(super) async fn link(inner: &Arc<Inner>, rules: &Rules, asker: &Asker) -> Words {
    let (accounts, person, login) = match known(inner, rules, asker) {
        Ok(known) => known,
        Err(words) => return words,
    };
    if accounts.linked(&person).is_some() {
        let text = format!("Your account `{login}` is linked: what you approve here is a review of yours on GitHub.");
        return Words::new(text, "Type `/unlink` to end that.");
    }
    let code = match tokio::time::timeout(IN_TIME, accounts.begin()).await {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => return Words::new(format!("{error}."), "Try again in a moment."),
        Err(_) => return Words::new("GitHub did not answer in time.", "Try again in a moment."),
    };
    let words = Words::new(
        format!(
            "To link `{login}`: the code is `{}`, good until {}.",
            code.user_code,
            code.until.strftime("%H:%M UTC")
        ),
        format!("Open {} , signed in as `{login}`, and type the code there.", code.page),
    );
    let (inner, asker) = (Arc::clone(inner), asker.clone());
    inner.tasks.clone().start(async move { wait_for(&inner, &asker, (&person, &login), &code).await });
    words
}

/// What somebody is told who ends their link.
pub(super) async fn unlink(inner: &Arc<Inner>, rules: &Rules, asker: &Asker) -> Words {
    let (accounts, person, login) = match known(inner, rules, asker) {
        Ok(known) => known,
        Err(words) => return words,
    };
    match accounts.forget(&person) {
        Ok(true) => {
            inner.take(Incoming::Linked(Linked::ended(asker.clone(), login)), None).await;
            let remedy = "On GitHub, revoke it under Settings, Applications, Authorized GitHub Apps, too.";
            Words::new("Your account is no longer linked, and its token is gone from here.", remedy)
        }
        Ok(false) => Words::new("Your account is not linked.", "Type `/link` to link it."),
        Err(error) => Words::new(format!("The token could not be removed: {error}."), "Tell whoever runs Leverframe."),
    }
}

/// Who asks, by the catalog, and their login there.
fn known(inner: &Arc<Inner>, rules: &Rules, asker: &Asker) -> Result<(Arc<Accounts>, PersonId, String), Words> {
    let Some(accounts) = inner.reach.accounts.clone() else {
        let remedy = "Ask whoever runs Leverframe to set `github.client_id`.";
        return Err(Words::new("Accounts on GitHub cannot be linked here.", remedy));
    };
    let person = asker.person.as_ref().and_then(|id| rules.catalog.person(id));
    let login =
        person.and_then(|person| Some((person.id.clone(), person.accounts.get(&Platform::GitHub)?.to_string())));
    let Some((person, login)) = login else {
        let remedy = "Ask somebody who reviews the catalog to add `github` to your entry under `people`.";
        return Err(Words::new("The catalog does not know your account on GitHub.", remedy));
    };
    Ok((accounts, person, login))
}

/// Waits until the code was typed, and keeps the token where it is that person's.
async fn wait_for(inner: &Arc<Inner>, asker: &Asker, (person, login): (&PersonId, &str), code: &Code) {
    let Some(accounts) = inner.reach.accounts.clone() else { return };
    let mut wait = code.interval;
    while !inner.tasks.is_stopping() && clock::now() < code.until {
        inner.tasks.pause(wait).await;
        match accounts.typed(code).await {
            Ok(Typed::NotYet(longer)) => wait = longer,
            Ok(Typed::Never(why)) => return tracing::info!(%person, why, "an account was not linked"),
            Ok(Typed::Granted(grant)) => return granted(inner, asker, (&accounts, person, login), &grant).await,
            Err(error) => {
                tracing::info!(%error, "whether a code was typed is asked again");
                wait = wait.max(AGAIN);
            }
        }
    }
}

async fn granted(
    inner: &Arc<Inner>,
    asker: &Asker,
    (accounts, person, login): (&Accounts, &PersonId, &str),
    grant: &Grant,
) {
    let found = match accounts.login(grant).await {
        Ok(found) => found,
        Err(error) => return tracing::warn!(%error, "whose token it is could not be asked; it is not kept"),
    };
    let linked = if found.eq_ignore_ascii_case(login) {
        if let Err(error) = accounts.keep(person, &found, grant) {
            return tracing::error!(%error, "a token cannot be kept");
        }
        Linked::made(asker.clone(), found)
    } else {
        Linked::refused(asker.clone(), found)
    };
    inner.take(Incoming::Linked(linked), None).await;
}
