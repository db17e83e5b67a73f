//! The real binary as a child process in a playground's world: started, killed without warning, started again.
//! Tests wait for what people would see; nothing here sleeps. A bot that was killed is started again by whoever
//! waits next, as a supervisor would.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use leverframe::{
    net::{Outgoing, Tls},
    play::{
        World, WorldOptions,
        exchange::{Asked, Fault, InForce, Rule, Stop},
        pulse::Pulse,
        server::Server,
        slack::{
            Answered, Which,
            workspace::{Author, Message},
        },
    },
};
use serde_json::Value;

/// How long anything may take until a test fails.
const LONGEST: Duration = Duration::from_secs(90);
/// Where people type.
pub(crate) const CHANNEL: &str = "deploys";

/// A world with the bot in it.
pub(crate) struct Scene {
    pub(crate) world: World,
    config: PathBuf,
    bot: Arc<Mutex<Option<Child>>>,
    deaths: Arc<AtomicU32>,
    address: Mutex<String>,
}

/// Kills the bot from wherever a look-alike stands.
#[derive(Clone)]
pub(crate) struct Killer {
    bot: Arc<Mutex<Option<Child>>>,
    deaths: Arc<AtomicU32>,
    pulse: Pulse,
}

impl Killer {
    /// SIGKILL, and waits until the process is gone. Killing nobody is fine.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.bot.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
            self.deaths.fetch_add(1, Ordering::SeqCst);
        }
        self.pulse.beat();
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.killer().kill();
    }
}

impl Scene {
    /// A fresh world and a bot that is ready.
    pub(crate) async fn start() -> Self {
        Self::prepared(|_| ()).await
    }

    /// A fresh world, changed before the bot comes.
    pub(crate) async fn prepared(prepare: impl FnOnce(&World)) -> Self {
        let world = World::start(WorldOptions::quick()).await.unwrap();
        prepare(&world);
        let config = world.write_config("127.0.0.1:0").unwrap();
        let scene = Self { world, config, bot: Arc::default(), deaths: Arc::default(), address: Mutex::default() };
        scene.start_bot().await;
        scene
    }

    pub(crate) fn killer(&self) -> Killer {
        let (bot, deaths) = (Arc::clone(&self.bot), Arc::clone(&self.deaths));
        Killer { bot, deaths, pulse: self.world.pulse.clone() }
    }

    /// How often the bot was killed.
    pub(crate) fn deaths(&self) -> u32 {
        self.deaths.load(Ordering::SeqCst)
    }

    /// Starts the bot and waits until it is ready; again where it is killed before.
    pub(crate) async fn start_bot(&self) {
        let start = async {
            while !self.is_running() {
                if let Some(address) = self.launch().await {
                    self.is_ready(&address).await;
                }
            }
        };
        let ready = tokio::time::timeout(LONGEST, start).await;
        assert!(ready.is_ok(), "the bot is never ready\n{}", self.told());
    }

    /// Asks until the bot says that it is ready or is gone; each try is an exchange with it.
    async fn is_ready(&self, address: &str) {
        let out = Outgoing::new(&Tls::default()).unwrap();
        let address: url::Url = format!("{address}/readyz").parse().unwrap();
        while self.is_running() {
            let answer = out.to(&address).get(address.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Starts the bot and waits until it listens; nothing where it is killed before.
    pub(crate) async fn launch(&self) -> Option<String> {
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_leverframe"));
        command.arg("serve").arg("--config").arg(&self.config).env("RUST_LOG", "info");
        let mut child = command.stdout(Stdio::piped()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        *self.bot.lock().unwrap() = Some(child);
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            line
        });
        let line = read.await.unwrap();
        let Some((_, address)) = line.trim().split_once("listens on ") else {
            assert!(!self.is_running(), "the bot did not start: {line}\n{}", self.told());
            return None;
        };
        self.world.set_bot(address);
        address.clone_into(&mut self.address.lock().unwrap());
        Some(address.to_owned())
    }

    /// Where the bot listens.
    pub(crate) fn address(&self) -> String {
        self.address.lock().unwrap().clone()
    }

    /// Asks for a page until it begins with these words, or has them in it; gives the page.
    pub(crate) async fn page_says(&self, address: &str, path: &str, words: &str) -> String {
        let out = Outgoing::new(&Tls::default()).unwrap();
        let page: url::Url = format!("{address}{path}").parse().unwrap();
        let mut last = String::new();
        let asked = async {
            loop {
                if let Ok(answer) = out.to(&page).get(page.clone()).send().await {
                    last = answer.text().await.unwrap_or_default();
                }
                if last.starts_with(words) || (last.contains(words) && words != "ready\n") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(LONGEST, asked).await;
        assert!(found.is_ok(), "{path} never says {words}\n{}", self.told());
        last
    }

    /// The bot's process.
    pub(crate) fn pid(&self) -> u32 {
        self.bot.lock().unwrap().as_ref().unwrap().id()
    }

    fn is_running(&self) -> bool {
        self.bot.lock().unwrap().is_some()
    }

    fn log(&self) -> PathBuf {
        self.world.folder().join("bot.log")
    }

    /// Waits until it is so, looking again whenever anything changes anywhere; starts the bot again when it is gone.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let mut changed = self.world.pulse.changed();
        let wait = async {
            loop {
                changed.mark_unchanged();
                if !self.is_running() {
                    self.start_bot().await;
                }
                if is_so(self) {
                    break;
                }
                // A bot that is gone changes nothing any more: it is looked for again without that.
                let _ = tokio::time::timeout(Duration::from_millis(500), changed.changed()).await;
            }
        };
        let waited = tokio::time::timeout(LONGEST, wait).await;
        assert!(waited.is_ok(), "it never came to this: {what}\n{}", self.told());
    }

    /// Somebody types, with the bot there.
    pub(crate) async fn says(&self, who: &str, text: &str) -> Answered {
        self.world.slack.says(who, CHANNEL, text).await.unwrap().unwrap()
    }

    /// Somebody presses a button on the newest card that has it.
    pub(crate) async fn presses(&self, who: &str, button: &str) -> Answered {
        self.world.slack.presses(who, Which::Newest(CHANNEL), button).await.unwrap()
    }

    /// The bot's messages that everybody sees, oldest first.
    pub(crate) fn cards(&self) -> Vec<Message> {
        let all = self.world.slack.messages(CHANNEL).unwrap();
        all.into_iter().filter(|message| message.author == Author::Bot && message.thread.is_none()).collect()
    }

    /// Whether any card says this now.
    pub(crate) fn card_says(&self, words: &str) -> bool {
        self.cards().iter().any(|card| card.content.words().contains(words))
    }

    /// Whether any card says this now, or said it before it was edited.
    pub(crate) fn card_said(&self, words: &str) -> bool {
        let said =
            |card: &Message| card.earlier.iter().chain([&card.content]).any(|content| content.words().contains(words));
        self.cards().iter().any(said)
    }

    /// Runs another subcommand of the binary beside the bot: exit code and what it printed.
    pub(crate) async fn command(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_leverframe"));
        let output = command.args(arguments).arg("--config").arg(&self.config).output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }

    /// The ledger's entries.
    pub(crate) async fn ledger(&self) -> Vec<Value> {
        let (code, text) = self.command(&["audit", "export"]).await;
        assert_eq!(code, Some(0), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until the ledger has such an entry. (That a card was posted is recorded after it can be seen.)
    pub(crate) async fn recorded(&self, kind: &str) {
        let look = async { while of_kind(&self.ledger().await, kind).is_empty() {} };
        let waited = tokio::time::timeout(LONGEST, look).await;
        assert!(waited.is_ok(), "{kind} is never recorded\n{}", self.told());
    }

    /// Waits until the ledger has two such entries.
    pub(crate) async fn recorded_twice(&self, kind: &str) {
        let look = async { while of_kind(&self.ledger().await, kind).len() < 2 {} };
        let waited = tokio::time::timeout(LONGEST, look).await;
        assert!(waited.is_ok(), "{kind} is never recorded twice\n{}", self.told());
    }

    /// Fails unless `audit verify` passes.
    pub(crate) async fn verify(&self) {
        let (code, text) = self.command(&["audit", "verify"]).await;
        assert_eq!(code, Some(0), "{text}\n{}", self.told());
    }

    /// `git` in the bare repository.
    pub(crate) async fn git(&self, arguments: &[&str]) -> String {
        let mut command = tokio::process::Command::new("git");
        let output = command.arg("-C").arg(self.world.repository.path()).args(arguments).output().await.unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {words}");
        String::from_utf8_lossy(&output.stdout).into_owned() + &words
    }

    /// The commits of the tracked branch that carry a request's mark, newest first.
    pub(crate) async fn commits_of(&self, request: &str) -> Vec<String> {
        let mark = format!("--grep=^Leverframe-Request: {request}$");
        let found = self.git(&["log", "--format=%H", &mark, self.world.repository.branch()]).await;
        found.lines().map(str::to_owned).collect()
    }

    /// What everybody saw and what the bot logged, for whoever reads a failure.
    pub(crate) fn told(&self) -> String {
        let mut told = String::from("--- messages\n");
        for message in self.world.slack.everything() {
            let only = message.only.map(|person| format!(" (only {})", person.key)).unwrap_or_default();
            told += &format!("{}{only}: {}\n", message.ts, message.content.words());
            for earlier in &message.earlier {
                told += &format!("    before: {}\n", earlier.words().lines().nth(1).unwrap_or_default());
            }
        }
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        format!("{told}--- the bot's log\n{tail}")
    }
}

/// Whether something happens before a look-alike handles a call, or after it has and before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// Puts a stop at a kind of call.
pub(crate) fn stop(
    server: &Server,
    method: &str,
    prefix: &str,
    side: Side,
    act: impl Fn(&Asked) + Send + Sync + 'static,
) -> InForce {
    let act: Stop = Arc::new(act);
    let fault = match side {
        Side::Before => Fault::StopBefore(act),
        Side::After => Fault::StopAfter(act),
    };
    server.exchanges().add(Rule::on(method, prefix, fault))
}

/// The members of entries of one kind.
pub(crate) fn of_kind<'a>(ledger: &'a [Value], kind: &str) -> Vec<&'a Value> {
    ledger.iter().filter(|entry| entry["kind"] == kind).collect()
}

/// Has the kernel do something to a system call of the bot, as `strace --inject` says it; nothing, said aloud, where that
/// cannot be done here. `trace` gets the calls.
pub(crate) async fn inject(scene: &Scene, what: &str, trace: &std::path::Path) -> Option<tokio::process::Child> {
    let (call, pid) = (what.split(':').next().unwrap(), scene.pid().to_string());
    let mut command = tokio::process::Command::new("strace");
    command.args(["-f", "-p", &pid, "-e", &format!("trace={call}"), "-e", &format!("inject={what}"), "-o"]).arg(trace);
    let Ok(mut strace) = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn() else {
        println!("skipped: there is no strace");
        return None;
    };
    let mut said = tokio::io::BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    let read = tokio::time::timeout(LONGEST, tokio::io::AsyncBufReadExt::read_line(&mut said, &mut line)).await;
    assert!(read.is_ok(), "strace says nothing");
    if !line.contains("attached") {
        println!("skipped: strace cannot attach here: {line}");
        return None;
    }
    strace.stderr = Some(said.into_inner());
    Some(strace)
}
