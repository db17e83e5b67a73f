//! Forms as Discord keeps them: one opens where the bot's first answer says so, never in answer to a form, and what
//! Discord limits in it is refused; it is filled in, sent once, and gone. And commands on messages.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Answered, DiscordLookalike, Shared, Which,
    check::Complaints,
    deliver::{About, Delivery, Origin},
    guild::{GUILD, Message, channel, somebody},
    lock,
};
use crate::play::{error::PlayError, json::put, people::Person};

/// The forms that are open, by person.
#[derive(Default)]
pub(super) struct Forms {
    open: BTreeMap<&'static str, Form>,
    opened: u64,
}

/// An open form.
#[derive(Clone)]
struct Form {
    origin: Origin,
    number: u64,
    data: Value,
    /// The message whose button opened it.
    message: Option<Message>,
}

/// What is wrong with a form.
pub fn complaints(data: &Value) -> Complaints {
    let mut complaints = Complaints::default();
    complaints.known(data, &["custom_id", "title", "components"], "data.");
    complaints.length(&data["custom_id"], (1, 100), "data.custom_id");
    complaints.length(&data["title"], (1, 45), "data.title");
    let fields = data["components"].as_array().cloned().unwrap_or_default();
    complaints.count(&fields, (1, 5), "data.components");
    let mut ids = BTreeSet::new();
    for (number, field) in fields.iter().enumerate() {
        let at = format!("data.components.{number}");
        complaints.known(field, &["type", "id", "label", "description", "component"], &format!("{at}."));
        if field["type"] != 18 {
            complaints.wrong(&format!("{at}.type"), "Value must be one of {18}.");
        }
        complaints.length(&field["label"], (1, 45), &format!("{at}.label"));
        complaints.length(&field["description"], (0, 100), &format!("{at}.description"));
        let at = format!("{at}.component");
        let component = &field["component"];
        complaints.length(&component["custom_id"], (1, 100), &format!("{at}.custom_id"));
        if !ids.insert(component["custom_id"].to_string()) {
            complaints.wrong(&format!("{at}.custom_id"), "Component custom id cannot be duplicated");
        }
        match component["type"].as_u64() {
            Some(3) => select(&mut complaints, component, &at),
            Some(4) => input(&mut complaints, component, &at),
            Some(_) | None => complaints.wrong(&format!("{at}.type"), "Value must be one of {3, 4}."),
        }
    }
    complaints
}

fn select(complaints: &mut Complaints, select: &Value, at: &str) {
    let known = ["type", "id", "custom_id", "placeholder", "options", "required", "min_values", "max_values"];
    complaints.known(select, &known, &format!("{at}."));
    complaints.length(&select["placeholder"], (0, 150), &format!("{at}.placeholder"));
    let options = select["options"].as_array().cloned().unwrap_or_default();
    complaints.count(&options, (1, 25), &format!("{at}.options"));
    for (number, option) in options.iter().enumerate() {
        let at = format!("{at}.options.{number}");
        complaints.known(option, &["label", "value", "description", "default", "emoji"], &format!("{at}."));
        complaints.length(&option["label"], (1, 100), &format!("{at}.label"));
        complaints.length(&option["value"], (1, 100), &format!("{at}.value"));
    }
    let values: BTreeSet<String> = options.iter().map(|option| option["value"].to_string()).collect();
    if values.len() != options.len() {
        complaints.wrong(&format!("{at}.options"), "The specified option value is already used");
    }
    if select["required"] != false && select["min_values"] == 0 {
        complaints.wrong(&format!("{at}.min_values"), "A required select takes at least one value");
    }
}

fn input(complaints: &mut Complaints, input: &Value, at: &str) {
    let known = ["type", "id", "custom_id", "style", "min_length", "max_length", "required", "value", "placeholder"];
    complaints.known(input, &known, &format!("{at}."));
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        complaints.wrong(&format!("{at}.style"), "Value must be one of {1, 2}.");
    }
    let most = input["max_length"].as_u64().unwrap_or(4000).clamp(1, 4000);
    complaints.length(&input["placeholder"], (0, 100), &format!("{at}.placeholder"));
    complaints.length(&input["value"], (0, usize::try_from(most).unwrap_or(4000)), &format!("{at}.value"));
}

/// Opens what the bot answered with, for whoever caused it.
pub(super) fn open(shared: &Shared, delivery: &Delivery, data: &Value) -> Result<(), ()> {
    let Delivery { interaction, origin } = delivery;
    if interaction["type"] == 5 || complaints(data).into_json().is_some() {
        return Err(());
    }
    let message = interaction.pointer("/message/id").and_then(Value::as_str);
    let message = message.and_then(|id| shared.guild.find(origin.channel.id, id));
    let mut forms = lock(&shared.forms);
    forms.opened += 1;
    let number = forms.opened;
    forms.open.insert(origin.person.key, Form { origin: *origin, number, data: data.clone(), message });
    drop(forms);
    shared.guild.pulse().beat();
    Ok(())
}

/// Somebody closes their form.
pub(super) fn close(shared: &Shared, person: &Person) {
    lock(&shared.forms).open.remove(person.key);
    shared.guild.pulse().beat();
}

/// The form that is open for somebody, as the page draws forms.
pub(super) fn shown(shared: &Shared, person: &Person) -> Value {
    let forms = lock(&shared.forms);
    let Some(form) = forms.open.get(person.key) else { return Value::Null };
    let data = &form.data;
    let fields = data["components"].as_array().into_iter().flatten().map(drawn).collect::<Vec<_>>();
    let view = json!({"id": form.number, "title": {"text": data["title"]}, "submit": {"text": "Submit"},
        "close": {"text": "Cancel"}, "blocks": fields});
    json!({"view": view, "errors": {}})
}

fn drawn(field: &Value) -> Value {
    let component = &field["component"];
    let option = |option: &Value| json!({"text": {"text": option["label"]}, "value": option["value"]});
    let element = if component["type"] == 3 {
        let options = component["options"].as_array().cloned().unwrap_or_default();
        let initial = options.iter().find(|option| option["default"] == true).map(option);
        json!({"type": "static_select", "options": options.iter().map(option).collect::<Vec<_>>(),
            "initial_option": initial})
    } else {
        json!({"type": "plain_text_input", "multiline": component["style"] == 2, "initial_value": component["value"],
            "max_length": component["max_length"], "placeholder": {"text": component["placeholder"]}})
    };
    json!({"type": "input", "block_id": component["custom_id"], "label": {"text": field["label"]},
        "optional": component["required"] == false, "hint": {"text": field["description"]}, "element": element})
}

/// A field as Discord reports it; `Err` with what the client says where it would not send it.
fn answered(field: &Value, number: usize, filled: &[(&str, &str)]) -> Result<Value, String> {
    let component = &field["component"];
    let id = component["custom_id"].as_str().unwrap_or_default();
    let now = filled.iter().rev().find(|(name, _)| *name == id).map(|(_, value)| (*value).to_owned());
    let refused = |words: &str| Err(format!("{}: {words}", field["label"].as_str().unwrap_or_default()));
    let must = component["required"] != false;
    let mut answer = json!({"type": component["type"], "custom_id": id, "id": number + 1});
    if component["type"] == 3 {
        let options = component["options"].as_array().into_iter().flatten();
        let mut values = options.filter_map(|option| Some((option["value"].as_str()?, option["default"] == true)));
        let picked = match now.filter(|now| !now.is_empty()) {
            Some(now) if values.any(|(value, _)| value == now) => vec![now],
            Some(_) => return refused("that is not one of the choices"),
            None => values.find(|(_, given)| *given).map(|(value, _)| value.to_owned()).into_iter().collect(),
        };
        if must && picked.is_empty() {
            return refused("this field is required");
        }
        put(&mut answer, "values", json!(picked));
    } else {
        let typed = now.or_else(|| component["value"].as_str().map(str::to_owned)).unwrap_or_default();
        if must && typed.is_empty() {
            return refused("this field is required");
        }
        put(&mut answer, "value", json!(typed));
    }
    Ok(json!({"type": 18, "id": number, "component": answer}))
}

impl Shared {
    fn form(&self, who: &str) -> Result<Form, PlayError> {
        let person = somebody(who)?;
        let open = lock(&self.forms).open.get(person.key).cloned();
        open.ok_or_else(|| PlayError::NoSuchMessage(format!("a form that is open for `{}`", person.key)))
    }

    /// Somebody sends their form; the client itself keeps what lacks something.
    pub(super) async fn submits(&self, who: &str, filled: &[(&str, &str)]) -> Result<Answered, PlayError> {
        let form = self.form(who)?;
        let data = &form.data;
        let fields = data["components"].as_array().into_iter().flatten().enumerate();
        let fields: Result<Vec<Value>, String> =
            fields.map(|(number, field)| answered(field, number, filled)).collect();
        let fields = match fields {
            Ok(fields) => fields,
            Err(words) => {
                return Ok(Answered { delivery: 0, status: None, body: String::new(), shown: Some(words) });
            }
        };
        close(self, form.origin.person);
        let data = json!({"custom_id": data["custom_id"], "components": fields});
        let interaction = self.interaction(form.origin, &About::Form(data, form.message.as_ref()));
        self.deliver(Delivery { interaction, origin: form.origin }).await
    }

    /// Somebody picks a message by a command on messages.
    pub(super) async fn picks(&self, who: &str, which: Which<'_>, command: &str) -> Result<Answered, PlayError> {
        let person = somebody(who)?;
        let (Which::Newest(name) | Which::At(name, _)) = which;
        let channel = channel(name)?;
        let registered = lock(&self.commands).clone();
        let command = registered.iter().find(|one| one["type"] == 3 && one["name"] == command);
        let command = command.ok_or_else(|| PlayError::NoSuchCommand("on messages".to_owned()))?;
        let sees = |message: &&Message| message.channel == channel.id && message.only.is_none_or(|only| only == person);
        let all = self.guild.all();
        let mut seen = all.iter().filter(sees).rev();
        let found = match which {
            Which::Newest(_) => seen.next(),
            Which::At(_, id) => seen.find(|message| message.id == id),
        };
        let found = found.ok_or_else(|| PlayError::NoSuchMessage(format!("one to pick in #{}", channel.name)))?;
        let data = json!({"id": command["id"], "name": command["name"], "type": 3, "guild_id": GUILD,
            "target_id": found.id, "resolved": {"messages": {found.id.clone(): found.json()}}});
        let origin = Origin { person, channel };
        let interaction = self.interaction(origin, &About::Command(data));
        self.deliver(Delivery { interaction, origin }).await
    }
}

impl DiscordLookalike {
    /// The form that is open for somebody, as the bot sent it.
    pub fn form(&self, who: &str) -> Option<Value> {
        self.shared.form(who).ok().map(|form| form.data)
    }

    /// Somebody fills in their form (by field; what is prefilled stays) and sends it.
    ///
    /// # Errors
    /// When they have none open, or there is no bot.
    pub async fn submits(&self, who: &str, filled: &[(&str, &str)]) -> Result<Answered, PlayError> {
        self.shared.submits(who, filled).await
    }

    /// Somebody picks a message by a command on messages.
    ///
    /// # Errors
    /// When there is no such person, message or command, or no bot.
    pub async fn picks(&self, who: &str, which: Which<'_>, command: &str) -> Result<Answered, PlayError> {
        self.shared.picks(who, which, command).await
    }
}
