//! `leverframe manifest slack` and `manifest github`: what the platforms are told when an app is made there.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use url::Url;

use super::{Ended, Failure, log, register, runtime, say};
use crate::{
    chat::slack::manifest::{self, Connection, Install, Reach},
    config::{Config, SlackTransport},
    core::{catalog::CommandNames, command::Commands, names::CommandName},
    forge::manifest as app,
    net::{Outgoing, Tls},
};

/// Where an app is made.
#[derive(Debug, Subcommand)]
pub(super) enum Manifest {
    /// The Slack app, to be pasted at https://api.slack.com/apps
    Slack(Slack),
    /// The GitHub App: a page whose button makes it, or with --code what comes after
    Github(Github),
}

#[derive(Debug, Args)]
pub(super) struct Slack {
    /// The configuration, whose repository says what the commands are; without one those that are built in
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Commands that are registered on their own too, beside those of the catalog's `commands.bare`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    bare: Vec<String>,
    /// Where Slack reaches the bot; without it, and without `transport: http`, the bot opens the connection
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
}

#[derive(Debug, Args)]
pub(super) struct Github {
    /// The organization that the App is for; without it, it is yours
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Where people see GitHub
    #[arg(long, value_name = "URL", default_value = "https://github.com")]
    host: Url,
    /// Where GitHub reaches the bot; without it the bot looks from time to time
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// The code in the address to which GitHub led
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// GitHub's API
    #[arg(long, value_name = "URL", default_value = "https://api.github.com")]
    api: Url,
    /// Where the App's private key is written
    #[arg(long, value_name = "FILE", default_value = "github-app.pem")]
    key: PathBuf,
}

impl Manifest {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        log("warn");
        match self {
            Self::Slack(slack) => slack.run(),
            Self::Github(github) => github.run(),
        }
    }
}

impl Slack {
    fn run(self) -> Result<Ended, Failure> {
        let usual = Path::new("leverframe.yaml");
        let file = self.config.clone().or_else(|| usual.exists().then(|| usual.to_owned()));
        let config = file.map(|file| Config::load(&file)).transpose();
        let config = config.map_err(|error| Failure::new(&error, error.remedy()))?;
        let (commands, mut names) = match &config {
            Some(config) => runtime()?.block_on(of_repository(config))?,
            None => built_in()?,
        };
        for name in &self.bare {
            let name = CommandName::parse(name).map_err(|error| Failure(error.to_string()))?;
            if commands.get(&name).is_none() {
                let known: Vec<String> = commands.iter().map(|one| format!("`{}`", one.name)).collect();
                return Err(Failure::new(
                    format!("There is no command `{name}`."),
                    format!("There are {}.", known.join(", ")),
                ));
            }
            if !names.bare.contains(&name) {
                names.bare.push(name);
            }
        }
        let text = manifest::manifest(&commands, &names, self.install(config.as_ref())?);
        say(text.trim_end())?;
        Ok(Ended::Well)
    }

    fn install<'a>(&'a self, config: Option<&'a Config>) -> Result<Install<'a>, Failure> {
        let slack = config.and_then(|config| config.slack.as_ref());
        let is_wide = slack.is_some_and(|slack| slack.enterprise.is_some());
        let reach = if is_wide { Reach::Organisation } else { Reach::Workspace };
        let public_url = self.public_url.as_ref().or_else(|| config?.public_url.as_ref());
        Ok(Install { connection: self.connection(config)?, public_url, reach })
    }

    fn connection<'a>(&'a self, config: Option<&'a Config>) -> Result<Connection<'a>, Failure> {
        let http = config.is_some_and(|config| {
            config.slack.as_ref().is_some_and(|slack| matches!(slack.transport, SlackTransport::Http { .. }))
        });
        let address = self.public_url.as_ref().or_else(|| config?.public_url.as_ref().filter(|_| http));
        match address {
            Some(address) => Ok(Connection::Http(address)),
            None if http => Err(Failure::new(
                "With `slack.transport: http` Slack must know where the bot is.",
                "Set `public_url` in the configuration, or name it with `--public-url`.",
            )),
            None => Ok(Connection::Socket),
        }
    }
}

fn built_in() -> Result<(Commands, CommandNames), Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::new(error, "This build is broken: use another.");
    let commands = Commands::builtin().map_err(|error| broken(&error))?;
    let name = CommandName::parse("lf").map_err(|error| broken(&error))?;
    Ok((commands, CommandNames { name, bare: Vec::new() }))
}

async fn of_repository(config: &Config) -> Result<(Commands, CommandNames), Failure> {
    let net = register::net(config)?;
    let rules = register::rules(config, &net).await?;
    Ok((rules.commands.as_ref().clone(), rules.catalog.commands().clone()))
}

impl Github {
    fn run(self) -> Result<Ended, Failure> {
        match &self.code {
            None => say(app::page(&self.host, self.organization.as_deref(), self.public_url.as_ref()).trim_end())?,
            Some(code) => runtime()?.block_on(self.finish(code))?,
        }
        Ok(Ended::Well)
    }

    /// Takes the App's key from GitHub, which gives it once, and says what goes into the configuration.
    async fn finish(&self, code: &str) -> Result<(), Failure> {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&self.key);
        let unwritable = |error: std::io::Error| {
            let remedy = "Name another file with `--key`; GitHub gives the key only once.";
            Failure::new(format!("`{}` cannot be written: {error}.", self.key.display()), remedy)
        };
        let mut file = file.map_err(unwritable)?;
        let net = Outgoing::new(&Tls::default()).map_err(|error| Failure::new(&error, error.remedy()))?;
        let made = match app::exchange(net.to(&self.api), &self.api, code).await {
            Ok(made) => made,
            Err(error) => {
                // Nothing stands in it yet.
                let _ = fs::remove_file(&self.key);
                return Err(Failure::new(format!("{error}."), error.remedy()));
            }
        };
        file.write_all(made.private_key().reveal().as_bytes()).map_err(unwritable)?;
        if let Some(secret) = made.webhook_secret() {
            let beside = self.key.with_extension("webhook-secret");
            let mut file = options.open(&beside).map_err(unwritable)?;
            file.write_all(secret.reveal().as_bytes()).map_err(unwritable)?;
            say(format!("# The webhook's secret is in {}.", beside.display()))?;
        }
        say(format!(
            "# The App's key is in {}. Install the App on the repository: {}/installations/new",
            self.key.display(),
            made.html_url
        ))?;
        say("# The number at the end of the address that this leads to is the installation.")?;
        let key = self.key.display();
        say(format!("github:\n  app: {{ id: {}, installation: 0, private_key: \"${{file:{key}}}\" }}", made.id))
    }
}
