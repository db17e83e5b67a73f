//! The REST calls that are only useful to a deploy: statuses, checks, labels, reviewers, commits, comparisons.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use git2::{Delta, Oid, Repository};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    accounts::{Account, BOT, account},
    api::{failure, in_forge, read, unreadable},
    extras::{Run, Status},
    forge::{ForgeError, State as Life, plain},
};
use crate::{
    clock,
    play::{json::put, people::PEOPLE, repository::shown},
};

type Held = State<Arc<Shared>>;
type Of<T> = Path<(String, String, T)>;

/// The routes under `/repos`, behind the same guard as the others.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}/statuses/{sha}", post(publish))
        .route("/repos/{owner}/{name}/commits/{sha}", get(commit))
        .route("/repos/{owner}/{name}/commits/{sha}/status", get(combined))
        .route("/repos/{owner}/{name}/commits/{sha}/check-runs", get(runs))
        .route("/repos/{owner}/{name}/compare/{between}", get(compare))
        .route("/repos/{owner}/{name}/git/blobs/{sha}", get(blob))
        // There are no issues but those behind pull requests.
        .route("/repos/{owner}/{name}/issues", get(async || Json(json!([]))))
        .route("/repos/{owner}/{name}/issues/{number}", get(issue))
        .route("/repos/{owner}/{name}/issues/{number}/labels", post(label))
        .route("/repos/{owner}/{name}/pulls/{number}/files", get(files))
        .route("/repos/{owner}/{name}/pulls/{number}/requested_reviewers", post(ask))
        .route("/repos/{owner}/{name}/rules/branches/{branch}", get(rules))
}

#[derive(Deserialize)]
struct StatusBody {
    state: String,
    context: Option<String>,
    description: Option<String>,
}

async fn publish(State(shared): Held, Path((_, _, sha)): Of<String>, body: Bytes) -> Response {
    let Some(body) = read::<StatusBody>(&body) else { return unreadable() };
    if !["pending", "success", "failure", "error"].contains(&body.state.as_str()) {
        return failure(422, "Validation Failed", &[json!({"resource": "Status", "code": "custom", "field": "state"})]);
    }
    let status = Status {
        sha,
        context: body.context.unwrap_or_else(|| "default".to_owned()),
        state: body.state,
        description: body.description.unwrap_or_default(),
        by: BOT,
        at: clock::now(),
    };
    in_forge(&shared, move |shared| {
        known(&shared.forge.repository.repository()?, &status.sha)?;
        let mut json = status_json(shared, &status);
        put(&mut json, "creator", shared.places.user(status.by));
        shared.forge.extras.kept().statuses.push(status);
        shared.forge.pulse.beat();
        Ok((StatusCode::CREATED, Json(json)).into_response())
    })
    .await
}

/// The commit of that id, or GitHub's 422 for what is none.
fn known<'r>(repository: &'r Repository, sha: &str) -> Result<git2::Commit<'r>, ForgeError> {
    let none = || plain(422, &format!("No commit found for SHA: {sha}"));
    Oid::from_str(sha).ok().and_then(|id| repository.find_commit(id).ok()).ok_or_else(none)
}

fn status_json(shared: &Shared, status: &Status) -> Value {
    let at = status.at.to_string();
    json!({"id": 1, "node_id": "SC_1", "state": status.state, "context": status.context, "target_url": null,
        "description": status.description, "avatar_url": format!("{}/avatars/{}", shared.places.url, status.by.id),
        "url": shared.places.below(&format!("/statuses/{}", status.sha)), "created_at": at, "updated_at": at})
}

async fn combined(State(shared): Held, Path((_, _, name)): Of<String>) -> Response {
    in_forge(&shared, move |shared| {
        let repository = shared.forge.repository.repository()?;
        let branch = repository.refname_to_id(&format!("refs/heads/{name}")).ok();
        let sha = branch.map_or(name, |id| id.to_string());
        known(&repository, &sha)?;
        let kept = shared.forge.extras.kept();
        let statuses = kept.statuses_of(&sha);
        let has = |word: &str| statuses.iter().any(|status| status.state == word);
        let state = match () {
            () if has("failure") || has("error") => "failure",
            () if statuses.is_empty() || has("pending") => "pending",
            () => "success",
        };
        let all: Vec<Value> = statuses.iter().map(|status| status_json(shared, status)).collect();
        let below = |what: &str| shared.places.below(&format!("/commits/{sha}{what}"));
        Ok(Json(json!({"state": state, "sha": sha, "total_count": all.len(), "statuses": all,
            "repository": shared.places.repository(), "commit_url": below(""), "url": below("/status")}))
        .into_response())
    })
    .await
}

async fn runs(State(shared): Held, Path((_, _, sha)): Of<String>) -> Response {
    in_forge(&shared, move |shared| {
        let kept = shared.forge.extras.kept();
        let all: Vec<Value> = kept.runs_of(&sha).into_iter().map(|run| run_json(shared, run)).collect();
        Ok(Json(json!({"total_count": all.len(), "check_runs": all})).into_response())
    })
    .await
}

pub(super) fn run_json(shared: &Shared, run: &Run) -> Value {
    let (at, page) = (run.at.to_string(), format!("{}/runs/1", shared.places.repository_page()));
    let ended = run.conclusion.as_ref().map(|_| at.clone());
    json!({"id": 1, "node_id": "CR_1", "head_sha": run.sha, "name": run.name, "url": page, "html_url": page,
        "details_url": page, "status": if ended.is_some() { "completed" } else { "in_progress" },
        "conclusion": run.conclusion, "started_at": at, "completed_at": ended, "external_id": "",
        "check_suite": null, "app": null, "pull_requests": [],
        "output": {"title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": page}})
}

async fn commit(State(shared): Held, Path((_, _, sha)): Of<String>) -> Response {
    in_forge(&shared, move |shared| {
        let repository = shared.forge.repository.repository()?;
        let found = known(&repository, &sha)?;
        let parent = found.parent(0).ok().map(|parent| parent.tree()).transpose()?;
        let mut json = commit_json(shared, &found);
        put(&mut json, "files", json!(changed(shared, &repository, (parent.as_ref(), &found.tree()?))?));
        Ok(Json(json).into_response())
    })
    .await
}

fn commit_json(shared: &Shared, commit: &git2::Commit<'_>) -> Value {
    let (seen, below) = (shown(commit), |what: &str| shared.places.below(&format!("/commits/{}{what}", commit.id())));
    let page = format!("{}/commit/{}", shared.places.repository_page(), commit.id());
    let by = json!({"name": seen.author, "email": seen.email, "date": seen.at.to_string()});
    let user = author(&seen.email).map(|account| shared.places.user(account));
    let parents: Vec<Value> =
        seen.parents.iter().map(|id| json!({"sha": id, "url": below(""), "html_url": page})).collect();
    json!({"url": below(""), "sha": seen.id, "node_id": format!("C_{}", seen.id), "html_url": page,
        "comments_url": below("/comments"), "author": user, "committer": user, "parents": parents,
        "commit": {"url": below(""), "author": by, "committer": by, "message": seen.message, "comment_count": 0,
            "tree": {"sha": commit.tree_id().to_string(), "url": below("")}}})
}

/// Whose address that is.
fn author(email: &str) -> Option<Account> {
    let person = PEOPLE.iter().find(|person| {
        person.email == email || email.ends_with(&format!("+{}@users.noreply.github.com", person.github))
    })?;
    account(person.key).ok()
}

/// What differs between two trees, as GitHub lists it.
fn changed(
    shared: &Shared,
    repository: &Repository,
    (before, after): (Option<&git2::Tree<'_>>, &git2::Tree<'_>),
) -> Result<Vec<Value>, ForgeError> {
    let diff = repository.diff_tree_to_tree(before, Some(after), None)?;
    let file = |delta: git2::DiffDelta<'_>| {
        let side = if delta.status() == Delta::Deleted { delta.old_file() } else { delta.new_file() };
        let name = side.path().map(|path| path.display().to_string()).unwrap_or_default();
        let (added, gone) = (delta.status() == Delta::Added, delta.status() == Delta::Deleted);
        let status = match (added, gone) {
            (true, _) => "added",
            (_, true) => "removed",
            (false, false) => "modified",
        };
        let at = |what: &str| format!("{}/{what}/{name}", shared.places.repository_page());
        json!({"sha": side.id().to_string(), "filename": name, "status": status, "additions": 1, "deletions": 1,
            "changes": 2, "blob_url": at("blob"), "raw_url": at("raw"), "contents_url": at("contents")})
    };
    Ok(diff.deltas().map(file).collect())
}

async fn compare(State(shared): Held, Path((_, _, between)): Of<String>) -> Response {
    in_forge(&shared, move |shared| {
        let repository = shared.forge.repository.repository()?;
        let Some((base, head)) = between.split_once("...") else { return Ok(failure(404, "Not Found", &[])) };
        let find = |name: &str| {
            let branch = repository.refname_to_id(&format!("refs/heads/{name}")).ok();
            branch.or_else(|| Oid::from_str(name).ok()).and_then(|id| repository.find_commit(id).ok())
        };
        let (Some(base), Some(head)) = (find(base), find(head)) else { return Ok(failure(404, "Not Found", &[])) };
        let common = repository.find_commit(repository.merge_base(base.id(), head.id())?)?;
        let (ahead, behind) = repository.graph_ahead_behind(head.id(), base.id())?;
        let page = format!("{}/compare/{between}", shared.places.repository_page());
        let status = match (ahead, behind) {
            (0, 0) => "identical",
            (_, 0) => "ahead",
            (0, _) => "behind",
            (_, _) => "diverged",
        };
        let files = changed(shared, &repository, (Some(&common.tree()?), &head.tree()?))?;
        Ok(Json(json!({"url": page, "html_url": page, "permalink_url": page, "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"), "base_commit": commit_json(shared, &base),
            "merge_base_commit": commit_json(shared, &common), "status": status, "ahead_by": ahead,
            "behind_by": behind, "total_commits": ahead, "commits": [], "files": files}))
        .into_response())
    })
    .await
}

async fn blob(State(shared): Held, Path((_, _, sha)): Of<String>) -> Response {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    in_forge(&shared, move |shared| {
        let repository = shared.forge.repository.repository()?;
        let found = Oid::from_str(&sha).ok().and_then(|id| repository.find_blob(id).ok());
        let Some(found) = found else { return Ok(failure(404, "Not Found", &[])) };
        Ok(Json(json!({"sha": sha, "node_id": "B_1", "size": found.size(), "encoding": "base64",
            "content": STANDARD.encode(found.content()),
            "url": shared.places.below(&format!("/git/blobs/{sha}"))}))
        .into_response())
    })
    .await
}

async fn issue(State(shared): Held, Path((_, _, number)): Of<u64>) -> Response {
    in_forge(&shared, move |shared| {
        let pull = shared.forge.pull(number)?;
        let mut json = shared.places.pull_in_list(&pull);
        let open = pull.state == Life::Open;
        let by = shared.forge.extras.kept().closed_by.get(&number).copied().filter(|_| !open);
        let at = shared.places.below(&format!("/issues/{number}"));
        for (member, value) in [
            ("closed_by", by.map_or(Value::Null, |by| shared.places.user(by))),
            ("comments", json!(0)),
            ("url", json!(at)),
            ("events_url", json!(format!("{at}/events"))),
            ("labels_url", json!(format!("{at}/labels{{/name}}"))),
            ("repository_url", json!(shared.places.below(""))),
        ] {
            put(&mut json, member, value);
        }
        Ok(Json(json).into_response())
    })
    .await
}

#[derive(Deserialize)]
struct LabelBody {
    labels: Vec<String>,
}

async fn label(State(shared): Held, Path((_, _, number)): Of<u64>, body: Bytes) -> Response {
    let Some(body) = read::<LabelBody>(&body) else { return unreadable() };
    in_forge(&shared, move |shared| {
        shared.forge.pull(number)?;
        let mut kept = shared.forge.extras.kept();
        let labels = kept.labels.entry(number).or_default();
        labels.extend(body.labels);
        let json: Vec<Value> = labels.iter().map(|name| shared.places.label(name)).collect();
        drop(kept);
        shared.forge.pulse.beat();
        Ok(Json(json).into_response())
    })
    .await
}

async fn files(State(shared): Held, Path((_, _, number)): Of<u64>) -> Response {
    in_forge(&shared, move |shared| {
        let pull = shared.forge.pull(number)?;
        let repository = shared.forge.repository.repository()?;
        let (base, head) = (known(&repository, &pull.base_sha)?, known(&repository, &pull.head_sha)?);
        let common = repository.find_commit(repository.merge_base(base.id(), head.id())?)?;
        Ok(Json(changed(shared, &repository, (Some(&common.tree()?), &head.tree()?))?).into_response())
    })
    .await
}

#[derive(Deserialize)]
struct AskBody {
    #[serde(default)]
    reviewers: Vec<String>,
    #[serde(default)]
    team_reviewers: Vec<String>,
}

async fn ask(State(shared): Held, Path((_, _, number)): Of<u64>, body: Bytes) -> Response {
    let Some(body) = read::<AskBody>(&body) else { return unreadable() };
    in_forge(&shared, move |shared| {
        let pull = shared.forge.pull(number)?;
        if body.reviewers.iter().any(|login| account(login).is_err()) {
            let words = "Reviews may only be requested from collaborators. One or more of the users or teams you \
                         specified is not a collaborator of the acme/deployments repository.";
            return Ok(failure(422, words, &[]));
        }
        if body.reviewers.iter().any(|login| login == pull.author.login) {
            return Ok(failure(422, "Review cannot be requested from pull request author.", &[]));
        }
        let teams = body.team_reviewers.iter().map(|slug| format!("team/{slug}"));
        let mut kept = shared.forge.extras.kept();
        kept.asked.entry(number).or_default().extend(body.reviewers.iter().cloned().chain(teams));
        drop(kept);
        shared.forge.pulse.beat();
        Ok((StatusCode::CREATED, Json(shared.places.pull_in_list(&pull))).into_response())
    })
    .await
}

async fn rules(State(shared): Held, Path((_, _, _)): Of<String>) -> Response {
    in_forge(&shared, move |shared| {
        let kept = shared.forge.extras.kept();
        let rule = |kind: &str| {
            json!({"type": kind, "ruleset_source_type": "Repository", "ruleset_id": 1,
            "ruleset_source": "acme/deployments"})
        };
        let queue = kept.queue.map(|_| {
            let mut rule = rule("merge_queue");
            put(
                &mut rule,
                "parameters",
                json!({"check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN",
                "max_entries_to_build": 5, "max_entries_to_merge": 5, "merge_method": "SQUASH",
                "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5}),
            );
            rule
        });
        let with = |kind: &str, parameters: Value| {
            let mut rule = rule(kind);
            put(&mut rule, "parameters", parameters);
            rule
        };
        let wanted = shared.forge.wanted_reviews();
        let reviews = (wanted > 0).then(|| {
            with(
                "pull_request",
                json!({"required_approving_review_count": wanted, "dismiss_stale_reviews_on_push": false,
                "require_code_owner_review": false, "require_last_push_approval": false,
                "required_review_thread_resolution": false}),
            )
        });
        let checks: Vec<Value> = kept.required.iter().map(|name| json!({"context": name})).collect();
        let checks = (!checks.is_empty()).then(|| {
            with(
                "required_status_checks",
                json!({"required_status_checks": checks, "strict_required_status_checks_policy": false}),
            )
        });
        let all: Vec<Value> = queue.into_iter().chain(reviews).chain(checks).collect();
        Ok(Json(json!(all)).into_response())
    })
    .await
}
