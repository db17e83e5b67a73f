//! `leverframe audit`: the ledger, read from its journal. Never writes, so it works beside a running server.

use std::{
    io::{self, BufWriter},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{ConfigFile, Ended, Failure, say};
use crate::{
    config::Config,
    core::entry::Recorded,
    ledger::{self, ExportError, VerifyReport, journal::Reader},
};

/// The ledger.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prints entries for people
    Show {
        #[command(flatten)]
        config: ConfigFile,
        /// Only what is about this: `request/01J...`, or the request's id alone
        #[arg(long, value_name = "SUBJECT")]
        subject: Option<String>,
        /// Only the last so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        last: usize,
    },
    /// Re-hashes every entry and checks order and links; exit 1 names the first bad one
    Verify {
        #[command(flatten)]
        config: ConfigFile,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints each entry's exact bytes, one a line
    Export {
        #[command(flatten)]
        config: ConfigFile,
        /// The form
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
        /// From this entry on
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        from: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Newline-delimited JSON
    Jsonl,
}

impl Audit {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        match self.action {
            Action::Show { config, subject, last } => show(&directory(&config)?, subject.as_deref(), last),
            Action::Verify { config, json } => verify(&directory(&config)?, json),
            Action::Export { config, format: Format::Jsonl, from } => export(&directory(&config)?, from),
        }
    }
}

/// The ledger's directory. Nothing else of the configuration is needed, its secrets least of all.
fn directory(config: &ConfigFile) -> Result<PathBuf, Failure> {
    let data = Config::data_of(&config.config).map_err(|error| Failure::new(&error, error.remedy()))?;
    let directory = data.join("ledger");
    match ledger::is_there(&directory) {
        Ok(true) => Ok(directory),
        Ok(false) => Err(Failure::new(
            format!("There is no ledger in `{}`.", directory.display()),
            "Check `data` in the configuration; a ledger that was there and is gone must be restored from a backup.",
        )),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(error: &ledger::JournalError) -> Failure {
    Failure::new(format!("{error}."), error.remedy())
}

fn show(directory: &std::path::Path, subject: Option<&str>, last: usize) -> Result<Ended, Failure> {
    let fits = |about: &str| subject.is_none_or(|wanted| about == wanted || about == format!("request/{wanted}"));
    let (mut kept, mut damage) = (std::collections::VecDeque::new(), None);
    for record in Reader::open(directory).map_err(|error| unreadable(&error))? {
        match record {
            Ok(record) if fits(&record.entry.subject) => kept.push_back(line(&record.recorded())),
            Ok(_) => {}
            Err(error) => {
                damage = Some(unreadable(&error));
                break;
            }
        }
        if kept.len() > last {
            kept.pop_front();
        }
    }
    kept.iter().try_for_each(say)?;
    // What stands before the damage is shown all the same.
    damage.map_or(Ok(Ended::Well), Err)
}

/// `12 2026-11-21T08:00:00.000Z request.opened request/01J... ana (slack:U1) {...}`
fn line(recorded: &Recorded) -> String {
    let entry = &recorded.entry;
    let person = entry.actor.person.as_ref().map(ToString::to_string);
    let account = entry.actor.account.clone().unwrap_or_else(|| entry.actor.via.clone());
    let who = person.map_or_else(|| account.clone(), |person| format!("{person} ({account})"));
    let body = serde_json::to_string(&entry.body).unwrap_or_default();
    let texts: String =
        recorded.texts.iter().map(|(name, text)| format!("\n    {name}: {}", text.replace('\n', "\n    "))).collect();
    format!("{} {} {} {} {who} {body}{texts}", entry.seq, entry.time, entry.kind, entry.subject)
}

fn verify(directory: &std::path::Path, json: bool) -> Result<Ended, Failure> {
    match ledger::verify(directory) {
        Ok(report) => {
            say(if json { report_as_json(&report) } else { report_in_words(&report) })?;
            Ok(Ended::Well)
        }
        Err(broken) => {
            say(if json {
                json!({ "ok": false, "seq": broken.seq, "why": broken.why }).to_string()
            } else {
                format!(
                    "Entry {} is bad: {}. Everything before it verifies.\n{}",
                    broken.seq,
                    broken.why,
                    broken.remedy()
                )
            })?;
            Ok(Ended::Red)
        }
    }
}

fn report_as_json(report: &VerifyReport) -> String {
    json!({ "ok": true, "entries": report.entries, "head": report.head, "unfinished": report.unfinished }).to_string()
}

fn report_in_words(report: &VerifyReport) -> String {
    let VerifyReport { entries, head, unfinished } = report;
    let noun = if *entries == 1 { "entry" } else { "entries" };
    let rest = match unfinished {
        0 => String::new(),
        bytes => format!(
            "\n{bytes} bytes follow that are no entry yet: one is being written, or a crash cut it short before \
             anybody was told."
        ),
    };
    format!("{entries} {noun}, each hash, link and order as it should be. Head {head}.{rest}")
}

fn export(directory: &std::path::Path, from: u64) -> Result<Ended, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match ledger::export_jsonl(directory, from, &mut out) {
        // A reader who has seen enough is no failure.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ended::Well),
        Err(error) => Err(Failure::new(format!("{error}."), error.remedy())),
        Ok(_) => Ok(Ended::Well),
    }
}
