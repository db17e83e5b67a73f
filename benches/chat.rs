//! The front door under load: signed `/status` and signed `/deploy` at the running server, with everything they do, beside
//! Bolt JS with an empty handler where that is installed, in requests for each second of the server's processor time and
//! in waiting times; and beside what the parts of a `/deploy` take alone in the same run: signature, policy, edit, append.
//! `LEVERFRAME_SHARED` names the folder with the baselines, `PEER_CLIENTS` the one with Bolt; `seconds=N` for longer turns.

use std::{
    error::Error,
    io::{self, BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use leverframe::{
    chat::slack::verify::verify,
    clock,
    core::{
        catalog::Catalog,
        decide::principal,
        entry::{Actor, Draft},
        names::CommandName,
        policy::{Circumstances, Policy, Question},
        yaml::{self, Assignment, Document, Path},
    },
    ledger::{Append, Ledger},
    play::{World, WorldOptions, slack::signature},
    secret::Secret,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How many connections ask at once.
const CONNECTIONS: usize = 32;
/// What a processor's time is counted in.
const TICKS: f64 = 100.0;
/// How often each part is done alone.
const ALONE: u32 = 2_000;

fn main() -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(all())
}

async fn all() -> Outcome<()> {
    let seconds = std::env::args().find_map(|argument| argument.strip_prefix("seconds=")?.parse().ok()).unwrap_or(4);
    let turn = Duration::from_secs(seconds);
    let world = World::start(WorldOptions::quick()).await?;
    let config = world.write_config("127.0.0.1:0")?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_leverframe"));
    let (ours, line) = started(command.arg("serve").arg("--config").arg(&config), "listens on ")?;
    let base = line.split_once("listens on ").map(|(_, address)| address.trim().to_owned()).unwrap_or_default();
    world.set_bot(&base);
    let secret = world.signing_secret();
    ready(&base).await?;
    let mut out = io::stdout().lock();
    for (name, text) in [("/status", "checkout"), ("/deploy", "checkout staging v1.2.5")] {
        let body = |number: usize| form(name, text, number);
        let told = load(&format!("{base}/slack/commands"), (&secret, &body), turn, ours.0.id()).await?;
        writeln!(out, "ours, {name}: {told}")?;
    }
    match bolt(&secret)? {
        Some((bolt, url)) => {
            let body = |number: usize| form("/deploy", "checkout staging v1.2.5", number);
            writeln!(out, "Bolt JS, an empty handler: {}", load(&url, (&secret, &body), turn, bolt.0.id()).await?)?;
        }
        None => writeln!(out, "Bolt JS is not here: LEVERFRAME_SHARED and PEER_CLIENTS say where it would be")?,
    }
    parts(&mut out, &secret).await
}

/// A process that is ended when it is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server and waits until it says this.
fn started(command: &mut Command, says: &str) -> Outcome<(Server, String)> {
    let mut server = Server(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    let output = server.0.stdout.take().ok_or("no output")?;
    let line = BufReader::new(output).lines().map_while(Result::ok).find(|line| line.contains(says));
    Ok((server, line.ok_or("it did not start")?))
}

async fn ready(base: &str) -> Outcome<()> {
    let client = client()?;
    while client.get(format!("{base}/readyz")).send().await?.status() != 200 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn client() -> Outcome<reqwest::Client> {
    // There may be a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

fn bolt(secret: &Secret) -> Outcome<Option<(Server, String)>> {
    #[expect(clippy::disallowed_methods, reason = "the baselines lie outside the project")]
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let script = variable("LEVERFRAME_SHARED").map(|folder| folder.join("bench/chat/bolt_js.cjs"));
    let modules = variable("PEER_CLIENTS").map(|folder| folder.join("node_modules"));
    let is_there = |path: &PathBuf| path.exists();
    let (Some(script), Some(modules)) =
        (script.filter(is_there), modules.filter(|path| path.join("@slack/bolt").exists()))
    else {
        return Ok(None);
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new("node");
    command.arg(script).arg(port.to_string()).env("NODE_PATH", modules).env("NODE_ENV", "production");
    let (server, _) = started(command.env("SLACK_SIGNING_SECRET", secret.reveal()), "ready")?;
    Ok(Some((server, format!("http://127.0.0.1:{port}/slack/events"))))
}

fn form(command: &str, text: &str, number: usize) -> String {
    let text = text.replace(' ', "+");
    format!(
        "token=x&team_id=T0ACME&team_domain=acme&channel_id=C0DEPLOYS&channel_name=deploys&user_id=U0ANA&user_name=ana\
         &command=%2F{}&text={text}&api_app_id=A1&is_enterprise_install=false&trigger_id={number}.1.x\
         &response_url=http%3A%2F%2F127.0.0.1%3A9%2F",
        command.trim_start_matches('/')
    )
}

/// Asks over many connections until the turn is over.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn load(
    url: &str,
    (secret, body): (&Secret, &(dyn Fn(usize) -> String + Sync)),
    turn: Duration,
    process: u32,
) -> Outcome<String> {
    let (client, before, started) = (client()?, processor(process)?, Instant::now());
    let ask = async |first: usize| {
        let (mut waits, mut wrong) = (Vec::new(), 0_usize);
        while started.elapsed() < turn {
            let body = body(first + CONNECTIONS * (waits.len() + wrong));
            let at = clock::now().as_second().to_string();
            let mut request = client.post(url);
            for (name, value) in signature::headers(secret, &at, &body) {
                request = request.header(name, value);
            }
            let asked = Instant::now();
            let is_taken = match request.body(body).send().await {
                Ok(answer) if answer.status() == 200 => answer.bytes().await.is_ok(),
                Ok(_) | Err(_) => false,
            };
            if is_taken { waits.push(asked.elapsed()) } else { wrong += 1 }
        }
        (waits, wrong)
    };
    let asked = futures::future::join_all((0..CONNECTIONS).map(ask)).await;
    let (took, used) = (started.elapsed(), processor(process)? - before);
    let wrong: usize = asked.iter().map(|(_, wrong)| wrong).sum();
    let mut waits: Vec<Duration> = asked.into_iter().flat_map(|(waits, _)| waits).collect();
    waits.sort();
    let at = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default();
    let count = f64::from(u32::try_from(waits.len())?);
    Ok(format!(
        "{:.0} a second, {:.0} for each second of its processor, p50 {:.2?}, p99 {:.2?}, {wrong} refused, {:.0} MB",
        count / took.as_secs_f64(),
        count / used.max(1.0 / TICKS),
        at(50),
        at(99),
        resident(process)?
    ))
}

/// The processor time of a process so far, in seconds.
fn processor(process: u32) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after = stat.rsplit_once(')').map(|(_, after)| after).unwrap_or_default();
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}

/// What a process holds in memory, in MB.
fn resident(process: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok()).unwrap_or_default() / 1000.0)
}

/// What the parts of a `/deploy` take alone.
async fn parts(out: &mut impl io::Write, secret: &Secret) -> Outcome<()> {
    let (body, now) = (form("/deploy", "checkout staging v1.2.5", 1), clock::now());
    let mut headers = HeaderMap::new();
    for (name, value) in signature::headers(secret, &now.as_second().to_string(), &body) {
        headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value)?);
    }
    let body = Bytes::from(body);
    let signed = alone(|| Ok(verify(secret, &headers, body.clone(), now)?))?;
    let action = CommandName::parse("deploy")?;
    let policy = Policy::load(None, std::slice::from_ref(&action))?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let catalog = Catalog::parse(&std::fs::read_to_string(file)?, file)?;
    let actor = Actor { person: None, account: Some("slack:U0ANA".into()), via: "slack".into() };
    let (principal, circumstances) = (principal(&catalog, &actor), Circumstances::default());
    let decided = alone(|| {
        let (principal, action, circumstances) = (&principal, &action, &circumstances);
        let question = Question { principal, action, target: None, environment: None, team: None, circumstances };
        Ok(policy.ask(&question))
    })?;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/apps/checkout/staging/kustomization.yaml");
    let (text, place) = (std::fs::read_to_string(path)?, Path::parse("images[0].newTag")?);
    let set = [Assignment::new(Document::default(), place, "v1.2.5")];
    let edited = alone(|| Ok(yaml::set(&text, &set)?))?;
    let appended = appended().await?;
    let sum = signed + decided + edited + appended;
    writeln!(
        out,
        "alone: signature {signed:.2?}, policy {decided:.2?}, edit {edited:.2?}, append (64 at once) {appended:.2?}; \
         together {sum:.2?}, {:.0} a second",
        1.0 / sum.as_secs_f64()
    )?;
    Ok(())
}

/// What something takes, done again and again.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn alone<T>(what: impl Fn() -> Outcome<T>) -> Outcome<Duration> {
    let started = Instant::now();
    for _ in 0..ALONE {
        std::hint::black_box(what()?);
    }
    Ok(started.elapsed() / ALONE)
}

/// What an entry takes until it is durable, where many are on their way.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn appended() -> Outcome<Duration> {
    let folder = tempfile::tempdir()?;
    let ledger = Ledger::open(folder.path(), Timestamp::UNIX_EPOCH)?.ledger;
    let started = Instant::now();
    for _ in 0..ALONE / 64 {
        let append = |number: u32| {
            let actor = Actor { person: None, account: Some("slack:U0ANA".into()), via: "slack".into() };
            let draft = Draft::new("request.opened", format!("request/{number}"), actor).with("service", "checkout");
            ledger.append(Append { at: Timestamp::UNIX_EPOCH, drafts: vec![draft], seen: None })
        };
        for outcome in futures::future::join_all((0..64).map(append)).await {
            outcome?;
        }
    }
    let took = started.elapsed() / (ALONE / 64 * 64);
    ledger.close().await;
    Ok(took)
}
