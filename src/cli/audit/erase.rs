//! `audit erase PERSON`: through the running server, which holds the ledger, or on the ledger itself.

use serde_json::json;

use super::{Ended, Failure, directory, say};
use crate::{
    clock,
    config::LedgerSettings,
    control::{self, ControlError},
    core::{entry::Actor, names::PersonId},
    ledger::{self, Erased, Ledger, LedgerError, Sizes},
};

pub(super) async fn erase(settings: &LedgerSettings, person: &PersonId) -> Result<Ended, Failure> {
    directory(settings)?;
    let texts = match control::ask(&settings.data, &json!({ "do": "audit.erase", "person": person })).await {
        Ok(answer) => answer.get("texts").and_then(serde_json::Value::as_u64).unwrap_or_default(),
        Err(ControlError::NobodyThere) => directly(settings, person).await?.texts,
        Err(error) => return Err(Failure::new(format!("{error}."), error.remedy())),
    };
    let noun = if texts == 1 { "text" } else { "texts" };
    say(format!("{texts} {noun} of {person} removed. What git, chat and backups hold is theirs to remove."))?;
    Ok(Ended::Well)
}

async fn directly(settings: &LedgerSettings, person: &PersonId) -> Result<Erased, Failure> {
    let failed = |error: LedgerError| Failure::new(format!("{error}."), error.remedy());
    let LedgerSettings { data, origin, signing_key, .. } = settings;
    let key = ledger::key::load(data, signing_key.as_ref(), origin);
    let key = key.map_err(|error| Failure::new(format!("{error}."), error.remedy()))?;
    let opened = Ledger::open_signed(&data.join("ledger"), clock::now(), &Sizes::default(), key).map_err(failed)?;
    let actor = Actor { person: None, account: None, via: "terminal".to_owned() };
    let erased = opened.ledger.erase(person, actor, clock::now()).await;
    opened.ledger.close().await;
    erased.map_err(failed)
}
