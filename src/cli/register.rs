//! `leverframe register discord`: tells Discord the commands, as the server does by itself when it starts.

use clap::Subcommand;

use super::{ConfigFile, Ended, Failure, log, runtime, say, serve};
use crate::{
    chat::discord::register::{self, Registered},
    config::Config,
    core::{
        names::RepoPath,
        rules::{FOLDER, Rules},
    },
    net::{Outgoing, Tls},
};

/// Where commands are registered.
#[derive(Debug, Subcommand)]
pub(super) enum Register {
    /// Tells Discord the commands of the repository, unless it knows exactly these
    Discord(ConfigFile),
}

impl Register {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        log("warn");
        let Self::Discord(file) = self;
        let config = Config::load(&file.config).map_err(|error| Failure::new(&error, error.remedy()))?;
        runtime()?.block_on(discord(&config))
    }
}

/// The way out that a configuration asks for.
pub(super) fn net(config: &Config) -> Result<Outgoing, Failure> {
    let pem = config.authorities.as_ref().map(|authorities| authorities.pem.clone().into_bytes());
    Outgoing::new(&Tls { ca_file: pem }).map_err(|error| Failure::new(&error, error.remedy()))
}

async fn discord(config: &Config) -> Result<Ended, Failure> {
    let net = net(config)?;
    let Some(edge) = serve::discord(config, &net).map_err(Failure)? else {
        let remedy = "Add a `discord` section; `deploy/leverframe.example.yaml` shows one.";
        return Err(Failure::new("The configuration has no `discord` section.", remedy));
    };
    let rules = rules(config, &net).await?;
    let wanted = register::commands(&rules.commands, &rules.catalog.commands().name);
    let registered = register::register(&edge.client, &wanted).await;
    let registered = registered.map_err(|error| Failure::new(format!("{error}."), error.remedy()))?;
    let guild = &edge.client.home().guild;
    match registered {
        Registered::Already => say(format!("Server {guild} has all {} commands already.", wanted.len()))?,
        Registered::Now => say(format!("Server {guild} has {} commands now:", wanted.len()))?,
    }
    for command in &wanted {
        let word = |member: &str| command.get(member).and_then(|value| value.as_str()).unwrap_or_default();
        match word("description") {
            "" => say(format!("  in the menu of a message: {}", word("name")))?,
            summary => say(format!("  /{}: {summary}", word("name")))?,
        }
    }
    Ok(Ended::Well)
}

/// The rules at the tip, read into a mirror of its own, so that a running server is not disturbed.
pub(super) async fn rules(config: &Config, net: &Outgoing) -> Result<Rules, Failure> {
    let failed = |what: &dyn std::fmt::Display, remedy: String| {
        Failure::new(format!("The repository cannot be read: {what}."), remedy)
    };
    let folder = tempfile::tempdir().map_err(|error| failed(&error, "Look at the temporary folder.".to_owned()))?;
    let mut config = config.clone();
    folder.path().clone_into(&mut config.data);
    let mirror = serve::repository(&config, net).map_err(Failure)?.mirror;
    let git = |error: crate::git::GitError| failed(&error, error.remedy());
    let tip = mirror.fetch().await.map_err(git)?;
    let paths = mirror.paths(&tip).await.map_err(git)?;
    let files = match RepoPath::parse(FOLDER) {
        Ok(folder) => mirror.directory(&tip, &folder).await.map_err(git)?,
        Err(_) => Vec::new(),
    };
    Rules::read(tip, &files, &paths).map_err(|error| Failure::new(&error, error.remedy()))
}
