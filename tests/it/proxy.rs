//! The bot in a company's network: nothing is reached but through a proxy that wants CONNECT, and everything there shows
//! a certificate of the company's own authority. A whole deploy goes through it, by every client.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use leverframe::play::{World, WorldOptions, slack::workspace::Message};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

pub(crate) const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/company/authority.pem");
/// How long anything may take until the test fails.
const LONGEST: Duration = Duration::from_secs(90);

/// Speaks TLS as the company's services and as `localhost`.
pub(crate) fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("company/services.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("company/services.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// The proxy: by the names that are asked for, where they lead; and which were asked for.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<BTreeSet<String>>>,
    _task: Mutex<JoinSet<()>>,
}

impl Proxy {
    async fn start(hosts: BTreeMap<String, String>) -> Self {
        let (acceptor, hosts) = (acceptor(), Arc::new(hosts));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<BTreeSet<String>>>::default());
        let mut task = JoinSet::new();
        let seen = Arc::clone(&asked);
        task.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                open.spawn(through(stream, acceptor.clone(), Arc::clone(&hosts), Arc::clone(&seen)));
            }
        });
        Self { address, asked, _task: Mutex::new(task) }
    }
}

/// One connection: CONNECT, then TLS as the service, then what the service says. What goes wrong ends it.
async fn through(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    hosts: Arc<BTreeMap<String, String>>,
    asked: Arc<Mutex<BTreeSet<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split_once(":443 ")).map(|(host, _)| host.to_owned());
    let Some((host, leads)) = host.and_then(|host| Some((host.clone(), hosts.get(&host)?.clone()))) else {
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        return;
    };
    asked.lock().unwrap().insert(host);
    if stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_err() {
        return;
    }
    let (Ok(mut near), Ok(mut far)) = (acceptor.accept(stream).await, TcpStream::connect(leads).await) else { return };
    let _ = copy_bidirectional(&mut near, &mut far).await;
}

/// Writes the configuration anew: every address under a name of the company's.
fn moved(world: &World, config: &Path) -> BTreeMap<String, String> {
    let mut text = std::fs::read_to_string(config).unwrap();
    let mut hosts = BTreeMap::new();
    let git = world.git.url_of("x/y");
    let mut all = vec![
        ("slack", world.slack.api()),
        ("discord", world.discord.api()),
        ("github", world.github.api()),
        ("git", git),
    ];
    let clusters = world.clusters.iter().map(|(name, cluster)| (name.as_str(), cluster.api()));
    all.extend(clusters);
    for (name, url) in all {
        let place = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        let host = format!("{name}.example.test");
        // A port may begin like another one.
        for end in ["/", "\""] {
            text = text.replace(&format!("http://{place}{end}"), &format!("https://{host}{end}"));
        }
        hosts.insert(host, place);
    }
    std::fs::write(config, format!("{text}tls: {{ ca_file: \"{AUTHORITY}\" }}\n")).unwrap();
    hosts
}

/// The bot as a process, ended when it is dropped.
struct Bot(Child);

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn leverframe(command: &str, config: &Path, proxy: &Proxy) -> Command {
    let mut leverframe = Command::new(env!("CARGO_BIN_EXE_leverframe"));
    leverframe.arg(command).arg("--config").arg(config).env("HTTPS_PROXY", format!("http://{}", proxy.address));
    for name in ["https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        leverframe.env_remove(name);
    }
    leverframe
}

fn serve(world: &World, config: &Path, proxy: &Proxy) -> Bot {
    let (bot, address) = started(leverframe("serve", config, proxy));
    world.set_bot(&address);
    bot
}

/// The bot, and where it listens.
fn started(mut command: Command) -> (Bot, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let bot = Bot(child);
    let address = line.trim().split_once("listens on ").expect("the bot starts").1.to_owned();
    (bot, address)
}

pub(crate) async fn card_says(world: &World, words: &str) -> Message {
    let mut changed = world.pulse.changed();
    let said = async {
        loop {
            let messages = world.slack.messages("deploys").unwrap();
            if let Some(card) = messages.into_iter().find(|card| card.content.words().contains(words)) {
                return card;
            }
            changed.changed().await.unwrap();
        }
    };
    tokio::time::timeout(LONGEST, said).await.unwrap_or_else(|_| panic!("no card says {words:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_goes_through_the_companys_proxy_under_its_own_authority() {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    let config = world.write_config("127.0.0.1:0").unwrap();
    let hosts = moved(&world, &config);
    let every: BTreeSet<String> = hosts.keys().cloned().collect();
    let proxy = Proxy::start(hosts).await;
    let _bot = serve(&world, &config, &proxy);
    tokio::time::timeout(LONGEST, world.commands_are_known()).await.expect("Discord hears of the commands");
    for environment in ["staging", "prod"] {
        let typed = format!("/deploy checkout {environment} v1.2.5");
        let mut told = String::from("not asked");
        // Until the repository was read, the bot says so.
        let asked = async {
            while !told.is_empty() {
                told = world.slack.says("ana", "deploys", &typed).await.unwrap().unwrap().shown.unwrap_or_default();
            }
        };
        assert!(tokio::time::timeout(LONGEST, asked).await.is_ok(), "{told}");
    }
    card_says(&world, "Live: ").await;
    let card = card_says(&world, "Pull request #").await;
    assert!(card.content.words().contains("deploy checkout v1.2.5 to prod"), "{}", card.content.words());
    let mut asked = proxy.asked.lock().unwrap().clone();
    asked.insert("prod.example.test".to_owned());
    assert_eq!(asked, every);
    let looked = tokio::task::spawn_blocking(move || {
        let output = leverframe("doctor", &config, &proxy).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), proxy)
    });
    let (code, text, proxy) = looked.await.unwrap();
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(*proxy.asked.lock().unwrap(), every);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_authority_nothing_is_trusted() {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    let config = world.write_config("127.0.0.1:0").unwrap();
    let hosts = moved(&world, &config);
    let text = std::fs::read_to_string(&config).unwrap();
    let without = text.lines().filter(|line| !line.starts_with("tls:")).collect::<Vec<_>>().join("\n");
    std::fs::write(&config, without).unwrap();
    let proxy = Proxy::start(hosts).await;
    let looked = tokio::task::spawn_blocking(move || leverframe("doctor", &config, &proxy).output().unwrap());
    let output = looked.await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains("ok   slack") && !text.contains("ok   github"), "{text}");
    assert!(text.contains("`tls.ca_file`"), "{text}");
}

/// The configuration over open connections instead of addresses that are called, and with a registry.
fn over_sockets(config: &Path, registry: &str) {
    let text = std::fs::read_to_string(config).unwrap();
    let (slack, discord) = text.split_once("discord:\n").unwrap();
    let (before, signing) = slack.split_once("  signing_secret: ").unwrap();
    let (secret, after) = signing.split_once('\n').unwrap();
    let slack = format!("{before}  app_token: {}\n{after}", secret.replace("/signing}", "/app}"));
    let slack = slack.replacen("transport: http\n", "transport: socket\n", 1);
    let discord = discord.replacen("transport: http\n", "transport: gateway\n", 1);
    let discord: String =
        discord.lines().filter(|line| !line.contains("public_key")).map(|line| format!("{line}\n")).collect();
    let registries = format!("registries:\n  registry.example.com: {{ api: \"{registry}\" }}\n");
    std::fs::write(config, format!("{slack}discord:\n{discord}{registries}")).unwrap();
}

/// A registry that counts who asks it for tags.
async fn registry(asked: Arc<Mutex<usize>>) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let answer = move || {
        *asked.lock().unwrap() += 1;
        async { axum::Json(serde_json::json!({"tags": ["v1.2.4", "v1.2.5"]})) }
    };
    let mut task = JoinSet::new();
    task.spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await.unwrap() });
    (place, task)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_connections_and_registries_go_through_the_proxy_and_what_no_proxy_names_does_not() {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    let config = world.write_config("127.0.0.1:0").unwrap();
    let looked = Arc::<Mutex<usize>>::default();
    let (place, _registry) = registry(Arc::clone(&looked)).await;
    over_sockets(&config, "https://registry.example.test");
    let mut hosts = moved(&world, &config);
    hosts.insert("registry.example.test".to_owned(), place);
    for (host, leads) in [
        ("slack-socket.example.test", world.slack.sockets_known_as("wss://slack-socket.example.test/link/")),
        ("gateway.example.test", world.discord.gateway_known_as("wss://gateway.example.test")),
    ] {
        let leads = leads.strip_prefix("ws://").unwrap().split('/').next().unwrap().to_owned();
        hosts.insert(host.to_owned(), leads);
    }
    // What the proxy must not be asked for: the cluster of staging, at an address of this machine.
    let direct = world.clusters["staging"].api();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("https://staging.example.test", direct.trim_end_matches('/'))).unwrap();
    let proxy = Proxy::start(hosts).await;
    let mut command = leverframe("serve", &config, &proxy);
    command.env("HTTP_PROXY", format!("http://{}", proxy.address)).env("NO_PROXY", "127.0.0.1,localhost");
    let _bot = started(command).0;
    world.slack.set_connected();
    world.discord.set_connected();
    let connected = async {
        world.slack.sockets_are(|open, _| open == 2).await;
        world.discord.sessions_are(|begun, _| begun == 1).await;
        world.commands_are_known().await;
    };
    tokio::time::timeout(LONGEST, connected).await.expect("the bot connects through the proxy");
    let asked = async {
        while world
            .slack
            .says("ana", "deploys", "/deploy checkout staging v1.2.5")
            .await
            .unwrap()
            .unwrap()
            .shown
            .is_some()
        {}
    };
    tokio::time::timeout(LONGEST, asked).await.expect("the bot reads the repository");
    card_says(&world, "Live: ").await;
    let told = world.discord.says("ana", "deploys", "/help command=deploy").await.unwrap().unwrap();
    assert_eq!(told.status, Some(200), "{told:?}");
    let seen = proxy.asked.lock().unwrap().clone();
    for host in ["slack-socket.example.test", "gateway.example.test", "registry.example.test", "git.example.test"] {
        assert!(seen.contains(host), "{host}: {seen:?}");
    }
    assert!(!seen.contains("staging.example.test") && *looked.lock().unwrap() > 0, "{seen:?}");
}
