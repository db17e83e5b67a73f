//! `leverframe audit`: the ledger, read from its journal, which it never writes, so that it works beside a running
//! server. `erase` alone changes something, through that server where there is one.

mod access;
mod erase;
mod export;
mod gap;
mod prove;
mod reconcile;
mod show;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigFile, Ended, Failure, runtime, say};
use crate::{
    config::{Config, LedgerSettings},
    core::names::PersonId,
    ledger::{self, note::PublicKey},
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
        #[command(flatten)]
        wanted: show::Wanted,
        /// One JSON object a line: the entry and its texts
        #[arg(long)]
        json: bool,
    },
    /// Re-hashes every entry and checks order, links, checkpoints, signatures and anchors; exit 1 names the first bad
    /// entry
    Verify {
        #[command(flatten)]
        config: ConfigFile,
        /// Hold the ledger against the checkpoints in the commits of this repository; may be given again for others
        #[arg(long, value_name = "PATH")]
        repo: Vec<PathBuf>,
        /// Hold it against checkpoints that were kept elsewhere: signed notes with an empty line after each
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
        /// The public key, as `audit key` prints it; may be given again for earlier keys. Default: that of the
        /// configuration
        #[arg(long, value_name = "KEY")]
        key: Vec<String>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints a proof that an entry is in the ledger, which `check-proof` checks anywhere
    Prove {
        /// The entry
        seq: u64,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Checks a proof with nothing but the public key
    CheckProof {
        /// What `prove` printed
        file: PathBuf,
        /// The public key, as `audit key` prints it
        #[arg(long, value_name = "KEY")]
        key: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints the public key that verifies checkpoints and proofs
    Key {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Prints entries for machines
    Export {
        #[command(flatten)]
        config: ConfigFile,
        /// The form
        #[arg(long, value_enum, default_value_t = export::Format::Jsonl)]
        format: export::Format,
        /// From this entry on
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        from: u64,
        /// Go on with each new entry until interrupted
        #[arg(long)]
        follow: bool,
        /// The incident of a post-mortem (`--format markdown`)
        #[arg(long, value_name = "ID", conflicts_with_all = ["from", "follow"])]
        incident: Option<String>,
    },
    /// Removes a person's names, reasons and typed words from the ledger, which verifies as before
    Erase {
        /// The person's key in the catalog
        person: PersonId,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Gives up what the ledger lost and git remembers, so that a server that is read-only for it goes on
    AcceptGap {
        /// Why, for whoever reads the ledger later
        #[arg(long, value_name = "WORDS")]
        reason: String,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Prints who may do what where, from the policy and the people of a checkout
    Access(access::Access),
    /// Compares with the git repositories: our commits without an entry, entries without their commit
    Reconcile {
        #[command(flatten)]
        config: ConfigFile,
        /// A repository; given again for each other that the bot changes
        #[arg(long, value_name = "PATH", required = true)]
        repo: Vec<PathBuf>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Audit {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        match self.action {
            Action::Show { config, wanted, json } => show::show(&directory(&settings(&config)?)?, wanted, json.into()),
            Action::Verify { config, repo, anchors, key, json } => {
                let outside = verify::Outside { repo, anchors, keys: key };
                verify::verify(&settings(&config)?, outside, json.into())
            }
            Action::Prove { seq, config } => prove::prove(&settings(&config)?, seq),
            Action::CheckProof { file, key, json } => prove::check(&file, &key, json.into()),
            Action::Key { config } => say(public_key(&settings(&config)?)?).map(|()| Ended::Well),
            Action::Export { config, format, from, follow, incident } => {
                let directory = directory(&settings(&config)?)?;
                if let (export::Format::Markdown, Some(incident)) = (format, incident) {
                    return export::post_mortem(&directory, &incident);
                }
                match follow {
                    true => runtime()?.block_on(export::follow(&directory, format, from)),
                    false => export::export(&directory, format, from),
                }
            }
            Action::Erase { person, config } => runtime()?.block_on(erase::erase(&settings(&config)?, &person)),
            Action::AcceptGap { reason, config } => runtime()?.block_on(gap::accept(&settings(&config)?, &reason)),
            Action::Access(access) => access.run(),
            Action::Reconcile { config, repo, json } => {
                reconcile::reconcile(&directory(&settings(&config)?)?, &repo, json.into())
            }
        }
    }
}

/// For whom something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    People,
    Machines,
}

impl From<bool> for For {
    fn from(json: bool) -> Self {
        if json { Self::Machines } else { Self::People }
    }
}

/// What the configuration says of the ledger. Nothing else of it is needed.
fn settings(config: &ConfigFile) -> Result<LedgerSettings, Failure> {
    Config::ledger_of(&config.config).map_err(|error| Failure::new(&error, error.remedy()))
}

/// The ledger's directory, where there is a ledger.
fn directory(settings: &LedgerSettings) -> Result<PathBuf, Failure> {
    let directory = settings.data.join("ledger");
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

fn public_key(settings: &LedgerSettings) -> Result<PublicKey, Failure> {
    let LedgerSettings { data, origin, signing_key, .. } = settings;
    match ledger::key::load(data, signing_key.as_ref(), origin) {
        Ok(Some(key)) => Ok(key.public()),
        Ok(None) => Err(Failure::new(
            format!("There is no key in `{}`.", ledger::key::file(data).display()),
            "Start `leverframe serve`, which makes it, or name one as `ledger.signing_key`.",
        )),
        Err(error) => Err(Failure::new(format!("{error}."), error.remedy())),
    }
}

fn parse_key(text: &str) -> Result<PublicKey, Failure> {
    PublicKey::parse(text).map_err(|error| Failure::new(format!("`{text}`: {error}."), error.remedy()))
}
