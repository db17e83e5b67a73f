//! Git hosts as they are: changes that wait go out together, branches are rewritten and repositories renamed
//! meanwhile, tokens expire, servers are old or want less than we send; SSH by a real sshd; signed commits by
//! git's own verdict.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{atomic::Ordering, mpsc},
};

use futures::future::{join, join_all};
use leverframe::{
    git::{GitError, Landing, Mirror, Onto, Outcome, Renewal, SigningKey, Tree},
    secret::Secret,
};
use tempfile::TempDir;

use crate::git::{Habit, Server, appends, at, client, git, landed, request, sets, source};

/// A landing that waits within its composing until it is told to go on, so that others come to wait behind it.
fn holds(number: u32) -> (Landing<String>, mpsc::Sender<()>) {
    let (go, wait) = mpsc::channel();
    let mut inner = appends(&request(number));
    let compose = Box::new(move |tree: &Tree<'_>| {
        let _ = wait.recv();
        (inner.compose)(tree)
    });
    (Landing { onto: Onto::Tracked, request: request(number), opened: at(), compose }, go)
}

/// Lands one, and the others while it is held up.
async fn behind_one(mirror: &Mirror, others: Vec<Landing<String>>) -> Vec<Result<Outcome<String>, GitError>> {
    let (first, go) = holds(0);
    let waiting = join_all(others.into_iter().map(|landing| mirror.land(landing)));
    // It is asked after all of them were handed in.
    let released = async move { drop(go) };
    let (first, (others, ())) = join(mirror.land(first), join(waiting, released)).await;
    landed(first.unwrap());
    others
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_wait_go_out_in_one_push_with_a_commit_each() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let mirror = server.mirror(&home);
    mirror.fetch().await.unwrap();
    let mut asked: Vec<_> = (1..=30).map(|number| appends(&request(number))).collect();
    let stop = Box::new(|_: &Tree<'_>| Err("already so".to_owned()));
    asked.push(Landing { onto: Onto::Tracked, request: request(31), opened: at(), compose: stop });
    asked.push(sets(Onto::Tracked, &request(32), &[("apps/checkout", Some("x\n"))]));
    let mut came = behind_one(&mirror, asked).await;
    assert!(matches!(came.pop().unwrap(), Err(GitError::Unfit(_))));
    assert_eq!(came.pop().unwrap(), Ok(Outcome::Stopped("already so".into())));
    let commits: Vec<String> = came.into_iter().map(|came| landed(came.unwrap()).to_string()).collect();
    assert_eq!(commits.len(), 30);
    let pushes = server.pushes.load(Ordering::SeqCst);
    assert!(pushes <= 2, "the first, alone or not, then all that waited: {pushes} pushes");
    let written = git(&server.repository(), &["log", "--reverse", "--format=%H", "-30", "main"]);
    assert_eq!(written.lines().collect::<Vec<_>>(), commits);
    assert_eq!(git(&server.repository(), &["show", "main:counter.txt"]).lines().count(), 32);
    git(&server.repository(), &["fsck", "--strict"]);
    git(&home.path().join("mirror"), &["fsck", "--strict"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_change_that_the_host_refuses_does_not_hold_up_those_beside_it() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let hook = "while read old new ref; do\n\
                git log --name-only --format= $old..$new | grep -q search && { echo 'not that one' >&2; exit 1; }\n\
                done; exit 0";
    server.hook("pre-receive", hook);
    let mirror = server.mirror(&home);
    mirror.fetch().await.unwrap();
    let search = [("apps/search/staging/deployment.yaml", Some("image: search:v2\n"))];
    let asked = vec![appends(&request(1)), sets(Onto::Tracked, &request(2), &search), appends(&request(3))];
    let came = behind_one(&mirror, asked).await;
    assert_eq!(came[1], Err(GitError::Protected("not that one".into())));
    assert!(matches!((&came[0], &came[2]), (Ok(Outcome::Landed { .. }), Ok(Outcome::Landed { .. }))), "{came:?}");
    assert_eq!(git(&server.repository(), &["rev-list", "--count", "main"]), "4");
}

/// Somebody replaces the branch by another one, with their own work in the same file.
fn rewrite(repository: &Path) -> String {
    let work = TempDir::new().unwrap();
    git(work.path(), &["clone", "-q", repository.to_str().unwrap(), "."]);
    git(work.path(), &["checkout", "-q", "--orphan", "fresh"]);
    let file = work.path().join("counter.txt");
    std::fs::write(file, "theirs\n0\n").unwrap();
    git(work.path(), &["commit", "-q", "-a", "-m", "begun anew"]);
    git(work.path(), &["push", "-q", "-f", "origin", "fresh:main"]);
    git(work.path(), &["rev-parse", "HEAD"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_rewritten_while_we_land_keeps_what_others_wrote() {
    for collected in ["kept", "gone"] {
        let (server, home) = (Server::start().await, TempDir::new().unwrap());
        let mirror = server.mirror(&home);
        mirror.fetch().await.unwrap();
        let (mut inner, repository, mut theirs) = (appends(&request(1)), server.repository(), None);
        let (say, hear) = mpsc::channel();
        let compose = Box::new(move |tree: &Tree<'_>| {
            if theirs.is_none() {
                theirs = Some(rewrite(&repository));
                say.send(theirs.clone().unwrap()).unwrap();
                if collected == "gone" {
                    git(&repository, &["reflog", "expire", "--expire=now", "--all"]);
                    git(&repository, &["gc", "-q", "--prune=now"]);
                }
            }
            (inner.compose)(tree)
        });
        let landing = Landing { onto: Onto::Tracked, request: request(1), opened: at(), compose };
        let outcome = mirror.land(landing).await.unwrap();
        let Outcome::Landed { commit, parent, tries } = outcome else { panic!("{collected}: {outcome:?}") };
        assert_eq!((parent.as_str(), tries), (hear.recv().unwrap().as_str(), 2), "{collected}");
        assert_eq!(commit.as_str(), server.tip("main"), "{collected}");
        let text = git(&server.repository(), &["show", "main:counter.txt"]);
        assert_eq!(text, format!("theirs\n0\n{}", request(1)), "{collected}: composed anew on theirs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_renamed_in_the_middle_is_followed_by_fetch_and_push() {
    for status in [301, 308] {
        let (server, home) = (Server::start().await, TempDir::new().unwrap());
        let mirror = server.mirror(&home);
        landed(mirror.land(appends(&request(1))).await.unwrap());
        server.renamed.store(status, Ordering::SeqCst);
        landed(mirror.land(appends(&request(2))).await.unwrap());
        mirror.fetch().await.unwrap();
        // And named back.
        server.renamed.store(0, Ordering::SeqCst);
        let third = landed(mirror.land(appends(&request(3))).await.unwrap());
        assert_eq!(mirror.fetch().await.unwrap(), third);
        assert_eq!(git(&server.repository(), &["rev-list", "--count", "main"]), "4");
        assert_eq!(server.pushes.load(Ordering::SeqCst), 3, "{status}: none was sent twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_the_middle_is_read_again_or_waited_for() {
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let file = home.path().join("token");
    std::fs::write(&file, "s3cret").unwrap();
    let mut renewing = source(&server.url(), "s3cret", &home.path().join("renewing"));
    let read = file.clone();
    let renewal = Renewal::new(move || std::fs::read_to_string(&read).ok().map(Secret::new));
    renewing.credentials.as_mut().unwrap().renewal = Some(renewal);
    let renewing = Mirror::open(renewing, client(), tokio::runtime::Handle::current()).unwrap();
    let fixed = server.mirror(&home);
    landed(renewing.land(appends(&request(1))).await.unwrap());
    fixed.fetch().await.unwrap();

    *server.token.lock().unwrap() = "n3xt".to_owned();
    for mirror in [&renewing, &fixed] {
        let refused = mirror.land(appends(&request(2))).await.unwrap_err();
        assert!(matches!(refused, GitError::Auth(_)) && !refused.is_final(), "{refused:?}");
        assert!(!format!("{refused:?}{refused}").contains("s3cret"));
    }
    std::fs::write(&file, "n3xt").unwrap();
    let second = landed(renewing.land(appends(&request(2))).await.unwrap());
    // Whoever cannot read a newer one goes on when the host takes the old one again.
    *server.token.lock().unwrap() = "s3cret".to_owned();
    assert_eq!(fixed.land(appends(&request(2))).await, Ok(Outcome::AlreadyThere { commit: second }));
    landed(fixed.land(appends(&request(3))).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_can_less_are_spoken_to_as_they_want() {
    for habit in [Habit::NoReport, Habit::NoThinPacks, Habit::Old] {
        let (server, home) = (Server::with(habit).await, TempDir::new().unwrap());
        let mirror = server.mirror(&home);
        for number in 1..=2 {
            let commit = landed(mirror.land(appends(&request(number))).await.unwrap());
            assert_eq!(commit.as_str(), server.tip("main"), "{habit:?}");
        }
        // Somebody else is faster: said without a report, too.
        let (mut inner, repository, mut once) = (appends(&request(3)), server.repository(), true);
        let compose = Box::new(move |tree: &Tree<'_>| {
            if std::mem::take(&mut once) {
                let tree = git(&repository, &["rev-parse", "main^{tree}"]);
                let theirs = git(&repository, &["commit-tree", "-p", "main", "-m", "theirs", &tree]);
                git(&repository, &["update-ref", "refs/heads/main", &theirs]);
            }
            (inner.compose)(tree)
        });
        let landing = Landing { onto: Onto::Tracked, request: request(3), opened: at(), compose };
        landed(mirror.land(landing).await.unwrap());
        assert_eq!(git(&server.repository(), &["rev-list", "--count", "main"]), "5", "{habit:?}");
        git(&server.repository(), &["fsck", "--strict"]);
    }
}

/// Runs a program, and gives what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_commit_is_good_to_git_itself() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        println!("not checked: there is no `ssh-keygen`");
        return;
    }
    let (server, home) = (Server::start().await, TempDir::new().unwrap());
    let file = home.path().join("key");
    let key = |passphrase: &str, kind: &str, file: &Path| {
        run("ssh-keygen", &["-q", "-t", kind, "-N", passphrase, "-f", file.to_str().unwrap()]);
        SigningKey::parse(&Secret::new(std::fs::read_to_string(file).unwrap()))
    };
    let mut signing = source(&server.url(), "s3cret", &home.path().join("mirror"));
    signing.key = Some(key("", "ed25519", &file).unwrap());
    assert!(!format!("{signing:?}").contains("OPENSSH"));
    let mirror = Mirror::open(signing, client(), tokio::runtime::Handle::current()).unwrap();
    let signed = landed(mirror.land(appends(&request(1))).await.unwrap());

    let allowed = home.path().join("allowed");
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    std::fs::write(&allowed, format!("leverframe@example.com {public}")).unwrap();
    let setting = format!("gpg.ssh.allowedSignersFile={}", allowed.display());
    let repository = server.repository();
    let verify = ["-C", repository.to_str().unwrap(), "-c", &setting, "verify-commit", "-v", signed.as_str()];
    let said = run("git", &verify);
    assert!(said.contains("Good \"git\" signature for leverframe@example.com"), "{said}");
    git(&repository, &["fsck", "--strict"]);

    let refused =
        |passphrase: &str, kind: &str, name: &str| key(passphrase, kind, &home.path().join(name)).unwrap_err();
    assert!(refused("secret", "ed25519", "locked").to_string().contains("passphrase"));
    assert!(refused("", "ecdsa", "other").to_string().contains("no Ed25519 key"));
    assert!(SigningKey::parse(&Secret::new("nonsense")).is_err());
}

/// The git server that others wrote, where it is there.
pub(crate) struct Peer {
    script: PathBuf,
    pub(crate) folder: PathBuf,
    said: String,
}

impl Peer {
    /// Starts it with an unprotected branch. `None`, said aloud, where it is not there or does not start.
    pub(crate) fn start() -> Option<Self> {
        let script = crate::contract::shared("peers/gitserver.sh")?;
        let output = Command::new("bash").arg(&script).args(["start", "open"]).output().unwrap();
        if !output.status.success() {
            println!("not checked: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        let said = String::from_utf8(output.stdout).unwrap();
        let folder = PathBuf::from(value(&said, "DIR"));
        Some(Self { script, folder, said })
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        value(&self.said, name)
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.join("repos/acme/fleet.git")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("bash").arg(&self.script).arg("stop").arg(&self.folder).output();
    }
}

fn value<'s>(said: &'s str, name: &str) -> &'s str {
    let found = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("{name} in {said}")).trim_matches('\'')
}

#[tokio::test(flavor = "multi_thread")]
async fn over_ssh_with_a_real_sshd_it_lands_and_wrong_keys_are_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(peer) = Peer::start() else { return };
    if peer.value("SSH_URL").is_empty() {
        println!("not checked: sshd wants root");
        return;
    }
    let home = TempDir::new().unwrap();
    let ssh = home.path().join("ssh");
    std::fs::write(&ssh, format!("#!/bin/sh\nexec {} \"$@\"\n", peer.value("SSH_COMMAND"))).unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let open = |name: &str| {
        let mut source = source(peer.value("SSH_URL"), "", &home.path().join(name));
        source.credentials = None;
        source.ssh.clone_from(&ssh);
        Mirror::open(source, client(), tokio::runtime::Handle::current()).unwrap()
    };
    let mirror = open("mirror");
    mirror.fetch().await.unwrap();
    let change =
        |number: u32| sets(Onto::Tracked, &request(number), &[("apps.yaml", Some(&format!("replicas: {number}\n")))]);
    for number in 3..6 {
        let commit = landed(mirror.land(change(number)).await.unwrap());
        assert_eq!(git(&peer.repository(), &["rev-parse", "main"]), commit.as_str());
    }
    let other = open("other");
    assert_eq!(other.fetch().await.unwrap(), mirror.fetch().await.unwrap());
    landed(other.land(change(6)).await.unwrap());
    landed(mirror.land(change(7)).await.unwrap());
    assert_eq!(git(&peer.repository(), &["rev-list", "--count", "main"]), "6");
    git(&peer.repository(), &["fsck", "--strict"]);

    std::fs::rename(peer.folder.join("authorized_keys"), peer.folder.join("no_keys")).unwrap();
    let refused = mirror.fetch().await.unwrap_err();
    assert!(matches!(refused, GitError::Auth(_)), "{refused:?}");
    std::fs::rename(peer.folder.join("no_keys"), peer.folder.join("authorized_keys")).unwrap();
    landed(mirror.land(change(8)).await.unwrap());
}
