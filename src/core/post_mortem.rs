//! A post-mortem as Markdown, from the ledger's entries: what happened when and by whom, every lever that was pulled, what
//! was owed and how it was paid. What people must write themselves has a heading and nothing below it.

use std::fmt::Write as _;

use crate::core::{
    entry::{Actor, Recorded},
    incident::{self, Incident, State},
    matters::{self, Matters},
    names::RequestId,
};

/// The post-mortem of an incident; `None` where the entries know none of that id.
pub fn markdown(id: &RequestId, entries: &[Recorded]) -> Option<String> {
    let mut matters = Matters::default();
    // What does not fit was said when the ledger was read; here it only lacks.
    let fold = |one: &&Recorded| matters::concerns(one) && matters.fold(one).is_err();
    let unread = entries.iter().filter(fold).count();
    let incident = matters.incidents.get(id)?;
    let mut page = head(incident);
    levers(&mut page, id, &matters);
    timeline(&mut page, id, entries);
    if unread > 0 {
        let _ = writeln!(page, "{unread} entries could not be read and are missing here.\n");
    }
    page.push_str("## What went well\n\n## What went badly\n\n## What we will change\n");
    Some(page)
}

fn head(incident: &Incident) -> String {
    let mut page = format!("# {}\n\n", plain(&incident.title()));
    let _ = writeln!(page, "- Severity: {}", incident.opened.severity);
    if let Some(service) = &incident.opened.service {
        let _ = writeln!(page, "- Service: {service}");
    }
    let _ = writeln!(page, "- Declared: {} by {}", at(incident.at), who(&incident.declared_by));
    let _ = writeln!(page, "- Commander: {}", who(&incident.commander));
    let ended = match &incident.state {
        State::Active => "still active".to_owned(),
        State::Stable { at: since } => format!("stable since {}, not closed", at(*since)),
        State::Closed { at: since, by } => {
            let minutes = since.duration_since(incident.at).as_mins();
            format!("closed {} by {}, after {minutes} min", at(*since), who(by))
        }
    };
    let _ = writeln!(page, "- Now: {ended}\n- Incident: {}\n\n## What it did to users\n", incident.id);
    page
}

fn at(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The catalog's key of a person, which stays when a name is erased.
fn who(actor: &Actor) -> String {
    actor.person.as_ref().map_or_else(|| actor.via.clone(), ToString::to_string)
}

/// Free text within Markdown: nothing of it is markup.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().fold(String::new(), |mut out, letter| {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!') {
            out.push('\\');
        }
        out.push(letter);
        out
    })
}

fn levers(page: &mut String, id: &RequestId, matters: &Matters) {
    page.push_str("## Past git\n\n");
    let mut any = false;
    for glass in matters.overrides.values().filter(|glass| glass.opened.incident == *id) {
        any = true;
        let _ =
            writeln!(page, "- {}, asked by {}: {}", glass.opened.title(), who(&glass.requester), glass.state.word());
    }
    for debt in matters.debts.values().filter(|debt| debt.opened.incident == *id) {
        any = true;
        let (words, owner) = (debt.words(), who(&debt.opened.owner));
        let _ = writeln!(page, "- {} ({words}), owed by {owner}: {}", debt.title(), debt.state.word());
    }
    page.push_str(if any { "\n" } else { "Nothing was changed past git.\n\n" });
}

fn timeline(page: &mut String, id: &RequestId, entries: &[Recorded]) {
    page.push_str("## Timeline\n\n");
    let own = incident::subject(id);
    let is_its = |one: &&Recorded| one.entry.incident.as_deref() == Some(id.as_str()) || one.entry.subject == own;
    for moment in entries.iter().filter(is_its).filter_map(matters::moment) {
        let words = if moment.words.is_empty() { String::new() } else { format!(": {}", plain(&moment.words)) };
        let _ =
            writeln!(page, "- {} {} `{}` `{}`{words}", at(moment.at), who(&moment.actor), moment.kind, moment.subject);
    }
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::{
        entry::{Entry, NO_PREVIOUS},
        names::PersonId,
    };

    fn recorded(seq: u64, kind: &str, subject: &str, texts: &[(&str, &str)]) -> Recorded {
        let body = match kind {
            "incident.opened" => json!({"severity": "sev2", "service": "checkout", "channel": "slack:C1"}),
            _ => json!({}),
        };
        let entry = Entry {
            seq,
            time: format!("2026-11-21T03:0{seq}:00.000Z"),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            actor: Actor {
                person: PersonId::parse("ana").ok(),
                account: Some("slack:U1".to_owned()),
                via: "slack".to_owned(),
            },
            incident: Some("01JD2Z6V8Q3K5N7P9R1T3W5Y7N".to_owned()),
            body: body.as_object().cloned().unwrap_or_default(),
            prev: NO_PREVIOUS.into(),
        };
        let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Recorded { entry, texts }
    }

    #[test]
    fn what_happened_is_told_in_order_and_what_people_wrote_is_no_markup() {
        let id = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7N").unwrap();
        let subject = incident::subject(&id);
        let entries = [
            recorded(0, "incident.opened", &subject, &[("title", "memory *leak*")]),
            recorded(1, "incident.noted", &subject, &[("note", "# not a\nheading")]),
            recorded(2, "request.opened", "request/01JD2Z6V8Q3K5N7P9R1T3W5Y7R", &[]),
            recorded(3, "incident.closed", &subject, &[]),
        ];
        let page = markdown(&id, &entries).unwrap();
        for expected in [
            "# sev2 checkout: memory \\*leak\\*\n",
            "- Now: closed 2026-11-21 03:03:00 UTC by ana, after 3 min",
            "Nothing was changed past git.",
            "- 2026-11-21 03:01:00 UTC ana `incident.noted` `incident/01JD2Z6V8Q3K5N7P9R1T3W5Y7N`: \\# not a heading\n- 2026-11-21 03:02:00 UTC ana `request.opened`",
        ] {
            assert!(page.contains(expected), "{expected}\n---\n{page}");
        }
        assert_eq!(markdown(&RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7X").unwrap(), &entries), None);
    }
}
