//! What Discord refuses in a message: everything that its documentation limits, with the complaint under the member
//! that it is about, as Discord's form errors have it.

use serde_json::{Map, Value, json};

/// Complaints by member.
#[derive(Default)]
pub struct Complaints(Map<String, Value>);

impl Complaints {
    /// Adds one, at `embeds.0.description`.
    fn add(&mut self, at: &str, code: &str, message: &str) {
        let mut here = &mut self.0;
        for step in at.split('.') {
            let next = here.entry(step.to_owned()).or_insert_with(|| json!({}));
            let Some(next) = next.as_object_mut() else { return };
            here = next;
        }
        here.insert("_errors".to_owned(), json!([{"code": code, "message": message}]));
    }

    /// The complaints as Discord sends them; none where everything is as it must be.
    pub fn into_json(self) -> Option<Value> {
        (!self.0.is_empty()).then(|| Value::Object(self.0))
    }

    pub(super) fn length(&mut self, value: &Value, (least, most): (usize, usize), at: &str) -> usize {
        let found = match value {
            Value::Null if least == 0 => 0,
            Value::String(text) => text.chars().count(),
            Value::Null => {
                self.add(at, "BASE_TYPE_REQUIRED", "This field is required");
                return 0;
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.add(at, "STRING_TYPE_CONVERT", "Could not interpret as string.");
                return 0;
            }
        };
        if found < least || found > most {
            let message = format!("Must be between {least} and {most} in length.");
            self.add(at, "BASE_TYPE_BAD_LENGTH", &message);
        }
        found
    }

    pub(super) fn count(&mut self, list: &[Value], (least, most): (usize, usize), at: &str) {
        if list.len() < least || list.len() > most {
            let message = format!("Must be between {least} and {most} in length.");
            self.add(at, "BASE_TYPE_BAD_LENGTH", &message);
        }
    }

    pub(super) fn wrong(&mut self, at: &str, message: &str) {
        self.add(at, "BASE_TYPE_CHOICES", message);
    }

    pub(super) fn known(&mut self, value: &Value, known: &[&str], at: &str) {
        for name in value.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&name.as_str()) {
                self.add(&format!("{at}{name}"), "UNKNOWN_FIELD", "This is not one of the documented fields.");
            }
        }
    }
}

const MESSAGE: [&str; 10] = [
    "content",
    "nonce",
    "tts",
    "embeds",
    "allowed_mentions",
    "components",
    "enforce_nonce",
    "flags",
    "attachments",
    "message_reference",
];

/// What is wrong with a message.
pub fn message(message: &Value) -> Complaints {
    let mut complaints = Complaints::default();
    complaints.known(message, &MESSAGE, "");
    complaints.length(&message["content"], (0, 2000), "content");
    complaints.length(&message["nonce"], (0, 25), "nonce");
    let embeds = message["embeds"].as_array().cloned().unwrap_or_default();
    complaints.count(&embeds, (0, 10), "embeds");
    let total: usize =
        embeds.iter().enumerate().map(|(number, one)| embed(&mut complaints, one, &format!("embeds.{number}"))).sum();
    if total > 6000 {
        complaints.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
    let rows = message["components"].as_array().cloned().unwrap_or_default();
    components(&mut complaints, &rows);
    mentions(&mut complaints, &message["allowed_mentions"]);
    complaints
}

fn embed(complaints: &mut Complaints, embed: &Value, at: &str) -> usize {
    let known = ["title", "description", "url", "timestamp", "color", "footer", "fields", "author", "type"];
    complaints.known(embed, &known, &format!("{at}."));
    let mut total = complaints.length(&embed["title"], (0, 256), &format!("{at}.title"));
    total += complaints.length(&embed["description"], (0, 4096), &format!("{at}.description"));
    if let Some(footer) = embed.get("footer") {
        complaints.known(footer, &["text", "icon_url"], &format!("{at}.footer."));
        total += complaints.length(&footer["text"], (1, 2048), &format!("{at}.footer.text"));
    }
    if let Some(author) = embed.get("author") {
        total += complaints.length(&author["name"], (1, 256), &format!("{at}.author.name"));
    }
    if embed.get("color").is_some_and(|color| color.as_u64().is_none_or(|color| color > 0xff_ff_ff)) {
        complaints.wrong(&format!("{at}.color"), "int value should be between 0 and 16777215.");
    }
    let fields = embed["fields"].as_array().cloned().unwrap_or_default();
    complaints.count(&fields, (0, 25), &format!("{at}.fields"));
    for (number, field) in fields.iter().enumerate() {
        total += complaints.length(&field["name"], (1, 256), &format!("{at}.fields.{number}.name"));
        total += complaints.length(&field["value"], (1, 1024), &format!("{at}.fields.{number}.value"));
    }
    total
}

fn components(complaints: &mut Complaints, rows: &[Value]) {
    complaints.count(rows, (0, 5), "components");
    let mut ids = std::collections::BTreeSet::new();
    for (number, row) in rows.iter().enumerate() {
        let at = format!("components.{number}");
        complaints.known(row, &["type", "components", "id"], &format!("{at}."));
        if row["type"] != 1 {
            complaints.wrong(&format!("{at}.type"), "Value must be one of {1}.");
        }
        let buttons = row["components"].as_array().cloned().unwrap_or_default();
        complaints.count(&buttons, (1, 5), &format!("{at}.components"));
        for (place, one) in buttons.iter().enumerate() {
            let at = format!("{at}.components.{place}");
            button(complaints, one, &at);
            if let Some(id) = one["custom_id"].as_str()
                && !ids.insert(id.to_owned())
            {
                complaints.add(
                    &format!("{at}.custom_id"),
                    "COMPONENT_CUSTOM_ID_DUPLICATED",
                    "Component custom id cannot be duplicated",
                );
            }
        }
    }
}

fn button(complaints: &mut Complaints, button: &Value, at: &str) {
    complaints.known(button, &["type", "style", "label", "custom_id", "url", "disabled", "id"], &format!("{at}."));
    if button["type"] != 2 {
        complaints.wrong(&format!("{at}.type"), "Value must be one of {2}.");
    }
    match button["style"].as_u64() {
        Some(1..=4) => {
            complaints.length(&button["custom_id"], (1, 100), &format!("{at}.custom_id"));
        }
        Some(5) => {
            complaints.length(&button["url"], (1, 512), &format!("{at}.url"));
        }
        Some(_) | None => complaints.wrong(&format!("{at}.style"), "Value must be one of {1, 2, 3, 4, 5}."),
    }
    complaints.length(&button["label"], (1, 80), &format!("{at}.label"));
}

fn mentions(complaints: &mut Complaints, allowed: &Value) {
    if allowed.is_null() {
        return;
    }
    complaints.known(allowed, &["parse", "users", "roles", "replied_user"], "allowed_mentions.");
    for kind in allowed["parse"].as_array().into_iter().flatten() {
        if !["users", "roles", "everyone"].iter().any(|known| kind == known) {
            complaints.wrong("allowed_mentions.parse", "Value must be one of {'users', 'everyone', 'roles'}.");
        }
    }
}

/// What is wrong with commands that are to be registered.
pub fn commands(commands: &[Value]) -> Complaints {
    let mut complaints = Complaints::default();
    let mut names = std::collections::BTreeSet::new();
    if commands.iter().filter(|one| one["type"] != 3).count() > 100 {
        complaints.wrong("commands", "Maximum number of application commands reached (100)");
    }
    for (number, one) in commands.iter().enumerate() {
        let at = number.to_string();
        let known = ["name", "type", "description", "options", "nsfw", "default_member_permissions"];
        complaints.known(one, &known, &format!("{at}."));
        if one["type"] == 3 {
            on_messages(&mut complaints, one, &at);
        } else {
            named(&mut complaints, one, &at);
        }
        if !names.insert((one["type"] == 3, one["name"].as_str().unwrap_or_default().to_owned())) {
            complaints.add(
                &format!("{at}.name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Command names must be unique",
            );
        }
        options(&mut complaints, one, &at);
        if weight(one) > 8000 {
            complaints.add(&at, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)");
        }
    }
    complaints
}

/// A command on messages has a name for people and nothing else.
fn on_messages(complaints: &mut Complaints, one: &Value, at: &str) {
    complaints.length(&one["name"], (1, 32), &format!("{at}.name"));
    complaints.length(&one["description"], (0, 0), &format!("{at}.description"));
    complaints.known(one, &["name", "type", "description"], &format!("{at}."));
}

fn named(complaints: &mut Complaints, one: &Value, at: &str) {
    complaints.length(&one["name"], (1, 32), &format!("{at}.name"));
    complaints.length(&one["description"], (1, 100), &format!("{at}.description"));
    let name = one["name"].as_str().unwrap_or_default();
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_' | '\'');
    if !name.chars().all(fits) {
        complaints.add(&format!("{at}.name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
}

fn options(complaints: &mut Complaints, command: &Value, at: &str) {
    let list = command["options"].as_array().cloned().unwrap_or_default();
    complaints.count(&list, (0, 25), &format!("{at}.options"));
    let (mut names, mut optional_before) = (std::collections::BTreeSet::new(), false);
    for (number, option) in list.iter().enumerate() {
        let at = format!("{at}.options.{number}");
        let known = [
            "name",
            "type",
            "description",
            "required",
            "choices",
            "autocomplete",
            "min_value",
            "max_value",
            "min_length",
            "max_length",
        ];
        complaints.known(option, &known, &format!("{at}."));
        named(complaints, option, &at);
        let required = option["required"] == true;
        if required && optional_before {
            let message = "Required options must be placed before non-required options";
            complaints.add(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        optional_before |= !required;
        if !names.insert(option["name"].as_str().unwrap_or_default().to_owned()) {
            complaints.add(&at, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique");
        }
        if !matches!(option["type"].as_u64(), Some(3..=11)) {
            complaints.wrong(&format!("{at}.type"), "Value must be one of {3, ..., 11}.");
        }
        let choices = option["choices"].as_array().cloned().unwrap_or_default();
        complaints.count(&choices, (0, 25), &format!("{at}.choices"));
        if !choices.is_empty() && option["autocomplete"] == true {
            complaints
                .wrong(&format!("{at}.autocomplete"), "autocomplete may not be set to true if choices are present");
        }
        for (place, choice) in choices.iter().enumerate() {
            complaints.length(&choice["name"], (1, 100), &format!("{at}.choices.{place}.name"));
            complaints.length(&choice["value"], (1, 100), &format!("{at}.choices.{place}.value"));
        }
    }
}

fn weight(command: &Value) -> usize {
    let own: usize = ["name", "description", "value"]
        .iter()
        .filter_map(|member| Some(command[*member].as_str()?.chars().count()))
        .sum();
    let inner = ["options", "choices"].iter().filter_map(|member| command[*member].as_array()).flatten();
    own + inner.map(weight).sum::<usize>()
}
