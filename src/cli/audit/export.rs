//! `audit export`: entries for machines, once or as they come.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
    time::Duration,
};

use super::{Ended, Failure, say, unreadable};
use crate::{
    cli::serve,
    core::{
        names::{Digest, RequestId},
        post_mortem,
    },
    ledger::{
        self, ExportError,
        journal::{Reader, Record},
    },
};

/// How often whoever follows looks for more.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Each entry's exact bytes, one a line
    Jsonl,
    /// A table, with each entry's hash
    Csv,
    /// The post-mortem of one incident, for people
    Markdown,
}

/// What was asked for of a machine's form.
fn for_machines(format: Format) -> Result<Lines, Failure> {
    match format {
        Format::Jsonl => Ok(Lines::Jsonl),
        Format::Csv => Ok(Lines::Csv),
        Format::Markdown => {
            Err(Failure::new("A post-mortem is of one incident.", "Name it with `--incident ID`, as its card has it."))
        }
    }
}

/// The forms in which entries follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    Jsonl,
    Csv,
}

/// Prints the post-mortem of an incident.
pub(super) fn post_mortem(directory: &Path, incident: &str) -> Result<Ended, Failure> {
    let unknown = || {
        let what = format!("The ledger knows no incident `{incident}`.");
        Failure::new(what, "Copy the id from the incident's card.")
    };
    let id = RequestId::parse(incident).map_err(|_| unknown())?;
    let reader = Reader::open_from(directory, 0).map_err(|error| unreadable(&error))?;
    let entries: Result<Vec<_>, _> = reader.map(|record| record.map(Record::recorded)).collect();
    let entries = entries.map_err(|error| unreadable(&error))?;
    let page = post_mortem::markdown(&id, &entries).ok_or_else(unknown)?;
    say(page.trim_end()).map(|()| Ended::Well)
}

pub(super) fn export(directory: &Path, format: Format, from: u64) -> Result<Ended, Failure> {
    let format = for_machines(format)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        Lines::Jsonl => ledger::export_jsonl(directory, from, &mut out).map(|_| ()),
        Lines::Csv => Reader::open_from(directory, from).map_err(ExportError::from).and_then(|mut reader| {
            writeln!(out, "{HEAD}\r")?;
            more(&mut reader, format, &mut out)
        }),
    };
    ended(written)
}

/// Writes what is there and then what comes, until interrupted.
pub(super) async fn follow(directory: &Path, format: Format, from: u64) -> Result<Ended, Failure> {
    let format = for_machines(format)?;
    let mut reader = Reader::open_from(directory, from).map_err(|error| unreadable(&error))?;
    let mut out = BufWriter::new(io::stdout());
    if let (Lines::Csv, 0) = (format, from) {
        ended(writeln!(out, "{HEAD}\r").map_err(ExportError::from))?;
    }
    let mut looks = tokio::time::interval(LOOK);
    let mut interrupted = std::pin::pin!(serve::wait_for_a_signal());
    loop {
        let written = more(&mut reader, format, &mut out);
        if written.is_err() {
            return ended(written);
        }
        tokio::select! {
            _ = looks.tick() => {}
            () = &mut interrupted => return Ok(Ended::Well),
        }
    }
}

fn more(reader: &mut Reader, format: Lines, out: &mut impl Write) -> Result<(), ExportError> {
    for record in reader {
        let record = record?;
        match format {
            Lines::Jsonl => {
                out.write_all(&record.bytes)?;
                out.write_all(b"\n")?;
            }
            Lines::Csv => writeln!(out, "{}\r", row(&record))?,
        }
    }
    Ok(out.flush()?)
}

fn ended(written: Result<(), ExportError>) -> Result<Ended, Failure> {
    match written {
        // A reader who has seen enough is no failure.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ended::Well),
        Err(error) => Err(Failure::new(format!("{error}."), error.remedy())),
        Ok(()) => Ok(Ended::Well),
    }
}

const HEAD: &str = "seq,time,kind,subject,person,account,via,incident,body,hash";

/// A row as RFC 4180 has it.
fn row(record: &Record) -> String {
    let entry = &record.entry;
    let person = entry.actor.person.as_ref().map(ToString::to_string).unwrap_or_default();
    let cells = [
        entry.seq.to_string(),
        entry.time.clone(),
        entry.kind.clone(),
        entry.subject.clone(),
        person,
        entry.actor.account.clone().unwrap_or_default(),
        entry.actor.via.clone(),
        entry.incident.clone().unwrap_or_default(),
        serde_json::to_string(&entry.body).unwrap_or_default(),
        Digest::of(&record.bytes).to_string(),
    ];
    cells.map(|cell| quoted(&cell)).join(",")
}

fn quoted(cell: &str) -> String {
    let is_plain = !cell.contains(['"', ',', '\n', '\r']);
    if is_plain { cell.to_owned() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}
