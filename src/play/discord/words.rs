//! A message as words: what a person reads off it, for transcripts and for finding messages.

use serde_json::Value;

use super::guild::Content;

/// The words, then each embed, then the buttons.
pub(super) fn of(content: &Content) -> String {
    let mut lines: Vec<String> = vec![content.content.clone()];
    for embed in &content.embeds {
        let word = |pointer: &str| embed.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        lines.push(word("/title"));
        lines.push(word("/description"));
        let fields = embed["fields"].as_array().into_iter().flatten();
        lines.extend(fields.map(|field| {
            format!("{}: {}", field["name"].as_str().unwrap_or_default(), field["value"].as_str().unwrap_or_default())
        }));
        lines.push(word("/footer/text"));
    }
    for row in &content.components {
        let labels = row["components"].as_array().into_iter().flatten();
        let labels: Vec<String> =
            labels.map(|button| format!("[{}]", button["label"].as_str().unwrap_or_default())).collect();
        lines.push(labels.join(" "));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}
