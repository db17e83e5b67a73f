//! GitHub's webhooks against what GitHub and others wrote of them: the signature vectors, and every example, parsed or
//! ignored with a reason. They are reading material beside the project; what is not here is said.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::HeaderMap;
use leverframe::{
    forge::webhook::{self, Delivery, Hint, SIGNATURE, Verified},
    play::github::signature,
    secret::Secret,
};
use serde_json::{Value, json};

#[expect(clippy::disallowed_methods, reason = "where the reading material lies is for tests alone to know")]
fn contracts() -> Option<PathBuf> {
    let folder = std::env::var_os("LEVERFRAME_SHARED").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let found = Some(folder.join("contracts/github")).filter(|folder| folder.exists());
    if found.is_none() {
        println!(
            "NOT CHECKED: no contracts/github beside the project; set LEVERFRAME_SHARED to the folder that holds it"
        );
    }
    found
}

fn json_of(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn signed(signature: &str) -> HeaderMap {
    HeaderMap::from_iter([(SIGNATURE.parse().unwrap(), signature.parse().unwrap())])
}

fn verified(body: Vec<u8>) -> Verified<Bytes> {
    let secret = Secret::new("s3cret");
    let headers = signed(&signature(&secret, &body));
    webhook::verify(&secret, &headers, body.into()).unwrap()
}

#[test]
fn signatures_are_judged_as_the_vectors_say() {
    let Some(folder) = contracts() else { return };
    let vectors = json_of(&folder.join("signature-vectors.json"));
    let vectors = vectors["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 10);
    for vector in vectors {
        let text = |member: &str| vector[member].as_str().unwrap().to_owned();
        let believed = webhook::verify(
            &Secret::new(text("secret")),
            &signed(&text("x_hub_signature_256")),
            text("payload").into_bytes().into(),
        );
        assert_eq!(json!(believed.is_ok()), vector["valid"], "{vector}");
    }
}

#[test]
fn no_signature_two_signatures_and_no_secret_are_not_believed() {
    let (body, secret) = (Bytes::from_static(b"{}"), Secret::new("s3cret"));
    let good = signature(&secret, &body);
    assert_eq!(webhook::verify(&secret, &HeaderMap::new(), body.clone()), Err(webhook::BadSignature::Missing));
    let mut twice = signed(&good);
    twice.append(SIGNATURE, good.parse().unwrap());
    assert_eq!(webhook::verify(&secret, &twice, body.clone()), Err(webhook::BadSignature::Wrong));
    let nothing = Secret::new("");
    let headers = signed(&signature(&nothing, &body));
    assert_eq!(webhook::verify(&nothing, &headers, body), Err(webhook::BadSignature::Wrong));
}

#[test]
fn every_example_of_a_webhook_is_parsed_or_ignored_with_a_reason() {
    let Some(folder) = contracts() else { return };
    let folder = folder.join("webhook-examples");
    let index = json_of(&folder.join("INDEX.json"));
    let mut counted: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for example in index.as_array().unwrap() {
        let (file, event) = (example["file"].as_str().unwrap(), example["event"].as_str().unwrap());
        let body = fs::read(folder.join(file)).unwrap();
        let count = counted.entry(event.to_owned()).or_default();
        match webhook::read(event, &verified(body.clone())).unwrap_or_else(|error| panic!("{file}: {error}")) {
            Delivery::About { repository, hint } => {
                let body: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(json!(repository), body["repository"]["full_name"], "{file}");
                fits(&hint, &body, file);
                count.0 += 1;
            }
            Delivery::Ignored { reason } => {
                assert!(!reason.is_empty(), "{file}");
                count.1 += 1;
            }
        }
    }
    println!("event: hints, ignored: {counted:#?}");
    assert_eq!(counted.values().map(|(hints, ignored)| hints + ignored).sum::<u32>(), 109);
    for event in ["push", "pull_request", "pull_request_review", "check_run", "check_suite", "status"] {
        assert!(counted[event].0 > 0, "{event} hints at nothing");
    }
}

/// Whether a hint says what the delivery says.
fn fits(hint: &Hint, body: &Value, file: &str) {
    match hint {
        Hint::Push { branch } => assert_eq!(body["ref"], json!(format!("refs/heads/{branch}")), "{file}"),
        Hint::PullRequest { number } => assert_eq!(body["pull_request"]["number"], json!(number), "{file}"),
        Hint::Commit { commit } => {
            let places = [&body["sha"], &body["check_run"]["head_sha"], &body["check_suite"]["head_sha"]];
            assert!(places.contains(&&json!(commit)), "{file}");
        }
    }
}

#[test]
fn our_own_statuses_hint_at_nothing_and_a_body_that_is_none_is_refused() {
    let sha = "a".repeat(40);
    let status = |context: &str| {
        let repository = json!({"full_name": "acme/deployments"});
        json!({"sha": sha, "context": context, "repository": repository}).to_string().into_bytes()
    };
    let read = |body: Vec<u8>| webhook::read("status", &verified(body));
    assert!(matches!(read(status("leverframe/gate")), Ok(Delivery::Ignored { .. })));
    assert!(matches!(read(status("ci/test")), Ok(Delivery::About { hint: Hint::Commit { .. }, .. })));
    let error = read(b"payload=%7B%7D".to_vec()).unwrap_err().to_string();
    assert!(error.contains("application/json"), "{error}");
}
