//! The command line, one file for each subcommand. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

mod audit;
mod check;
mod checkout;
mod cloned;
mod clusters;
mod doctor;
mod init;
mod levers;
mod manifest;
mod pagers;
mod plan;
mod play;
mod recover;
mod register;
mod runbook;
pub mod serve;
mod shipping;
mod table;

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

/// Chat buttons for production that keep git the source of truth.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole product on this machine, with nothing to configure: a chat page in the browser, a git host, a forge
    /// and clusters, all local
    Play(play::Play),
    /// The bot
    Serve(ConfigFile),
    /// Reads a GitOps repository, finds its environments, services and where what changes lives, and writes the catalog
    Init(init::Init),
    /// What a command would change, as a unified diff, without touching anything
    Plan(plan::Plan),
    /// Validates configuration, catalog, policy and commands, and shows what each lever would move
    Check(check::Check),
    /// Looks at every connection and permission, one line each with what to do
    Doctor(ConfigFile),
    /// The ledger: show, verify, prove, export, reconcile, erase
    Audit(audit::Audit),
    /// Writes the ledger into a folder, also while the server runs
    Backup(recover::Backup),
    /// Brings the ledger back on a machine without one, from a backup or from where it was shipped to
    #[command(alias = "restore")]
    Recover(recover::Recover),
    /// One page to print: how to do by hand what `/breakglass` does
    Runbook(runbook::Runbook),
    /// What Slack and GitHub are told when an app is made there
    #[command(subcommand)]
    Manifest(manifest::Manifest),
    /// What a chat platform must know of the commands
    #[command(subcommand)]
    Register(register::Register),
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "leverframe.yaml")]
    config: PathBuf,
}

/// What went wrong, for whoever typed the command: with the remedy last.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn new(what: impl Display, remedy: impl Display) -> Self {
        Self(format!("{what}\n{remedy}"))
    }
}

/// How a subcommand ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Done.
    Well,
    /// Something is red, and it was said.
    Red,
}

/// Runs one subcommand.
pub fn run(arguments: Arguments) -> ExitCode {
    let ended = match arguments.command {
        Command::Play(play) => play.run(),
        Command::Serve(config) => serve::run(&config.config),
        Command::Init(init) => init.run(),
        Command::Plan(plan) => plan.run(),
        Command::Check(check) => check.run(),
        Command::Doctor(config) => doctor::run(&config),
        Command::Audit(audit) => audit.run(),
        Command::Backup(backup) => backup.run(),
        Command::Recover(recover) => recover.run(),
        Command::Runbook(runbook) => runbook.run(),
        Command::Manifest(manifest) => manifest.run(),
        Command::Register(register) => register.run(),
    };
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Red) => ExitCode::FAILURE,
        Err(Failure(words)) => {
            // Nobody is left to tell when even standard error is gone.
            let _ = writeln!(std::io::stderr(), "{words}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line. A reader who has seen enough is no failure of ours; a full disk is one.
fn say(line: impl Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("The answer cannot be written: {error}."), "Check where it goes, then ask again."))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Logs go to standard error: for people on a terminal, as JSON elsewhere. `RUST_LOG` sets what is shown.
fn log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    // It would tell standard error that standard error cannot be written, and panic: a full disk must not end a task.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let builder = builder.log_internal_errors(false);
    let result = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
    if let Err(error) = result {
        tracing::debug!(%error, "logging was set up already");
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::new(format!("No runtime could be started: {error}."), "Check the limits of this process.")
    })
}
