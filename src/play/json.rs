//! Writing a member into a JSON object without a way to panic.

use serde_json::Value;

/// Sets a member; on anything but an object it does nothing.
pub(super) fn put(json: &mut Value, member: &str, value: Value) {
    if let Some(object) = json.as_object_mut() {
        object.insert(member.to_owned(), value);
    }
}
