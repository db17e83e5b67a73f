//! Answers what the ledger says, a page at a time. The reading itself is recorded before anything is shown.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Inner, shelf};
use crate::{
    core::{
        decide::Words,
        entry::Recorded,
        request::{self, Request},
        trail::{PAGE, Wanted, line},
    },
    ledger::{Ledger, LedgerError},
};

/// So many entries are read at a time.
const AT_ONCE: usize = 500;
/// How long the looking may take, so that the answer comes in time.
const IN_TIME: Duration = Duration::from_millis(700);

/// What was found of what somebody wanted.
#[derive(Default)]
struct Found {
    lines: Vec<String>,
    /// Whether there is more behind this page.
    more: bool,
    /// The entry before which nothing was looked at, where time ran out.
    looked_to: Option<u64>,
}

pub(super) async fn answer(inner: &Arc<Inner>, wanted: &Wanted) -> Words {
    let mut subjects = subjects(inner, wanted).await;
    let (ledger, asked) = (inner.ledger.clone(), wanted.clone());
    let deadline = tokio::time::Instant::now() + IN_TIME;
    let looked = tokio::task::spawn_blocking(move || look(&ledger, &asked, &mut subjects, deadline)).await;
    match looked {
        Ok(Ok(found)) => told(&found, wanted),
        Ok(Err(error)) => Words::new(format!("The ledger cannot be read: {error}."), error.remedy()),
        Err(_) => Words::new("The ledger cannot be read now.", "Ask again in a moment."),
    }
}

/// The subjects of requests, those about the wanted targets and others.
#[derive(Default)]
struct Subjects {
    theirs: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Subjects {
    fn sort(&mut self, wanted: &Wanted, request: &Request) {
        let target = &request.opened.target;
        let mut services = request.opened.services();
        let fits = wanted.service.as_ref().is_none_or(|wanted| services.any(|service| service == wanted))
            && wanted.environment.as_ref().is_none_or(|environment| *environment == target.environment);
        let subject = request::subject(&request.id);
        if fits {
            self.theirs.insert(subject)
        } else {
            self.others.insert(subject)
        };
    }

    /// Finds out where a subject belongs that is not in memory.
    fn meet(&mut self, ledger: &Ledger, wanted: &Wanted, subject: &str) {
        if self.theirs.contains(subject) || self.others.contains(subject) {
            return;
        }
        let id = request::of_subject(subject);
        match id.and_then(|id| shelf::recall(ledger, &id).ok().flatten()) {
            Some(request) => self.sort(wanted, &request),
            None => drop(self.others.insert(subject.to_owned())),
        }
    }
}

async fn subjects(inner: &Inner, wanted: &Wanted) -> Subjects {
    let (mut subjects, book) = (Subjects::default(), inner.book.lock().await);
    if wanted.is_about_targets() {
        book.iter().for_each(|request| subjects.sort(wanted, request));
    }
    subjects
}

/// Looks from the newest entry back.
fn look(
    ledger: &Ledger,
    wanted: &Wanted,
    subjects: &mut Subjects,
    deadline: tokio::time::Instant,
) -> Result<Found, LedgerError> {
    let (mut found, mut skip, mut end) = (Found::default(), wanted.page * PAGE, ledger.len());
    while end > 0 {
        let from = end.saturating_sub(AT_ONCE as u64);
        let limit = usize::try_from(end - from).unwrap_or(AT_ONCE);
        for recorded in ledger.read(from, limit)?.iter().rev() {
            if is_before(recorded, wanted) {
                return Ok(found);
            }
            if wanted.is_about_targets() {
                subjects.meet(ledger, wanted, &recorded.entry.subject);
            }
            if !wanted.fits(recorded, &subjects.theirs) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
            } else if found.lines.len() < PAGE {
                found.lines.push(line(recorded));
            } else {
                found.more = true;
                return Ok(found);
            }
        }
        end = from;
        if tokio::time::Instant::now() >= deadline && end > 0 {
            found.looked_to = Some(end);
            return Ok(found);
        }
    }
    Ok(found)
}

fn is_before(recorded: &Recorded, wanted: &Wanted) -> bool {
    wanted.since.is_some_and(|since| recorded.entry.at().is_ok_and(|at| at < since))
}

fn told(found: &Found, wanted: &Wanted) -> Words {
    let lines = match found.lines.is_empty() {
        true => "Nothing in the ledger fits.".to_owned(),
        false => found.lines.iter().map(|line| format!("• {line}")).collect::<Vec<_>>().join("\n"),
    };
    if let Some(entry) = found.looked_to {
        let remedy = "Give `within=2h`, a person or a service, or ask `leverframe audit show` on the server.";
        return Words::new(format!("{lines}\nEntries before {entry} were not looked at."), remedy);
    }
    if !found.more {
        return Words::plain(lines);
    }
    let asked = format!("audit {} page={}", wanted.words, wanted.page + 2);
    Words::new(lines, format!("More: type `/{}`.", asked.split_whitespace().collect::<Vec<_>>().join(" ")))
}
