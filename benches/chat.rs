//! The front door under load: signed `/status` and signed `/deploy` (planned, decided, durably in the ledger, waiting for a
//! person) of Slack and of Discord at the running server, beside Bolt JS and discord-interactions with empty handlers where
//! those are installed, in requests for each second of the server's processor time, in waiting times and in memory; and
//! beside what the parts of a `/deploy` take alone in the same run: signature, policy, edit, append.
//! `LEVERFRAME_SHARED` names the folder with the baselines, `PEER_CLIENTS` the one with their packages; `seconds=N` for
//! longer turns.

use std::{
    error::Error,
    io::{self, BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use leverframe::{
    clock,
    core::names::hex,
    play::{World, WorldOptions, discord::guild, people, slack::signature},
    secret::Secret,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

#[path = "chat/parts.rs"]
mod parts;

type Outcome<T> = Result<T, Box<dyn Error>>;
/// How many connections ask at once.
const CONNECTIONS: usize = 32;
/// What a processor's time is counted in.
const TICKS: f64 = 100.0;

fn main() -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(all())
}

async fn all() -> Outcome<()> {
    let seconds = std::env::args().find_map(|argument| argument.strip_prefix("seconds=")?.parse().ok()).unwrap_or(4);
    let turn = Duration::from_secs(seconds);
    let (world, keys) = prepared().await?;
    let began = now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leverframe"));
    let config = world.folder().join("leverframe.yaml");
    let (ours, line) = started(command.arg("serve").arg("--config").arg(&config), "listens on ")?;
    let base = line.split_once("listens on ").map(|(_, address)| address.trim().to_owned()).unwrap_or_default();
    world.set_bot(&base);
    ready(&base).await?;
    let mut out = io::stdout().lock();
    writeln!(out, "ours: ready after {:.0?}, idle {:.0} MB", began.elapsed(), resident(ours.0.id())?)?;
    let sum = parts::alone(&mut out, &keys.slack).await?;
    for platform in [Platform::Slack, Platform::Discord] {
        let doors = (format!("{base}{}", platform.door()), baseline(platform, &keys)?);
        compare(&mut out, platform, (&doors.0, ours.0.id(), doors.1.as_ref()), (&keys, turn, sum)).await?;
    }
    Ok(())
}

/// A demo in which a deploy to staging waits for a person, so that asking ends with its entry: no commit, no pull request.
async fn prepared() -> Outcome<(World, Keys)> {
    let world = World::start(WorldOptions::quick()).await?;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let catalog = std::fs::read_to_string(path)?;
    let waits = "approvals: { deploy: { count: 1, from: [group:leads] } }";
    let catalog = catalog.replacen("landing: commit", &format!("landing: commit\n    {waits}"), 1);
    let dan = people::find("dan").ok_or("nobody is called dan")?;
    world.repository.commit_by_hand(
        dan,
        "A staging that asks\n",
        &[(".leverframe/catalog.yaml", &catalog)],
        clock::now(),
    )?;
    let keys = Keys {
        slack: world.signing_secret(),
        discord: Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| "no key")?,
    };
    let file = world.write_config("127.0.0.1:0")?;
    let text = std::fs::read_to_string(&file)?;
    let ours = format!("    public_key: \"{}\"", hex(keys.discord.public_key().as_ref()));
    let changed = |line: &str| match line.trim_start().split(':').next() {
        Some("public_key") => ours.trim_start().to_owned(),
        _ => line.trim_start().to_owned(),
    };
    let lines =
        text.lines().map(|line| format!("{}{}", " ".repeat(line.len() - line.trim_start().len()), changed(line)));
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n") + "\n")?;
    Ok((world, keys))
}

/// Which platform asks.
#[derive(Debug, Clone, Copy)]
enum Platform {
    Slack,
    Discord,
}

/// What each platform signs with.
struct Keys {
    slack: Secret,
    discord: Ed25519KeyPair,
}

impl Platform {
    fn door(self) -> &'static str {
        match self {
            Self::Slack => "/slack/commands",
            Self::Discord => "/discord/interactions",
        }
    }

    /// A command as the platform sends it.
    fn body(self, (command, words): (&str, [&str; 3]), number: usize) -> String {
        let text = words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ");
        match self {
            Self::Slack => form(&format!("/{command}"), &text, number),
            Self::Discord => {
                let names = ["service", "environment", "version"].into_iter().zip(words);
                let given = names.filter(|(_, word)| !word.is_empty());
                let options: Vec<Value> =
                    given.map(|(name, word)| json!({"name": name, "type": 3, "value": word})).collect();
                let ana = people::find("ana").map_or("1", |ana| ana.discord);
                let channel = guild::channel("deploys").map_or("1", |channel| channel.id);
                let user = json!({"id": ana, "username": "ana", "discriminator": "0"});
                json!({"id": (1_400_000_000_000_000_000_u64 + number as u64).to_string(), "token": format!("t{number}"),
                    "application_id": guild::APPLICATION, "type": 2, "version": 1, "guild_id": guild::GUILD,
                    "channel_id": channel, "member": {"user": user, "roles": [], "flags": 0, "pending": false},
                    "data": {"id": "1", "name": command, "type": 1, "options": options}})
                .to_string()
            }
        }
    }

    /// The headers that sign a body.
    fn signs(self, keys: &Keys, at: &str, body: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::Slack => signature::headers(&keys.slack, at, body),
            Self::Discord => {
                let signed = keys.discord.sign(format!("{at}{body}").as_bytes());
                vec![
                    ("content-type", "application/json".to_owned()),
                    ("x-signature-timestamp", at.to_owned()),
                    ("x-signature-ed25519", hex(signed.as_ref())),
                ]
            }
        }
    }
}

/// What a load came to.
struct Load {
    /// Taken requests for each second of the server's processor.
    each: f64,
    p99: Duration,
    words: String,
}

type Doors<'a> = (&'a str, u32, Option<&'a (Server, String)>);

/// Ours, the platform's baseline, and how they stand to each other and to the sum of our parts.
async fn compare(
    out: &mut impl io::Write,
    platform: Platform,
    (door, process, baseline): Doors<'_>,
    (keys, turn, sum): (&Keys, Duration, Duration),
) -> Outcome<()> {
    let status =
        load((platform, door), keys, turn, process, &|_| ("status", ["checkout", "", ""].map(str::to_owned))).await?;
    writeln!(out, "{platform:?}, ours, /status: {}", status.words)?;
    let deploy = |number: usize| ("deploy", ["checkout".to_owned(), "staging".to_owned(), format!("v2.{number}.0")]);
    let deployed = load((platform, door), keys, turn, process, &deploy).await?;
    writeln!(out, "{platform:?}, ours, /deploy: {}", deployed.words)?;
    let whole = Duration::from_secs_f64(1.0 / deployed.each.max(1.0));
    let times = whole.as_secs_f64() / sum.as_secs_f64();
    writeln!(out, "{platform:?}, /deploy takes {whole:.2?} of a processor, {times:.2} times its parts (limit 1.4)")?;
    let Some((server, url)) = baseline else {
        return Ok(writeln!(
            out,
            "{platform:?}: no baseline; LEVERFRAME_SHARED and PEER_CLIENTS say where it would be"
        )?);
    };
    let idle = resident(server.0.id())?;
    let theirs = load((platform, url), keys, turn, server.0.id(), &deploy).await?;
    writeln!(out, "{platform:?}, the baseline with an empty handler: {} (idle {idle:.0} MB)", theirs.words)?;
    writeln!(
        out,
        "{platform:?}: {:.2} (/status) and {:.2} (/deploy) of what the baseline does in the same processor time; p99 {:.2?} \
         and {:.2?} against {:.2?}",
        status.each / theirs.each,
        deployed.each / theirs.each,
        status.p99,
        deployed.p99,
        theirs.p99
    )?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
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

/// The platform's own library with an empty handler, where it is installed, and where it is asked.
fn baseline(platform: Platform, keys: &Keys) -> Outcome<Option<(Server, String)>> {
    #[expect(clippy::disallowed_methods, reason = "the baselines lie outside the project")]
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (script, package, variable_of_key, key, door) = match platform {
        Platform::Slack => {
            ("bolt_js.cjs", "@slack/bolt", "SLACK_SIGNING_SECRET", keys.slack.reveal().to_owned(), "/slack/events")
        }
        Platform::Discord => {
            let key = hex(keys.discord.public_key().as_ref());
            ("discord_express.cjs", "discord-interactions", "DISCORD_PUBLIC_KEY", key, "/discord")
        }
    };
    let script = variable("LEVERFRAME_SHARED").map(|folder| folder.join("bench/chat").join(script));
    let modules = variable("PEER_CLIENTS").map(|folder| folder.join("node_modules"));
    let (Some(script), Some(modules)) = (script.filter(|path| path.exists()), modules) else { return Ok(None) };
    if !modules.join(package).exists() {
        return Ok(None);
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new("node");
    command.arg(script).arg(port.to_string()).env("NODE_PATH", modules).env("NODE_ENV", "production");
    let (server, _) = started(command.env(variable_of_key, key), "ready")?;
    Ok(Some((server, format!("http://127.0.0.1:{port}{door}"))))
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

/// Asks over many connections until the turn is over. No two requests are the same.
async fn load(
    (platform, url): (Platform, &str),
    keys: &Keys,
    turn: Duration,
    process: u32,
    asks: &(dyn Fn(usize) -> (&'static str, [String; 3]) + Sync),
) -> Outcome<Load> {
    // What was asked in an earlier turn is not asked again.
    let offset = usize::try_from(clock::now().as_millisecond() % 1_000_000_000)? * 1000;
    let (client, before, started) = (client()?, processor(process)?, now());
    let ask = async |first: usize| {
        let (mut waits, mut wrong) = (Vec::new(), 0_usize);
        while started.elapsed() < turn {
            let number = offset + first + CONNECTIONS * (waits.len() + wrong);
            let (command, words) = asks(number);
            let body = platform.body((command, words.each_ref().map(String::as_str)), number);
            let at = clock::now().as_second().to_string();
            let mut request = client.post(url);
            for (name, value) in platform.signs(keys, &at, &body) {
                request = request.header(name, value);
            }
            let asked = now();
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
    let (each, p99) = (count / used.max(1.0 / TICKS), at(99));
    let words = format!(
        "{:.0} a second, {each:.0} for each second of its processor, p50 {:.2?}, p99 {p99:.2?}, {wrong} refused, {:.0} MB",
        count / took.as_secs_f64(),
        at(50),
        resident(process)?
    );
    Ok(Load { each, p99, words })
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
