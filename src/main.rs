//! The `leverframe` binary: arguments in, one subcommand run, exit code out.

fn main() {}
