//! Interactions as they came: forms, whose labelled fields came after the models that read the rest, messages that were
//! picked, and what is newer than we are but can still be answered.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{Interaction, Origin};
use crate::chat::{discord::standing::Member, remark::Remark};

/// The kinds of interactions.
const COMMAND: u64 = 2;
const FORM: u64 = 5;
/// The kind of a command on messages.
const ON_MESSAGES: u64 = 3;

/// An interaction that can be answered, whatever else is in it.
pub(super) struct Raw<'a> {
    kind: u64,
    origin: Origin,
    body: &'a Map<String, Value>,
}

fn word<'a>(body: &'a Map<String, Value>, path: &[&str]) -> Option<&'a str> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(body.get(*first)?, |found, step| found.get(step))?.as_str()
}

/// What Discord says of whoever did it; nothing in a direct message.
pub(super) fn member(body: &Map<String, Value>) -> Option<Member> {
    Member::deserialize(body.get("member")?).ok()
}

/// Reads what every interaction but a ping has.
pub(super) fn read(body: &Map<String, Value>) -> Option<Raw<'_>> {
    let kind = body.get("type").and_then(Value::as_u64).filter(|kind| *kind > 1)?;
    let owned = |path: &[&str]| word(body, path).map(str::to_owned);
    let origin = Origin {
        id: owned(&["id"])?,
        token: owned(&["token"])?,
        guild: owned(&["guild_id"]),
        channel: owned(&["channel_id"])?,
        user: owned(&["member", "user", "id"]).or_else(|| owned(&["user", "id"]))?,
        member: member(body),
    };
    Some(Raw { kind, origin, body })
}

impl Raw<'_> {
    /// A form or a picked message.
    pub(super) fn understood(&self) -> Option<Interaction> {
        let data = self.body.get("data")?;
        match self.kind {
            FORM => Some(Interaction::Filled {
                origin: self.origin.clone(),
                form: data.get("custom_id")?.as_str()?.to_owned(),
                message: word(self.body, &["message", "id"]).map(str::to_owned),
                answers: data.get("components")?.as_array()?.iter().flat_map(fields).filter_map(answer).collect(),
            }),
            COMMAND if data.get("type").and_then(Value::as_u64) == Some(ON_MESSAGES) => self.picked(data),
            _ => None,
        }
    }

    fn picked(&self, data: &Value) -> Option<Interaction> {
        let id = data.get("target_id")?.as_str()?;
        let message = data.get("resolved")?.get("messages")?.get(id)?;
        let text = |path: &str| message.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        let said = text("/content").or_else(|| text("/embeds/0/title")).or_else(|| text("/embeds/0/description"));
        let Origin { guild, channel, .. } = &self.origin;
        let link = guild.as_ref().map(|guild| format!("https://discord.com/channels/{guild}/{channel}/{id}"));
        let remark = Remark {
            account: text("/author/id").map(str::to_owned),
            name: text("/author/global_name").or_else(|| text("/author/username")).unwrap_or_default().to_owned(),
            text: said.unwrap_or_default().to_owned(),
            link,
        };
        Some(Interaction::Picked { origin: self.origin.clone(), name: data.get("name")?.as_str()?.to_owned(), remark })
    }

    /// What is newer than we are: it can still be answered.
    pub(super) fn foreign(self) -> Interaction {
        Interaction::Foreign { origin: self.origin, what: "something that is newer than I am" }
    }
}

/// The fields of a row, or the one that a label names.
fn fields(part: &Value) -> Vec<&Value> {
    let row = part.get("components").and_then(Value::as_array).into_iter().flatten();
    row.chain(part.get("component")).collect()
}

/// A field's name and its answer as one would type it; nothing where it was left empty.
fn answer(field: &Value) -> Option<(String, String)> {
    let one = field.get("value").or_else(|| field.get("values")?.as_array()?.first())?;
    let text = match one {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then(|| Some((field.get("custom_id")?.as_str()?.to_owned(), text)))?
}
