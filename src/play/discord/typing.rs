//! What Discord's client makes of what somebody types after a slash: a command that was registered, with its options
//! apart. It sends nothing that does not fit the command; such things go as text to the one command for all.

use serde_json::{Value, json};

/// A command as the client sends it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filled {
    /// The registered command.
    pub(super) command: Value,
    /// `{type, name, value}` of each option.
    pub(super) options: Vec<Value>,
}

/// What is sent for `/name rest`; `None` where no such command is registered.
pub(super) fn fill(registered: &[Value], typed: &str) -> Option<Filled> {
    let text = typed.strip_prefix('/')?;
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let named = |name: &str| registered.iter().find(|command| command["name"] == name && command["type"] != 3);
    let command = named(name).cloned();
    if let Some(command) = &command
        && !is_for_all(command)
        && let Some(options) = options(command, rest)
    {
        return Some(Filled { command: command.clone(), options });
    }
    let all = registered.iter().find(|command| is_for_all(command))?;
    let option = all.pointer("/options/0")?;
    let words = match &command {
        Some(command) if is_for_all(command) => rest.trim(),
        Some(_) => text.trim(),
        None => return None,
    };
    let value = json!({"type": 3, "name": option["name"], "value": words});
    let options = if words.is_empty() { Vec::new() } else { vec![value] };
    Some(Filled { command: all.clone(), options })
}

/// Whether a command takes one text that is offered as it is typed, which may hold any other command. `/help` looks the
/// same where there are more commands than Discord takes as choices.
fn is_for_all(command: &Value) -> bool {
    let options = command["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let takes_words = matches!(options, [one] if one["type"] == 3 && one["autocomplete"] == true
        && one["required"] != true && one["name"] == "command");
    takes_words && command["name"] != "help"
}

/// The words as options: by name where they have one (`from=8h`, `from:8h`, `from 8h`), the others in the order of the
/// command.
fn options(command: &Value, rest: &str) -> Option<Vec<Value>> {
    let known = command["options"].as_array().cloned().unwrap_or_default();
    let mut values: Vec<Option<Value>> = vec![None; known.len()];
    // An arrow is what people write between two options, and none of them.
    let mut words = words(rest)?.into_iter().filter(|word| !matches!(word.as_str(), "->" | "=>" | "→"));
    while let Some(word) = words.next() {
        // A sentence is no list of options: whoever writes one writes it to the one command for all.
        if word == "because" {
            return None;
        }
        let is_called = |option: &Value, name: &str| option["name"] == name;
        let apart = word.split_once(['=', ':']).and_then(|(name, text)| {
            known.iter().position(|option| is_called(option, name)).map(|place| (place, text.to_owned()))
        });
        // An option that nothing requires is chosen by its name first, and then has its value typed.
        let chosen = known.iter().position(|option| is_called(option, &word) && option["required"] != true);
        let chosen = chosen.filter(|_| apart.is_none()).and_then(|place| Some((place, words.next()?)));
        let (place, text) = match apart.or(chosen) {
            Some(named) => named,
            None => (values.iter().position(Option::is_none)?, word),
        };
        let (option, slot) = (known.get(place)?, values.get_mut(place)?);
        if slot.is_some() {
            return None;
        }
        *slot = Some(value(option, &text)?);
    }
    let complete = known.iter().zip(&values).all(|(option, value)| value.is_some() || option["required"] != true);
    let told = known.iter().zip(values);
    let told = told
        .filter_map(|(option, value)| Some(json!({"type": option["type"], "name": option["name"], "value": value?})));
    complete.then(|| told.collect())
}

/// A value as its type wants it; `None` where the client would not let it be sent.
fn value(option: &Value, text: &str) -> Option<Value> {
    match option["type"].as_u64()? {
        4 => {
            let number: i64 = text.parse().ok()?;
            let least = option["min_value"].as_i64().is_none_or(|min| number >= min);
            let most = option["max_value"].as_i64().is_none_or(|max| number <= max);
            (least && most).then(|| json!(number))
        }
        5 => match text {
            "true" | "yes" => Some(json!(true)),
            "false" | "no" => Some(json!(false)),
            _ => None,
        },
        _ => {
            let choices = option["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
            let fits = choices.is_empty() || choices.iter().any(|choice| choice["value"] == text);
            (fits && !text.is_empty()).then(|| json!(text))
        }
    }
}

/// Words, of which what stands in double quotes is one.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    (!quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered() -> Vec<Value> {
        let option = |name: &str, kind: u64, required: bool| json!({"name": name, "type": kind, "required": required});
        vec![
            json!({"name": "lf", "options": [{"name": "command", "type": 3, "autocomplete": true}]}),
            json!({"name": "scale", "options": [option("service", 3, true), option("replicas", 4, true), option("reason", 3, false)]}),
        ]
    }

    fn check(typed: &str, expected: Option<(&str, &str)>) {
        let filled = fill(&registered(), typed);
        let told = filled.as_ref().map(|filled| {
            let values: Vec<String> =
                filled.options.iter().map(|option| format!("{}={}", option["name"], option["value"])).collect();
            (filled.command["name"].as_str().unwrap(), values.join(" ").replace('"', ""))
        });
        assert_eq!(told.as_ref().map(|(name, values)| (*name, values.as_str())), expected, "{typed}");
    }

    #[test]
    fn options_are_filled_in_or_the_words_go_as_they_are() {
        check("/scale a 3", Some(("scale", "service=a replicas=3")));
        check("/scale a 3 reason=\"b c\"", Some(("scale", "service=a replicas=3 reason=b c")));
        check("/scale a", Some(("lf", "command=scale a")));
        check("/scale a 3 reason \"b c\"", Some(("scale", "service=a replicas=3 reason=b c")));
        check("/scale reason:b a replicas:3", Some(("scale", "service=a replicas=3 reason=b")));
        // A name alone is a value as any other.
        check("/scale a 3 reason", Some(("scale", "service=a replicas=3 reason=reason")));
        check("/scale a 3 because of it", Some(("lf", "command=scale a 3 because of it")));
        check("/scale a many", Some(("lf", "command=scale a many")));
        check("/lf scale a 3", Some(("lf", "command=scale a 3")));
        check("/lf", Some(("lf", "")));
        check("/other", None);
    }
}
