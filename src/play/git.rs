//! A git host: smart HTTP over bare repositories in a folder, with a token, by spawning `git`.
//!
//! Branches can be protected (a push is refused in GitHub's words) and repositories renamed (301).

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::Engine;
use http_body_util::BodyExt;
use tokio::{io::AsyncWriteExt, process::Command};

use super::{
    error::PlayError,
    exchange::Exchanges,
    github::GithubLookalike,
    packets,
    pulse::Pulse,
    server::{Habits, Server, listen},
};
use crate::secret::Secret;

/// A running git host. Dropping it stops it.
pub struct GitLookalike {
    server: Server,
    host: Arc<Host>,
}

/// What a git host needs.
pub struct GitOptions {
    /// The folder whose `OWNER/NAME.git` are served.
    pub root: PathBuf,
    /// The password of `x-access-token`.
    pub token: Secret,
    /// Beats after every push.
    pub pulse: Pulse,
}

struct Host {
    root: PathBuf,
    token: Secret,
    pulse: Pulse,
    rules: Mutex<Rules>,
    github: Mutex<Option<Arc<GithubLookalike>>>,
}

#[derive(Default)]
struct Rules {
    protected: BTreeSet<String>,
    renamed: BTreeMap<String, String>,
}

/// The user that goes with the token, as on GitHub.
pub const USER: &str = "x-access-token";

impl GitLookalike {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(options: GitOptions) -> Result<Self, PlayError> {
        let GitOptions { root, token, pulse } = options;
        let host = Arc::new(Host { root, token, pulse, rules: Mutex::default(), github: Mutex::default() });
        let router = Router::new().fallback(serve).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&host));
        let habits = Habits { kept: &["/"], prefix: "" };
        let server = Server::serve(listen(0).await?, router, Exchanges::default(), habits)?;
        Ok(Self { server, host })
    }

    /// The address to clone `OWNER/NAME` from, without credentials.
    pub fn url_of(&self, repository: &str) -> String {
        format!("{}/{repository}.git", self.server.url())
    }

    /// The server: its exchanges, its faults, stopping and starting it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The tokens that this GitHub gives to Apps open its repositories too.
    pub fn takes_tokens_of(&self, github: Arc<GithubLookalike>) {
        *self.host.github.lock().unwrap_or_else(PoisonError::into_inner) = Some(github);
    }

    /// From now on pushes to this branch (`main`) are refused.
    pub fn protect(&self, branch: &str) {
        self.host.rules().protected.insert(format!("refs/heads/{branch}"));
    }

    /// Pushes to this branch are taken again.
    pub fn unprotect(&self, branch: &str) {
        self.host.rules().protected.remove(&format!("refs/heads/{branch}"));
    }

    /// Requests for `from` (`OWNER/NAME`) are sent on to `to` with 301.
    pub fn rename(&self, from: &str, to: &str) {
        self.host.rules().renamed.insert(from.to_owned(), to.to_owned());
    }
}

impl Host {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let encoded = given.and_then(|value| value.strip_prefix("Basic "));
        let decoded = encoded.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text.trim()).ok());
        let login = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let Some((USER, password)) = login.split_once(':') else { return false };
        let github = self.github.lock().unwrap_or_else(PoisonError::into_inner).clone();
        password == self.token.reveal() || github.is_some_and(|github| github.gave(password))
    }
}

/// What is asked of a repository.
struct Call {
    repository: String,
    service: &'static str,
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Advertise,
    Converse,
}

impl Call {
    fn parse(method: &Method, uri: &Uri) -> Option<Self> {
        let (repository, verb) = uri.path().strip_prefix('/')?.split_once(".git/")?;
        let sound = repository.split('/').all(|step| !matches!(step, "" | "." | ".."));
        let (service, step) = match (method.as_str(), verb, uri.query()) {
            ("GET", "info/refs", Some("service=git-upload-pack")) => ("upload-pack", Step::Advertise),
            ("GET", "info/refs", Some("service=git-receive-pack")) => ("receive-pack", Step::Advertise),
            ("POST", "git-upload-pack", _) => ("upload-pack", Step::Converse),
            ("POST", "git-receive-pack", _) => ("receive-pack", Step::Converse),
            _ => return None,
        };
        sound.then(|| Self { repository: repository.to_owned(), service, step })
    }
}

async fn serve(State(host): State<Arc<Host>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Some(call) = Call::parse(&parts.method, &parts.uri) else {
        return (StatusCode::NOT_FOUND, "Not Found").into_response();
    };
    if let Some(to) = host.rules().renamed.get(&call.repository) {
        let place = parts.uri.to_string().replacen(&call.repository, to, 1);
        return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, place)]).into_response();
    }
    if !host.lets_in(&parts.headers) {
        let realm = [(header::WWW_AUTHENTICATE, "Basic realm=\"GitHub\"")];
        return (StatusCode::UNAUTHORIZED, realm, "Invalid username or token.").into_response();
    }
    let folder = host.root.join(format!("{}.git", call.repository));
    if !folder.is_dir() {
        return (StatusCode::NOT_FOUND, "Repository not found.").into_response();
    }
    let Some(body) = plain(&parts.headers, body).await else {
        return (StatusCode::BAD_REQUEST, "the body cannot be read").into_response();
    };
    answer(&host, &call, &folder, &parts.headers, body).await
}

async fn answer(host: &Host, call: &Call, folder: &Path, headers: &HeaderMap, body: Vec<u8>) -> Response {
    if let Some(refusal) = refused(host, call, &body) {
        return packs(call, refusal);
    }
    let protocol = headers.get("git-protocol").and_then(|value| value.to_str().ok());
    match run_git(call, folder, protocol, body).await {
        Ok(output) => {
            if (call.service, call.step) == ("receive-pack", Step::Converse) {
                host.pulse.beat();
            }
            let greeted = call.step == Step::Advertise && !protocol.is_some_and(|words| words.contains("version=2"));
            packs(call, if greeted { packets::greeting(call.service, output) } else { output })
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The answer to a push that touches a protected branch.
fn refused(host: &Host, call: &Call, body: &[u8]) -> Option<Vec<u8>> {
    if (call.service, call.step) != ("receive-pack", Step::Converse) {
        return None;
    }
    let push = packets::Push::parse(body);
    let protected = host.rules().protected.clone();
    let hit = push.references.iter().find(|name| protected.contains(*name))?;
    Some(push.refuse(hit))
}

fn packs(call: &Call, body: Vec<u8>) -> Response {
    let kind = match call.step {
        Step::Advertise => format!("application/x-git-{}-advertisement", call.service),
        Step::Converse => format!("application/x-git-{}-result", call.service),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache".to_owned())];
    (headers, body).into_response()
}

/// The request's body, unpacked where it came gzipped.
async fn plain(headers: &HeaderMap, body: Body) -> Option<Vec<u8>> {
    let bytes = body.collect().await.ok()?.to_bytes();
    if headers.get(header::CONTENT_ENCODING) != Some(&HeaderValue::from_static("gzip")) {
        return Some(bytes.to_vec());
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_ref()).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}

async fn run_git(call: &Call, folder: &Path, protocol: Option<&str>, body: Vec<u8>) -> Result<Vec<u8>, PlayError> {
    let mut command = Command::new("git");
    command.arg(call.service).arg("--stateless-rpc");
    if call.step == Step::Advertise {
        command.arg("--advertise-refs");
    }
    command.arg(folder).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    if let Some(protocol) = protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // git stops reading when it has read enough; what is left over is not its concern.
            let _ = stdin.write_all(&body).await;
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    Ok(output?.stdout)
}

#[cfg(test)]
#[path = "git_tests.rs"]
mod tests;
