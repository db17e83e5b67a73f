//! The way out against servers on loopback: the libraries that borrow it, redirects, tokens, failures.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Redirect,
    routing::{any, get},
};
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::*;

/// A server on loopback for as long as it is held.
pub(crate) struct Served {
    pub(crate) base: Url,
    _task: JoinSet<()>,
}

/// Serves `router` on a free port.
pub(crate) async fn serve(router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served { base, _task: task }
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap()
}

/// The client for a server on loopback, as `main` makes it.
pub(crate) fn client() -> reqwest::Client {
    Outgoing::new(&Tls::default()).unwrap().to(&"http://127.0.0.1".parse().unwrap()).clone()
}

/// What a server was asked: method and path with query, and headers.
type Asked = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// Answers everything with `answer` and keeps what was asked.
async fn recorder(answer: Value) -> (Served, Asked) {
    let asked = Asked::default();
    let kept = Arc::clone(&asked);
    let router = Router::new().fallback(any(move |request: Request| async move {
        let line = format!("{} {}", request.method(), request.uri());
        kept.lock().unwrap().push((line, request.headers().clone()));
        Json(answer)
    }));
    (serve(router).await, asked)
}

fn lines(asked: &Asked) -> Vec<String> {
    asked.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
}

#[tokio::test]
async fn octocrab_works_through_it_behind_a_path() {
    let (server, asked) = recorder(json!([])).await;
    let base = server.base.join("api/v3").unwrap();
    let service = HttpService::at(client(), &base, Some(&Secret::new("t0ken"))).unwrap();
    let github = octocrab::OctocrabBuilder::new_empty()
        .with_service(service)
        .with_auth(octocrab::AuthState::None)
        .build()
        .unwrap();
    let page = github.pulls("acme", "deployments").list().head("acme:leverframe/01J").send().await.unwrap();
    assert_eq!(page.items.len(), 0);
    assert_eq!(lines(&asked), ["GET /api/v3/repos/acme/deployments/pulls?head=acme%3Aleverframe%2F01J"]);
    let (_, headers) = asked.lock().unwrap().remove(0);
    assert_eq!(headers["authorization"], "Bearer t0ken");
    assert_eq!(headers["user-agent"], concat!("leverframe/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn octocrab_sends_bodies_through_it() {
    let echo = |body: Json<Value>| async move {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": body.0["title"]})))
    };
    let server = serve(Router::new().route("/repos/acme/deployments/pulls", axum::routing::post(echo))).await;
    let service = HttpService::at(client(), &server.base, None).unwrap();
    let github = octocrab::OctocrabBuilder::new_empty()
        .with_service(service)
        .with_auth(octocrab::AuthState::None)
        .build()
        .unwrap();
    let refused = github.pulls("acme", "deployments").create("deploy checkout", "a", "main").send().await.unwrap_err();
    let octocrab::Error::GitHub { source, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((source.status_code.as_u16(), source.message.as_str()), (422, "deploy checkout"));
}

#[tokio::test]
async fn kube_works_through_it_behind_a_path() {
    let answer = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "checkout"}, "spec": null});
    let (server, asked) = recorder(answer).await;
    let base = server.base.join("k8s/clusters/c-1/").unwrap();
    let service = HttpService::at(client(), &base, Some(&Secret::new("t0ken"))).unwrap();
    let cluster = kube::Client::new(service, "default");
    let deployments: kube::Api<Deployment> = kube::Api::namespaced(cluster, "shop");
    let found = deployments.get("checkout").await.unwrap();
    assert_eq!(found.metadata.name.as_deref(), Some("checkout"));
    assert_eq!(lines(&asked), ["GET /k8s/clusters/c-1/apis/apps/v1/namespaces/shop/deployments/checkout"]);
    assert_eq!(asked.lock().unwrap()[0].1["authorization"], "Bearer t0ken");
}

#[test]
fn requests_stay_below_their_base() {
    let check = |base: &str, asked: &str| {
        within(&base.parse().unwrap(), &asked.parse().unwrap()).map(|url| url.to_string()).map_err(|e| e.to_string())
    };
    let leaves =
        |base: &str, to: &str| Err(format!("an answer from `{base}` leads to `{to}`, where its token must not go"));
    assert_eq!(check("https://a/api/v3/", "/repos?x=1"), Ok("https://a/api/v3/repos?x=1".into()));
    assert_eq!(check("https://a", "/repos"), Ok("https://a/repos".into()));
    assert_eq!(check("https://a/api", "https://a/api/next?page=2"), Ok("https://a/api/next?page=2".into()));
    assert_eq!(check("https://a/api", "https://b/api/next"), leaves("a", "b"));
    assert_eq!(check("https://a/api", "http://a/api/next"), leaves("a", "a"));
    assert_eq!(check("https://a/api", "https://a/other"), leaves("a", "a"));
    assert_eq!(check("https://a/api", "/../secrets"), leaves("a", "/../secrets"));
    assert_eq!(check("https://a:8443/api", "https://a/api/x"), leaves("a:8443", "a"));
}

#[test]
fn a_token_is_never_printed() {
    let base = "https://a".parse().unwrap();
    let service = HttpService::at(client(), &base, Some(&Secret::new("t0ken"))).unwrap();
    assert!(!format!("{service:?}").contains("t0ken"));
    let refused = HttpService::at(client(), &base, Some(&Secret::new("t0\nken"))).unwrap_err();
    assert_eq!(refused.to_string(), "the token for `a` holds a character that no HTTP header may carry");
}

#[tokio::test]
async fn redirects_stay_on_their_host() {
    let (elsewhere, asked) = recorder(json!({})).await;
    let away = elsewhere.base.as_str().replace("127.0.0.1", "localhost");
    let router = Router::new()
        .route("/moved", get(|| async { Redirect::permanent("/here") }))
        .route("/here", get(|| async { "here" }))
        .route("/away", get(move || async move { Redirect::permanent(&away) }))
        .route("/circle", get(|| async { Redirect::temporary("/circle") }));
    let server = serve(router).await;
    let ask = |path: &str| client().get(server.base.join(path).unwrap()).send();
    assert_eq!(ask("moved").await.unwrap().text().await.unwrap(), "here");
    assert_eq!(ask("away").await.unwrap().status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(asked.lock().unwrap().len(), 0);
    assert!(matches!(NetError::of(&ask("circle").await.unwrap_err()), NetError::Garbage { .. }));
}

#[tokio::test]
async fn a_server_that_is_gone_is_named() {
    let base = nobody().await;
    let refused = NetError::of(&client().get(base.clone()).send().await.unwrap_err());
    assert!(matches!(&refused, NetError::Unreachable { host, .. } if *host == host_of(&base)), "{refused}");
    assert!(refused.is_passing());
    assert!(refused.remedy().contains("HTTPS_PROXY"));
}

#[test]
fn a_ca_file_must_hold_certificates() {
    let with = |pem: &str| Outgoing::new(&Tls { ca_file: Some(pem.into()) }).map(|_| ()).map_err(|e| e.to_string());
    let nothing = "`tls.ca_file` holds no usable certificate: no `BEGIN CERTIFICATE` in it";
    assert_eq!(with("hello"), Err(nothing.into()));
    assert!(with("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
    assert!(with("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n").is_err());
}

/// Answers one request over TLS with a certificate of a company's own authority, made for this test and valid until 2120.
fn serve_tls() -> Url {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    use std::io::{Read as _, Write as _};
    use_ring();
    let certificate = CertificateDer::from_pem_slice(include_bytes!("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("localhost.key")).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::new(config)).unwrap(), socket);
        if stream.read(&mut [0; 4096]).is_ok() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi").unwrap();
        }
    });
    base
}

#[tokio::test]
async fn the_companys_own_authority_is_trusted_when_it_is_configured_and_only_then() {
    let trusting = Outgoing::new(&Tls { ca_file: Some(include_bytes!("authority.pem").to_vec()) }).unwrap();
    let base = serve_tls();
    assert_eq!(trusting.to(&base).get(base.clone()).send().await.unwrap().text().await.unwrap(), "hi");
    let base = serve_tls();
    let refused = NetError::of(&client().get(base).send().await.unwrap_err());
    assert!(refused.to_string().contains("certificate"), "{refused}");
    assert!(refused.remedy().contains("`tls.ca_file`"));
}

#[test]
fn loopback_is_told_by_name_alone() {
    let check = |address: &str| is_loopback(&address.parse().unwrap());
    for near in ["http://localhost:1", "http://127.0.0.1", "https://127.8.0.1/x", "http://[::1]:8080"] {
        assert!(check(near), "{near}");
    }
    for far in ["http://localhost.example.com", "http://10.0.0.1", "https://api.github.com", "http://[::2]", "data:x"] {
        assert!(!check(far), "{far}");
    }
}

#[tokio::test]
async fn an_answer_longer_than_agreed_is_not_read() {
    let server = serve(Router::new().route("/", get(|| async { "0123456789" }))).await;
    let ask = || client().get(server.base.clone()).send();
    assert_eq!(read(ask().await.unwrap(), 10).await.unwrap(), "0123456789");
    assert!(matches!(read(ask().await.unwrap(), 9).await, Err(NetError::TooLong { limit: 9, .. })));
}

#[tokio::test]
async fn an_answer_that_is_an_error_is_still_an_answer() {
    let teapot = || async { (StatusCode::IM_A_TEAPOT, "short and stout") };
    let server = serve(Router::new().route("/", get(teapot))).await;
    let mut service = HttpService::new(client());
    let request = http::Request::get(server.base.as_str()).body(axum::body::Body::empty()).unwrap();
    let answer = tower::Service::call(&mut service, request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
}
