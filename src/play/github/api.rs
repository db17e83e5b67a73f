//! The REST calls that a deploy needs. Any other path is answered 404, as GitHub answers what a token may not see.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    accounts::{BOT, account},
    forge::{Close, ForgeError, MergeWish, Opening, PullRequest, Refused, State as Life, Verdict},
    merge::Method,
};
use crate::play::json::put;

type Held = State<Arc<Shared>>;
type Numbered = Path<(String, String, u64)>;

/// The routes under `/repos`.
pub(super) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}", get(repository))
        .route("/repos/{owner}/{name}/pulls", get(list).post(open))
        .route("/repos/{owner}/{name}/pulls/{number}", get(one).patch(edit))
        .route("/repos/{owner}/{name}/pulls/{number}/reviews", get(reviews).post(review))
        .route("/repos/{owner}/{name}/pulls/{number}/merge", get(is_merged).put(merge))
        .merge(super::more::routes())
        .merge(super::teams::routes())
        .layer(middleware::from_fn(tagged))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
}

/// Lets in who has the token and asks for the repository that there is.
async fn guard(State(shared): Held, headers: HeaderMap, request: Request, next: Next) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.split_once(' ')).map(|(_, token)| token);
    let here = format!("/repos/{}/{}", shared.places.owner, shared.places.name);
    let path = request.uri().path();
    match token {
        None => failure(401, "Requires authentication", &[]),
        Some(token)
            if token != shared.token.reveal()
                && !shared.apps.takes(token)
                && shared.devices.holder(token).is_none() =>
        {
            failure(401, "Bad credentials", &[])
        }
        Some(_) if path != here && !path.starts_with(&format!("{here}/")) && !path.starts_with("/orgs/") => {
            failure(404, "Not Found", &[])
        }
        Some(_) => next.run(request).await,
    }
}

/// Pull requests are asked for conditionally: what has not changed is answered 304, which costs no quota.
async fn tagged(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let path = request.uri().path().to_owned();
    let last = path.rsplit('/').next().unwrap_or_default();
    let conditional = request.method() == http::Method::GET
        && (last == "pulls" || (path.contains("/pulls/") && last.chars().all(|c| c.is_ascii_digit())));
    let response = next.run(request).await;
    if !conditional || !response.status().is_success() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return failure(500, "broken", &[]) };
    let tag = format!("\"{}\"", crate::core::names::Digest::of(&body));
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    Response::from_parts(parts, body.into())
}

async fn repository(State(shared): Held) -> Response {
    Json(shared.places.repository()).into_response()
}

#[derive(Deserialize)]
struct Wanted {
    state: Option<String>,
    head: Option<String>,
    base: Option<String>,
    per_page: Option<usize>,
    page: Option<usize>,
}

async fn list(State(shared): Held, Query(wanted): Query<Wanted>) -> Response {
    let owner = format!("{}:", shared.places.owner);
    let branch = match wanted.head.as_deref().map(|head| (head, head.strip_prefix(&owner))) {
        Some((_, Some(branch))) => Some(branch.to_owned()),
        // A branch of somebody else's fork: there are none. Without an owner GitHub does not filter.
        Some((head, None)) if head.contains(':') => return Json(json!([])).into_response(),
        Some((_, None)) | None => None,
    };
    let fits = move |pull: &PullRequest| {
        let state = match wanted.state.as_deref().unwrap_or("open") {
            "all" => true,
            "closed" => pull.state != Life::Open,
            _ => pull.state == Life::Open,
        };
        state
            && branch.as_ref().is_none_or(|branch| *branch == pull.head)
            && wanted.base.as_ref().is_none_or(|base| *base == pull.base)
    };
    let (size, page) = (wanted.per_page.unwrap_or(30).clamp(1, 100), wanted.page.unwrap_or(1).max(1));
    in_forge(&shared, move |shared| {
        let all: Vec<PullRequest> = shared.forge.pulls()?.into_iter().filter(fits).collect();
        let shown = all.iter().skip((page - 1) * size).take(size);
        let json: Vec<Value> = shown.map(|pull| listed(shared, pull)).collect();
        let mut response = Json(json).into_response();
        if page * size < all.len() {
            let next = format!("<{}/pulls?per_page={size}&page={}>; rel=\"next\"", shared.places.url, page + 1);
            if let Ok(link) = HeaderValue::try_from(next) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        Ok(response)
    })
    .await
}

#[derive(Deserialize)]
struct OpenBody {
    title: Option<String>,
    head: String,
    base: String,
    #[serde(default)]
    body: Option<String>,
}

async fn open(State(shared): Held, body: Bytes) -> Response {
    let Some(body) = read::<OpenBody>(&body) else { return unreadable() };
    let Some(title) = body.title.filter(|title| !title.is_empty()) else {
        let error = json!({"resource": "PullRequest", "field": "title", "code": "missing_field"});
        return failure(422, "Validation Failed", &[error]);
    };
    let opening = Opening { title, body: body.body.unwrap_or_default(), head: body.head, base: body.base };
    in_forge(&shared, move |shared| {
        let pull = shared.forge.open(BOT, opening)?;
        let mut response = (StatusCode::CREATED, Json(whole(shared, &pull)?)).into_response();
        let place = format!("{}/repos/{}/{}", shared.places.url, shared.places.owner, shared.places.name);
        if let Ok(place) = HeaderValue::try_from(format!("{place}/pulls/{}", pull.number)) {
            response.headers_mut().insert(header::LOCATION, place);
        }
        Ok(response)
    })
    .await
}

async fn one(State(shared): Held, Path((_, _, number)): Numbered) -> Response {
    in_forge(&shared, move |shared| {
        let pull = shared.forge.pull(number)?;
        Ok(Json(whole(shared, &pull)?).into_response())
    })
    .await
}

#[derive(Deserialize)]
struct EditBody {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
}

async fn edit(State(shared): Held, Path((_, _, number)): Numbered, body: Bytes) -> Response {
    let Some(body) = read::<EditBody>(&body) else { return unreadable() };
    let close = body.state.map(|state| if state == "closed" { Close::Yes } else { Close::No });
    in_forge(&shared, move |shared| {
        let pull = shared.forge.edit(number, body.title, body.body, close)?;
        if close == Some(Close::Yes) {
            shared.forge.extras.kept().closed_by.insert(number, BOT);
        }
        Ok(Json(whole(shared, &pull)?).into_response())
    })
    .await
}

async fn reviews(State(shared): Held, Path((_, _, number)): Numbered) -> Response {
    in_forge(&shared, move |shared| {
        let pull = shared.forge.pull(number)?;
        let reviews: Vec<Value> = pull.reviews.iter().map(|review| shared.places.review(&pull, review)).collect();
        Ok(Json(reviews).into_response())
    })
    .await
}

#[derive(Deserialize)]
struct ReviewBody {
    event: Option<String>,
    #[serde(default)]
    body: Option<String>,
}

async fn review(State(shared): Held, Path((_, _, number)): Numbered, headers: HeaderMap, body: Bytes) -> Response {
    let by = super::devices::holder(&shared, &headers).unwrap_or(BOT);
    let Some(body) = read::<ReviewBody>(&body) else { return unreadable() };
    let Some(verdict) = body.event.as_deref().and_then(Verdict::parse) else {
        return failure(422, "Unprocessable Entity", &[json!("Variable $event was provided invalid value")]);
    };
    in_forge(&shared, move |shared| {
        let (pull, review) = shared.forge.review(number, by, verdict, &body.body.unwrap_or_default())?;
        Ok(Json(shared.places.review(&pull, &review)).into_response())
    })
    .await
}

async fn is_merged(State(shared): Held, Path((_, _, number)): Numbered) -> Response {
    in_forge(&shared, move |shared| {
        let merged = matches!(shared.forge.pull(number)?.state, Life::Merged { .. });
        Ok(if merged { StatusCode::NO_CONTENT.into_response() } else { failure(404, "Not Found", &[]) })
    })
    .await
}

#[derive(Deserialize, Default)]
struct MergeBody {
    commit_title: Option<String>,
    commit_message: Option<String>,
    sha: Option<String>,
    merge_method: Option<String>,
}

async fn merge(State(shared): Held, Path((_, _, number)): Numbered, body: Bytes) -> Response {
    let Some(body) = (if body.is_empty() { Some(MergeBody::default()) } else { read(&body) }) else {
        return unreadable();
    };
    let method = body.merge_method.as_deref().map(Method::parse);
    if method == Some(None) {
        return failure(422, "Invalid request.\n\nNo subschema in \"anyOf\" matched.", &[]);
    }
    let wish =
        MergeWish { sha: body.sha, title: body.commit_title, message: body.commit_message, method: method.flatten() };
    in_forge(&shared, move |shared| {
        let pull = shared.forge.merge(number, BOT, &wish)?;
        let Life::Merged { sha, .. } = pull.state else {
            return Ok(failure(405, "Pull Request is not mergeable", &[]));
        };
        let message = "Pull Request successfully merged";
        Ok(Json(json!({"sha": sha, "merged": true, "message": message})).into_response())
    })
    .await
}

fn whole(shared: &Shared, pull: &PullRequest) -> Result<Value, ForgeError> {
    let mut json = shared.places.pull(pull, &shared.forge.compare(pull)?);
    dress(shared, pull, &mut json);
    Ok(json)
}

fn listed(shared: &Shared, pull: &PullRequest) -> Value {
    let mut json = shared.places.pull_in_list(pull);
    dress(shared, pull, &mut json);
    json
}

/// Labels, and who was asked for a review and has not given one.
fn dress(shared: &Shared, pull: &PullRequest, json: &mut Value) {
    let kept = shared.forge.extras.kept();
    let labels = kept.labels.get(&pull.number).into_iter().flatten();
    let labels: Vec<Value> = labels.map(|name| shared.places.label(name)).collect();
    let asked = kept.asked.get(&pull.number).into_iter().flatten();
    let asked = asked.filter(|login| pull.reviews.iter().all(|review| review.by.login != login.as_str()));
    let (teams, people): (Vec<&String>, Vec<&String>) = asked.partition(|name| name.starts_with("team/"));
    let people = people.into_iter().filter_map(|login| account(login).ok());
    let people: Vec<Value> = people.map(|account| shared.places.user(account)).collect();
    let teams: Vec<Value> = teams.iter().map(|name| shared.places.team(name.trim_start_matches("team/"))).collect();
    put(json, "labels", json!(labels));
    put(json, "requested_reviewers", json!(people));
    put(json, "requested_teams", json!(teams));
}

/// Runs what reads or writes the repository away from the threads that serve.
pub(super) async fn in_forge<F>(shared: &Arc<Shared>, act: F) -> Response
where
    F: FnOnce(&Shared) -> Result<Response, ForgeError> + Send + 'static,
{
    let shared = Arc::clone(shared);
    match tokio::task::spawn_blocking(move || act(&shared)).await {
        Ok(Ok(response)) => response,
        Ok(Err(ForgeError::Refused(Refused { status, message, errors }))) => failure(status, &message, &errors),
        Ok(Err(ForgeError::Broken(error))) => failure(500, &error.to_string(), &[]),
        Err(error) => failure(500, &error.to_string(), &[]),
    }
}

/// A body as JSON, whatever its content type says: GitHub does not look at that either.
pub(super) fn read<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

pub(super) fn unreadable() -> Response {
    failure(400, "Problems parsing JSON", &[])
}

pub(super) fn failure(status: u16, message: &str, errors: &[Value]) -> Response {
    let mut body = json!({"message": message, "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string()});
    if !errors.is_empty() {
        crate::play::json::put(&mut body, "errors", json!(errors));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}
