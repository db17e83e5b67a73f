//! `audit export`: entries for machines, once or as they come.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
    time::Duration,
};

use super::{Ended, Failure, unreadable};
use crate::{
    cli::serve,
    core::names::Digest,
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
}

pub(super) fn export(directory: &Path, format: Format, from: u64) -> Result<Ended, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        Format::Jsonl => ledger::export_jsonl(directory, from, &mut out).map(|_| ()),
        Format::Csv => Reader::open_from(directory, from).map_err(ExportError::from).and_then(|mut reader| {
            writeln!(out, "{HEAD}\r")?;
            more(&mut reader, format, &mut out)
        }),
    };
    ended(written)
}

/// Writes what is there and then what comes, until interrupted.
pub(super) async fn follow(directory: &Path, format: Format, from: u64) -> Result<Ended, Failure> {
    let mut reader = Reader::open_from(directory, from).map_err(|error| unreadable(&error))?;
    let mut out = BufWriter::new(io::stdout());
    if let (Format::Csv, 0) = (format, from) {
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

fn more(reader: &mut Reader, format: Format, out: &mut impl Write) -> Result<(), ExportError> {
    for record in reader {
        let record = record?;
        match format {
            Format::Jsonl => {
                out.write_all(&record.bytes)?;
                out.write_all(b"\n")?;
            }
            Format::Csv => writeln!(out, "{}\r", row(&record))?,
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
