//! Registries on loopback in the forms that the big ones have: pages, logins, tokens, redirects, Docker Hub's times.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::json;

use super::*;
use crate::{
    net::{NetError, Tls, tests::serve},
    registry::auth::Challenge,
};

/// How a registry on loopback behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Basic,
    Token,
}

struct Shop {
    door: Door,
    tags: Vec<String>,
    lists: AtomicUsize,
    tokens: AtomicUsize,
    password: Mutex<String>,
}

fn shop(door: Door, tags: &[&str]) -> Arc<Shop> {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let password = Mutex::new("s3cret".to_owned());
    Arc::new(Shop { door, tags, lists: AtomicUsize::new(0), tokens: AtomicUsize::new(0), password })
}

impl Shop {
    fn pair(&self) -> String {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        format!("Basic {}", BASE64_STANDARD.encode(format!("bot:{}", self.password.lock().unwrap())))
    }

    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let given = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let host = headers["host"].to_str().unwrap();
        let (good, challenge) = match self.door {
            Door::Open => return None,
            Door::Basic => (given == self.pair(), "Basic realm=\"shop\"".to_owned()),
            Door::Token => {
                let scope = "repository:user/image:pull";
                let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"shop, ltd\",scope=\"{scope}\"");
                (given == "Bearer t0ken", challenge)
            }
        };
        (!good).then(|| (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response())
    }
}

type Ask = Query<HashMap<String, String>>;

async fn list(State(shop): State<Arc<Shop>>, Query(query): Ask, headers: HeaderMap) -> Response {
    if let Some(refusal) = shop.refusal(&headers) {
        return refusal;
    }
    shop.lists.fetch_add(1, Ordering::SeqCst);
    let from: usize = query.get("last").map_or(0, |last| last.parse().unwrap());
    let page: Vec<&String> = shop.tags.iter().skip(from).take(2).collect();
    let more = from + 2 < shop.tags.len();
    let link = more.then(|| [("link", format!("</v2/acme/checkout/tags/list?last={}&n=2>; rel=\"next\"", from + 2))]);
    (link, Json(json!({"name": "acme/checkout", "tags": page}))).into_response()
}

async fn manifest(State(shop): State<Arc<Shop>>, Path(reference): Path<String>, headers: HeaderMap) -> Response {
    if let Some(refusal) = shop.refusal(&headers) {
        return refusal;
    }
    assert!(headers["accept"].to_str().unwrap().contains("oci.image.index"));
    let is_inner = reference == inner();
    if !is_inner && !shop.tags.contains(&reference) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let body = if is_inner {
        json!({"config": {"digest": format!("sha256:{}", "c".repeat(64))}})
    } else {
        let unknown = json!({"digest": format!("sha256:{}", "e".repeat(64)), "platform": {"architecture": "unknown"}});
        json!({"manifests": [unknown, {"digest": inner(), "platform": {"architecture": "amd64"}}]})
    };
    ([("docker-content-digest", format!("sha256:{:0>64}", reference.len()))], Json(body)).into_response()
}

fn inner() -> String {
    format!("sha256:{}", "d".repeat(64))
}

/// Blobs lie elsewhere, where no login may go.
async fn blob(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = shop.refusal(&headers) {
        return refusal;
    }
    let port = headers["host"].to_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
    (StatusCode::TEMPORARY_REDIRECT, [("location", format!("http://localhost:{port}/store"))]).into_response()
}

async fn token(State(shop): State<Arc<Shop>>, Query(query): Ask, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|given| given.to_str().unwrap() != shop.pair()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    assert_eq!(query["service"], "shop, ltd");
    assert_eq!(query["scope"], "repository:acme/checkout:pull");
    shop.tokens.fetch_add(1, Ordering::SeqCst);
    Json(json!({"access_token": "t0ken"})).into_response()
}

fn router(shop: &Arc<Shop>) -> Router {
    let store = |headers: HeaderMap| async move {
        assert!(!headers.contains_key("authorization"));
        Json(json!({"created": "2024-01-02T03:04:05Z"}))
    };
    Router::new()
        .route("/v2/acme/checkout/tags/list", get(list))
        .route("/v2/acme/checkout/manifests/{reference}", any(manifest))
        .route("/v2/acme/checkout/blobs/{digest}", get(blob))
        .route("/token", get(token))
        .route("/store", get(store))
        .with_state(Arc::clone(shop))
}

fn login(renewal: Option<Renewal>) -> Login {
    Login::Password { username: "bot".to_owned(), password: Secret::new("s3cret"), renewal }
}

fn registries(host: &str, access: Access) -> Registries {
    let net = Outgoing::new(&Tls::default()).unwrap();
    Registries::new(&net, [(host.to_owned(), access)].into(), Tasks::default())
}

fn image() -> ImageName {
    ImageName::parse("ghcr.io/acme/checkout").unwrap()
}

fn tags(listing: &Listing) -> Vec<&str> {
    listing.versions().iter().map(|version| version.tag.as_str()).collect()
}

/// Asks until the newest tag was looked at.
async fn looked_at(registries: &Registries) -> Version {
    loop {
        let newest = registries.versions(&image()).await.unwrap().versions()[0].clone();
        if newest.made.is_some() {
            return newest;
        }
        tokio::task::yield_now().await;
    }
}

async fn check_door(door: Door, login: Login) -> Arc<Shop> {
    let signature = format!("sha256-{}.sig", "a".repeat(64));
    let shop = shop(door, &["v1.2.0", "latest", "v1.10.0", &signature, "v1.9.0"]);
    let server = serve(router(&shop)).await;
    let registries = registries("ghcr.io", Access { api: server.base.clone(), hub: None, login });
    let listing = registries.versions(&image()).await.unwrap();
    assert_eq!(tags(&listing), ["v1.10.0", "v1.9.0", "v1.2.0", "latest"]);
    let newest = tokio::time::timeout(Duration::from_secs(60), looked_at(&registries)).await.unwrap();
    assert_eq!(newest.made, "2024-01-02T03:04:05Z".parse().ok());
    assert_eq!(newest.digest, Some(format!("sha256:{:0>64}", 7)));
    assert!(registries.has(&image(), "v1.9.0").await.unwrap());
    assert!(!registries.has(&image(), "v7.0.0").await.unwrap());
    // What was listed a moment ago is not listed again.
    assert_eq!(shop.lists.load(Ordering::SeqCst), 3);
    shop
}

#[tokio::test]
async fn pages_are_followed_and_tags_come_newest_first() {
    check_door(Door::Open, Login::Nobody).await;
    check_door(Door::Basic, login(None)).await;
    let shop = check_door(Door::Token, login(None)).await;
    assert_eq!(shop.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_password_that_somebody_renews_is_read_again() {
    for door in [Door::Basic, Door::Token] {
        let shop = shop(door, &["v1.0.0"]);
        "renewed".clone_into(&mut shop.password.lock().unwrap());
        let server = serve(router(&shop)).await;
        let renewal = Renewal::new(|| Some(Secret::new("renewed")));
        let access = Access { api: server.base.clone(), hub: None, login: login(Some(renewal)) };
        assert!(registries("ghcr.io", access).has(&image(), "v1.0.0").await.unwrap());
        let access = Access { api: server.base.clone(), hub: None, login: login(None) };
        let refused = registries("ghcr.io", access).has(&image(), "v1.0.0").await.unwrap_err();
        assert_eq!(refused, RegistryError::Unauthorized { host: "ghcr.io".to_owned() });
    }
}

#[tokio::test]
async fn docker_hub_tells_when_tags_were_pushed() {
    let hub_page = |Query(query): Ask, headers: HeaderMap| async move {
        assert_eq!(headers["authorization"], "Bearer hub-token");
        let base = format!("http://{}/v2/repositories/acme/checkout/tags", headers["host"].to_str().unwrap());
        let pushed = |name: &str, day: u32| json!({"name": name, "digest": "sha256:ab", "tag_last_pushed": format!("2026-01-{day:02}T00:00:00Z")});
        Json(match query.get("page") {
            None => json!({"next": format!("{base}?page=2"), "results": [pushed("sha-9", 9), pushed("v1.2.0", 8)]}),
            Some(_) => json!({"next": null, "results": [pushed("v1.10.0", 7)]}),
        })
    };
    let shop = shop(Door::Open, &["v1.2.0", "v1.10.0", "sha-9", "old"]);
    let hub_login = |body: Json<serde_json::Value>| async move {
        assert_eq!(body.0, json!({"identifier": "bot", "secret": "s3cret"}));
        Json(json!({"access_token": "hub-token"}))
    };
    let hub = Router::new()
        .route("/v2/repositories/acme/checkout/tags", get(hub_page))
        .route("/v2/auth/token", post(hub_login));
    let server = serve(router(&shop).merge(hub)).await;
    let access = Access { api: server.base.clone(), hub: Some(server.base.clone()), login: login(None) };
    let image = ImageName::parse("acme/checkout").unwrap();
    let listing = registries("index.docker.io", access).versions(&image).await.unwrap();
    assert_eq!(tags(&listing), ["sha-9", "v1.2.0", "v1.10.0", "old"]);
    assert_eq!(listing.versions()[0].made, "2026-01-09T00:00:00Z".parse().ok());
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let answer = |status: u16, body: &'static str| async move {
        let router = Router::new().fallback(any(move |_: Request| async move {
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }));
        let server = serve(router).await;
        let access = Access { api: server.base.clone(), hub: None, login: Login::Nobody };
        registries("ghcr.io", access).versions(&image()).await.unwrap_err()
    };
    let host = || "ghcr.io".to_owned();
    assert_eq!(answer(401, "").await, RegistryError::Unauthorized { host: host() });
    assert_eq!(answer(403, "").await, RegistryError::Forbidden { host: host() });
    assert_eq!(answer(404, "").await, RegistryError::NoSuchImage { image: "ghcr.io/acme/checkout".to_owned() });
    assert_eq!(answer(429, "").await, RegistryError::RateLimited { host: host() });
    assert_eq!(answer(503, "").await, RegistryError::Server { host: host(), status: 503 });
    assert!(matches!(answer(200, "<html>").await, RegistryError::Garbage { .. }));
    let gone = Access { api: crate::net::tests::nobody().await, hub: None, login: Login::Nobody };
    let gone = registries("ghcr.io", gone);
    assert!(matches!(gone.versions(&image()).await.unwrap_err(), RegistryError::Net(..)));
    assert!(gone.has(&image(), "v1").await.is_err());
    let other = ImageName::parse("quay.io/acme/checkout").unwrap();
    assert!(!gone.knows(&other));
    assert_eq!(gone.has(&other, "v1").await.unwrap_err(), RegistryError::NotConfigured { host: "quay.io".to_owned() });
}

#[test]
fn challenges_are_read() {
    let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer { realm: realm.to_owned(), service: owned(service), scope: owned(scope) })
    };
    assert_eq!(Challenge::parse("Basic realm=\"x\""), Some(Challenge::Basic));
    assert_eq!(Challenge::parse("basic"), Some(Challenge::Basic));
    let hub = "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a/b:pull,push\"";
    let expected = bearer("https://auth.docker.io/token", Some("registry.docker.io"), Some("repository:a/b:pull,push"));
    assert_eq!(Challenge::parse(hub), expected);
    assert_eq!(Challenge::parse("bearer realm=https://a/t, service=s"), bearer("https://a/t", Some("s"), None));
    assert_eq!(Challenge::parse("Bearer service=\"s\""), None);
    assert_eq!(Challenge::parse("Negotiate"), None);
    assert_eq!(Challenge::parse(""), None);
}

#[test]
fn a_login_is_never_led_away() {
    let check = |api: &str, realm: &str| {
        auth::token_address(("r", &api.parse().unwrap()), (realm, Some("s")), "x").map(|url| url.to_string()).ok()
    };
    assert_eq!(check("https://r", "https://a/token?b=1").as_deref(), Some("https://a/token?b=1&service=s&scope=x"));
    assert_eq!(check("http://r", "http://r/token").as_deref(), Some("http://r/token?service=s&scope=x"));
    for realm in ["http://a/token", "https://user@a/token", "ftp://a", "file:///etc/passwd", "token"] {
        assert_eq!(check("https://r", realm), None, "{realm}");
    }
    let from: Url = "https://r/v2/a/tags/list".parse().unwrap();
    let next = |link: &str| client::next(link, &from).map(|url| url.to_string());
    assert_eq!(
        next("</v2/a/tags/list?last=b,c&n=1>; rel=\"next\"").as_deref(),
        Some("https://r/v2/a/tags/list?last=b,c&n=1")
    );
    assert_eq!(next("<https://r/x>; rel=prev, <https://r/y>; rel=next").as_deref(), Some("https://r/y"));
    assert_eq!(next("<https://evil/x>; rel=\"next\""), None);
    assert_eq!(next("<http://r/x>; rel=\"next\""), None);
    assert_eq!(next("nothing"), None);
}

#[test]
fn images_are_named_in_full() {
    let check = |text: &str| ImageName::parse(text).map(|image| image.to_string()).ok();
    assert_eq!(check("checkout").as_deref(), Some("docker.io/library/checkout"));
    assert_eq!(check("acme/checkout").as_deref(), Some("docker.io/acme/checkout"));
    assert_eq!(check("index.docker.io/acme/checkout").as_deref(), Some("docker.io/acme/checkout"));
    assert_eq!(check("localhost:5000/a/b/c").as_deref(), Some("localhost:5000/a/b/c"));
    let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/checkout";
    assert_eq!(check(ecr).as_deref(), Some(ecr));
    for bad in ["", "Checkout", "a//b", "../a", "a b", "r.example.com/", "r.example.com/a?b", "a@sha256:0", "-a"] {
        assert_eq!(check(bad), None, "{bad}");
    }
}

#[test]
fn what_is_typed_finds_tags_and_digests() {
    let named = |tag: &str| Version { digest: Some(format!("sha256:{tag}beef")), ..Version::named(tag) };
    let versions = ["v1.2.5", "v1.2.4", "v1.12.0", "nightly-1.2"].map(named).to_vec();
    let listing = Listing::new(versions, false, crate::clock::now());
    let check = |typed: &str| listing.search(typed).map(|version| version.tag.as_str()).collect::<Vec<_>>();
    assert_eq!(check(""), ["v1.12.0", "v1.2.5", "v1.2.4", "nightly-1.2"]);
    assert_eq!(check("1.2"), ["v1.2.5", "v1.2.4", "nightly-1.2"]);
    assert_eq!(check("V1.2.5"), ["v1.2.5"]);
    assert_eq!(check("sha256:v1.2.4be"), ["v1.2.4"]);
    assert_eq!(check("zzz"), [""; 0]);
    assert_eq!(listing.nearest("v1.25", 2), ["v1.2.5", "v1.2.4"]);
    assert_eq!(listing.nearest("qqq", 2), [""; 0]);
}

#[test]
fn every_error_has_a_remedy() {
    let host = || "ghcr.io".to_owned();
    let all = [
        RegistryError::NotConfigured { host: host() },
        RegistryError::Unauthorized { host: host() },
        RegistryError::Forbidden { host: host() },
        RegistryError::NoSuchImage { image: "ghcr.io/acme/checkout".to_owned() },
        RegistryError::RateLimited { host: host() },
        RegistryError::Server { host: host(), status: 503 },
        RegistryError::Garbage { host: host(), what: "status 302".to_owned() },
        RegistryError::Elsewhere { host: host(), found: "http://elsewhere.example.com".to_owned() },
        RegistryError::Slow { host: host() },
        RegistryError::from(NetError::TimedOut { host: host() }),
    ];
    let lines: Vec<String> = all.iter().map(|error| format!("{error}\n  {}", error.remedy())).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
