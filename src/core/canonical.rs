//! RFC 8785 (JCS) of what entries are made of, quickly: text, whole numbers, and names in ASCII, of which the order is
//! that of their bytes. Whatever else there is, the library writes.

use serde_json::{Map, Value};

use super::entry::{Actor, Entry};

/// The canonical form of an entry, or `None` where it takes the library.
pub(super) fn entry(entry: &Entry) -> Option<Vec<u8>> {
    let Entry { seq, time, kind, subject, actor, incident, body, prev } = entry;
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"actor\":");
    write_actor(actor, &mut out)?;
    out.extend_from_slice(b",\"body\":");
    write_map(body, &mut out)?;
    if let Some(incident) = incident {
        out.extend_from_slice(b",\"incident\":");
        write_text(incident, &mut out)?;
    }
    for (name, text) in [(&b",\"kind\":"[..], kind), (b",\"prev\":", prev)] {
        out.extend_from_slice(name);
        write_text(text, &mut out)?;
    }
    out.extend_from_slice(b",\"seq\":");
    serde_json::to_writer(&mut out, seq).ok()?;
    for (name, text) in [(&b",\"subject\":"[..], subject), (b",\"time\":", time)] {
        out.extend_from_slice(name);
        write_text(text, &mut out)?;
    }
    out.push(b'}');
    Some(out)
}

fn write_actor(actor: &Actor, out: &mut Vec<u8>) -> Option<()> {
    let Actor { person, account, via } = actor;
    out.push(b'{');
    if let Some(account) = account {
        out.extend_from_slice(b"\"account\":");
        write_text(account, out)?;
        out.push(b',');
    }
    if let Some(person) = person {
        out.extend_from_slice(b"\"person\":");
        write_text(person.as_str(), out)?;
        out.push(b',');
    }
    out.extend_from_slice(b"\"via\":");
    write_text(via, out)?;
    out.push(b'}');
    Some(())
}

fn write_map(map: &Map<String, Value>, out: &mut Vec<u8>) -> Option<()> {
    if !map.keys().all(|name| name.is_ascii()) {
        return None;
    }
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (place, (name, value)) in members.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_text(name, out)?;
        out.push(b':');
        write_value(value, out)?;
    }
    out.push(b'}');
    Some(())
}

fn write_value(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null | Value::Bool(_) => serde_json::to_writer(out, value).ok(),
        Value::Number(number) if is_exact(number) => serde_json::to_writer(out, number).ok(),
        Value::Number(_) => None,
        Value::String(text) => write_text(text, out),
        Value::Array(values) => {
            out.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_value(value, out)?;
            }
            out.push(b']');
            Some(())
        }
        Value::Object(map) => write_map(map, out),
    }
}

/// A whole number that a double holds exactly is written by its digits.
fn is_exact(number: &serde_json::Number) -> bool {
    let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    size.is_some_and(|size| size <= 1 << 53)
}

/// Escapes what RFC 8785 escapes, as serde_json does.
fn write_text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    serde_json::to_writer(out, text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::{entry::NO_PREVIOUS, names::PersonId};

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![any::<String>(), "[\\x00-\\x7f]{0,12}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-9_i64..1000).prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()).prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            let name = prop_oneof![9 => "[a-zA-Z_.\"\\x00-\\x1f]{0,6}", 1 => any::<String>()];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn made(values: Vec<(String, Value)>, words: [String; 3], is_known: bool) -> Entry {
        let [kind, subject, account] = words;
        let person = is_known.then(|| PersonId::parse("ana").unwrap());
        let actor = Actor { person, account: is_known.then_some(account), via: "slack".into() };
        let incident = is_known.then(|| "inc-7".to_owned());
        let body = values.into_iter().collect();
        let time = "2026-11-21T08:00:00.000Z".to_owned();
        Entry { seq: 7, time, kind, subject, actor, incident, body, prev: NO_PREVIOUS.into() }
    }

    proptest! {
        #[test]
        fn what_is_written_here_is_what_the_library_writes(
            values in prop::collection::vec(("[a-z]{1,4}", value()), 0..5),
            words in any::<[String; 3]>(),
            is_known in any::<bool>(),
        ) {
            let entry = made(values, words, is_known);
            if let Some(ours) = super::entry(&entry) {
                prop_assert_eq!(ours, serde_json_canonicalizer::to_vec(&entry).unwrap());
            }
        }
    }

    #[test]
    fn what_the_core_drafts_is_written_here() {
        let body =
            serde_json::json!({ "number": 7, "b": { "z": ["ü\n\u{7f}", true], "a": -1 }, "reason": { "hash": "00" } });
        let Value::Object(body) = body else { unreachable!() };
        let words = ["request.opened", "request/01J", "slack:U1"].map(str::to_owned);
        let entry = made(body.into_iter().collect(), words, true);
        assert_eq!(super::entry(&entry), serde_json_canonicalizer::to_vec(&entry).ok());
        let float = made(vec![("share".to_owned(), 0.5.into())], [const { String::new() }; 3], false);
        assert_eq!(super::entry(&float), None);
    }
}
