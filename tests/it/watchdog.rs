//! The watchdog that is shipped, as a shell runs it: it finds what is held off past its time, and nothing else.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde::Deserialize as _;
use serde_yaml::Value;

fn script() -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/watchdog.yaml")).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|one| Value::deserialize(one).unwrap());
    let job = documents.into_iter().find(|one| one["kind"] == "CronJob").unwrap();
    let container = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    container["args"][0].as_str().unwrap().to_owned()
}

/// Runs it with a kubectl that says this of Applications, and of the other kinds that the cluster does not have them.
fn run(applications: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let kubectl = folder.path().join("kubectl");
    let fake = format!(
        "#!/bin/sh\ncase \"$2\" in\n  applications*) {applications};;\n  *) echo \"error: the server doesn't have a resource type\" >&2; exit 1;;\nesac\n"
    );
    fs::write(&kubectl, fake).unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), crate::contract::variable("PATH").unwrap().display());
    let mut shell = Command::new("/bin/sh");
    let ran = shell.args(["-c", &script()]).env("PATH", path).env("TMPDIR", folder.path()).output().unwrap();
    (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[test]
fn what_is_held_off_past_its_time_is_named_and_fails_the_job() {
    let (code, said) = run("echo 'argocd/cart-prod  '; echo 'argocd/checkout-prod 2020-01-01T00:00:00Z ana'");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("argocd/checkout-prod is held off by ana until 2020-01-01T00:00:00Z"), "{said}");
    assert!(!said.contains("cart-prod"), "{said}");
    assert_eq!(run("echo 'argocd/checkout-prod 2999-01-01T00:00:00Z ana'"), (Some(0), String::new()));
    assert_eq!(run("true"), (Some(0), String::new()));
}

#[test]
fn what_cannot_be_looked_at_fails_the_job_too() {
    let (code, said) = run("echo 'Error from server (Forbidden)' >&2; exit 1");
    assert!(code == Some(2) && said.contains("Forbidden"), "{code:?} {said}");
    let (code, said) = run("echo \"error: the server doesn't have a resource type\" >&2; exit 1");
    assert!(code == Some(2) && said.contains("nothing was looked at"), "{code:?} {said}");
}
