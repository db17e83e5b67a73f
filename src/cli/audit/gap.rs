//! `audit accept-gap`: an operator gives up what a ledger lost, through the running server, which is read-only for it.

use serde_json::{Value, json};

use super::{Ended, Failure, directory, say};
use crate::{config::LedgerSettings, control};

pub(super) async fn accept(settings: &LedgerSettings, reason: &str) -> Result<Ended, Failure> {
    directory(settings)?;
    let asked = control::ask(&settings.data, &json!({ "do": "audit.accept-gap", "reason": reason })).await;
    let answer = asked.map_err(|error| Failure::new(format!("{error}."), error.remedy()))?;
    let given_up = answer.get("given_up").and_then(Value::as_array).cloned().unwrap_or_default();
    for one in given_up.iter().filter_map(Value::as_str) {
        say(format!("Given up: {one}"))?;
    }
    say("The ledger takes entries again; that this was accepted, and why, is one of them.")?;
    Ok(Ended::Well)
}
