//! `leverframe serve`: the bot. Reads as a life: configuration, parts, announce, wait, drain.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use tokio::{net::TcpListener, signal::unix};

use super::{Ended, Failure, log, runtime, say};
use crate::{
    chat::slack::client::SlackClient,
    clock,
    cluster::Cluster,
    config::{self, ClusterAccess, ClusterLogin, Config, GitHubAuth, RepositoryLogin, SlackTransport},
    engine::{Engine, Reach, Repository},
    forge::{App, ForgeError, GitHub, Login},
    git::{Credentials, Mirror, Renewal, SigningKey, Source},
    ledger::Ledger,
    net::{Outgoing, Tls},
    secret::Secret,
    tasks::Tasks,
    web::{self, SlackEdge},
};

/// How long running work may take to come to a stop; what it does not finish is taken up at the next start.
const DRAIN: Duration = Duration::from_secs(10);

/// A running bot.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The engine.
    pub engine: Engine,
    tasks: Tasks,
    ledger: Ledger,
}

impl Running {
    /// Stops it: no new work, running work drained, the ledger closed.
    pub async fn stop(self) {
        self.tasks.drain(DRAIN).await;
        self.ledger.close().await;
    }
}

/// Runs the bot until it is told to stop.
pub(super) fn run(path: &Path) -> Result<Ended, Failure> {
    log("info");
    let config = Config::load(path).map_err(|error| Failure::new(&error, error.remedy()))?;
    for notice in config.not_supported_yet().iter().chain(config.warnings()) {
        tracing::warn!("{}:{notice}", path.display());
    }
    runtime()?.block_on(async {
        let running = start(config).await.map_err(Failure)?;
        say(format!("Leverframe listens on http://{}", running.address))?;
        wait_for_a_signal().await;
        running.stop().await;
        Ok(Ended::Well)
    })
}

pub(super) async fn wait_for_a_signal() {
    let terminate = async {
        match unix::signal(unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

/// Starts the bot: opens the ledger, takes up what is open, listens.
///
/// # Errors
/// In words for whoever starts it, the remedy last: when a directory cannot be written, the ledger is held by
/// another process, an address cannot be listened on, or a setting cannot be used.
pub async fn start(config: Config) -> Result<Running, String> {
    let pem = config.authorities.as_ref().map(|authorities| authorities.pem.clone().into_bytes());
    let net = Outgoing::new(&Tls { ca_file: pem }).map_err(|error| format!("{error}\n{}", error.remedy()))?;
    let opened = Ledger::open(&config.data.join("ledger"), clock::now());
    let opened = opened.map_err(|error| format!("The ledger cannot be opened: {error}.\n{}", error.remedy()))?;
    for finding in &opened.report {
        tracing::warn!(remedy = finding.remedy(), "{finding}");
    }
    let slack = slack(&config, &net)?;
    let reach = Reach {
        repository: repository(&config, &net)?,
        clusters: clusters(&config, &net)?,
        slack: slack.as_ref().map(|edge| edge.client.clone()),
    };
    let (ledger, tasks) = (opened.ledger, Tasks::default());
    let engine = Engine::new(reach, ledger.clone(), tasks.clone());
    let engine = engine.map_err(|error| format!("The ledger cannot be read: {error}.\n{}", error.remedy()))?;
    let webhook_secret = config.github.as_ref().and_then(|github| github.webhook_secret.clone());
    let address = listen(&config, web::router(engine.clone(), slack, webhook_secret, tasks.clone()), &tasks).await?;
    engine.run().await;
    Ok(Running { address, engine, tasks, ledger })
}

async fn listen(config: &Config, router: axum::Router, tasks: &Tasks) -> Result<SocketAddr, String> {
    let unavailable =
        |error| format!("`{}` cannot be listened on: {error}.\nChoose another `listen` address.", config.listen);
    let listener = TcpListener::bind(config.listen).await.map_err(unavailable)?;
    let address = listener.local_addr().map_err(unavailable)?;
    let stop = tasks.clone();
    tasks.start(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(async move { stop.stopping().await });
        if let Err(error) = served.await {
            tracing::error!(%error, "the listener ended");
        }
    });
    Ok(address)
}

fn slack(config: &Config, net: &Outgoing) -> Result<Option<SlackEdge>, String> {
    let Some(slack) = &config.slack else { return Ok(None) };
    let SlackTransport::Http { signing_secret } = &slack.transport else { return Ok(None) };
    let client = SlackClient::new(net.to(&slack.api).clone(), &slack.api, &slack.bot_token);
    let client = client.map_err(|error| format!("{error}\n{}", error.remedy()))?;
    Ok(Some(SlackEdge { signing_secret: signing_secret.clone(), team: slack.team.clone(), client }))
}

fn repository(config: &Config, net: &Outgoing) -> Result<Repository, String> {
    let (name, repository) = &config.repositories.catalog;
    let key = repository.sign_with.as_ref().map(SigningKey::parse).transpose();
    let key = key.map_err(|error| format!("{error}.\n{}", error.remedy()))?;
    let login = github_login(config, net)?;
    let source = Source {
        name: name.clone(),
        url: repository.address.clone(),
        branch: repository.branch.to_string(),
        credentials: credentials(repository, login.as_ref()),
        directory: config.data.join("git").join(format!("{name}.git")),
        ssh: "ssh".into(),
        key,
    };
    let mirror = Mirror::open(source, net.to(&repository.url).clone(), tokio::runtime::Handle::current());
    let mirror = mirror.map_err(|error| format!("{error}.\n{}", error.remedy()))?;
    let forge = forge(config, net, (repository, login))?;
    let page = repository.github.as_ref().and_then(|at| page(config, at));
    Ok(Repository { name: name.clone(), branch: repository.branch.to_string(), mirror, forge, page })
}

/// Who we are to the git host: as the repository says; else, where it is on GitHub, the App, whose token is asked for
/// when the host refuses the last one.
fn credentials(repository: &config::Repository, login: Option<&Login>) -> Option<Credentials> {
    match (&repository.login, login) {
        (RepositoryLogin::Password { username, password, from }, _) => {
            let renewal = from.clone().map(|file| Renewal::new(move || config::read_again(&file)));
            Some(Credentials { username: username.clone(), password: password.clone(), renewal })
        }
        (RepositoryLogin::None, Some(Login::App(app))) if repository.github.is_some() => {
            let (app, runtime) = (Arc::clone(app), tokio::runtime::Handle::current());
            // Called on the repository's own threads, which may wait.
            let renewal = Renewal::new(move || runtime.block_on(app.another_token()).ok());
            let (username, password) = ("x-access-token".to_owned(), Secret::new("none yet"));
            Some(Credentials { username, password, renewal: Some(renewal) })
        }
        (RepositoryLogin::None, _) => None,
    }
}

fn github_login(config: &Config, net: &Outgoing) -> Result<Option<Login>, String> {
    let Some(github) = &config.github else { return Ok(None) };
    let (id, installation, private_key) = match &github.auth {
        GitHubAuth::Token(token) => return Ok(Some(Login::Token(token.clone()))),
        GitHubAuth::App { id, installation, private_key } => (id, installation, private_key),
    };
    let app = App::new(net.to(&github.api).clone(), &github.api, (*id, *installation), private_key);
    let app = app.map_err(|error| format!("{error}.\n{}", error.remedy()))?;
    Ok(Some(Login::App(Arc::new(app))))
}

fn forge(
    config: &Config,
    net: &Outgoing,
    (repository, login): (&config::Repository, Option<Login>),
) -> Result<Option<GitHub>, String> {
    let (Some(github), Some(at), Some(login)) = (&config.github, &repository.github, login) else { return Ok(None) };
    let client = net.to(&github.api).clone();
    let forge = GitHub::new(client, &github.api, login, at.owner.clone(), at.name.clone());
    forge.map(Some).map_err(|error: ForgeError| format!("{error}.\n{}", error.remedy()))
}

/// The repository's page: beside the API of an enterprise host, or on github.com.
fn page(config: &Config, at: &config::GitHubRepository) -> Option<String> {
    let api = &config.github.as_ref()?.api;
    let host = api.host_str()?;
    let port = api.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = if host == "api.github.com" { "github.com" } else { host };
    Some(format!("{}://{host}{port}/{}/{}", api.scheme(), at.owner, at.name))
}

fn clusters(config: &Config, net: &Outgoing) -> Result<BTreeMap<crate::core::names::ConnectionName, Cluster>, String> {
    let mut clusters = BTreeMap::new();
    for (name, access) in &config.clusters {
        let ClusterAccess::Api { url, login } = access else { continue };
        let token = match login {
            ClusterLogin::Token(token) => Some(token),
            ClusterLogin::None | ClusterLogin::Certificate { .. } => None,
        };
        let cluster = Cluster::new(net.to(url).clone(), url, token);
        clusters.insert(name.clone(), cluster.map_err(|error| format!("{error}.\n{}", error.remedy()))?);
    }
    Ok(clusters)
}
