//! The way from a terminal on this machine into the running server: a socket in the data directory, for its owner
//! alone. A line of JSON asks, a line of JSON answers.

use std::{
    io::ErrorKind,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use crate::{clock, core::entry::Actor, core::names::PersonId, engine::Engine, ledger::Anchor, tasks::Tasks};

/// No question is longer.
const LONGEST: u64 = 64 * 1024;

/// Why a server could not be asked, or refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No server runs on this data directory.
    #[error("no server runs here")]
    NobodyThere,
    /// The socket cannot be used.
    #[error("the running server cannot be asked: {0}")]
    Unreachable(String),
    /// The server said no.
    #[error("{why}")]
    Refused {
        /// Why.
        why: String,
        /// What to do.
        remedy: String,
    },
}

impl ControlError {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::NobodyThere => "Start `leverframe serve`.".into(),
            Self::Unreachable(_) => "Run this as the user that runs the server, on the same machine.".into(),
            Self::Refused { remedy, .. } => remedy.clone(),
        }
    }
}

/// The socket of a data directory.
pub fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Asks the server of a data directory.
///
/// # Errors
/// When there is none, it cannot be asked, or it refuses.
pub async fn ask(data: &Path, question: &Value) -> Result<Value, ControlError> {
    let path = socket(data);
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        // A server that was killed leaves its socket, and nobody listens there.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Err(ControlError::NobodyThere);
        }
        Err(error) => return Err(ControlError::Unreachable(error.to_string())),
    };
    let exchanged = exchange(stream, question).await;
    let answer: Value = exchanged.map_err(|error| ControlError::Unreachable(error.to_string()))?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match answer.get("ok") {
        Some(Value::Bool(true)) => Ok(answer),
        _ => Err(ControlError::Refused { why: text("why"), remedy: text("remedy") }),
    }
}

async fn exchange(stream: UnixStream, question: &Value) -> std::io::Result<Value> {
    let (read, mut write) = stream.into_split();
    write.write_all(format!("{question}\n").as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await?;
    serde_json::from_str(&line).map_err(Into::into)
}

/// Listens on the socket of a data directory. Only the ledger's holder calls this, so that what lies there is stale.
///
/// # Errors
/// When the socket cannot be made there.
pub fn listen(data: &Path, engine: Engine, tasks: &Tasks) -> std::io::Result<()> {
    let path = socket(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let owner = std::fs::metadata(&path)?.uid();
    let (stop, of_each) = (tasks.clone(), tasks.clone());
    tasks.start(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.stopping() => break,
            };
            let Ok((stream, _)) = accepted else { continue };
            let is_owner = stream.peer_cred().is_ok_and(|peer| peer.uid() == owner);
            let engine = engine.clone();
            of_each.start(async move {
                if let Err(error) = serve(stream, is_owner.then_some(engine)).await {
                    tracing::debug!(%error, "a terminal went away");
                }
            });
        }
        let _ = std::fs::remove_file(&path);
    });
    Ok(())
}

/// Answers one question; a stranger's is answered with a refusal.
async fn serve(stream: UnixStream, engine: Option<Engine>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let answer = match (engine, serde_json::from_str(&line)) {
        (None, _) => refusal("you are another user than the server's", "Run this as the user that runs the server."),
        (Some(engine), Ok(question)) => answer(&engine, &question).await,
        (Some(_), Err(error)) => refusal(&format!("the question is no JSON: {error}"), "Ask with `leverframe` itself."),
    };
    write.write_all(format!("{answer}\n").as_bytes()).await
}

async fn answer(engine: &Engine, question: &Value) -> Value {
    let text = |name: &str| question.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("do"), PersonId::parse(text("person"))) {
        ("audit.erase", Ok(person)) => {
            let actor = Actor { person: None, account: None, via: "terminal".to_owned() };
            match engine.erase(&person, actor, clock::now()).await {
                Ok(erased) => json!({ "ok": true, "texts": erased.texts }),
                Err(error) => refusal(&error.to_string(), &error.remedy()),
            }
        }
        ("audit.accept-gap", _) => {
            let actor = Actor { person: None, account: None, via: "terminal".to_owned() };
            match engine.ledger().accept_gap(text("reason"), actor, clock::now()).await {
                Ok(anchors) => {
                    let told = |one: Anchor| format!("{}, made of {} entries", one.found, one.head.size);
                    json!({ "ok": true, "given_up": anchors.into_iter().map(told).collect::<Vec<_>>() })
                }
                Err(error) => refusal(&error.to_string(), &error.remedy()),
            }
        }
        ("audit.erase", Err(error)) => refusal(&error.to_string(), "Name a person's key in the catalog."),
        _ => refusal("this version of the server does not know that", "Use the same version of `leverframe` for both."),
    }
}

fn refusal(why: &str, remedy: &str) -> Value {
    json!({ "ok": false, "why": why, "remedy": remedy })
}
