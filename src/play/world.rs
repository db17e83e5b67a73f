//! Everything outside the bot, running: a workspace, a Discord server, a GitHub, a git host and two clusters around one repository,
//! with tokens made for this run, and the configuration with which a bot reaches all of it.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    cluster::{ClusterLookalike, ClusterOptions, ReconcilerKind},
    discord::{DiscordLookalike, DiscordOptions, guild},
    error::PlayError,
    git::{GitLookalike, GitOptions, USER},
    github::{GithubLookalike, GithubOptions, devices},
    pager::PagerLookalike,
    panel::Panel,
    pulse::Pulse,
    repository::DemoRepository,
    slack::{PATIENCE, SlackLookalike, SlackOptions, workspace},
};
use crate::{core::names::hex, secret::Secret};

/// Who owns the demo repository.
pub const OWNER: &str = "acme";
/// What it is called.
pub const NAME: &str = "deployments";
/// The clusters, which are also the environments of the demo, and what each follows the repository with.
pub const CLUSTERS: &[(&str, ReconcilerKind)] = &[("staging", ReconcilerKind::Flux), ("prod", ReconcilerKind::ArgoCd)];

/// How a world is made.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// The port of the chat page and Slack's API; 0 takes a free one.
    pub page_port: u16,
    /// How long a step of a rollout takes.
    pub step: Duration,
    /// How long Slack waits for the bot's answer.
    pub patience: Duration,
}

impl Default for WorldOptions {
    /// Free ports, and the pace of the real ones.
    fn default() -> Self {
        Self { page_port: 0, step: Duration::from_millis(300), patience: PATIENCE }
    }
}

impl WorldOptions {
    /// Free ports and quick rollouts, for tests.
    pub fn quick() -> Self {
        Self { step: Duration::from_millis(10), ..Self::default() }
    }
}

/// A running world. Dropping it stops everything and removes its folder.
pub struct World {
    /// Slack, with the page.
    pub slack: SlackLookalike,
    /// Discord, with the same page in its own look.
    pub discord: DiscordLookalike,
    /// GitHub.
    pub github: Arc<GithubLookalike>,
    /// The git host.
    pub git: GitLookalike,
    /// The clusters by name.
    pub clusters: BTreeMap<String, Arc<ClusterLookalike>>,
    /// Who wakes people.
    pub pager: PagerLookalike,
    /// The repository, read and edited directly.
    pub repository: DemoRepository,
    /// Beats whenever anything changes anywhere.
    pub pulse: Pulse,
    tokens: Tokens,
    folder: TempDir,
}

struct Tokens {
    git: Secret,
    github: Secret,
    slack: Secret,
    app: Secret,
    signing: Secret,
    discord: Secret,
    cluster: Secret,
    webhook: Secret,
    pager: Secret,
}

impl Tokens {
    fn fresh() -> Result<Self, PlayError> {
        Ok(Self {
            git: secret("ghs_")?,
            github: secret("ghs_")?,
            slack: secret("xoxb-")?,
            app: secret("xapp-")?,
            signing: secret("")?,
            discord: secret("")?,
            cluster: secret("")?,
            webhook: secret("")?,
            pager: secret("")?,
        })
    }
}

impl World {
    /// Makes the repository and starts the servers.
    ///
    /// # Errors
    /// When a port is taken or the temporary folder cannot be written.
    pub async fn start(options: WorldOptions) -> Result<Self, PlayError> {
        let folder = tempfile::Builder::new().prefix("leverframe-play-").tempdir()?;
        let (tokens, pulse) = (Tokens::fresh()?, Pulse::default());
        let root = folder.path().join("repositories");
        let repository = DemoRepository::create(&root.join(OWNER).join(format!("{NAME}.git")))?;
        let git = GitLookalike::start(GitOptions { root, token: tokens.git.clone(), pulse: pulse.clone() }).await?;
        let github = GithubLookalike::start(GithubOptions {
            repository: repository.clone(),
            owner: OWNER.to_owned(),
            name: NAME.to_owned(),
            token: tokens.github.clone(),
            pulse: pulse.clone(),
        });
        let github = Arc::new(github.await?);
        git.takes_tokens_of(Arc::clone(&github));
        let mut clusters = BTreeMap::new();
        for (name, reconciler) in CLUSTERS {
            let cluster = ClusterLookalike::start(ClusterOptions {
                name: (*name).to_owned(),
                repository: repository.clone(),
                url: git.url_of(&format!("{OWNER}/{NAME}")),
                reconciler: *reconciler,
                token: tokens.cluster.clone(),
                step: options.step,
                pulse: pulse.clone(),
            });
            clusters.insert((*name).to_owned(), Arc::new(cluster.await?));
        }
        let slack = SlackLookalike::start(SlackOptions {
            token: tokens.slack.clone(),
            app_token: tokens.app.clone(),
            verification: secret("")?.reveal().to_owned(),
            port: options.page_port,
            patience: options.patience,
            pulse: pulse.clone(),
        });
        let slack = slack.await?;
        let discord = DiscordLookalike::start(DiscordOptions {
            token: tokens.discord.clone(),
            port: 0,
            patience: options.patience,
            pulse: pulse.clone(),
        });
        let discord = discord.await?;
        let pager = PagerLookalike::start(tokens.pager.clone(), pulse.clone()).await?;
        slack.set_panel(Panel::new(&repository, &github, clusters.values()));
        discord.set_panel(Panel::new(&repository, &github, clusters.values()));
        slack.set_other(discord.url());
        discord.set_other(slack.url());
        Ok(Self { slack, discord, github, git, clusters, pager, repository, pulse, tokens, folder })
    }

    /// Where the world keeps its things.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The chat page.
    pub fn page(&self) -> &str {
        self.slack.url()
    }

    /// Writes `leverframe.yaml` for a bot that listens at `listen` (`127.0.0.1:8080`), with its secrets in files that
    /// only this user reads, and tells Slack and Discord where the bot is. The data folder is the same each time.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_config(&self, listen: &str) -> Result<PathBuf, PlayError> {
        let file = self.folder().join("leverframe.yaml");
        let secrets = self.write_secrets()?;
        fs::write(&file, self.config(listen, &secrets))?;
        self.set_bot(&format!("http://{listen}"));
        Ok(file)
    }

    /// Tells the chat platforms and GitHub where the bot listens: `http://127.0.0.1:8080`.
    pub fn set_bot(&self, url: &str) {
        self.slack.set_bot(url, self.tokens.signing.clone());
        self.discord.set_bot(url);
        self.github.set_bot(Some((url, self.tokens.webhook.clone())));
    }

    /// What Slack signs with, for tests that sign by themselves.
    pub fn signing_secret(&self) -> Secret {
        self.tokens.signing.clone()
    }

    /// What GitHub signs with, for tests that sign by themselves.
    pub fn webhook_secret(&self) -> Secret {
        self.tokens.webhook.clone()
    }

    /// The address of the repository with its credentials, for tests that push with the real git.
    pub fn repository_url(&self) -> Secret {
        let url = self.git.url_of(&format!("{OWNER}/{NAME}"));
        Secret::new(url.replacen("http://", &format!("http://{USER}:{}@", self.tokens.git.reveal()), 1))
    }

    /// Waits until every cluster has rolled out what the branch says, or is stuck with it, and GitHub has told the bot
    /// what changed.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn settled(&self) -> Result<(), PlayError> {
        for cluster in self.clusters.values() {
            cluster.settled().await?;
        }
        self.github.delivered().await;
        Ok(())
    }

    /// The versions of what the clusters show now, by their names.
    pub fn versions(&self) -> std::collections::BTreeMap<String, u64> {
        self.clusters.iter().map(|(name, cluster)| (name.clone(), cluster.version())).collect()
    }

    fn write_secrets(&self) -> Result<PathBuf, PlayError> {
        let folder = self.folder().join("secrets");
        fs::create_dir_all(&folder)?;
        let Tokens { git, github, slack, app, signing, discord, cluster, webhook, pager } = &self.tokens;
        for (name, secret) in [
            ("git", git),
            ("github", github),
            ("slack", slack),
            ("app", app),
            ("signing", signing),
            ("discord", discord),
            ("cluster", cluster),
            ("webhook", webhook),
            ("pager", pager),
        ] {
            write_private(&folder.join(name), secret)?;
        }
        Ok(folder)
    }

    fn config(&self, listen: &str, secrets: &Path) -> String {
        let secret = |name: &str| quoted(&format!("${{file:{}}}", secrets.join(name).display()));
        let cluster = |(name, cluster): (&String, &Arc<ClusterLookalike>)| {
            format!("  {name}: {{ api: {}, token: {} }}\n", quoted(&cluster.api()), secret("cluster"))
        };
        let clusters: String = self.clusters.iter().map(cluster).collect();
        format!(
            "# Made for this run of the playground. A real one looks the same, with real addresses.\n\
             listen: {listen}\n\
             public_url: http://{listen}\n\
             data: {data}\n\
             repositories:\n\
             \x20 {NAME}:\n\
             \x20   url: {url}\n\
             \x20   branch: {branch}\n\
             \x20   username: {USER}\n\
             \x20   password: {git}\n\
             \x20   github: {{ owner: {OWNER}, name: {NAME} }}\n\
             github:\n\
             \x20 api: {github_api}\n\
             \x20 token: {github}\n\
             \x20 webhook_secret: {webhook}\n\
             \x20 client_id: {client_id}\n\
             slack:\n\
             \x20 transport: http\n\
             \x20 api: {slack_api}\n\
             \x20 team: {team}\n\
             \x20 bot_token: {slack}\n\
             \x20 signing_secret: {signing}\n\
             discord:\n\
             \x20 transport: http\n\
             \x20 api: {discord_api}\n\
             \x20 guild: {guild}\n\
             \x20 application_id: {application}\n\
             \x20 public_key: {public_key}\n\
             \x20 bot_token: {discord}\n\
             clusters:\n{clusters}\
             pager: {{ pagerduty: {{ api: {pager_api}, routing_key: {pager}, \
             schedules: {{ api: {pager_api}, token: {pager} }} }} }}\n",
            pager_api = quoted(&self.pager.api()),
            pager = secret("pager"),
            data = quoted(&self.folder().join("data").display().to_string()),
            url = quoted(&self.git.url_of(&format!("{OWNER}/{NAME}"))),
            branch = self.repository.branch(),
            git = secret("git"),
            github_api = quoted(&self.github.api()),
            github = secret("github"),
            webhook = secret("webhook"),
            client_id = devices::CLIENT_ID,
            slack_api = quoted(&self.slack.api()),
            team = workspace::TEAM,
            slack = secret("slack"),
            signing = secret("signing"),
            discord_api = quoted(&self.discord.api()),
            guild = quoted(guild::GUILD),
            application = quoted(guild::APPLICATION),
            public_key = quoted(&self.discord.public_key()),
            discord = secret("discord"),
        )
    }
}

/// A fresh secret of 40 hexadecimal digits.
fn secret(prefix: &str) -> Result<Secret, PlayError> {
    use ring::rand::SecureRandom;
    let mut bytes = [0_u8; 20];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| PlayError::Random)?;
    Ok(Secret::new(format!("{prefix}{}", hex(&bytes))))
}

fn write_private(file: &Path, secret: &Secret) -> Result<(), PlayError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(secret.reveal().as_bytes())?;
    Ok(())
}

/// A text in double quotes, as both JSON and YAML read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_world_starts_and_says_how_it_is_reached() {
        let world = World::start(WorldOptions::quick()).await.unwrap();
        let file = world.write_config("127.0.0.1:1").unwrap();
        let config: serde_yaml::Value = serde_yaml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(config["repositories"]["deployments"]["branch"], "main");
        assert_eq!(config["slack"]["api"].as_str().unwrap(), world.slack.api());
        assert_eq!(config["clusters"]["prod"]["api"].as_str().unwrap(), world.clusters["prod"].api());
        let reference = config["github"]["token"].as_str().unwrap().to_owned();
        let path = reference.strip_prefix("${file:").unwrap().strip_suffix('}').unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), world.tokens.github.reveal());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777, 0o600);
        let folder = world.folder().to_owned();
        drop(world);
        assert!(!folder.exists());
    }
}
