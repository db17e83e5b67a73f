//! GitHub's client against a scripted GitHub on loopback: what it asks, in which order, and what it makes of
//! answers that are late, lost, refused or nonsense.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State as Kept},
    http::Response,
};
use leverframe::{
    core::names::CommitId,
    forge::{ForgeError, GitHub, Login, Merge, Method, NewPullRequest, Review, ReviewState, State},
    net::{Outgoing, Tls},
    secret::Secret,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const HEAD: &str = "1111111111111111111111111111111111111111";
const OTHER: &str = "2222222222222222222222222222222222222222";
const RESULT: &str = "3333333333333333333333333333333333333333";
const BRANCH: &str = "leverframe/01JD2Z6V8Q3K5N7P9R1T3W5Y7A";
const LIST: &str = "GET /api/v3/repos/acme/deployments/pulls?head=acme%3Aleverframe%2F01JD2Z6V8Q3K5N7P9R1T3W5Y7A&state=all&sort=created&direction=desc";
const CREATE: &str = "POST /api/v3/repos/acme/deployments/pulls";
const GET: &str = "GET /api/v3/repos/acme/deployments/pulls/12";
const MERGE: &str = "PUT /api/v3/repos/acme/deployments/pulls/12/merge";

/// One answer: status, headers, body; or silence.
#[derive(Clone)]
enum Answer {
    Says(u16, Vec<(&'static str, &'static str)>, String),
    Silence,
}

fn says(status: u16, body: &Value) -> Answer {
    Answer::Says(status, Vec::new(), body.to_string())
}

fn message(status: u16, text: &str) -> Answer {
    says(status, &json!({"message": text, "documentation_url": "https://docs.example.com"}))
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

struct Fake {
    github: GitHub,
    script: Script,
    _task: JoinSet<()>,
}

impl Fake {
    /// A GitHub that gives these answers in this order.
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let app = Router::new().fallback(answer).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}/api/v3", listener.local_addr().unwrap()).parse().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, app).await.unwrap() });
        // As `net` makes it, but less patient and with no redirects followed.
        Outgoing::new(&Tls::default()).unwrap();
        let client = reqwest::Client::builder().read_timeout(Duration::from_secs(2));
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let token = Secret::new("t0ken");
        let github = GitHub::new(client, &api, Login::Token(token), "acme".into(), "deployments".into()).unwrap();
        Self { github, script, _task: task }
    }

    /// The request lines, once every answer was used.
    fn asked(&self) -> Vec<String> {
        assert_eq!(self.script.answers.lock().unwrap().len(), 0, "answers are left");
        self.script.asked.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
    }

    fn body(&self, place: usize) -> Value {
        self.script.asked.lock().unwrap()[place].1.clone()
    }

    async fn open(&self) -> Result<u64, ForgeError> {
        let new = NewPullRequest {
            title: "deploy checkout v1.2.5 to prod".into(),
            body: "why".into(),
            head: BRANCH.into(),
            base: "main".into(),
        };
        self.github.open_pull_request(new).await.map(|opened| opened.number)
    }

    async fn merge(&self) -> Result<CommitId, ForgeError> {
        let (title, message) = ("deploy checkout".to_owned(), "why".to_owned());
        self.github.merge(12, Merge { head: commit(HEAD), method: Method::Squash, title, message }).await
    }
}

async fn answer(Kept(script): Kept<Script>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
    assert_eq!(parts.headers["authorization"], "Bearer t0ken");
    let line = format!("{} {}", parts.method, parts.uri);
    script.asked.lock().unwrap().push((line.clone(), serde_json::from_slice(&body).unwrap_or_default()));
    let next = script.answers.lock().unwrap().pop_front().unwrap_or_else(|| panic!("nobody expected {line}"));
    match next {
        Answer::Silence => std::future::pending().await,
        Answer::Says(status, headers, body) => {
            let answer = Response::builder().status(status).header("content-type", "application/json");
            headers.iter().fold(answer, |answer, (name, value)| answer.header(*name, *value)).body(body.into()).unwrap()
        }
    }
}

fn commit(text: &str) -> CommitId {
    CommitId::parse(text).unwrap()
}

/// A pull request as GitHub shows it, with members we do not know.
fn pull(number: u64, state: &str, head: &str, merged: bool) -> Value {
    json!({
        "id": 1, "number": number, "html_url": format!("https://github.example.com/acme/deployments/pull/{number}"),
        "state": state, "merged_at": merged.then_some("2026-11-21T08:00:00Z"),
        "merge_commit_sha": merged.then_some(RESULT), "mergeable_state": "something_new", "user": {"login": "leverframe[bot]"},
        "head": {"ref": BRANCH, "sha": head, "label": format!("Acme:{BRANCH}"), "repo": null},
        "base": {"ref": "main", "sha": OTHER, "label": "acme:main"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_looked_for_before_it_is_opened() {
    let fake = Fake::start([says(200, &json!([])), says(201, &pull(12, "open", HEAD, false))]).await;
    assert_eq!(fake.open().await, Ok(12));
    assert_eq!(fake.asked(), [LIST, CREATE]);
    let sent = json!({"title": "deploy checkout v1.2.5 to prod", "body": "why", "head": BRANCH, "base": "main"});
    assert_eq!(fake.body(1), sent);

    let listed = json!([pull(9, "closed", HEAD, false), pull(12, "open", HEAD, false)]);
    let fake = Fake::start([says(200, &listed)]).await;
    assert_eq!(fake.open().await, Ok(12));
    assert_eq!(fake.asked(), [LIST]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_pull_request_from_our_branch_is_ours() {
    let mut others = pull(11, "open", HEAD, false);
    others["head"]["ref"] = json!("feature");
    let mut forks = pull(13, "open", HEAD, false);
    forks["head"]["label"] = json!(format!("mallory:{BRANCH}"));
    let fake = Fake::start([says(200, &json!([forks, others]))]).await;
    assert_eq!(fake.github.find_pull_request(BRANCH).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_for_and_never_asked_twice() {
    for lost in [message(502, "Bad Gateway"), Answer::Silence, Answer::Says(201, vec![], "<html>".into())] {
        let found = says(200, &json!([pull(12, "open", HEAD, false)]));
        let fake = Fake::start([says(200, &json!([])), lost.clone(), found]).await;
        assert_eq!(fake.open().await, Ok(12));
        assert_eq!(fake.asked(), [LIST, CREATE, LIST]);

        let fake = Fake::start([says(200, &json!([])), lost, says(200, &json!([]))]).await;
        let error = fake.open().await.unwrap_err();
        assert!(error.is_passing(), "{error}");
        assert_eq!(fake.asked(), [LIST, CREATE, LIST]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_already_is_found_and_what_is_invalid_is_told() {
    let exists = json!({"message": "Validation Failed", "errors": [{"resource": "PullRequest", "code": "custom",
        "message": "A pull request already exists for acme:x."}]});
    let found = says(200, &json!([pull(12, "open", HEAD, false)]));
    let fake = Fake::start([says(200, &json!([])), says(422, &exists), found]).await;
    assert_eq!(fake.open().await, Ok(12));
    let empty = json!({"message": "Validation Failed", "errors": [{"message": "No commits between main and x"}]});
    let fake = Fake::start([says(200, &json!([])), says(422, &empty), says(200, &json!([]))]).await;
    let told = "Validation Failed; No commits between main and x".to_owned();
    assert_eq!(fake.open().await, Err(ForgeError::Invalid(told)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_names_the_approved_commit() {
    let done = json!({"sha": RESULT, "merged": true, "message": "Pull Request successfully merged"});
    let fake = Fake::start([says(200, &done)]).await;
    assert_eq!(fake.merge().await, Ok(commit(RESULT)));
    assert_eq!(fake.asked(), [MERGE]);
    let sent =
        json!({"sha": HEAD, "merge_method": "squash", "commit_title": "deploy checkout", "commit_message": "why"});
    assert_eq!(fake.body(0), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_failed_is_judged_by_what_is_there() {
    let modified = || message(409, "Head branch was modified. Review and try the merge again.");
    let unmergeable = || message(405, "Pull Request is not mergeable");
    let seen = |state: &str, head: &str, merged: bool| says(200, &pull(12, state, head, merged));
    let not = |why: &str| Err(ForgeError::NotMergeable(why.to_owned()));
    let table = [
        (modified(), seen("open", OTHER, false), Err(ForgeError::HeadMoved)),
        (modified(), seen("open", HEAD, false), Err(ForgeError::BaseMoved)),
        (unmergeable(), seen("open", HEAD, false), not("Pull Request is not mergeable")),
        (unmergeable(), seen("closed", HEAD, false), not("it is closed")),
        // An earlier try had merged it, or a person has.
        (unmergeable(), seen("closed", HEAD, true), Ok(commit(RESULT))),
        (unmergeable(), seen("closed", OTHER, true), Err(ForgeError::HeadMoved)),
        // The answer was lost on the way.
        (message(502, "Bad Gateway"), seen("closed", HEAD, true), Ok(commit(RESULT))),
        (Answer::Silence, seen("closed", HEAD, true), Ok(commit(RESULT))),
        (message(503, "busy"), seen("open", HEAD, false), Err(ForgeError::Server(503))),
        (Answer::Silence, seen("open", HEAD, false), Err(ForgeError::TimedOut)),
        (message(502, "Bad Gateway"), message(502, "Bad Gateway"), Err(ForgeError::Server(502))),
    ];
    for (first, second, expected) in table {
        let fake = Fake::start([first, second]).await;
        assert_eq!(fake.merge().await, expected);
        assert_eq!(fake.asked(), [MERGE, GET]);
    }
    let fake = Fake::start([message(405, "Base branch was modified. Review and try the merge again.")]).await;
    assert_eq!(fake.merge().await, Err(ForgeError::BaseMoved));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_apart() {
    let with = |status, headers: &[(&'static str, &'static str)], text: &str| {
        Answer::Says(status, headers.to_vec(), json!({"message": text}).to_string())
    };
    let forbidden = || ForgeError::Forbidden("Resource not accessible by integration".into());
    let table = [
        (with(401, &[], "Bad credentials"), ForgeError::Unauthorized, false),
        (with(403, &[], "Resource not accessible by integration"), forbidden(), false),
        (with(403, &[("retry-after", "30")], "slow"), ForgeError::RateLimited { retry_after: 30 }, true),
        (
            with(
                403,
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1795248090"),
                    ("date", "Sat, 21 Nov 2026 08:00:00 GMT"),
                ],
                "API rate limit exceeded",
            ),
            ForgeError::RateLimited { retry_after: 90 },
            true,
        ),
        (with(429, &[], "You have exceeded a secondary rate limit"), ForgeError::RateLimited { retry_after: 60 }, true),
        (with(404, &[], "Not Found"), ForgeError::NotFound, false),
        (with(307, &[("location", "http://localhost:1/x")], "moved"), ForgeError::Moved, false),
        (with(500, &[], "oops"), ForgeError::Server(500), true),
        (Answer::Silence, ForgeError::TimedOut, true),
    ];
    for (answer, expected, passing) in table {
        let fake = Fake::start([answer]).await;
        let error = fake.github.pull_request(12).await.unwrap_err();
        assert_eq!(error, expected);
        assert_eq!(error.is_passing(), passing, "{error}");
        assert!(error.remedy().ends_with('.'));
        assert!(!format!("{error:?} {}", error.remedy()).contains("t0ken"));
    }
    for garbage in ["<html>proxy login</html>", "{}", "", "[]"] {
        let fake = Fake::start([Answer::Says(200, vec![], garbage.into())]).await;
        let error = fake.github.pull_request(12).await.unwrap_err();
        assert!(matches!(error, ForgeError::Garbage(_)), "{garbage}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_unreachable_and_bad_settings_are_refused() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = || Outgoing::new(&Tls::default()).unwrap().client().clone();
    let api = format!("http://127.0.0.1:{port}").parse().unwrap();
    let make = |owner: &str, token: &str| {
        GitHub::new(client(), &api, Login::Token(Secret::new(token)), owner.into(), "deployments".into())
    };
    let error = make("acme", "t0ken").unwrap().pull_request(1).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unreachable(_)), "{error:?}");
    for (owner, token) in [("../x", "t0ken"), ("", "t0ken"), ("acme", "t0\nken")] {
        assert!(matches!(make(owner, token).err(), Some(ForgeError::Settings(_))), "{owner} {token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_and_its_reviews_are_read() {
    let review = |login: Value, state: &str| json!({"id": 1, "user": login, "state": state, "commit_id": HEAD});
    let mut page: Vec<Value> = vec![review(json!({"login": "alicem"}), "APPROVED"); 100];
    page[1] = review(Value::Null, "SOMETHING_NEW");
    let second = json!([review(json!({"login": "bo"}), "CHANGES_REQUESTED")]);
    let fake =
        Fake::start([says(200, &pull(12, "closed", HEAD, true)), says(200, &Value::Array(page)), says(200, &second)])
            .await;
    let seen = fake.github.pull_request(12).await.unwrap();
    assert_eq!(seen.state, State::Merged { commit: Some(commit(RESULT)) });
    assert_eq!((seen.head_branch.as_str(), seen.base_branch.as_str()), (BRANCH, "main"));
    assert_eq!(seen.author, "leverframe[bot]");
    let reviews = fake.github.reviews(12).await.unwrap();
    assert_eq!(reviews.len(), 101);
    assert_eq!((reviews[1].login.as_str(), reviews[1].state), ("ghost", ReviewState::Unknown));
    let last = Review {
        login: "bo".into(),
        state: ReviewState::ChangesRequested,
        commit: Some(commit(HEAD)),
        id: 1,
        at: None,
    };
    assert_eq!(reviews[100], last);
    let page = |page: u32| format!("{GET}/reviews?per_page=100&page={page}");
    assert_eq!(fake.asked(), [GET.to_owned(), page(1), page(2)]);
}

/// GitHub's published description of its API, where it lies beside the project.
fn description() -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "where the reading material lies is for tests alone to know")]
    let folder = std::env::var("LEVERFRAME_SHARED").map(std::path::PathBuf::from);
    let folder = folder.unwrap_or_else(|_| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let file = folder.join("contracts/github/openapi.trimmed.json");
    Some(serde_json::from_slice(&std::fs::read(file).ok()?).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn githubs_own_examples_are_read_and_our_requests_fit_its_description() {
    let Some(description) = description() else {
        println!("skipped: no contracts/github beside the project; set LEVERFRAME_SHARED to the folder that holds it");
        return;
    };
    let example = |name: &str| says(200, &description["components"]["examples"][name]["value"]);
    let fake = Fake::start([
        example("pull-request-simple-items"),
        example("pull-request"),
        example("pull-request"),
        example("pull-request-review-items"),
        example("pull-request-merge-result-response-if-merge-was-successful"),
    ])
    .await;
    assert_eq!(fake.open().await, Ok(1347), "the example is from another branch, so one is opened");
    assert_eq!(fake.github.pull_request(12).await.unwrap().author, "octocat");
    let reviews = fake.github.reviews(12).await.unwrap();
    assert_eq!(reviews[0].state, ReviewState::Approved);
    assert!(reviews[0].commit.is_some());
    assert!(fake.merge().await.is_ok());
    let paths = &description["paths"];
    let pulls = "/repos/{owner}/{repo}/pulls";
    let bodies = [(1, pulls.to_owned(), "post"), (4, format!("{pulls}/{{pull_number}}/merge"), "put")];
    for (place, path, method) in bodies {
        let schema = &paths[&path][method]["requestBody"]["content"]["application/json"]["schema"]["properties"];
        for member in fake.body(place).as_object().unwrap().keys() {
            assert!(schema[member].is_object(), "{method} {path} knows no `{member}`");
        }
    }
}
