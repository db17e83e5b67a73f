//! The pages: pull requests with their diff and reviews, and commits. Buttons act as the person chosen above.

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Deserialize;

use super::{
    Shared,
    accounts::account,
    api::in_forge,
    forge::{Close, Compared, ForgeError, MergeWish, PullRequest, Review, State as Life, Verdict},
    merge::Method,
    prose::prose,
};
use crate::play::{
    people::{self, PEOPLE},
    repository::CommitShown,
};

type Held = State<Arc<Shared>>;
type Numbered = Path<(String, String, u64)>;

const STYLE: &str = include_str!("../page/github.css");

/// The routes of the pages.
pub(super) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/{owner}/{name}", get(pulls))
        .route("/{owner}/{name}/pulls", get(pulls))
        .route("/{owner}/{name}/pull/{number}", get(pull))
        .route("/{owner}/{name}/pull/{number}/{act}", post(act))
        .route("/{owner}/{name}/commits", get(commits))
        .route("/{owner}/{name}/commit/{id}", get(commit))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
}

/// Shows only the repository that there is, and takes forms only from pages of its own.
async fn guard(State(shared): Held, headers: HeaderMap, request: Request, next: Next) -> Response {
    let here = format!("/{}/{}", shared.places.owner, shared.places.name);
    let path = request.uri().path();
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if path != here && !path.starts_with(&format!("{here}/")) {
        return (StatusCode::NOT_FOUND, page(&shared, None, "Not found", html! { p { "There is no such page." } }))
            .into_response();
    }
    if request.method() == http::Method::POST && site.is_some_and(|site| site != "same-origin" && site != "none") {
        return (StatusCode::FORBIDDEN, "This page answers only itself.").into_response();
    }
    next.run(request).await
}

/// Who the visitor acts as.
#[derive(Deserialize)]
struct Viewer {
    #[serde(rename = "as")]
    who: Option<String>,
}

impl Viewer {
    /// A key of the people; Bo where nobody was chosen.
    fn key(&self) -> &'static str {
        self.who.as_deref().and_then(people::find).map_or("bo", |person| person.key)
    }
}

async fn pulls(State(shared): Held, Query(viewer): Query<Viewer>) -> Response {
    in_forge(&shared, move |shared| {
        let pulls = shared.forge.pulls()?;
        let list = html! {
            @if pulls.is_empty() { p.none { "No pull requests yet." } }
            @for pull in &pulls {
                div.row {
                    (pill(pull))
                    a href={ (shared.places.page(pull)) "?as=" (viewer.key()) } { b { (pull.title) } }
                    span.quiet { " #" (pull.number) " by " (pull.author.name) }
                }
            }
        };
        Ok(page(shared, Some(viewer.key()), "Pull requests", list).into_response())
    })
    .await
}

async fn pull(State(shared): Held, Path((_, _, number)): Numbered, Query(viewer): Query<Viewer>) -> Response {
    in_forge(&shared, move |shared| {
        let pull = shared.forge.pull(number)?;
        let compared = shared.forge.compare(&pull)?;
        let body = pull_page(&pull, &compared, viewer.key());
        let title = format!("{} #{}", pull.title, pull.number);
        Ok(page(shared, Some(viewer.key()), &title, body).into_response())
    })
    .await
}

fn pull_page(pull: &PullRequest, compared: &Compared, viewer: &str) -> Markup {
    html! {
        p {
            (pill(pull)) " "
            b { (pull.author.name) } " wants to bring " (compared.commits.len()) @if compared.commits.len() == 1 { " commit" } @else { " commits" } " from "
            code { (pull.head) } " into " code { (pull.base) } "."
        }
        div.text { (prose(&pull.body)) }
        @for review in &pull.reviews { (said(review, pull)) }
        (decision(pull, compared, viewer))
        h3 { "Changes" }
        (diff(&compared.diff))
    }
}

fn said(review: &Review, pull: &PullRequest) -> Markup {
    let (class, words) = match review.verdict {
        Verdict::Approve => ("yes", "approved these changes"),
        Verdict::RequestChanges => ("no", "requested changes"),
        Verdict::Comment => ("quiet", "commented"),
        Verdict::Dismissed => ("quiet", "reviewed; the review was dismissed"),
    };
    html! {
        div.row {
            b { (review.by.name) } " " span class=(class) { (words) }
            @if review.commit != pull.head_sha { span.quiet { " on an earlier commit" } }
            @if !review.body.is_empty() { div.text { (review.body) } }
        }
    }
}

fn decision(pull: &PullRequest, compared: &Compared, viewer: &str) -> Markup {
    let button = |act: &str, words: &str, class: &str| {
        html! {
            form method="post" action={ (pull.number) "/" (act) } {
                input type="hidden" name="as" value=(viewer);
                button class=(class) { (words) }
            }
        }
    };
    html! {
        div.decision {
            @match &pull.state {
                Life::Open => {
                    p {
                        @if compared.clean == Some(true) { span.yes { "This branch has no conflicts with the base branch." } }
                        @else { span.no { "This branch has conflicts that must be resolved." } }
                    }
                    div.buttons {
                        (button("approve", "Approve", ""))
                        (button("request", "Request changes", ""))
                        (button("merge", "Merge pull request", "go"))
                        (button("squash", "Squash and merge", "go"))
                        (button("close", "Close", ""))
                    }
                }
                Life::Closed { .. } => p { "Closed with unmerged commits." },
                Life::Merged { sha, by, .. } => p {
                    "Merged" @if let Some(by) = by { " by " b { (by.name) } } " as "
                    a href={ "../commit/" (sha) } { code { (sha.get(..7).unwrap_or(sha)) } } "."
                },
            }
        }
    }
}

#[derive(Deserialize)]
struct Acting {
    #[serde(rename = "as")]
    who: String,
}

async fn act(
    State(shared): Held,
    Path((_, _, number, act)): Path<(String, String, u64, String)>,
    Form(acting): Form<Acting>,
) -> Response {
    in_forge(&shared, move |shared| {
        let by = account(&acting.who)?;
        let method = |method| MergeWish { method: Some(method), ..MergeWish::default() };
        let done = match act.as_str() {
            "approve" => shared.forge.review(number, by, Verdict::Approve, "").map(|(pull, _)| pull),
            "request" => shared.forge.review(number, by, Verdict::RequestChanges, "").map(|(pull, _)| pull),
            "merge" => shared.forge.merge(number, by, &method(Method::Merge)),
            "squash" => shared.forge.merge(number, by, &method(Method::Squash)),
            "close" => shared.forge.edit(number, None, None, Some(Close::Yes)),
            _ => return Ok(StatusCode::NOT_FOUND.into_response()),
        };
        match done {
            Ok(pull) => Ok(Redirect::to(&format!("{}?as={}", shared.places.page(&pull), acting.who)).into_response()),
            Err(ForgeError::Refused(refused)) => {
                let first = refused.errors.first().and_then(|error| error["message"].as_str().map(str::to_owned));
                let words = html! { p.no { (first.unwrap_or(refused.message)) } p { a href=(number) { "Back" } } };
                Ok((StatusCode::CONFLICT, page(shared, None, "That did not work", words)).into_response())
            }
            Err(error @ ForgeError::Broken(_)) => Err(error),
        }
    })
    .await
}

async fn commits(State(shared): Held, Query(viewer): Query<Viewer>) -> Response {
    in_forge(&shared, move |shared| {
        let list = html! {
            @for commit in shared.forge.repository.commits(100)? {
                div.row { (line(shared, &commit)) }
            }
        };
        Ok(page(shared, Some(viewer.key()), "Commits", list).into_response())
    })
    .await
}

fn line(shared: &Shared, commit: &CommitShown) -> Markup {
    html! {
        a href={ (shared.places.repository_page()) "/commit/" (commit.id) } { b { (commit.subject) } }
        div.quiet {
            (commit.author) @if commit.committer != commit.author { ", committed by " (commit.committer) }
            " on " (commit.at.strftime("%d %b %Y, %H:%M").to_string()) " UTC · "
            code { (commit.id.get(..7).unwrap_or(&commit.id)) }
        }
    }
}

async fn commit(State(shared): Held, Path((_, _, id)): Path<(String, String, String)>) -> Response {
    in_forge(&shared, move |shared| {
        let Ok(commit) = shared.forge.repository.commit(&id) else {
            let words = html! { p { "There is no commit " code { (id) } " here." } };
            return Ok((StatusCode::NOT_FOUND, page(shared, None, "Not found", words)).into_response());
        };
        let rest = commit.message.split_once('\n').map(|(_, rest)| rest.trim()).unwrap_or_default();
        let body = html! {
            div.row { (line(shared, &commit)) }
            @if !rest.is_empty() { pre.text { (rest) } }
            (diff(&shared.forge.repository.diff(&commit.id, 3)?))
        };
        Ok(page(shared, None, &commit.subject, body).into_response())
    })
    .await
}

fn pill(pull: &PullRequest) -> Markup {
    match pull.state {
        Life::Open => html! { span.pill.open { "Open" } },
        Life::Closed { .. } => html! { span.pill.closed { "Closed" } },
        Life::Merged { .. } => html! { span.pill.merged { "Merged" } },
    }
}

fn diff(text: &str) -> Markup {
    html! {
        div.diff {
            @for line in text.lines() {
                @if let Some(names) = line.strip_prefix("diff --git ") {
                    div.path { (names.rsplit_once(" b/").map_or(names, |(_, path)| path)) }
                } @else if ["index ", "--- ", "+++ ", "new file", "deleted file"].iter().any(|start| line.starts_with(start)) {
                } @else if line.starts_with("@@") { div.hunk { (line) } }
                @else if line.starts_with('+') { div.add { (line) } }
                @else if line.starts_with('-') { div.del { (line) } }
                @else { div { (line) } }
            }
        }
    }
}

/// The frame of every page; without a viewer nobody can be chosen.
fn page(shared: &Shared, viewer: Option<&str>, title: &str, body: Markup) -> Response {
    let root = shared.places.repository_page();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (shared.places.owner) "/" (shared.places.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    a href=(root) { (shared.places.owner) " / " b { (shared.places.name) } }
                    nav { a href={ (root) "/pulls" } { "Pull requests" } a href={ (root) "/commits" } { "Commits" } }
                    @if let Some(viewer) = viewer { (switcher(viewer)) }
                }
                main { h1 { (title) } (body) }
            }
        }
    };
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], markup).into_response()
}

fn switcher(viewer: &str) -> Markup {
    html! {
        form.as method="get" {
            span.quiet { "You are: " }
            @for person in PEOPLE {
                button name="as" value=(person.key) class=[(person.key == viewer).then_some("on")] { (person.key) }
            }
        }
    }
}
