//! Finds the vendors' published descriptions for tests, when they lie beside the project, and says so when they do not.

use std::path::PathBuf;

use serde_json::Value;

/// A JSON file of the contracts: `slack/limits.json`.
pub(crate) fn read(file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(find(file)?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// Where a file of the contracts lies.
pub(crate) fn find(file: &str) -> Option<PathBuf> {
    let beside =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).map(|up| up.join("shared")).collect::<Vec<_>>();
    let named = option_env!("LEVERFRAME_SHARED").map(PathBuf::from);
    let found =
        named.into_iter().chain(beside).map(|shared| shared.join("contracts").join(file)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("not checked against {file}: the vendors' contracts are not here");
    }
    found
}

/// Panics where `value` lacks a required member of `schema`, or a member has another type; follows references.
pub(crate) fn holds(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        return holds(document, target, value, at);
    }
    if value.is_null() {
        assert!(schema["nullable"] == true || schema["type"].is_null(), "{at}: null");
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    assert!(fits, "{at}: {value} is not {}", schema["type"]);
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(value.get(name).is_some(), "{at}: `{name}` is missing");
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        holds(document, &schema["properties"][name], member, &format!("{at}.{name}"));
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        holds(document, &schema["items"], item, &format!("{at}[{number}]"));
    }
}
