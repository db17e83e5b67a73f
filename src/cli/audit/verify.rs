//! `audit verify`: everything the ledger claims, checked again, and held against what was kept outside.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Ended, Failure, For, directory, parse_key, public_key, say, unreadable};
use crate::{
    config::LedgerSettings,
    engine::ADDRESS,
    git,
    ledger::{
        self, Anchor, Broken, Evidence, VerifyReport,
        note::{PublicKey, TreeHead},
    },
};

/// What is brought along.
pub(super) struct Outside {
    pub(super) repo: Vec<PathBuf>,
    pub(super) anchors: Option<PathBuf>,
    pub(super) keys: Vec<String>,
}

pub(super) fn verify(settings: &LedgerSettings, outside: Outside, whom: For) -> Result<Ended, Failure> {
    let directory = directory(settings)?;
    let keys = keys(settings, &directory, &outside)?;
    let mut anchors = Vec::new();
    for repository in &outside.repo {
        anchors.extend(of_commits(repository)?);
        anchors.extend(of_branch(repository, &settings.audit_branch, &keys)?);
    }
    if let Some(file) = &outside.anchors {
        anchors.extend(of_file(file, &keys)?);
    }
    let given_up = match anchors.is_empty() {
        true => Vec::new(),
        // What stands before damage counts; the damage itself is told below.
        false => ledger::accepted_gaps(&directory).unwrap_or_default(),
    };
    let entry_of = |anchor: &Anchor| given_up.iter().find(|(_, head)| *head == anchor.head).map(|(seq, _)| *seq);
    let (gone, anchors): (Vec<Anchor>, Vec<Anchor>) =
        anchors.into_iter().partition(|anchor| entry_of(anchor).is_some());
    match ledger::verify_with(&directory, Evidence { keys, anchors }) {
        Ok(report) => {
            say(in_order(&report, whom))?;
            for anchor in gone.iter().filter(|_| whom == For::People) {
                let seq = entry_of(anchor).unwrap_or_default();
                say(format!("Not met: {}, of {} entries, given up by entry {seq}.", anchor.found, anchor.head.size))?;
            }
            Ok(Ended::Well)
        }
        Err(broken) => say(out_of_order(&broken, whom)).map(|()| Ended::Red),
    }
}

/// The keys that were given; else that of the configuration, which only signatures make necessary.
fn keys(settings: &LedgerSettings, directory: &Path, outside: &Outside) -> Result<Vec<PublicKey>, Failure> {
    if !outside.keys.is_empty() {
        return outside.keys.iter().map(|text| parse_key(text)).collect();
    }
    let has_signatures =
        outside.anchors.is_some() || !ledger::checkpoints(directory).map_err(|error| unreadable(&error))?.is_empty();
    if !has_signatures {
        return Ok(Vec::new());
    }
    public_key(settings)
        .map(|key| vec![key])
        .map_err(|Failure(why)| Failure::new(why, "Or give the public key: `--key KEY`, as `audit key` printed it."))
}

/// The checkpoints in the commits of a repository.
fn of_commits(repository: &Path) -> Result<Vec<Anchor>, Failure> {
    let survey = git::survey(repository, ADDRESS, &[]).map_err(|error| {
        Failure::new(format!("`{}`: {error}.", repository.display()), "Name a git repository on this machine.")
    })?;
    let mut anchors = Vec::new();
    for commit in survey.ours {
        let Some(value) = commit.trailers.get(ledger::TRAILER) else { continue };
        let trailer = ledger::parse_trailer(value).ok_or_else(|| {
            Failure::new(
                format!("Commit {} has a `{}` that is none: `{value}`.", commit.id, ledger::TRAILER),
                "Find out who wrote that commit.",
            )
        })?;
        anchors.push(Anchor { head: trailer.head, found: format!("commit {}", commit.id.short()) });
    }
    Ok(anchors)
}

/// The checkpoints on the audit branch of a repository, each of which must be signed.
fn of_branch(repository: &Path, branch: &str, keys: &[PublicKey]) -> Result<Vec<Anchor>, Failure> {
    let files = git::side_files(repository, branch).map_err(|error| {
        Failure::new(format!("`{}`: {error}.", repository.display()), "Name a git repository on this machine.")
    })?;
    let mut anchors = Vec::new();
    for (name, bytes) in files {
        let name = format!("{name}` on `{branch}");
        anchors.extend(of_text(&name, &String::from_utf8_lossy(&bytes), keys)?);
    }
    Ok(anchors)
}

/// The checkpoints of a file, each of which must be signed: notes, or lines of the audit channel.
fn of_file(file: &Path, keys: &[PublicKey]) -> Result<Vec<Anchor>, Failure> {
    let name = file.display().to_string();
    let read = std::fs::read_to_string(file);
    let text = read.map_err(|error| unfit(&name, &format!("it cannot be read: {error}")))?;
    of_text(&name, &text, keys)
}

fn unfit(name: &str, why: &str) -> Failure {
    Failure::new(
        format!("`{name}`: {why}."),
        "Name a file of signed notes, an empty line after each, or of lines from the audit channel.",
    )
}

fn of_text(name: &str, text: &str, keys: &[PublicKey]) -> Result<Vec<Anchor>, Failure> {
    let anchor = |number: usize, head: TreeHead, is_signed: bool| match is_signed {
        true => Ok(Anchor { head, found: format!("checkpoint {} in `{name}`", number + 1) }),
        false => Err(unfit(name, &format!("its checkpoint {} is not signed by a key that was given", number + 1))),
    };
    let lines = text.lines().filter_map(|line| line.split_once(&format!("{}: ", ledger::TRAILER)));
    let lines: Vec<&str> = lines.map(|(_, said)| said.trim()).collect();
    if !lines.is_empty() {
        let said = lines.into_iter().enumerate().map(|(number, said)| {
            let said = ledger::parse_trailer(said).ok_or_else(|| unfit(name, &format!("`{said}` is no checkpoint")))?;
            anchor(number, said.head, keys.iter().any(|key| key.signed(said.head, &said.signature)))
        });
        return said.collect();
    }
    let notes = ledger::parse_all(&format!("{}\n\n", text.trim_end())).map_err(|why| unfit(name, &why))?;
    notes.iter().enumerate().map(|(number, note)| anchor(number, note.head, note.is_signed_by(keys))).collect()
}

fn in_order(report: &VerifyReport, whom: For) -> String {
    let VerifyReport { entries, head, tree, checkpoints, signatures, anchors, unfinished } = report;
    if whom == For::Machines {
        let root = tree.root.to_string();
        return json!({
            "ok": true, "entries": entries, "head": head, "root": root, "checkpoints": checkpoints,
            "signatures": signatures, "anchors": anchors, "unfinished": unfinished,
        })
        .to_string();
    }
    let counted = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let rest = match unfinished {
        0 => String::new(),
        bytes => format!(
            "\n{bytes} bytes follow that are no entry yet: one is being written, or a crash cut it short before \
             anybody was told."
        ),
    };
    format!(
        "{}, each hash, link and order as it should be. Head {head}.\nTree {}. {} and {} met.{rest}",
        counted(*entries, "entry", "entries"),
        tree.root,
        counted(*checkpoints as u64, "signed checkpoint", "signed checkpoints"),
        counted(*anchors as u64, "anchor from outside", "anchors from outside"),
    )
}

fn out_of_order(broken: &Broken, whom: For) -> String {
    match whom {
        For::Machines => json!({ "ok": false, "seq": broken.seq, "why": broken.why }).to_string(),
        For::People => {
            format!("Entry {} is bad: {}. Everything before it verifies.\n{}", broken.seq, broken.why, broken.remedy())
        }
    }
}
