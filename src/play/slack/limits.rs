//! Slack's documented limits on Block Kit. A message that breaks one is refused with `invalid_blocks`,
//! as Slack refuses it, with the reasons and where they are.

use serde_json::Value;

const BLOCKS: &[&str] =
    &["header", "section", "context", "divider", "actions", "rich_text", "image", "input", "markdown", "table"];
const BUTTON_KEYS: &[&str] = &["type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"];
const SECTION_KEYS: &[&str] = &["type", "block_id", "text", "fields", "accessory", "expand"];

/// Complaints about the blocks of a message, each with a JSON pointer; empty when Slack would take them.
pub fn complaints(blocks: &[Value]) -> Vec<String> {
    let mut check = Check { found: Vec::new() };
    check.at_most(blocks.len(), 50, "/blocks", "items");
    check.unique(blocks, "block_id", "/blocks");
    for (number, block) in blocks.iter().enumerate() {
        check.block(block, &format!("/blocks/{number}"));
    }
    check.found
}

/// Complaints about a form.
pub fn view_complaints(view: &Value) -> Vec<String> {
    let mut check = Check { found: Vec::new() };
    let blocks = view["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if view["type"] != "modal" {
        check.complain("must be a valid enum value", "/type");
    }
    for (member, limit) in [("title", 24), ("submit", 24), ("close", 24)] {
        check.text(&view[member], &["plain_text"], limit, &format!("/{member}"));
    }
    check.short(view, "callback_id", 255, "");
    check.short(view, "private_metadata", 3000, "");
    check.at_most(blocks.len(), 100, "/blocks", "items");
    check.unique(blocks, "block_id", "/blocks");
    for (number, block) in blocks.iter().enumerate() {
        check.block(block, &format!("/blocks/{number}"));
    }
    check.found
}

struct Check {
    found: Vec<String>,
}

impl Check {
    fn complain(&mut self, what: &str, at: &str) {
        self.found.push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    fn at_most(&mut self, found: usize, limit: usize, at: &str, unit: &str) {
        if found > limit {
            self.complain(&format!("no more than {limit} {unit} allowed"), at);
        }
    }

    fn unique(&mut self, items: &[Value], member: &str, at: &str) {
        let mut names: Vec<&str> = items.iter().filter_map(|item| item[member].as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            self.complain(&format!("`{member}` is used twice"), at);
        }
    }

    fn block(&mut self, block: &Value, at: &str) {
        self.short(block, "block_id", 255, at);
        match block["type"].as_str().unwrap_or_default() {
            "header" => self.text(&block["text"], &["plain_text"], 150, &format!("{at}/text")),
            "section" => self.section(block, at),
            "context" => self.context(block, at),
            "actions" => self.actions(block, at),
            "input" => self.input(block, at),
            "markdown" => self.length(block["text"].as_str().unwrap_or_default(), 12_000, &format!("{at}/text")),
            known if BLOCKS.contains(&known) => {}
            unknown => self.complain(&format!("unsupported type: {unknown}"), &format!("{at}/type")),
        }
    }

    fn input(&mut self, block: &Value, at: &str) {
        self.text(&block["label"], &["plain_text"], 2000, &format!("{at}/label"));
        if let Some(hint) = block.get("hint") {
            self.text(hint, &["plain_text"], 2000, &format!("{at}/hint"));
        }
        let element = &block["element"];
        let kinds = ["plain_text_input", "number_input", "static_select", "external_select"];
        if !kinds.iter().any(|kind| element["type"] == *kind) {
            self.complain("unsupported element", &format!("{at}/element/type"));
        }
        if let Some(placeholder) = element.get("placeholder") {
            self.text(placeholder, &["plain_text"], 150, &format!("{at}/element/placeholder"));
        }
        self.at_most(element["options"].as_array().map_or(0, Vec::len), 100, &format!("{at}/element"), "options");
        self.element(element, &format!("{at}/element"));
    }

    fn section(&mut self, block: &Value, at: &str) {
        self.known_keys(block, SECTION_KEYS, at);
        let fields = block["fields"].as_array();
        if block.get("text").is_none() && fields.is_none_or(Vec::is_empty) {
            self.complain("missing required field: text", at);
        }
        if let Some(text) = block.get("text") {
            self.text(text, &["plain_text", "mrkdwn"], 3000, &format!("{at}/text"));
        }
        for (number, field) in fields.into_iter().flatten().enumerate() {
            self.text(field, &["plain_text", "mrkdwn"], 2000, &format!("{at}/fields/{number}"));
        }
        self.at_most(fields.map_or(0, Vec::len), 10, &format!("{at}/fields"), "items");
        if let Some(accessory) = block.get("accessory") {
            self.element(accessory, &format!("{at}/accessory"));
        }
    }

    fn context(&mut self, block: &Value, at: &str) {
        let elements = block["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
        if elements.is_empty() {
            self.complain("no fewer than 1 items allowed", &format!("{at}/elements"));
        }
        self.at_most(elements.len(), 10, &format!("{at}/elements"), "items");
        for (number, element) in elements.iter().enumerate() {
            if element["type"] != "image" {
                self.text(element, &["plain_text", "mrkdwn"], 3000, &format!("{at}/elements/{number}"));
            }
        }
    }

    fn actions(&mut self, block: &Value, at: &str) {
        let elements = block["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
        if elements.is_empty() {
            self.complain("no fewer than 1 items allowed", &format!("{at}/elements"));
        }
        self.at_most(elements.len(), 25, &format!("{at}/elements"), "items");
        self.unique(elements, "action_id", &format!("{at}/elements"));
        for (number, element) in elements.iter().enumerate() {
            self.element(element, &format!("{at}/elements/{number}"));
        }
    }

    fn element(&mut self, element: &Value, at: &str) {
        self.short(element, "action_id", 255, at);
        if let Some(confirm) = element.get("confirm") {
            self.confirm(confirm, &format!("{at}/confirm"));
        }
        for (number, option) in element["options"].as_array().into_iter().flatten().enumerate() {
            let at = format!("{at}/options/{number}");
            self.text(&option["text"], &["plain_text", "mrkdwn"], 75, &format!("{at}/text"));
            self.short(option, "value", 150, &at);
        }
        if element["type"] == "button" {
            self.button(element, at);
        }
    }

    fn button(&mut self, button: &Value, at: &str) {
        self.known_keys(button, BUTTON_KEYS, at);
        self.text(&button["text"], &["plain_text"], 75, &format!("{at}/text"));
        self.short(button, "value", 2000, at);
        self.short(button, "url", 3000, at);
        self.short(button, "accessibility_label", 75, at);
        if !matches!(button["style"].as_str().unwrap_or("primary"), "primary" | "danger") {
            self.complain("must be a valid enum value", &format!("{at}/style"));
        }
    }

    fn confirm(&mut self, confirm: &Value, at: &str) {
        for (member, limit) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
            self.text(&confirm[member], &["plain_text", "mrkdwn"], limit, &format!("{at}/{member}"));
        }
    }

    fn text(&mut self, text: &Value, kinds: &[&str], limit: usize, at: &str) {
        let kind = text["type"].as_str().unwrap_or_default();
        if !kinds.contains(&kind) {
            self.complain(&format!("must be of type {}", kinds.join(" or ")), &format!("{at}/type"));
        }
        let words = text["text"].as_str().unwrap_or_default();
        if words.is_empty() {
            self.complain("must be more than 0 characters", &format!("{at}/text"));
        }
        self.length(words, limit, &format!("{at}/text"));
    }

    fn short(&mut self, value: &Value, member: &str, limit: usize, at: &str) {
        self.length(value[member].as_str().unwrap_or_default(), limit, &format!("{at}/{member}"));
    }

    fn length(&mut self, text: &str, limit: usize, at: &str) {
        if text.chars().count() > limit {
            self.complain(&format!("must be less than {} characters", limit + 1), at);
        }
    }

    fn known_keys(&mut self, value: &Value, known: &[&str], at: &str) {
        for key in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !known.contains(&key.as_str()) {
                self.complain(&format!("unknown field: {key}"), at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(blocks: Value, expected: &str) {
        let found = complaints(blocks.as_array().unwrap());
        match expected {
            "" => assert!(found.is_empty(), "{found:?}"),
            _ => assert!(found.iter().any(|one| one.contains(expected)), "{expected}: {found:?}"),
        }
    }

    fn text(words: &str) -> Value {
        json!({"type": "plain_text", "text": words})
    }

    fn button() -> Value {
        json!({"type": "button", "action_id": "a", "text": text("ok")})
    }

    fn button_with(member: &str, value: Value) -> Value {
        let mut button = button();
        button[member] = value;
        json!([{"type": "actions", "elements": [button]}])
    }

    #[test]
    fn blocks_within_the_limits_pass() {
        check(
            json!([{"type": "header", "text": text("h")},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*x*"}, "accessory": button()},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}]},
            {"type": "divider"}, {"type": "actions", "elements": [button()]}]),
            "",
        );
    }

    #[test]
    fn each_limit_is_held() {
        let x = |count| "x".repeat(count);
        let many: Vec<Value> = (0..26)
            .map(|number| json!({"type": "button", "action_id": number.to_string(), "text": text("x")}))
            .collect();
        check(json!(vec![json!({"type": "divider"}); 51]), "no more than 50 items");
        check(json!([{"type": "nonsense"}]), "unsupported type: nonsense");
        check(json!([{"type": "section", "text": text(&x(3001))}]), "/blocks/0/text/text");
        check(json!([{"type": "section"}]), "missing required field");
        check(json!([{"type": "section", "text": text("")}]), "more than 0");
        check(json!([{"type": "section", "txt": text("x"), "text": text("x")}]), "unknown field: txt");
        check(json!([{"type": "section", "fields": vec![text("x"); 11]}]), "no more than 10 items");
        check(json!([{"type": "header", "text": text(&x(151))}]), "less than 151");
        check(json!([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]), "/blocks/0/text/type");
        check(json!([{"type": "actions", "elements": many}]), "no more than 25");
        check(json!([{"type": "actions", "elements": [button(), button()]}]), "used twice");
        check(json!([{"type": "context", "elements": vec![text("x"); 11]}]), "no more than 10");
        check(button_with("text", text(&x(76))), "less than 76");
        check(button_with("value", json!(x(2001))), "less than 2001");
        check(button_with("action_id", json!(x(256))), "less than 256");
        check(button_with("style", json!("purple")), "valid enum value");
        check(json!([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]), "used twice");
    }

    #[test]
    fn the_published_limits_are_the_ones_held() {
        let Some(limits) = crate::play::tests::contracts::read("slack/limits.json") else { return };
        let published = |id: &str| {
            let list = limits["limits"].as_array().unwrap();
            list.iter().find(|limit| limit["id"] == id).unwrap_or_else(|| panic!("{id}"))["limit"].as_u64().unwrap()
        };
        assert_eq!((published("message.blocks"), published("section.text"), published("header.text")), (50, 3000, 150));
        assert_eq!((published("actions.elements"), published("context.elements")), (25, 10));
        assert_eq!(
            (published("button.text"), published("button.value"), published("element.action_id")),
            (75, 2000, 255)
        );
    }
}
