//! Linking a person's account on GitHub, and giving their approvals there as reviews in their own name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    Inner,
    facts::{self, IN_TIME},
    status,
};
use crate::{
    chat::{Nudge, To},
    clock,
    core::{
        catalog::Platform,
        decide::{Asker, Incoming, Linked, Words},
        names::{CommandName, PersonId},
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

/// How many accounts may be about to be linked at a time.
const AT_ONCE: usize = 50;

/// The codes by which people say who they are, by account.
#[derive(Default)]
pub(super) struct Introduced(Mutex<BTreeMap<String, Words>>);

/// Whether somebody whom the catalog does not know may say who they are: it can be proven, and no policy forbids it.
pub(super) fn may_introduce(inner: &Inner, rules: &Rules, asker: &Asker, command: &CommandName) -> bool {
    let is_unforbidden = || status::denial(rules, asker, command).is_some_and(|denial| denial.policy == "default");
    let in_git = inner.rules_in_git().map(|rules| facts::asker(&rules, &asker.account, &asker.via));
    let is_nobody = asker.person.is_none() && in_git.is_none_or(|asker| asker.person.is_none());
    is_nobody && inner.reach.accounts.is_some() && is_unforbidden()
}

/// Gives somebody a code that says on GitHub who they are.
pub(super) async fn introduce(inner: &Arc<Inner>, asker: &Asker) -> Words {
    let Some(accounts) = inner.reach.accounts.clone() else {
        return Words::new("Accounts cannot be linked here.", "Ask to be added under `people` in the catalog.");
    };
    let open = || inner.introduced.0.lock().unwrap_or_else(PoisonError::into_inner);
    let known = open().get(&asker.account).cloned();
    if let Some(words) = known {
        return words;
    }
    let underway = open().len();
    if underway >= AT_ONCE {
        return Words::new("Many people are linking their accounts just now.", "Try again in a few minutes.");
    }
    let code = match tokio::time::timeout(IN_TIME, accounts.begin()).await {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => return Words::new(format!("{error}."), "Try again in a moment."),
        Err(_) => return Words::new("GitHub did not answer in time.", "Try again in a moment."),
    };
    let until = code.until.strftime("%H:%M UTC");
    let words = Words::new(
        format!("To link this account to your own on GitHub: the code is `{}`, good until {until}.", code.user_code),
        format!("Open {} , signed in as yourself, and type the code there. I tell you when it is done.", code.page),
    );
    open().insert(asker.account.clone(), words.clone());
    let (inner, asker) = (Arc::clone(inner), asker.clone());
    inner.tasks.clone().start(async move {
        let login = match typed(&inner, &accounts, &code).await {
            Some(grant) => accounts.login(&grant).await.ok(),
            None => None,
        };
        inner.introduced.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&asker.account);
        if let Some(login) = login {
            introduced(&inner, &asker, login).await;
        }
    });
    words
}

/// Whose that account on GitHub is by the catalog is whose this account is, where the catalog names none of theirs here.
async fn introduced(inner: &Arc<Inner>, asker: &Asker, login: String) {
    let Some(rules) = inner.rules() else { return };
    let Some((platform, name)) = platform_of(asker) else { return };
    let told = match rules.catalog.person_by(Platform::GitHub, &login) {
        None => {
            inner.take(Incoming::Linked(Linked::refused(asker.clone(), login.clone())), None).await;
            format!("The catalog does not know `{login}` on GitHub either. Ask to be added under `people`.")
        }
        Some(person) if person.accounts.contains_key(&platform) => {
            inner.take(Incoming::Linked(Linked::refused(asker.clone(), login.clone())), None).await;
            format!("`{login}` has another account on {name} already. Ask for it to be changed in the catalog.")
        }
        Some(person) => {
            let (id, called) = (person.id.clone(), person.name.clone());
            inner.take(Incoming::Linked(Linked::joined(asker.clone(), login.clone(), id)), None).await;
            // Everybody hears it: a code that somebody was talked into typing does not go unseen.
            let aloud = format!(
                "`{}` is {called} from now on, as `{login}` said on GitHub. Where that is wrong, name their account in the \
                 catalog, which goes before it.",
                asker.account
            );
            super::rules::announce(inner, rules.catalog.channels().home.clone(), aloud);
            format!("Your account is linked: here you are {called}, as on GitHub (`{login}`).")
        }
    };
    let account = asker.account.split_once(':').map_or(asker.account.as_str(), |(_, account)| account);
    let Some(chat) = inner.reach.chats.on(platform) else { return };
    let mark = format!("link {account} {}", clock::now().as_millisecond());
    if let Err(error) = chat.remind(To::Account(account), Nudge { words: &told, link: "", mark: &mark }).await {
        tracing::info!(%error, "whoever linked their account could not be told");
    }
}

fn platform_of(asker: &Asker) -> Option<(Platform, &'static str)> {
    match asker.via.as_str() {
        "slack" => Some((Platform::Slack, "Slack")),
        "discord" => Some((Platform::Discord, "Discord")),
        _ => None,
    }
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
    if let Some(grant) = typed(inner, &accounts, code).await {
        granted(inner, asker, (&accounts, person, login), &grant).await;
    }
}

/// Waits until a code was typed; `None` where it will not be.
async fn typed(inner: &Arc<Inner>, accounts: &Accounts, code: &Code) -> Option<Grant> {
    let mut wait = code.interval;
    while !inner.tasks.is_stopping() && clock::now() < code.until {
        inner.tasks.pause(wait).await;
        match accounts.typed(code).await {
            Ok(Typed::NotYet(longer)) => wait = longer,
            Ok(Typed::Never(why)) => {
                tracing::info!(why, "an account was not linked");
                return None;
            }
            Ok(Typed::Granted(grant)) => return Some(grant),
            Err(error) => {
                tracing::info!(%error, "whether a code was typed is asked again");
                wait = wait.max(AGAIN);
            }
        }
    }
    None
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
