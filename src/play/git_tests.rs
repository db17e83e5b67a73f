//! The git host against the real git.

use std::process::Output;

use super::*;
use crate::play::repository::DemoRepository;

struct Scene {
    folder: tempfile::TempDir,
    host: GitLookalike,
    demo: DemoRepository,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let demo = DemoRepository::create(&folder.path().join("repos/acme/deployments.git")).unwrap();
    let options =
        GitOptions { root: folder.path().join("repos"), token: Secret::new("s3cret"), pulse: Pulse::default() };
    Scene { host: GitLookalike::start(options).await.unwrap(), folder, demo }
}

impl Scene {
    async fn git(&self, words: &[&str]) -> Output {
        Command::new("git")
            .current_dir(self.folder.path())
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
            .args(words)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .await
            .unwrap()
    }

    fn url(&self, password: &str) -> String {
        self.host.url_of("acme/deployments").replace("http://", &format!("http://x-access-token:{password}@"))
    }

    async fn clone_and_change(&self) {
        assert!(self.git(&["clone", "-q", &self.url("s3cret"), "copy"]).await.status.success());
        std::fs::write(self.folder.path().join("copy/README.md"), "changed\n").unwrap();
        assert!(self.git(&["-C", "copy", "commit", "-qam", "change"]).await.status.success());
    }
}

#[tokio::test]
async fn real_git_clones_and_pushes_and_the_pulse_beats() {
    let scene = scene().await;
    let before = scene.host.host.pulse.revision();
    scene.clone_and_change().await;
    let pushed = scene.git(&["-C", "copy", "push", "-q", "origin", "HEAD:main", "HEAD:other"]).await;
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    assert_eq!(scene.demo.commits(1).unwrap()[0].subject, "change");
    assert_eq!(scene.demo.branches().unwrap().len(), 2);
    assert!(scene.host.host.pulse.revision() > before);
    let old = scene.git(&["-c", "protocol.version=0", "clone", "-q", &scene.url("s3cret"), "old"]).await;
    assert!(old.status.success(), "{}", String::from_utf8_lossy(&old.stderr));
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_repository_are_refused() {
    let scene = scene().await;
    let wrong = scene.git(&["ls-remote", &scene.url("wrong")]).await;
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("Authentication failed"));
    let unknown = scene.git(&["ls-remote", &scene.url("s3cret").replace("deployments", "nothing")]).await;
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("not found"));
}

#[tokio::test]
async fn a_protected_branch_refuses_in_the_words_of_github() {
    let scene = scene().await;
    scene.host.protect("main");
    scene.clone_and_change().await;
    let refused = scene.git(&["-C", "copy", "push", "origin", "HEAD:main"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("GH006: Protected branch update failed for refs/heads/main."), "{words}");
    assert!(words.contains("protected branch hook declined"), "{words}");
    assert!(scene.git(&["-C", "copy", "push", "-q", "origin", "HEAD:other"]).await.status.success());
    scene.host.unprotect("main");
    assert!(scene.git(&["-C", "copy", "push", "-q", "origin", "HEAD:main"]).await.status.success());
}

#[tokio::test]
async fn a_renamed_repository_sends_on() {
    let scene = scene().await;
    scene.host.rename("acme/before", "acme/deployments");
    let listed = scene.git(&["ls-remote", &scene.url("s3cret").replace("deployments", "before")]).await;
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    assert!(String::from_utf8_lossy(&listed.stdout).contains("refs/heads/main"));
}

#[tokio::test]
async fn gzipped_bodies_are_unpacked() {
    use std::io::Write;
    let asked = b"0009done\n".repeat(300);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&asked).unwrap();
    let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
    assert_eq!(plain(&headers, Body::from(gzip.finish().unwrap())).await.unwrap(), asked);
}
