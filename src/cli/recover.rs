//! `leverframe backup` and `leverframe recover`: the ledger into a folder while the server runs, and a working bot on a
//! machine that has nothing yet, from such a folder or from where the ledger was shipped to.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigFile, Ended, Failure, runtime, say, serve, shipping};
use crate::{
    clock,
    config::{Config, LedgerSettings, ShipTo},
    core::{
        entry::{Actor, Draft},
        request::Request,
    },
    engine,
    ledger::{
        self, Append, Ledger, LedgerError, Sizes,
        ship::{self, Place, ShipError, Shipper},
    },
    net::{Outgoing, Tls},
};

/// The ledger into a folder, also while the server runs.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The folder; made where it is not there. A later backup into it adds what is new
    folder: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
}

/// The ledger back, on a machine without one.
#[derive(Debug, Args)]
pub(super) struct Recover {
    /// A folder that `backup` or `ledger.ship_to` filled. Default: `ledger.ship_to` of the configuration
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

fn failed(error: ShipError) -> Failure {
    Failure::new(format!("{error}."), error.remedy())
}

fn broken(error: LedgerError) -> Failure {
    Failure::new(format!("{error}."), error.remedy())
}

fn settings(config: &ConfigFile) -> Result<LedgerSettings, Failure> {
    Config::ledger_of(&config.config).map_err(|error| Failure::new(&error, error.remedy()))
}

impl Backup {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        let settings = settings(&self.config)?;
        let directory = settings.data.join("ledger");
        if !ledger::is_there(&directory).map_err(|error| failed(error.into()))? {
            return Err(Failure::new(
                format!("There is no ledger in `{}`.", directory.display()),
                "Check `data` in the configuration.",
            ));
        }
        let mut shipper = Shipper::new(directory, Place::Folder(self.folder.clone()));
        let entries = runtime()?.block_on(shipper.ship()).map_err(failed)?;
        let key = match settings.signing_key {
            Some(_) => "`ledger.signing_key`".to_owned(),
            None => format!("`{}`", ledger::key::file(&settings.data).display()),
        };
        say(format!(
            "{entries} entries in `{}`. The key that signs them is not: keep {key} in a safe place of its own.",
            self.folder.display()
        ))?;
        Ok(Ended::Well)
    }
}

impl Recover {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        let settings = settings(&self.config)?;
        runtime()?.block_on(async {
            let place = match &self.from {
                Some(folder) => Place::Folder(folder.clone()),
                None => shipped_to(&settings, &self.config)?,
            };
            recover(&settings, &place).await
        })
    }
}

/// The first place of the configuration that gives back what it got. Only a folder needs nothing else of it.
fn shipped_to(settings: &LedgerSettings, config: &ConfigFile) -> Result<Place, Failure> {
    if let Some(ShipTo::Directory(path)) = settings.ship_to.first() {
        return Ok(Place::Folder(path.clone()));
    }
    let nowhere = || {
        Failure::new(
            "The configuration names no place from which the ledger can be brought back.",
            "Name one with `--from FOLDER`, or set `ledger.ship_to`.",
        )
    };
    if settings.ship_to.is_empty() {
        return Err(nowhere());
    }
    let config = Config::load(&config.config).map_err(|error| Failure::new(&error, error.remedy()))?;
    let pem = config.authorities.as_ref().map(|authorities| authorities.pem.clone().into_bytes());
    let net = Outgoing::new(&Tls { ca_file: pem }).map_err(|error| Failure::new(&error, error.remedy()))?;
    let repository = || serve::repository(&config, &net).map(|repository| repository.mirror);
    for ship_to in &config.ship_to {
        if let Some(place) = shipping::place(ship_to, &net, repository).map_err(Failure)? {
            return Ok(place);
        }
    }
    Err(nowhere())
}

async fn recover(settings: &LedgerSettings, place: &Place) -> Result<Ended, Failure> {
    let LedgerSettings { data, origin, signing_key, .. } = settings;
    let directory = data.join("ledger");
    // Before there are checkpoints: where the old key is gone a new one is made.
    let key = ledger::key::load_or_make(data, signing_key.as_ref(), origin);
    let key = key.map_err(|error| Failure::new(format!("{error}."), error.remedy()))?;
    let kept = ship::recover(place, &directory).await.map_err(failed)?;
    let opened = Ledger::open_signed(&directory, clock::now(), &Sizes::default(), Some(key)).map_err(broken)?;
    let actor = Actor { person: None, account: None, via: "terminal".to_owned() };
    let entry = Draft::new("ledger.recovered", "ledger", actor).with("entries", kept.entries);
    let append = Append { at: clock::now(), drafts: vec![entry.with_text("from", place.to_string())], seen: None };
    let recorded = opened.ledger.append(append).await;
    let requests = engine::open_requests_of(&opened.ledger);
    opened.ledger.close().await;
    recorded.map_err(broken)?;
    let open: Vec<Request> = requests.map_err(broken)?;
    say(format!("{} entries are back from {place}, each verified. Open requests: {}.", kept.entries, open.len()))?;
    for request in &open {
        say(format!("  {} {} ({})", request.id, request.opened.title, request.state.word()))?;
    }
    say(
        "Start `leverframe serve`: it goes on with them. Where git remembers more than came back, it stays read-only until you run `leverframe audit accept-gap`.",
    )?;
    Ok(Ended::Well)
}
