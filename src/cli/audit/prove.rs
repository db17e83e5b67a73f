//! `audit prove` and `audit check-proof`: that an entry is in the ledger, for people who have nothing of it but the
//! public key.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Ended, Failure, For, directory, parse_key, public_key, say, unreadable};
use crate::{
    config::LedgerSettings,
    ledger::{
        self,
        journal::Reader,
        note::Checkpoint,
        tree::{self, Gathering, Hash},
    },
};

/// What a proof holds: the entry's exact bytes, the way up from its leaf to the root, and that root, signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    v: u32,
    seq: u64,
    entry: String,
    /// Hexadecimal hashes, the lowest first (RFC 6962, 2.1.1).
    proof: Vec<String>,
    checkpoint: String,
    key: String,
}

pub(super) fn prove(settings: &LedgerSettings, seq: u64) -> Result<Ended, Failure> {
    let directory = directory(settings)?;
    let checkpoints = ledger::checkpoints(&directory).map_err(|error| unreadable(&error))?;
    let Some(checkpoint) = checkpoints.into_iter().find(|checkpoint| checkpoint.head.size > seq) else {
        return Err(Failure::new(
            format!("No checkpoint holds entry {seq} yet."),
            "Ask again in a minute: checkpoints are signed every minute in which there are entries, and when the server stops.",
        ));
    };
    let bundle = bundle(&directory, seq, checkpoint, public_key(settings)?.to_string())?;
    say(serde_json::to_string_pretty(&bundle).unwrap_or_default())?;
    Ok(Ended::Well)
}

fn bundle(directory: &Path, seq: u64, checkpoint: Checkpoint, key: String) -> Result<Bundle, Failure> {
    let size = checkpoint.head.size;
    let (mut gathering, mut entry) = (Gathering::inclusion(seq, size), None);
    for record in Reader::open(directory).map_err(|error| unreadable(&error))? {
        let record = record.map_err(|error| unreadable(&error))?;
        if record.entry.seq >= size {
            break;
        }
        gathering.take(record.entry.seq, tree::leaf(&record.bytes));
        if record.entry.seq == seq {
            entry = String::from_utf8(record.bytes).ok();
        }
    }
    let proved = entry.zip(gathering.proof()).filter(|(entry, proof)| {
        tree::root_of_inclusion(seq, size, tree::leaf(entry.as_bytes()), proof) == Some(checkpoint.head.root)
    });
    let Some((entry, proof)) = proved else {
        return Err(Failure::new(
            format!("The ledger does not lead to its checkpoint of {size} entries."),
            "Run `leverframe audit verify` to see what is wrong.",
        ));
    };
    let proof = proof.iter().map(ToString::to_string).collect();
    Ok(Bundle { v: 1, seq, entry, proof, checkpoint: checkpoint.note, key })
}

pub(super) fn check(file: &Path, key: &str, whom: For) -> Result<Ended, Failure> {
    let name = file.display();
    let unfit = |why: String| {
        Failure::new(format!("`{name}` is no proof: {why}."), "Name the file that `audit prove` printed.")
    };
    let text = std::fs::read_to_string(file).map_err(|error| unfit(error.to_string()))?;
    let bundle: Bundle = serde_json::from_str(&text).map_err(|error| unfit(error.to_string()))?;
    let key = parse_key(key)?;
    let checked = checked(&bundle, &key);
    let line = match (&checked, whom) {
        (Ok(size), For::Machines) => json!({ "ok": true, "seq": bundle.seq, "size": size }).to_string(),
        (Err(why), For::Machines) => json!({ "ok": false, "seq": bundle.seq, "why": why }).to_string(),
        (Ok(size), For::People) => {
            format!("Entry {} is in the ledger of {size} entries that this key signed:\n{}", bundle.seq, bundle.entry)
        }
        (Err(why), For::People) => {
            format!("Not proven: {why}.\nAsk for the proof again, from whoever holds the ledger.")
        }
    };
    say(line)?;
    Ok(if checked.is_ok() { Ended::Well } else { Ended::Red })
}

/// The size of the tree that the proof leads to, or why it proves nothing.
fn checked(bundle: &Bundle, key: &ledger::note::PublicKey) -> Result<u64, String> {
    if bundle.v != 1 {
        return Err("it is of a form that this version does not know".into());
    }
    let checkpoint = Checkpoint::parse(&bundle.checkpoint).ok_or("its checkpoint cannot be read")?;
    if !checkpoint.is_signed_by(std::slice::from_ref(key)) {
        return Err("its checkpoint is not signed by this key".into());
    }
    let proof: Option<Vec<Hash>> = bundle.proof.iter().map(|text| Hash::parse(text)).collect();
    let proof = proof.ok_or("a hash of it cannot be read")?;
    let leaf = tree::leaf(bundle.entry.as_bytes());
    if tree::root_of_inclusion(bundle.seq, checkpoint.head.size, leaf, &proof) != Some(checkpoint.head.root) {
        return Err("the entry does not lead to the checkpoint's root".into());
    }
    let entry: Value = serde_json::from_str(&bundle.entry).map_err(|error| error.to_string())?;
    match entry.get("seq").and_then(Value::as_u64) == Some(bundle.seq) {
        true => Ok(checkpoint.head.size),
        false => Err("the entry is another one".into()),
    }
}
