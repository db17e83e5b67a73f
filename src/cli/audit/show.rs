//! `audit show`: entries for people, by what they are about.

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Ended, Failure, For, say, unreadable};
use crate::{core::entry::Recorded, ledger::journal::Reader};

/// Which entries; all that are given must fit.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// Only what is about this: `request/01J...`, or the request's id alone
    #[arg(long, alias = "request", value_name = "SUBJECT")]
    subject: Option<String>,
    /// Only what this person did: the key in the catalog, or an account like `slack:U111`
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// Only what is about this service in this environment, as `checkout/prod`
    #[arg(long, value_name = "SERVICE/ENVIRONMENT")]
    target: Option<String>,
    /// Only from this time on: `2026-11-20T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only of this kind, `request.opened`, or of these kinds, `approval.`
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only with these words in it, in whatever case
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// Only the last so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    last: usize,
}

pub(super) fn show(directory: &Path, wanted: Wanted, whom: For) -> Result<Ended, Failure> {
    let (mut kept, mut damage, mut subjects) = (VecDeque::new(), None, BTreeSet::new());
    for record in Reader::open(directory).map_err(|error| unreadable(&error))? {
        let recorded = match record {
            Ok(record) => record.recorded(),
            Err(error) => {
                damage = Some(unreadable(&error));
                break;
            }
        };
        if wanted.is_about_target(&recorded) {
            subjects.insert(recorded.entry.subject.clone());
        }
        if wanted.fits(&recorded, &subjects) {
            kept.push_back(line(&recorded, whom));
        }
        if kept.len() > wanted.last {
            kept.pop_front();
        }
    }
    kept.iter().try_for_each(say)?;
    // What stands before the damage is shown all the same.
    damage.map_or(Ok(Ended::Well), Err)
}

impl Wanted {
    /// Whether an entry names the target; the later ones of its subject need not.
    fn is_about_target(&self, recorded: &Recorded) -> bool {
        let member = |name: &str| recorded.entry.body.get(name).and_then(Value::as_str).unwrap_or_default();
        let named = format!("{}/{}", member("service"), member("environment"));
        self.target.as_ref().is_some_and(|target| *target == named)
    }

    fn fits(&self, recorded: &Recorded, of_target: &BTreeSet<String>) -> bool {
        let entry = &recorded.entry;
        let about = |wanted: &String| entry.subject == *wanted || entry.subject == format!("request/{wanted}");
        let by = |wanted: &String| {
            let person = entry.actor.person.as_ref().map(|person| person.as_str());
            person == Some(wanted) || entry.actor.account.as_ref() == Some(wanted)
        };
        let kind = |wanted: &String| entry.kind == *wanted || (wanted.ends_with('.') && entry.kind.starts_with(wanted));
        let at = entry.at().unwrap_or(Timestamp::MIN);
        self.subject.as_ref().is_none_or(about)
            && self.person.as_ref().is_none_or(by)
            && (self.target.is_none() || of_target.contains(&entry.subject))
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.kind.as_ref().is_none_or(kind)
            && self.text.as_ref().is_none_or(|words| says(recorded, words))
    }
}

fn says(recorded: &Recorded, words: &str) -> bool {
    let words = words.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&words);
    has(&recorded.entry.subject)
        || recorded.texts.values().any(|text| has(text))
        || has(&serde_json::to_string(&recorded.entry.body).unwrap_or_default())
}

/// `12 2026-11-21T08:00:00.000Z request.opened request/01J... ana (slack:U1) {...}`
fn line(recorded: &Recorded, whom: For) -> String {
    let entry = &recorded.entry;
    if whom == For::Machines {
        return json!({ "entry": entry, "texts": recorded.texts }).to_string();
    }
    let person = entry.actor.person.as_ref().map(ToString::to_string);
    let account = entry.actor.account.clone().unwrap_or_else(|| entry.actor.via.clone());
    let who = person.map_or_else(|| account.clone(), |person| format!("{person} ({account})"));
    let body = serde_json::to_string(&entry.body).unwrap_or_default();
    let texts: String =
        recorded.texts.iter().map(|(name, text)| format!("\n    {name}: {}", text.replace('\n', "\n    "))).collect();
    format!("{} {} {} {} {who} {body}{texts}", entry.seq, entry.time, entry.kind, entry.subject)
}
