//! From the arrival of a command to the pushed commit, over smart HTTP, at 1k, 10k and 100k files: the bot (signed
//! command, plan, policy, durable entries, push) beside the script that people write today and beside the least that
//! a push can cost, all against `git http-backend` in one run. Then a hundred changes that wait, beside one.
//! Arguments: numbers of files, and `times=N`. What it needs and does not find it names, and ends well.

use std::{
    error::Error,
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use leverframe::{
    cli::serve::{self, Running},
    clock,
    config::Config,
    core::names::{ConnectionName, RepoPath, RequestId},
    git::{Composed, Landing, Mirror, Onto, Outcome, REQUEST_TRAILER, Signature, Source, Tree},
    net::{Outgoing, Tls},
    play::{World, WorldOptions, people, repository::DemoRepository},
};
use serde_json::Value;

type Done<T> = Result<T, Box<dyn Error>>;

const CATALOG: &str = "environments:\n  staging: { path: \"apps/{service}/staging\", landing: commit }\n\
                       people:\n  ana: { name: Ana Moreau, email: ana@example.com, slack: U0ANA, teams: [shop] }\n";
const CHANNEL: &str = "deploys";
const WAITING: u32 = 100;
/// How long one command may take.
const LONGEST: Duration = Duration::from_secs(60);

fn main() -> Done<()> {
    let mut out = io::stdout().lock();
    let Some(tools) = tools() else {
        writeln!(
            out,
            "Not measured: it takes git with `git http-backend`, python3, yq, and `bench/git` below LEVERFRAME_SHARED (or ../shared)."
        )?;
        return Ok(());
    };
    let arguments: Vec<String> = std::env::args().collect();
    let numbers: Vec<u32> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if numbers.is_empty() { vec![1_000, 10_000, 100_000] } else { numbers };
    let references = arguments.iter().find_map(|argument| argument.strip_prefix("refs=")?.parse().ok());
    let times = arguments.iter().find_map(|argument| argument.strip_prefix("times=")?.parse().ok()).unwrap_or(9);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(count) = references {
        writeln!(out, "{}", runtime.block_on(many_references(&tools, count, times))?)?;
        return Ok(());
    }
    writeln!(
        out,
        "Medians in ms. `script`: clone --depth 1, commit, push (its yq left out). `raw`: a program that does nothing but push."
    )?;
    writeln!(
        out,
        "  files   script     raw   ours (git only)   script/ours (>=)   ours/raw (<=1.4)   100 waiting / 1 (<=3)"
    )?;
    for files in sizes {
        let line = runtime.block_on(one_size(&tools, files, times))?;
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Where the scripts are that ours is held against.
fn tools() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a bench has no configuration; this says where others' scripts are")]
    let shared = std::env::var_os("LEVERFRAME_SHARED").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let tools = shared.unwrap_or_else(beside).join("bench/git");
    let path = Command::new("git").arg("--exec-path").output().ok()?;
    let git = PathBuf::from(String::from_utf8(path.stdout).ok()?.trim());
    let python =
        Command::new("python3").arg("--version").output().is_ok() && Command::new("yq").arg("--help").output().is_ok();
    (tools.join("gitbench.py").exists() && git.join("git-http-backend").exists() && python).then_some(tools)
}

async fn one_size(tools: &Path, files: u32, times: usize) -> Done<String> {
    let folder = tempfile::tempdir()?;
    let repository = folder.path().join("origin.git");
    run(Command::new("python3").arg(tools.join("gen_repo.py")).args(["--files", &files.to_string()]).arg(&repository))?;
    add_a_catalog(&repository)?;
    let [script, raw] = others(tools, &repository, files, times)?;
    let server = Server::start(tools, folder.path())?;
    let ours = bot(&server, &repository, times).await?;
    let (only, hundred) = waiting(&server, &repository, folder.path(), times).await?;
    let least = match files {
        ..5_000 => 6,
        5_000..50_000 => 20,
        _ => 40,
    };
    Ok(format!(
        "{files:>7} {script:>8.0} {raw:>7.1} {ours:>6.1} ({only:>5.1}) {:>14.1}x ({least:>2}) {:>17.2}x {:>12.0} / {only:.0} = {:.2}x",
        script / ours,
        ours / raw,
        hundred,
        hundred / only,
    ))
}

/// What the bot needs beyond what the scripts do.
fn add_a_catalog(repository: &Path) -> Done<()> {
    let ana = people::find("ana").ok_or("there is no Ana")?;
    let demo = DemoRepository::open(repository, "main");
    demo.commit_by_hand(ana, "a catalog\n", &[(".leverframe/catalog.yaml", CATALOG)], clock::now())?;
    Ok(())
}

fn run(command: &mut Command) -> Done<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{command:?} failed").into())
    }
}

/// The medians of the script, without the time of its yq (there are several, and one takes 0.2 s), and of the raw push.
fn others(tools: &Path, repository: &Path, files: u32, times: usize) -> Done<[f64; 2]> {
    let times = if files > 50_000 { times.min(3) } else { times };
    let yq = Command::new("yq").arg("--help").output()?.stdout;
    let yq = if String::from_utf8_lossy(&yq).contains("--yaml-output") { "yq -Y -i" } else { "yq -i" };
    let mut medians = Vec::new();
    for method in ["seed-depth1", "rawpush"] {
        let mut command = Command::new("python3");
        command.arg(tools.join("gitbench.py")).args(["--methods", method, "--transports", "http", "--yq", yq]);
        let printed = run(command.arg("--repo").arg(repository).args(["--n", &times.to_string()]))?;
        let line: Value = serde_json::from_str(printed.lines().last().unwrap_or_default())?;
        let edit = line.pointer("/phases/edit").and_then(Value::as_f64).unwrap_or(0.0);
        medians.push(line.get("median").and_then(Value::as_f64).ok_or("no median")? - edit);
    }
    medians.try_into().map_err(|_| "two medians".into())
}

/// A fetch that finds nothing new, and a landing, on a server with so many references.
async fn many_references(tools: &Path, count: usize, times: usize) -> Done<String> {
    let folder = tempfile::tempdir()?;
    let repository = folder.path().join("origin.git");
    run(Command::new("python3").arg(tools.join("gen_repo.py")).args(["--files", "1000"]).arg(&repository))?;
    let tip = tip(&repository)?;
    let mut packed = format!("# pack-refs with: peeled fully-peeled sorted \n{tip} refs/heads/main\n");
    let mut names: Vec<String> = (0..count).map(|number| format!("refs/pull/{number}/head")).collect();
    names.sort();
    names.iter().for_each(|name| packed.push_str(&format!("{tip} {name}\n")));
    fs::write(repository.join("packed-refs"), packed)?;
    let server = Server::start(tools, folder.path())?;
    let began = now();
    run(Command::new("git").args(["-c", "protocol.version=0", "ls-remote", &server.url, "refs/heads/main"]))?;
    let all = began.elapsed();
    let mirror = mirror(&server, folder.path())?;
    mirror.fetch().await?;
    let services = services(&repository)?;
    let (mut fetched, mut landed) = (Vec::new(), Vec::new());
    for turn in 0..=times {
        let began = now();
        mirror.fetch().await?;
        fetched.push(began.elapsed());
        landed.push(land(&mirror, &services, turn, 1).await?);
    }
    let first = landed.first().map_or(f64::NAN, |first| first.as_secs_f64() * 1000.0);
    let (fetch, land) = (median(fetched), median(landed.split_off(1)));
    let all = all.as_secs_f64() * 1000.0;
    Ok(format!(
        "{count} references: fetch {fetch:.0} ms, landing {land:.0} ms (the first {first:.0} ms); all of them listed: {all:.0} ms"
    ))
}

/// `git http-backend` on loopback.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(tools: &Path, root: &Path) -> Done<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("python3");
        command.arg(tools.join("http_git.py")).arg(root).arg(port.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { child, url: format!("http://127.0.0.1:{port}/origin.git") })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bot's median, from sending the signed command to the moment when the server's branch has moved.
async fn bot(server: &Server, repository: &Path, times: usize) -> Done<f64> {
    let world = World::start(WorldOptions::quick()).await?;
    let running = start(&world, server).await?;
    let services = services(repository)?;
    let mut taken = Vec::new();
    for (number, service) in services.iter().cycle().enumerate().take(times + 1) {
        let before = tip(repository)?;
        let moved = watch(repository.to_owned(), before);
        let began = now();
        let answer = world.slack.says("ana", CHANNEL, &format!("/deploy {service} staging v9.0.{number}")).await?;
        let body = answer.map(|answer| answer.body).unwrap_or_default();
        let moved = tokio::task::spawn_blocking(move || moved.recv_timeout(LONGEST)).await?;
        taken.push(moved.map_err(|_| format!("nothing was pushed: {body}"))?.duration_since(began));
        is_over(&world, number + 1).await;
    }
    running.stop().await;
    Ok(median(taken.split_off(1)))
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

async fn start(world: &World, server: &Server) -> Done<Running> {
    let file = world.write_config("127.0.0.1:0")?;
    let text = fs::read_to_string(&file)?;
    let old = world.git.url_of("acme/deployments");
    let config = world.folder().join("bench.yaml");
    fs::write(&config, without_github(&text).replace(&old, &server.url))?;
    let running = serve::start(Config::load(&config)?).await?;
    let address = format!("http://{}", running.address);
    world.slack.set_bot(&address, world.signing_secret());
    let ready = url::Url::parse(&format!("{address}/readyz"))?;
    let outgoing = Outgoing::new(&Tls::default())?;
    let began = now();
    while !outgoing.to(&ready).get(ready.clone()).send().await?.status().is_success() {
        if began.elapsed() > LONGEST {
            return Err("the bot is never ready".into());
        }
        tokio::task::yield_now().await;
    }
    Ok(running)
}

/// The playground's configuration without what this bench does not have: a login, pull requests, clusters.
fn without_github(text: &str) -> String {
    let mut kept = String::new();
    let mut within = false;
    for line in text.lines() {
        within =
            if line.starts_with(' ') { within } else { line.starts_with("github:") || line.starts_with("clusters:") };
        let login = ["username:", "password:", "github:"].iter().any(|key| line.trim().starts_with(key));
        if !within && !login {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Every service of the repository, in no particular order.
fn services(repository: &Path) -> Done<Vec<String>> {
    let listed = run(Command::new("git").arg("-C").arg(repository).args(["ls-tree", "--name-only", "main:apps"]))?;
    let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
    let count = names.len();
    names.sort_by_key(|name| name.bytes().fold(0_usize, |sum, byte| (sum * 31 + usize::from(byte)) % (count + 1)));
    Ok(names)
}

fn tip(repository: &Path) -> Done<String> {
    Ok(DemoRepository::open(repository, "main").tip()?)
}

/// Says when the branch is elsewhere than it was.
fn watch(repository: PathBuf, before: String) -> mpsc::Receiver<Instant> {
    let (say, moved) = mpsc::channel();
    std::thread::spawn(move || {
        let (_open, nothing) = mpsc::channel::<()>();
        let file = repository.join("refs/heads/main");
        let began = now();
        while began.elapsed() < LONGEST {
            if fs::read_to_string(&file).is_ok_and(|found| found.len() > 40 && found.trim() != before) {
                let _ = say.send(now());
                return;
            }
            let _ = nothing.recv_timeout(Duration::from_micros(200));
        }
    });
    moved
}

/// Waits until so many cards are over.
async fn is_over(world: &World, count: usize) {
    let mut changed = world.pulse.changed();
    let wait = async {
        loop {
            changed.mark_unchanged();
            let cards = world.slack.messages(CHANNEL).unwrap_or_default();
            let over = cards.iter().filter(|card| card.content.words().contains("*Done.*")).count();
            if over >= count || changed.changed().await.is_err() {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LONGEST, wait).await;
}

fn mirror(server: &Server, folder: &Path) -> Done<Mirror> {
    let outgoing = Outgoing::new(&Tls::default())?;
    let source = Source {
        name: ConnectionName::parse("bench")?,
        url: server.url.clone(),
        branch: "main".to_owned(),
        credentials: None,
        directory: folder.join("mirror.git"),
        ssh: "ssh".into(),
        key: None,
    };
    let client = outgoing.to(&url::Url::parse(&server.url)?).clone();
    Ok(Mirror::open(source, client, tokio::runtime::Handle::current())?)
}

/// The medians of one landing, and of a hundred that wait, in the git room alone.
async fn waiting(server: &Server, repository: &Path, folder: &Path, times: usize) -> Done<(f64, f64)> {
    let mirror = mirror(server, folder)?;
    mirror.fetch().await?;
    let services = services(repository)?;
    let (mut one, mut hundred) = (Vec::new(), Vec::new());
    for turn in 0..=times.min(5) {
        one.push(land(&mirror, &services, turn, 1).await?);
        hundred.push(land(&mirror, &services, turn, WAITING).await?);
    }
    Ok((median(one.split_off(1)), median(hundred.split_off(1))))
}

async fn land(mirror: &Mirror, services: &[String], turn: usize, count: u32) -> Done<Duration> {
    let began = now();
    let landings = (0..count).map(|number| {
        let place = usize::try_from(number).unwrap_or_default();
        let service = services.get(place % services.len().max(1)).map_or("", String::as_str);
        let environment = if place < services.len() { "staging" } else { "dev" };
        mirror.land(landing(&format!("apps/{service}/{environment}/deployment.yaml"), turn, count + number))
    });
    for outcome in join_all(landings).await {
        match outcome? {
            Outcome::Landed { .. } => {}
            other @ (Outcome::AlreadyThere { .. } | Outcome::Stopped(_)) => return Err(format!("{other:?}").into()),
        }
    }
    Ok(began.elapsed())
}

fn landing(file: &str, turn: usize, number: u32) -> Landing<String> {
    let (path, at) = (RepoPath::parse(file), clock::now());
    let request = clock::request_id(at);
    let asked = request.clone();
    let compose = move |tree: &Tree<'_>| {
        let path = path.clone().map_err(|error| error.to_string())?;
        let found = tree.file(&path).map_err(|error| error.to_string())?.ok_or("no such file")?;
        let text = format!("{}# {turn} {number}\n", found.text);
        Ok(composed(&asked, path, text, at))
    };
    Landing { onto: Onto::Tracked, request, opened: at, compose: Box::new(compose) }
}

fn composed(request: &RequestId, path: RepoPath, text: String, at: jiff::Timestamp) -> Composed {
    let who = Signature { name: "Bench".to_owned(), email: "bench@example.org".to_owned() };
    let message = format!("a change\n\n{REQUEST_TRAILER}: {request}\n");
    Composed { files: vec![(path, Some(text.into_bytes()))], author: who.clone(), committer: who, at, message }
}

/// In milliseconds.
fn median(mut taken: Vec<Duration>) -> f64 {
    taken.sort();
    taken.get(taken.len() / 2).map_or(f64::NAN, |middle| middle.as_secs_f64() * 1000.0)
}
