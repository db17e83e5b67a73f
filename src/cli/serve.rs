//! `leverframe serve`: the bot. Reads as a life: configuration, parts, announce, wait, drain.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use tokio::{net::TcpListener, signal::unix};

use super::{Ended, Failure, clusters::Entrance, log, pagers, runtime, say, shipping};
use crate::{
    chat::{
        Chat, Chats,
        discord::{
            client::{DiscordClient, Home},
            conversation::DiscordChat,
            gateway::{self, Link},
            verify::PublicKey,
        },
        slack::{client::SlackClient, conversation::SlackChat, socket, tenant::Tenant},
    },
    clock,
    cluster::Cluster,
    config::{self, Config, DiscordTransport, GitHubAuth, RegistryLogin, RepositoryLogin, SlackTransport},
    control,
    core::names::ConnectionName,
    engine::{Engine, Reach, Repository},
    forge::{Accounts, App, ForgeError, GitHub, Login},
    git::{Credentials, Mirror, Renewal, SigningKey, Source},
    ledger::{self, Ledger, LedgerError, Opened, Sizes, State, ship},
    net::{Outgoing, Tls, relay::Relay},
    registry::{self, Registries},
    secret::Secret,
    tasks::Tasks,
    web::{self, DiscordEdge, Edges, SlackDesk, SlackEdge},
};

/// How long running work may take to come to a stop; what it does not finish is taken up at the next start.
const DRAIN: Duration = Duration::from_secs(10);

/// How often the state of the ledger is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How often the ledger is signed while entries come.
const SIGNED_EVERY: jiff::SignedDuration = jiff::SignedDuration::from_secs(50);

/// SIGXFSZ.
const FILE_TOO_LARGE: i32 = 25;

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
        // A limit on the size of files is then an error to be told of, not the end of the process.
        let _limits = unix::signal(unix::SignalKind::from_raw(FILE_TOO_LARGE));
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
    let opened = open_ledger(&config)?;
    for finding in &opened.report {
        tracing::warn!(remedy = finding.remedy(), "{finding}");
    }
    let tasks = Tasks::default();
    let webhook_secret = config.github.as_ref().and_then(|github| github.webhook_secret.clone());
    let shipped = (!config.ship_to.is_empty()).then(ship::Status::default);
    let (slack_edge, discord_edge) = (slack(&config, &net)?, discord(&config, &net)?);
    let edges = Edges { slack: slack_edge, discord: discord_edge, webhook_secret, shipping: shipped.clone() };
    let reach = Reach {
        repository: repository(&config, &net)?,
        others: others(&config, &net)?,
        clusters: clusters(&config, &net)?,
        chats: chats(&edges, &tasks),
        accounts: accounts(&config, &net)?,
        registries: registries(&config, &net, &tasks),
        pagers: pagers::of(&config, &net),
    };
    let carriers = config.ship_to.iter().map(|place| shipping::carrier(place, &config, &net, &reach.repository.mirror));
    let carriers: Vec<ship::Carrier> = carriers.collect::<Result<_, String>>()?;
    let (ledger, unread) = (opened.ledger, opened.unread);
    if ledger.state() == State::Ready {
        ledger.finish_erasures(clock::now()).await.map_err(|error| format!("{error}.\n{}", error.remedy()))?;
    }
    let engine = Engine::new(reach, ledger.clone(), tasks.clone());
    let engine = engine.map_err(|error| format!("The ledger cannot be read: {error}.\n{}", error.remedy()))?;
    if let Err(error) = control::listen(&config.data, engine.clone(), &tasks) {
        let path = control::socket(&config.data);
        tracing::warn!(%error, path = %path.display(), "no socket for terminals; `audit erase` works while this is stopped");
    }
    tasks.start(tend(ledger.clone(), tasks.clone()));
    if unread > 0 {
        let (ledger, stop) = (ledger.clone(), tasks.clone());
        let proof = move || ledger.prove(&|| stop.is_stopping());
        tasks.start(async move { drop(tokio::task::spawn_blocking(proof).await) });
    }
    for (carrier, status) in carriers.into_iter().zip(std::iter::repeat(shipped.unwrap_or_default())) {
        tasks.start(ship::keep(ledger.clone(), carrier, status, tasks.clone()));
    }
    engine.keep_anchored(config.audit_branch.clone());
    if let (Some(slack), Some(SlackTransport::Socket { app_token })) =
        (&edges.slack, config.slack.as_ref().map(|slack| &slack.transport))
    {
        connect_slack(slack, (app_token, &engine, &net), &tasks);
    }
    if let Some(discord) = &edges.discord {
        tasks.start(web::keep_registered(engine.clone(), discord.client.clone(), tasks.clone()));
        if matches!(config.discord, Some(config::Discord { transport: DiscordTransport::Gateway, .. })) {
            connect(discord, (&engine, &net), &tasks).await?;
        }
    }
    let address = listen(&config, web::router(engine.clone(), edges, tasks.clone()), &tasks).await?;
    engine.run().await;
    Ok(Running { address, engine, tasks, ledger })
}

/// Opens the ledger with the key that signs it.
fn open_ledger(config: &Config) -> Result<Opened, String> {
    let settings = config.ledger();
    let key = ledger::key::load_or_make(&settings.data, settings.signing_key.as_ref(), &settings.origin);
    let key = key.map_err(|error| format!("{error}.\n{}", error.remedy()))?;
    let opened = Ledger::open_signed(&config.data.join("ledger"), clock::now(), &Sizes::default(), Some(key));
    opened.map_err(|error: LedgerError| format!("The ledger cannot be opened: {error}.\n{}", error.remedy()))
}

/// Signs what is new every minute; looks more often while the ledger's disk takes nothing.
async fn tend(ledger: Ledger, tasks: Tasks) {
    let mut since = clock::now();
    while !tasks.is_stopping() {
        tasks.pause(LOOK).await;
        let due = clock::now().duration_since(since) >= SIGNED_EVERY;
        if !due && !matches!(ledger.state(), State::Refusing { .. }) {
            continue;
        }
        since = clock::now();
        if let Err(error) = ledger.tend().await {
            tracing::warn!(%error, remedy = error.remedy(), "the ledger cannot be written or signed now");
        }
    }
}

/// Keeps a connection to Discord open and answers what comes over it.
async fn connect(discord: &DiscordEdge, (engine, net): (&Engine, &Outgoing), tasks: &Tasks) -> Result<(), String> {
    let no_door =
        |error| format!("No port of this machine can be listened on: {error}.\nCheck the limits of this process.");
    let relay = Relay::open(net.clone(), tasks).await.map_err(no_door)?;
    let (queue, waiting) = tokio::sync::mpsc::channel(gateway::WAITING);
    let client = discord.client.clone();
    let desk = web::Desk::new(engine.clone(), client.clone(), tasks.clone());
    tasks.start(web::answer_all(desk, waiting));
    tasks.start(gateway::keep_connected(Link { client, relay, queue }, tasks.clone()));
    Ok(())
}

/// Keeps connections to Slack open and answers what comes over them.
fn connect_slack(slack: &SlackEdge, (app_token, engine, net): (&Secret, &Engine, &Outgoing), tasks: &Tasks) {
    let (queue, waiting) = tokio::sync::mpsc::channel(socket::WAITING);
    let desk = SlackDesk::new(slack.clone(), engine.clone(), tasks.clone());
    tasks.start(web::answer_socket(desk, waiting));
    let (client, app_token, out) = (slack.client.clone(), app_token.clone(), net.clone());
    socket::keep_connected(&socket::Link { client, app_token, out, queue }, tasks);
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
    let signing_secret = match &slack.transport {
        SlackTransport::Http { signing_secret } => Some(signing_secret.clone()),
        SlackTransport::Socket { .. } => None,
    };
    let client = SlackClient::new(net.to(&slack.api).clone(), &slack.api, &slack.bot_token);
    let client = client.map_err(|error| format!("{error}\n{}", error.remedy()))?;
    let (tenant, public_url) = (Tenant::new(slack.teams.clone(), slack.enterprise.clone()), config.public_url.clone());
    let (accounts, channels) = (Arc::default(), Arc::default());
    Ok(Some(SlackEdge { signing_secret, tenant, public_url, client, accounts, channels }))
}

/// What the edges of the chat platforms need of Discord.
///
/// # Errors
/// In words for whoever starts the bot, the remedy last.
pub(super) fn discord(config: &Config, net: &Outgoing) -> Result<Option<DiscordEdge>, String> {
    let Some(discord) = &config.discord else { return Ok(None) };
    let public_key = match &discord.transport {
        DiscordTransport::Http { public_key } => PublicKey::parse(public_key),
        DiscordTransport::Gateway => None,
    };
    let home = Home { guild: discord.guild.clone(), application: discord.application_id.clone() };
    let client = DiscordClient::new(net.to(&discord.api).clone(), &discord.api, &discord.bot_token, home);
    let client = client.map_err(|error| format!("{error}\n{}", error.remedy()))?;
    Ok(Some(DiscordEdge { public_key, client }))
}

fn chats(edges: &Edges, tasks: &Tasks) -> Chats {
    let slack = edges.slack.as_ref().map(|edge| SlackChat {
        client: edge.client.clone(),
        tenant: edge.tenant.clone(),
        channels: Arc::clone(&edge.channels),
    });
    let discord = edges.discord.as_ref().map(|edge| DiscordChat { client: edge.client.clone(), tasks: tasks.clone() });
    Chats::default()
        .with(slack.map(|slack| Arc::new(slack) as Arc<dyn Chat>))
        .with(discord.map(|discord| Arc::new(discord) as Arc<dyn Chat>))
}

/// The repository of the catalog, its mirror opened.
///
/// # Errors
/// In words for whoever starts it, the remedy last.
pub(super) fn repository(config: &Config, net: &Outgoing) -> Result<Repository, String> {
    let (name, repository) = &config.repositories.catalog;
    opened(config, net, (name, repository))
}

/// The other repositories.
pub(super) fn others(config: &Config, net: &Outgoing) -> Result<BTreeMap<ConnectionName, Repository>, String> {
    let mut others = BTreeMap::new();
    for (name, repository) in &config.repositories.others {
        others.insert(name.clone(), opened(config, net, (name, repository))?);
    }
    Ok(others)
}

fn opened(
    config: &Config,
    net: &Outgoing,
    (name, repository): (&ConnectionName, &config::Repository),
) -> Result<Repository, String> {
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
    let (url, branch) = (repository.address.clone(), repository.branch.to_string());
    Ok(Repository { name: name.clone(), url, branch, mirror, forge, page })
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

pub(super) fn github_login(config: &Config, net: &Outgoing) -> Result<Option<Login>, String> {
    let Some(github) = &config.github else { return Ok(None) };
    let (id, installation, private_key) = match &github.auth {
        GitHubAuth::Token(token) => return Ok(Some(Login::Token(token.clone()))),
        GitHubAuth::App { id, installation, private_key } => (id, installation, private_key),
    };
    let app = App::new(net.to(&github.api).clone(), &github.api, (*id, *installation), private_key);
    let app = app.map_err(|error| format!("{error}.\n{}", error.remedy()))?;
    Ok(Some(Login::App(Arc::new(app))))
}

/// Where people link their own accounts on GitHub.
fn accounts(config: &Config, net: &Outgoing) -> Result<Option<Arc<Accounts>>, String> {
    let Some(github) = &config.github else { return Ok(None) };
    let Some(client_id) = &github.client_id else { return Ok(None) };
    let client = net.to(&github.api).clone();
    let accounts = Accounts::new(client, &github.api, client_id.clone(), config.data.join("accounts"));
    accounts.map(|accounts| Some(Arc::new(accounts))).map_err(|error| format!("{error}.\n{}", error.remedy()))
}

pub(super) fn forge(
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

/// The registries that may be asked.
pub(super) fn registries(config: &Config, net: &Outgoing, tasks: &Tasks) -> Registries {
    let login = |login: &RegistryLogin| match login {
        RegistryLogin::None => registry::Login::Nobody,
        RegistryLogin::Password { username, password, from } => {
            let renewal = from.clone().map(|file| registry::Renewal::new(move || config::read_again(&file)));
            registry::Login::Password { username: username.clone(), password: password.clone(), renewal }
        }
    };
    let access = |(host, registry): (&config::RegistryHost, &config::Registry)| {
        let login = login(&registry.login);
        let access = match &registry.api {
            Some(api) => registry::Access { api: api.clone(), hub: None, login },
            None => registry::Access::of_host(host.as_str(), login)?,
        };
        Some((host.to_string(), access))
    };
    Registries::new(net, config.registries.iter().filter_map(access).collect(), tasks.clone())
}

fn clusters(config: &Config, net: &Outgoing) -> Result<BTreeMap<ConnectionName, Cluster>, String> {
    let mut clusters = BTreeMap::new();
    for (name, access) in &config.clusters {
        let entrance = Entrance::of(access, (config, net));
        let entrance = entrance.map_err(|error| format!("`clusters.{name}`: {error}.\n{}", error.remedy()))?;
        let Some(entrance) = entrance else { continue };
        let cluster = entrance.cluster();
        clusters.insert(name.clone(), cluster.map_err(|error| format!("{error}.\n{}", error.remedy()))?);
    }
    Ok(clusters)
}
