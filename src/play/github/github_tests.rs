//! The GitHub look-alike: through octocrab, and against GitHub's published description.

use http::Request;
use http_body_util::{BodyExt, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder, params::pulls::MergeMethod};
use serde_json::{Value, json};

use super::*;
use crate::play::{people, post::send, repository::HandEdit, tests::contracts};

struct Scene {
    folder: tempfile::TempDir,
    demo: DemoRepository,
    github: GithubLookalike,
}

const FILE: &str = "apps/checkout/prod/kustomization.yaml";

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let demo = DemoRepository::create(&folder.path().join("acme/deployments.git")).unwrap();
    let options = GithubOptions {
        repository: demo.clone(),
        owner: "acme".into(),
        name: "deployments".into(),
        token: Secret::new("ghs_1"),
        pulse: Pulse::default(),
    };
    Scene { github: GithubLookalike::start(options).await.unwrap(), demo, folder }
}

impl Scene {
    /// octocrab over a plain connection, under the path that enterprise hosts have.
    fn client(&self, token: &str) -> Octocrab {
        let (root, token) = (format!("{}/api/v3", self.github.api()), format!("Bearer {token}"));
        let service = tower::service_fn(move |request: Request<OctoBody>| {
            let (root, token) = (root.clone(), token.clone());
            async move {
                let (mut parts, body) = request.into_parts();
                parts.uri = format!("{root}{}", parts.uri).parse().unwrap();
                parts.headers.insert("authorization", token.parse().unwrap());
                let body = Full::new(body.collect().await.unwrap().to_bytes());
                send(Request::from_parts(parts, body)).await.map(|response| response.map(Full::new))
            }
        });
        let Ok(client) = OctocrabBuilder::new_empty().with_service(service).with_auth(AuthState::None).build();
        client
    }

    /// A branch with one commit that changes the version of checkout in prod.
    fn branch(&self, name: &str, tag: &str) -> String {
        self.commit(name, "v1.2.4", tag)
    }

    fn commit(&self, name: &str, before: &str, after: &str) -> String {
        let repository = self.demo.repository().unwrap();
        let on = DemoRepository::open(self.demo.path(), name);
        if on.tip().is_err() {
            let tip = repository.refname_to_id("refs/heads/main").unwrap();
            repository.reference(&format!("refs/heads/{name}"), tip, true, "").unwrap();
        }
        let message = format!("deploy checkout {after} to prod\n");
        let edit = HandEdit { path: FILE, before, after, message: &message };
        on.edit_by_hand(people::find("ana").unwrap(), &edit, "2026-11-21T08:00:00Z".parse().unwrap()).unwrap()
    }

    async fn status(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let result: octocrab::Result<Value> = match method {
            "GET" => self.client("ghs_1").get(path, None::<&()>).await,
            "POST" => self.client("ghs_1").post(path, Some(&body)).await,
            "PATCH" => self.client("ghs_1").patch(path, Some(&body)).await,
            _ => self.client("ghs_1").put(path, Some(&body)).await,
        };
        match result {
            Ok(json) => (200, json),
            Err(octocrab::Error::GitHub { source, .. }) => {
                (source.status_code.as_u16(), json!({"message": source.message, "errors": source.errors}))
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_pull_request_is_opened_found_reviewed_and_squashed_through_octocrab() {
    let scene = scene().await;
    let head = scene.branch("leverframe/1", "v1.2.5");
    let pulls = scene.client("ghs_1");
    let pulls = pulls.pulls("acme", "deployments");
    let opened =
        pulls.create("deploy checkout v1.2.5 to prod", "leverframe/1", "main").body("who, what").send().await.unwrap();
    assert_eq!((opened.number, opened.head.sha.as_str(), opened.mergeable), (1, head.as_str(), Some(true)));
    assert_eq!((opened.additions, opened.deletions, opened.changed_files), (Some(1), Some(1), Some(1)));
    let found = pulls.list().head("acme:leverframe/1").state(octocrab::params::State::All).send().await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert!(pulls.list().head("acme:leverframe/2").send().await.unwrap().items.is_empty());
    scene.github.reviews("bo", 1, Verdict::Approve, "fine").unwrap();
    let reviews = pulls.list_reviews(1).send().await.unwrap();
    assert_eq!(reviews.items[0].user.as_ref().unwrap().login, "bo-lindqvist");
    let stale = pulls.merge(1).sha("0".repeat(40)).method(MergeMethod::Squash).send().await.unwrap_err();
    let octocrab::Error::GitHub { source, .. } = stale else { panic!("{stale:?}") };
    assert_eq!(source.message, "Head branch was modified. Review and try the merge again.");
    let merged =
        pulls.merge(1).sha(head).method(MergeMethod::Squash).title("deploy").message("Approved-by: bo").send().await;
    let tip = scene.demo.commits(1).unwrap().remove(0);
    assert_eq!(merged.unwrap().sha.unwrap(), tip.id);
    assert_eq!(
        (tip.message.as_str(), tip.author.as_str(), tip.committer.as_str()),
        ("deploy\n\nApproved-by: bo", "leverframe[bot]", "GitHub")
    );
    assert_eq!(tip.parents.len(), 1);
    assert!(scene.demo.file(FILE).unwrap().unwrap().contains("newTag: \"v1.2.5\""));
    let after = pulls.get(1).await.unwrap();
    assert_eq!((after.merged, after.merged_by.unwrap().login.as_str()), (Some(true), "leverframe[bot]"));
}

#[tokio::test]
async fn refusals_have_the_status_and_words_of_github() {
    let scene = scene().await;
    let path = "/repos/acme/deployments/pulls";
    let body = |head: &str| json!({"title": "t", "head": head, "base": "main"});
    let (status, answer) = scene.status("POST", path, body("nowhere")).await;
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("head")));
    let (status, answer) = scene.status("POST", path, body("main")).await;
    assert_eq!((status, &answer["errors"][0]["message"]), (422, &json!("No commits between main and main")));
    scene.branch("one", "v1.2.5");
    assert_eq!(scene.status("POST", path, body("one")).await.0, 200);
    let (status, answer) = scene.status("POST", path, body("one")).await;
    assert_eq!((status, &answer["errors"][0]["message"]), (422, &json!("A pull request already exists for acme:one.")));
    assert_eq!(scene.status("GET", "/repos/acme/deployments/pulls/7", json!({})).await.0, 404);
    assert_eq!(scene.status("GET", "/repos/acme/other/pulls", json!({})).await.0, 404);
    assert_eq!(scene.status("GET", "/user", json!({})).await.0, 404);
    let approve = json!({"event": "APPROVE"});
    let (status, answer) = scene.status("POST", "/repos/acme/deployments/pulls/1/reviews", approve).await;
    assert_eq!((status, &answer["errors"][0]["message"]), (422, &json!("Can not approve your own pull request")));
    scene.github.require_reviews(1);
    let merge = "/repos/acme/deployments/pulls/1/merge";
    assert_eq!(scene.status("PUT", merge, json!({})).await.0, 405);
    let wrong = scene.client("wrong").pulls("acme", "deployments").get(1).await.unwrap_err();
    let octocrab::Error::GitHub { source, .. } = wrong else { panic!("{wrong:?}") };
    assert_eq!((source.status_code.as_u16(), source.message.as_str()), (401, "Bad credentials"));
}

#[tokio::test]
async fn a_conflict_cannot_be_merged_and_hands_can_do_what_the_bot_can() {
    let scene = scene().await;
    for (number, tag) in [("one", "v1.2.5"), ("two", "v1.2.6"), ("three", "v1.2.7")] {
        scene.branch(number, tag);
        let body = json!({"title": tag, "head": number, "base": "main"});
        scene.status("POST", "/repos/acme/deployments/pulls", body).await;
    }
    let merged = scene.github.merges("cleo", 1, Method::Merge).unwrap();
    assert!(matches!(merged.state, forge::State::Merged { by: Some(by), .. } if by.login == "cleo-okafor"));
    assert_eq!(scene.demo.commits(1).unwrap()[0].parents.len(), 2);
    let refused = scene.github.merges("cleo", 2, Method::Squash).unwrap_err();
    assert_eq!(refused.to_string(), "pull request #2 cannot be changed: Pull Request is not mergeable");
    let (_, dirty) = scene.status("GET", "/repos/acme/deployments/pulls/2", json!({})).await;
    assert_eq!((&dirty["mergeable"], &dirty["mergeable_state"]), (&json!(false), &json!("dirty")));
    scene.github.closes("bo", 2).unwrap();
    scene.demo.repository().unwrap().find_reference("refs/heads/three").unwrap().delete().unwrap();
    assert!(matches!(scene.github.pull(3).unwrap().state, forge::State::Closed { .. }));
    assert_eq!(scene.status("GET", "/repos/acme/deployments/pulls", json!({})).await.1, json!([]));
}

#[tokio::test]
async fn a_rebase_replays_each_commit() {
    let scene = scene().await;
    scene.branch("one", "v1.2.5");
    scene.commit("one", "v1.2.5", "v1.2.6");
    scene
        .demo
        .commit_by_hand(
            people::find("dan").unwrap(),
            "other",
            &[("README.md", "x\n")],
            "2026-11-21T08:00:00Z".parse().unwrap(),
        )
        .unwrap();
    scene.status("POST", "/repos/acme/deployments/pulls", json!({"title": "t", "head": "one", "base": "main"})).await;
    scene.github.merges("bo", 1, Method::Rebase).unwrap();
    let subjects: Vec<String> = scene.demo.commits(3).unwrap().into_iter().map(|commit| commit.subject).collect();
    assert_eq!(subjects, ["deploy checkout v1.2.6 to prod", "deploy checkout v1.2.5 to prod", "other"]);
}

#[tokio::test]
async fn a_new_push_moves_the_head_and_keeps_the_reviews() {
    let scene = scene().await;
    scene.branch("one", "v1.2.5");
    scene.status("POST", "/repos/acme/deployments/pulls", json!({"title": "t", "head": "one", "base": "main"})).await;
    let review = scene.github.reviews("bo", 1, Verdict::Approve, "").unwrap();
    let pushed = scene.commit("one", "v1.2.5", "v1.2.6");
    let pull = scene.github.pull(1).unwrap();
    assert_eq!(pull.head_sha, pushed);
    assert_ne!(pull.reviews[0].commit, pushed);
    assert_eq!(pull.reviews[0], review);
}

#[tokio::test]
async fn every_answer_has_what_the_published_description_requires() {
    let scene = scene().await;
    let Some(description) = contracts::read("github/openapi.trimmed.json") else { return };
    let head = scene.branch("one", "v1.2.5");
    let path = "/repos/acme/deployments/pulls";
    scene.status("POST", path, json!({"title": "t", "head": "one", "base": "main"})).await;
    scene.status("GET", "/repos/acme/deployments", json!({})).await;
    scene.status("GET", path, json!({})).await;
    scene.status("POST", &format!("{path}/1/reviews"), json!({"event": "COMMENT", "body": "x"})).await;
    scene.status("GET", &format!("{path}/1/reviews"), json!({})).await;
    scene.status("PATCH", &format!("{path}/1"), json!({"title": "u"})).await;
    scene.status("PUT", &format!("{path}/1/merge"), json!({"sha": head, "merge_method": "squash"})).await;
    scene.status("GET", &format!("{path}/1"), json!({})).await;
    let exchanges = scene.github.server().exchanges();
    for exchange in exchanges.all() {
        let template = match exchange.path.trim_start_matches(path) {
            "/repos/acme/deployments" => "/repos/{owner}/{repo}",
            "" => "/repos/{owner}/{repo}/pulls",
            "/1" => "/repos/{owner}/{repo}/pulls/{pull_number}",
            "/1/reviews" => "/repos/{owner}/{repo}/pulls/{pull_number}/reviews",
            "/1/merge" => "/repos/{owner}/{repo}/pulls/{pull_number}/merge",
            other => panic!("{other}"),
        };
        let operation = &description["paths"][template][exchange.method.to_lowercase()];
        let answer = &operation["responses"][exchange.status.unwrap().to_string()];
        let schema = &answer["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{} {} {:?}", exchange.method, exchange.path, exchange.status);
        contracts::holds(&description, schema, &exchange.response.unwrap(), &exchange.path);
    }
    let file = scene.folder.path().join("exchanges.jsonl");
    exchanges.write_jsonl(&file).unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 8);
}

#[tokio::test]
async fn people_read_review_and_merge_on_the_pages() {
    let scene = scene().await;
    scene.branch("one", "v1.2.5");
    let body =
        json!({"title": "deploy <checkout>", "head": "one", "base": "main", "body": "who\n\n```diff\n-a\n+b\n```"});
    scene.status("POST", "/repos/acme/deployments/pulls", body).await;
    let get = |path: &str| Request::get(format!("{}{path}", scene.github.page())).body(Full::default()).unwrap();
    let words = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let page = words(send(get("/pull/1?as=cleo")).await.unwrap().into_body());
    assert!(page.contains("deploy &lt;checkout&gt;") && page.contains("Squash and merge"), "{page}");
    assert!(page.contains("+  newTag: &quot;v1.2.5&quot;"), "{page}");
    let form = [("content-type", "application/x-www-form-urlencoded".to_owned())];
    for act in ["approve", "squash"] {
        let url = format!("{}/pull/1/{act}", scene.github.page());
        assert_eq!(crate::play::post::post(&url, &form, "as=cleo".into()).await.unwrap().status, 303);
    }
    assert!(words(send(get("/pull/1")).await.unwrap().into_body()).contains("Merged"));
    let tip = scene.demo.tip().unwrap();
    assert!(
        words(send(get(&format!("/commit/{tip}"))).await.unwrap().into_body()).contains("deploy &lt;checkout&gt; (#1)")
    );
    assert!(words(send(get("/commits")).await.unwrap().into_body()).contains("checkout v1.2.4 to prod (#44)"));
    assert_eq!(send(get("/commit/nothing")).await.unwrap().status(), 404);
}
