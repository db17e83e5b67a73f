//! What people have when the bot is away, and after: the page that says how to do it by hand, and the post-mortem.

use std::{path::Path, process::Command};

use crate::together::Chat;

fn leverframe(arguments: &[&str]) -> (Option<i32>, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_leverframe")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn the_runbook_says_for_each_reconciler_what_to_type_and_where_git_says_it() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    let page = |environment: &str| leverframe(&["runbook", environment, "--repo", demo.to_str().unwrap()]);
    let (code, argo, _) = page("prod");
    assert_eq!(code, Some(0));
    for expected in [
        "# By hand in prod",
        r#"patch application $OWNS --type merge -p '{"spec":{"syncPolicy":{"automated":{"enabled":false}}}}'"#,
        "# must print false",
        r#"-p '{"spec":{"syncPolicy":{"automated":{"enabled":null}}}}'"#,
        "leverframe.dev/paused-until-",
        "| checkout | checkout | argocd/checkout-prod | 3: `apps/checkout/prod/kustomization.yaml` at `",
    ] {
        assert!(argo.contains(expected), "{expected}\n---\n{argo}");
    }
    let (_, flux, _) = page("staging");
    assert!(flux.contains(r#"patch kustomization $OWNS --type merge -p '{"spec":{"suspend":true}}'"#), "{flux}");
    let (code, _, said) = page("production");
    assert!(code == Some(1) && said.contains("Name one of") && said.contains("`prod`"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_post_mortem_of_an_incident_tells_what_happened() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/incident declare sev2 checkout text=\"memory leak\"").await, "");
    assert_eq!(chat.says("ana", "/incident note text=\"it began with v1.2.4\"").await, "");
    chat.settled().await;
    assert_eq!(chat.says("ana", "/incident close").await, "");
    chat.settled().await;
    let entries = chat.bot.engine.ledger().read(0, 1000).unwrap();
    let opened = entries.iter().find(|one| one.entry.kind == "incident.opened").unwrap();
    let id = opened.entry.subject.trim_start_matches("incident/").to_owned();
    let config = chat.world.folder().join("leverframe.yaml");
    let export = |more: &[&str]| {
        let begin = ["audit", "export", "--config", config.to_str().unwrap(), "--format", "markdown"];
        leverframe(&[&begin, more].concat())
    };
    let (code, page, said) = export(&["--incident", &id]);
    assert_eq!(code, Some(0), "{said}");
    for expected in
        ["# sev2 checkout: memory leak", "by ana, after 0 min", "it began with v1.2.4", "## What we will change"]
    {
        assert!(page.contains(expected), "{expected}\n---\n{page}");
    }
    let (code, _, said) = export(&[]);
    assert!(code == Some(1) && said.contains("--incident ID"), "{said}");
    let (code, _, said) = export(&["--incident", "01JD2Z6V8Q3K5N7P9R1T3W5Y7X"]);
    assert!(code == Some(1) && said.contains("knows no incident"), "{said}");
}
