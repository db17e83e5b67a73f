//! A message as words: what a person reads off it, for transcripts and for finding messages.

use serde_json::Value;

/// The visible words of blocks, one line a block; where there are none, the message's text.
pub fn of(text: &str, blocks: &[Value]) -> String {
    if blocks.is_empty() {
        return text.to_owned();
    }
    let lines: Vec<String> = blocks.iter().map(block).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

fn block(block: &Value) -> String {
    match block["type"].as_str().unwrap_or_default() {
        "header" | "markdown" => text_of(&block["text"]),
        "section" => section(block),
        "context" => join(block, "elements", " · "),
        "actions" => join(block, "elements", " "),
        "divider" => "———".to_owned(),
        "rich_text" => rich(block),
        "image" => format!("(picture: {})", block["alt_text"].as_str().unwrap_or_default()),
        _ => String::new(),
    }
}

fn section(block: &Value) -> String {
    let parts = [text_of(&block["text"]), join(block, "fields", "\n"), element(&block["accessory"])];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn join(block: &Value, member: &str, between: &str) -> String {
    let parts: Vec<String> = block[member].as_array().into_iter().flatten().map(element).collect();
    parts.join(between)
}

fn element(element: &Value) -> String {
    match element["type"].as_str() {
        Some("button") => format!("[{}]", text_of(&element["text"])),
        Some("static_select" | "external_select") => format!("[{} ▾]", text_of(&element["placeholder"])),
        _ => text_of(element),
    }
}

fn rich(block: &Value) -> String {
    match block["elements"].as_array() {
        Some(elements) => elements.iter().map(rich).collect(),
        None => block["text"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The words of a text object, or of a bare string.
pub(super) fn text_of(text: &Value) -> String {
    text.as_str().or_else(|| text["text"].as_str()).unwrap_or_default().to_owned()
}
