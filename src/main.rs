//! The `leverframe` binary: arguments in, one subcommand run, exit code out.

use std::process::ExitCode;

use clap::Parser;
use leverframe::cli::{Arguments, run};

fn main() -> ExitCode {
    run(Arguments::parse())
}
