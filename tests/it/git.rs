//! The git room against real git servers: `git upload-pack` and `git receive-pack` behind smart HTTP with Basic
//! auth on loopback, and folders. `git` itself is the witness of what landed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use base64::Engine as _;
use jiff::Timestamp;
use leverframe::{
    core::{
        names::{CommitId, ConnectionName, RepoPath, RequestId},
        yaml,
    },
    git::{
        Composed, Credentials, GitError, Landing, Mirror, Onto, Outcome, REQUEST_TRAILER, Signature, Source,
        SourceFile, Tree,
    },
    net::{Outgoing, Tls},
    secret::Secret,
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, task::JoinSet};

const AT: &str = "2026-11-21T08:00:00Z";
pub(crate) const FILE: &str = "apps/checkout/staging/deployment.yaml";

/// What a server can and cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// All that git can.
    Modern,
    /// It says nothing of what became of a push.
    NoReport,
    /// It completes no packs.
    NoThinPacks,
    /// It speaks only the first protocol.
    Old,
}

/// A server with one repository, `acme/deployments.git`.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) port: u16,
    pub(crate) pushes: Arc<AtomicU32>,
    pub(crate) token: Arc<Mutex<String>>,
    pub(crate) renamed: Arc<AtomicU16>,
    loses_answers: Arc<AtomicBool>,
    _task: JoinSet<()>,
}

#[derive(Clone)]
struct Host {
    root: PathBuf,
    habit: Habit,
    pushes: Arc<AtomicU32>,
    token: Arc<Mutex<String>>,
    /// Unless 0, `acme/deployments` is `acme/moved` now, which is said with this status.
    renamed: Arc<AtomicU16>,
    /// Pushes are carried out and answered 502.
    loses_answers: Arc<AtomicBool>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Habit::Modern).await
    }

    pub(crate) async fn with(habit: Habit) -> Self {
        let folder = TempDir::new().unwrap();
        seed(folder.path());
        let pushes = Arc::new(AtomicU32::new(0));
        let loses_answers = Arc::new(AtomicBool::new(false));
        let root = folder.path().to_owned();
        let (token, renamed) = (Arc::new(Mutex::new("s3cret".to_owned())), Arc::new(AtomicU16::new(0)));
        let host = Host {
            root,
            habit,
            pushes: Arc::clone(&pushes),
            token: Arc::clone(&token),
            renamed: Arc::clone(&renamed),
            loses_answers: Arc::clone(&loses_answers),
        };
        let app = Router::new().fallback(serve).layer(axum::extract::DefaultBodyLimit::disable()).with_state(host);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { folder, port, pushes, token, renamed, loses_answers, _task: task }
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("acme/deployments.git")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/acme/deployments.git", self.port)
    }

    pub(crate) fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.repository().join("hooks").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn mirror(&self, home: &TempDir) -> Mirror {
        open(&self.url(), "s3cret", &home.path().join("mirror"))
    }

    pub(crate) fn tip(&self, branch: &str) -> String {
        git(&self.repository(), &["rev-parse", branch])
    }
}

/// Speaks smart HTTP for whatever repository is below the root.
async fn serve(
    State(host): State<Host>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(rest) = path.strip_prefix("old/") {
        return Redirect::permanent(&format!("/acme/{rest}?{}", uri.query().unwrap_or_default())).into_response();
    }
    if let Some(rest) = path.strip_prefix("away/") {
        return Redirect::permanent(&format!("http://localhost:1/acme/{rest}")).into_response();
    }
    let renamed = host.renamed.load(Ordering::SeqCst);
    if renamed != 0 && path.starts_with("acme/deployments.git") {
        let moved = uri.to_string().replace("acme/deployments.git", "acme/moved.git");
        return (StatusCode::from_u16(renamed).unwrap(), [(header::LOCATION, moved)]).into_response();
    }
    // What a redirect made of a push.
    if method == Method::GET && !path.ends_with("info/refs") {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let login = format!("x-access-token:{}", host.token.lock().unwrap());
    let expected = base64::engine::general_purpose::STANDARD.encode(login);
    if headers.get(header::AUTHORIZATION).is_none_or(|found| found != &format!("Basic {expected}")) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic")]).into_response();
    }
    let (repository, asked) = path.split_once(".git/").unwrap();
    let repository = repository.replace("acme/moved", "acme/deployments");
    let repository = host.root.join(format!("{repository}.git"));
    if !repository.exists() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (service, listing) = match (method.as_str(), asked) {
        ("GET", "info/refs") => (uri.query().unwrap().trim_start_matches("service=git-").to_owned(), true),
        _ => (asked.trim_start_matches("git-").to_owned(), false),
    };
    if service == "receive-pack" && !listing {
        host.pushes.fetch_add(1, Ordering::SeqCst);
    }
    let protocol = headers.get("git-protocol").map(|value| value.to_str().unwrap());
    let protocol = protocol.filter(|_| host.habit != Habit::Old);
    let answer = talk(&service, (listing, host.habit), &repository, (protocol, &body)).await;
    let lost = service == "receive-pack" && !listing && host.loses_answers.load(Ordering::SeqCst);
    if lost { StatusCode::BAD_GATEWAY.into_response() } else { answer }
}

async fn talk(
    service: &str,
    (listing, habit): (bool, Habit),
    repository: &Path,
    (protocol, body): (Option<&str>, &[u8]),
) -> Response {
    let mut command = tokio::process::Command::new("git");
    let refuses = habit == Habit::NoThinPacks && service == "receive-pack";
    command.arg(service).args(refuses.then_some("--reject-thin-pack-for-testing"));
    command.arg("--stateless-rpc").args(listing.then_some("--advertise-refs")).arg(repository);
    if let Some(protocol) = protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let body = body.to_vec();
    let write = async move {
        let _ = input.write_all(&body).await;
    };
    let (_, output) = tokio::join!(write, child.wait_with_output());
    let mut answer = Vec::new();
    if listing && protocol.is_none() {
        let line = format!("# service=git-{service}\n");
        answer.extend(format!("{:04x}{line}0000", line.len() + 4).into_bytes());
    }
    let said = output.unwrap().stdout;
    let unsaid = b" report-status report-status-v2";
    match said.windows(unsaid.len()).position(|window| window == unsaid) {
        Some(at) if listing && habit == Habit::NoReport => {
            // As long as before: the packet says its length.
            let blank = [b" ".as_slice(), &[b'x'; 29], b" "].concat();
            answer.extend([&said[..at], &blank[..unsaid.len()], &said[at + unsaid.len()..]].concat());
        }
        _ => answer.extend(said),
    }
    let kind = if listing { "advertisement" } else { "result" };
    ([(header::CONTENT_TYPE, format!("application/x-git-{service}-{kind}"))], answer).into_response()
}

/// Runs git and gives what it printed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    try_git(folder, arguments).unwrap_or_else(|error| panic!("git {arguments:?}: {error}"))
}

pub(crate) fn try_git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    let output = command.output().unwrap();
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A bare repository with files of every kind.
pub(crate) fn seed(root: &Path) {
    let work = TempDir::new().unwrap();
    let work = work.path();
    git(work, &["init", "-q", "-b", "main"]);
    for (path, text) in [
        (FILE, "image: checkout:v1.2.4\n# by hand\n"),
        ("apps/checkout/staging/kustomization.yaml", "resources: [deployment.yaml]\n"),
        ("apps/checkout/staging/run.sh", "#!/bin/sh\n"),
        ("apps/checkout/staging/deep/er/values.yaml", "a: 1\n"),
        ("apps/search/staging/deployment.yaml", "image: search:v1\n"),
        (".leverframe/catalog.yaml", "environments: {}\n"),
        ("counter.txt", "0\n"),
    ] {
        let file = work.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    for name in ["latin.txt", "latin.yaml"] {
        std::fs::write(work.join("apps/checkout/staging").join(name), b"caf\xe9: 1\n").unwrap();
    }
    std::fs::write(work.join("apps/checkout/staging/large.txt"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    std::os::unix::fs::symlink("deployment.yaml", work.join("apps/checkout/staging/link.yaml")).unwrap();
    git(work, &["add", "-A"]);
    git(work, &["update-index", "--chmod=+x", "apps/checkout/staging/run.sh"]);
    git(work, &["commit", "-q", "-m", "first"]);
    std::fs::create_dir_all(root.join("acme")).unwrap();
    git(root, &["clone", "-q", "--bare", work.to_str().unwrap(), "acme/deployments.git"]);
}

pub(crate) fn client() -> reqwest::Client {
    Outgoing::new(&Tls::default()).unwrap().client().clone()
}

pub(crate) fn open(url: &str, password: &str, directory: &Path) -> Mirror {
    Mirror::open(source(url, password, directory), client(), tokio::runtime::Handle::current()).unwrap()
}

pub(crate) fn source(url: &str, password: &str, directory: &Path) -> Source {
    let credentials = Credentials { username: "x-access-token".into(), password: Secret::new(password), renewal: None };
    Source {
        name: ConnectionName::parse("deployments").unwrap(),
        url: url.into(),
        branch: "main".into(),
        credentials: Some(credentials),
        directory: directory.into(),
        ssh: "ssh".into(),
        key: None,
    }
}

pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

pub(crate) fn request(number: u32) -> RequestId {
    RequestId::parse(&format!("01JD2Z6V8Q3K5N7P9R1T{number:06}")).unwrap()
}

pub(crate) fn at() -> Timestamp {
    AT.parse().unwrap()
}

pub(crate) fn composed(request: &RequestId, files: Vec<(RepoPath, Option<Vec<u8>>)>) -> Composed {
    let signature = |name: &str| Signature { name: name.into(), email: format!("{name}@example.com") };
    let message = format!("deploy checkout v1.2.5 to staging\n\nit was v1.2.4\n\n{REQUEST_TRAILER}: {request}\n");
    Composed { files, author: signature("ana"), committer: signature("leverframe"), at: at(), message }
}

/// A landing that sets the content of files.
pub(crate) fn sets(onto: Onto, request: &RequestId, files: &[(&str, Option<&str>)]) -> Landing<String> {
    let files: Vec<(RepoPath, Option<Vec<u8>>)> =
        files.iter().map(|(name, text)| (path(name), text.map(|text| text.as_bytes().to_vec()))).collect();
    let asked = request.clone();
    let compose = Box::new(move |_: &Tree<'_>| Ok(composed(&asked, files.clone())));
    Landing { onto, request: request.clone(), opened: at(), compose }
}

/// A landing that adds a line to a file that everybody adds lines to.
pub(crate) fn appends(request: &RequestId) -> Landing<String> {
    appends_to("counter.txt", request)
}

/// A landing that adds a line to a file.
pub(crate) fn appends_to(file: &str, request: &RequestId) -> Landing<String> {
    let (file, asked) = (path(file), request.clone());
    let compose = Box::new(move |tree: &Tree<'_>| {
        let found = tree.file(&file).map_err(|e| e.to_string())?.ok_or("no such file")?;
        let text = format!("{}{asked}\n", found.text);
        Ok(composed(&asked, vec![(file.clone(), Some(text.into_bytes()))]))
    });
    Landing { onto: Onto::Tracked, request: request.clone(), opened: at(), compose }
}

pub(crate) fn landed(outcome: Outcome<String>) -> CommitId {
    match outcome {
        Outcome::Landed { commit, .. } => commit,
        other @ (Outcome::AlreadyThere { .. } | Outcome::Stopped(_)) => panic!("{other:?}"),
    }
}

fn names(files: &[SourceFile]) -> Vec<&str> {
    files.iter().map(|file| file.path.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_clone_reads_everything_that_is_text() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let mirror = server.mirror(&home);
    assert_eq!(mirror.tip().await.unwrap(), None);
    let tip = mirror.fetch().await.unwrap();
    assert_eq!(tip.as_str(), server.tip("main"));
    assert_eq!(mirror.tip().await.unwrap(), Some(tip.clone()));

    let paths = mirror.paths(&tip).await.unwrap();
    assert!(paths.contains(&path("apps/checkout/staging/latin.txt")));
    assert!(!paths.contains(&path("apps/checkout/staging/link.yaml")));
    assert!(Arc::ptr_eq(&paths, &mirror.paths(&tip).await.unwrap()), "the list is kept");

    let files = mirror.directory(&tip, &path("apps/checkout/staging")).await.unwrap();
    let below = |name: &str| format!("apps/checkout/staging/{name}");
    let expected = ["deep/er/values.yaml", "deployment.yaml", "kustomization.yaml", "latin.yaml", "run.sh"].map(below);
    assert_eq!(names(&files), expected);
    assert!(mirror.directory(&tip, &path("apps/nothing")).await.unwrap().is_empty());
    assert!(mirror.directory(&tip, &path(FILE)).await.unwrap().is_empty());
    assert_eq!(names(&mirror.target(&tip, &path(FILE)).await.unwrap()), [FILE]);
    let target = mirror.target(&tip, &path("apps/checkout/staging")).await.unwrap();
    assert_eq!(names(&target)[..5], expected);
    let latin = mirror.file(&tip, &path("apps/checkout/staging/latin.yaml")).await.unwrap().unwrap();
    let refusal = yaml::Stream::parse(&latin.text).unwrap_err();
    assert!(refusal.to_string().contains("it is no UTF-8 text"), "{refusal}");

    let file = mirror.file(&tip, &path(FILE)).await.unwrap().unwrap();
    assert_eq!(file.text, "image: checkout:v1.2.4\n# by hand\n");
    assert_eq!(file.blob, git(&server.repository(), &["rev-parse", &format!("main:{FILE}")]));
    for absent in ["apps/checkout/staging/link.yaml", "apps/checkout/staging/large.txt", "apps", "a/b/c"] {
        assert_eq!(mirror.file(&tip, &path(absent)).await.unwrap(), None, "{absent}");
    }
    let unknown = CommitId::parse(&"a".repeat(40)).unwrap();
    assert_eq!(mirror.paths(&unknown).await, Err(GitError::UnknownCommit(unknown)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_changes_only_what_was_meant_and_keeps_modes() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let mirror = server.mirror(&home);
    let first = mirror.fetch().await.unwrap();
    let files = [
        ("apps/checkout/staging/run.sh", Some("#!/bin/sh\necho\n")),
        ("apps/new/staging/values.yaml", Some("a: 1\n")),
        ("apps/search/staging/deployment.yaml", None),
        ("apps/search/staging/never-there.yaml", None),
    ];
    let commit = landed(mirror.land(sets(Onto::Tracked, &request(1), &files)).await.unwrap());
    assert_eq!(server.tip("main"), commit.as_str());
    assert_eq!(mirror.tip().await.unwrap(), Some(commit.clone()), "the mirror follows its own push");
    let changed = git(&server.repository(), &["diff-tree", "-r", "--no-commit-id", "--name-status", "main"]);
    let expected =
        "M\tapps/checkout/staging/run.sh\nA\tapps/new/staging/values.yaml\nD\tapps/search/staging/deployment.yaml";
    assert_eq!(changed, expected);
    let modes = git(&server.repository(), &["ls-tree", "-r", "main", "apps/checkout/staging/run.sh"]);
    assert!(modes.starts_with("100755"), "{modes}");
    assert!(!git(&server.repository(), &["ls-tree", "main", "apps/"]).contains("search"), "no empty directory stays");
    let written = git(&server.repository(), &["log", "-1", "--format=%an|%ae|%cn|%cI|%s|%P"]);
    assert_eq!(written, format!("ana|ana@example.com|leverframe|{AT}|deploy checkout v1.2.5 to staging|{first}"));

    let history = mirror.history(&commit, &path("apps/checkout"), 10).await.unwrap();
    let lines: Vec<_> = history.iter().map(|c| (c.author.as_str(), c.subject.as_str())).collect();
    assert_eq!(lines, [("ana", "deploy checkout v1.2.5 to staging"), ("Ana", "first")]);
    assert_eq!(history[0].trailers, [(REQUEST_TRAILER.to_owned(), request(1).to_string())]);
    assert_eq!(history[0].time, at());
    assert_eq!(mirror.history(&commit, &path(FILE), 10).await.unwrap().len(), 1);
    assert!(mirror.is_ancestor(&first, &commit).await.unwrap());
    assert!(mirror.is_ancestor(&commit, &commit).await.unwrap());
    assert!(!mirror.is_ancestor(&commit, &first).await.unwrap());
    assert_eq!(mirror.find_marked(&commit, &request(1), at()).await.unwrap(), Some(commit.clone()));
    assert_eq!(mirror.find_marked(&commit, &request(2), at()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_inputs_give_the_same_commit() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (server, home) = (Server::start().await, TempDir::new().unwrap());
        // The first commit is the same too.
        let tree = git(&server.repository(), &["rev-parse", "main^{tree}"]);
        let text = format!("tree {tree}\nauthor a <a@x> 1 +0000\ncommitter a <a@x> 1 +0000\n\nfirst\n");
        let file = home.path().join("commit");
        std::fs::write(&file, text).unwrap();
        let arguments = ["hash-object", "-t", "commit", "-w", file.to_str().unwrap()];
        let first = git(&server.repository(), &arguments);
        git(&server.repository(), &["update-ref", "refs/heads/main", &first]);
        let landing = sets(Onto::Tracked, &request(1), &[(FILE, Some("image: checkout:v1.2.5\n# by hand\n"))]);
        ids.push(landed(server.mirror(&home).land(landing).await.unwrap()));
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_apart() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let at_url = |url: &str, name: &str| open(url, "s3cret", &home.path().join(name));
    let wrong = open(&server.url(), "wr0ng", &home.path().join("wrong"));
    let refused = wrong.fetch().await.unwrap_err();
    assert!(matches!(refused, GitError::Auth(_)), "{refused}");
    assert!(!format!("{refused:?} {refused} {}", refused.remedy()).contains("wr0ng"));

    let absent = format!("http://127.0.0.1:{}/acme/nothing.git", server.port);
    assert_eq!(at_url(&absent, "absent").fetch().await, Err(GitError::NotFound));
    let nobody = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    let gone = at_url(&format!("http://127.0.0.1:{nobody}/a.git"), "gone").fetch().await.unwrap_err();
    assert!(matches!(gone, GitError::Unreachable(_)) && gone.is_passing(), "{gone}");
    let folder = at_url("file:///nowhere/at/all.git", "folder").fetch().await;
    assert_eq!(folder, Err(GitError::NotFound));

    git(&server.repository(), &["branch", "-m", "main", "trunk"]);
    assert_eq!(server.mirror(&home).fetch().await, Err(GitError::BranchMissing("main".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_is_followed_on_its_host_only() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let renamed = server.url().replace("/acme/", "/old/");
    let mirror = open(&renamed, "s3cret", &home.path().join("renamed"));
    landed(mirror.land(sets(Onto::Tracked, &request(1), &[(FILE, Some("x: 1\n"))])).await.unwrap());
    assert_eq!(git(&server.repository(), &["show", &format!("main:{FILE}")]), "x: 1");
    let away = open(&server.url().replace("/acme/", "/away/"), "s3cret", &home.path().join("away"));
    assert_eq!(away.fetch().await, Err(GitError::Moved("http://localhost:1/acme/deployments.git".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_branch_is_told_in_the_hosts_words() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    server.hook("pre-receive", "echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2; exit 1");
    let mirror = server.mirror(&home);
    let refused = mirror.land(sets(Onto::Tracked, &request(1), &[(FILE, Some("x\n"))])).await.unwrap_err();
    assert_eq!(refused, GitError::Protected("GH006: Protected branch update failed for refs/heads/main.".into()));
    assert_eq!(server.pushes.load(Ordering::SeqCst), 1, "it is not tried again");
    server.hook("pre-receive", "echo 'the build is red' >&2; exit 1");
    let refused = mirror.land(sets(Onto::Tracked, &request(2), &[(FILE, Some("x\n"))])).await.unwrap_err();
    assert_eq!(refused, GitError::Protected("the build is red".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_written_is_not_written() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let mirror = server.mirror(&home);
    for name in [".leverframe/catalog.yaml", ".github/workflows/x.yaml", ".gitattributes"] {
        let refused = mirror.land(sets(Onto::Tracked, &request(1), &[(name, Some("x\n"))])).await;
        assert_eq!(refused, Err(GitError::ProtectedPath(path(name))));
    }
    let unfit = [
        ("apps/checkout/staging/link.yaml", Some("x\n")),
        ("apps/checkout", Some("x\n")),
        ("counter.txt/below", Some("x\n")),
        ("counter.txt", Some("0\n")),
    ];
    for file in unfit {
        let refused = mirror.land(sets(Onto::Tracked, &request(1), &[file])).await.unwrap_err();
        assert!(matches!(refused, GitError::Unfit(_)), "{file:?}: {refused}");
    }
    let mut unmarked = sets(Onto::Tracked, &request(1), &[(FILE, Some("x\n"))]);
    unmarked.request = request(2);
    assert!(matches!(mirror.land(unmarked).await, Err(GitError::Unfit(_))));
    let tracked = sets(Onto::Branch("main".into()), &request(1), &[(FILE, Some("x\n"))]);
    assert!(matches!(mirror.land(tracked).await, Err(GitError::Unfit(_))));
    let stop = Box::new(|_: &Tree<'_>| Err("already at v1.2.5".to_owned()));
    let stopped = Landing { onto: Onto::Tracked, request: request(3), opened: at(), compose: stop };
    assert_eq!(mirror.land(stopped).await, Ok(Outcome::Stopped("already at v1.2.5".into())));
    let breaks = Box::new(|_: &Tree<'_>| panic!("a composer that panics"));
    let broken: Landing<String> = Landing { onto: Onto::Tracked, request: request(3), opened: at(), compose: breaks };
    assert!(matches!(mirror.land(broken).await, Err(GitError::Other(_))));
    assert_eq!(server.pushes.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_that_landed_before_a_crash_is_found() {
    let (server, home, other) = (Server::start().await, TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = landed(server.mirror(&home).land(appends(&request(1))).await.unwrap());
    landed(server.mirror(&other).land(appends(&request(2))).await.unwrap());
    for mirror in [server.mirror(&home), server.mirror(&TempDir::new().unwrap())] {
        let again = mirror.land(appends(&request(1))).await;
        assert_eq!(again, Ok(Outcome::AlreadyThere { commit: first.clone() }));
    }
    assert_eq!(server.pushes.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_of_a_request_is_made_found_and_replaced_only_if_ours() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let mirror = server.mirror(&home);
    let name = format!("leverframe/{}", request(1));
    let asks = |text: &'static str| sets(Onto::Branch(name.clone()), &request(1), &[(FILE, Some(text))]);
    let first = landed(mirror.land(asks("v: 1\n")).await.unwrap());
    assert_eq!(server.tip(&name), first.as_str());
    let there = Ok(Outcome::AlreadyThere { commit: first.clone() });
    assert_eq!(mirror.land(asks("v: 1\n")).await, there);

    // Others move the tracked branch: the request's commit, and its reviews, stay.
    let second = landed(mirror.land(appends(&request(2))).await.unwrap());
    assert_eq!(mirror.land(asks("v: 1\n")).await, there);
    // The change itself reads otherwise now: the branch is made anew on the tip.
    let replaced = mirror.land(asks("v: 2\n")).await.unwrap();
    assert!(matches!(&replaced, Outcome::Landed { parent, .. } if *parent == second), "{replaced:?}");
    assert_eq!(server.tip(&format!("{name}~1")), second.as_str());

    // Somebody adds a commit of their own: it is theirs now.
    let work = TempDir::new().unwrap();
    git(work.path(), &["clone", "-q", "-b", &name, server.repository().to_str().unwrap(), "."]);
    git(work.path(), &["commit", "-q", "--allow-empty", "-m", "mine"]);
    git(work.path(), &["push", "-q", "origin", &format!("HEAD:{name}")]);
    assert_eq!(mirror.land(asks("v: 3\n")).await, Err(GitError::BranchTaken(name.clone())));
    // Amending ours, mark and all, makes it theirs, too.
    git(work.path(), &["reset", "-q", "--hard", "HEAD~1"]);
    git(work.path(), &["commit", "-q", "--amend", "--no-edit"]);
    git(work.path(), &["push", "-q", "-f", "origin", &format!("HEAD:{name}")]);
    assert_eq!(mirror.land(asks("v: 3\n")).await, Err(GitError::BranchTaken(name.clone())));

    // Merged by the host: the request has landed, and its branch may be gone.
    git(&server.repository(), &["update-ref", "refs/heads/main", &name]);
    git(&server.repository(), &["branch", "-D", &name]);
    assert!(matches!(mirror.land(asks("v: 3\n")).await, Ok(Outcome::AlreadyThere { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_every_commit_refuses_the_replacement_once() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    git(&server.repository(), &["config", "receive.denyNonFastForwards", "true"]);
    let mirror = server.mirror(&home);
    let name = format!("leverframe/{}", request(1));
    let asks = |text: &'static str| sets(Onto::Branch(name.clone()), &request(1), &[(FILE, Some(text))]);
    landed(mirror.land(asks("v: 1\n")).await.unwrap());
    let refused = mirror.land(asks("v: 2\n")).await.unwrap_err();
    assert!(matches!(&refused, GitError::Refused(_)), "{refused:?}");
    assert_eq!(server.pushes.load(Ordering::SeqCst), 2);
}

/// Pushes commits as people do, with git and a rebase where the push is refused.
pub(crate) fn script(url: &str, commits: u32) {
    let work = TempDir::new().unwrap();
    git(work.path(), &["clone", "-q", url, "."]);
    for number in 0..commits {
        std::fs::write(work.path().join(format!("script-{number}.txt")), "x\n").unwrap();
        git(work.path(), &["add", "-A"]);
        git(work.path(), &["commit", "-q", "-m", "by script"]);
        while try_git(work.path(), &["push", "-q", "origin", "HEAD:main"]).is_err() {
            git(work.path(), &["pull", "-q", "--rebase", "origin", "main"]);
        }
    }
}

/// Four mirrors land ten changes each to one file, at once, while a script pushes too.
async fn race(url: &str, script_url: &str, repository: &Path) {
    let homes: Vec<TempDir> = (0..4).map(|_| TempDir::new().unwrap()).collect();
    let mut landings = JoinSet::new();
    for (place, home) in homes.iter().enumerate() {
        let mirror = open(url, "s3cret", &home.path().join("mirror"));
        for number in 0..10 {
            let (mirror, request) = (mirror.clone(), request(u32::try_from(place).unwrap() * 10 + number));
            landings.spawn(async move { landed(mirror.land(appends(&request)).await.unwrap()) });
        }
    }
    let script_url = script_url.to_owned();
    let by_script = tokio::task::spawn_blocking(move || script(&script_url, 5));
    let commits = landings.join_all().await;
    by_script.await.unwrap();
    assert_eq!(commits.len(), 40);
    let counter = git(repository, &["show", "main:counter.txt"]);
    let mut lines: Vec<&str> = counter.lines().skip(1).collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..40).map(|number| request(number).to_string()).collect();
    assert_eq!(lines, expected, "every change once, none undone");
    assert_eq!(git(repository, &["rev-list", "--count", "main"]), "46");
    assert_eq!(git(repository, &["rev-list", "--count", "--merges", "main"]), "0");
    git(repository, &["fsck", "--strict"]);
    for commit in commits {
        git(repository, &["merge-base", "--is-ancestor", commit.as_str(), "main"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_lands_once_over_http() {
    let server = Server::start().await;
    let script = server.url().replace("http://", "http://x-access-token:s3cret@");
    race(&server.url(), &script, &server.repository()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_lands_once_in_a_folder() {
    let folder = TempDir::new().unwrap();
    seed(folder.path());
    let repository = folder.path().join("acme/deployments.git");
    let url = format!("file://{}", repository.display());
    race(&url, &url, &repository).await;
    assert_eq!(git(&repository, &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_mirror_is_set_aside_and_made_anew() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let directory = home.path().join("mirror");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("HEAD"), "nonsense").unwrap();
    let mirror = server.mirror(&home);
    let tip = mirror.fetch().await.unwrap();
    assert!(home.path().join("mirror.damaged/HEAD").exists());

    // It breaks while open: the newest commit vanishes from the disk.
    let second = landed(mirror.land(appends(&request(1))).await.unwrap());
    for entry in std::fs::read_dir(directory.join("objects")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().len() == 2 {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    let broken = mirror.file(&second, &path(FILE)).await.unwrap_err();
    assert!(matches!(broken, GitError::Damaged(_)) && broken.is_passing(), "{broken}");
    assert_eq!(mirror.fetch().await.unwrap(), second);
    assert!(mirror.file(&second, &path(FILE)).await.unwrap().is_some(), "the reader sees the new mirror");
    assert!(mirror.file(&tip, &path(FILE)).await.unwrap().is_some());
    landed(mirror.land(appends(&request(2))).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_whose_answer_was_lost_is_not_repeated() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let mirror = server.mirror(&home);
    server.loses_answers.store(true, Ordering::SeqCst);
    let lost = mirror.land(appends(&request(1))).await.unwrap_err();
    assert!(matches!(lost, GitError::Unreachable(_)) && lost.is_passing(), "{lost}");
    server.loses_answers.store(false, Ordering::SeqCst);
    let again = mirror.land(appends(&request(1))).await.unwrap();
    assert!(matches!(again, Outcome::AlreadyThere { commit } if commit.as_str() == server.tip("main")));
    assert_eq!(server.pushes.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_falls_silent_costs_a_timeout_and_nothing_else() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/acme/deployments.git", silent.local_addr().unwrap());
    let home = TempDir::new().unwrap();
    Outgoing::new(&Tls::default()).unwrap();
    let client = reqwest::Client::builder().read_timeout(std::time::Duration::from_millis(200)).build().unwrap();
    let mirror = Mirror::open(source(&url, "s3cret", home.path()), client, tokio::runtime::Handle::current()).unwrap();
    assert_eq!(mirror.fetch().await, Err(GitError::Timeout));
    assert_eq!(mirror.tip().await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_branch_is_followed() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let mirror = server.mirror(&home);
    let first = mirror.fetch().await.unwrap();
    let second = landed(mirror.land(appends(&request(1))).await.unwrap());
    git(&server.repository(), &["update-ref", "refs/heads/main", first.as_str()]);
    assert_eq!(mirror.fetch().await.unwrap(), first);
    assert!(!mirror.is_ancestor(&second, &first).await.unwrap());
    // What was thrown away may land again: it is not there.
    assert_eq!(landed(mirror.land(appends(&request(1))).await.unwrap()), second);
}
