//! What we may do on GitHub, and what the branch's protection asks for: whether chat's decision is a condition there, and
//! whether whoever asks could approve our pull request themselves.

use serde_json::Value;
use url::Url;

use crate::{
    clock,
    core::checkup::Finding,
    net::{
        NetError, Outgoing,
        look::{Look, as_bearer, below},
    },
    secret::Secret,
};

const WHAT: &str = "github";
/// The status that says on GitHub what was decided in chat.
const APPROVAL: &str = "leverframe/approval";

/// A repository and its tracked branch.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its owner.
    pub owner: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The branch that production follows.
    pub branch: &'a str,
}

/// What is read, by the permission that it needs; without the last three the card says what was not done.
const READS: [(&str, &str, bool); 4] = [
    ("pulls?per_page=1", "Pull requests: read and write", true),
    ("commits/{branch}/status", "Commit statuses: read and write", false),
    ("commits/{branch}/check-runs?per_page=1", "Checks: read", false),
    ("issues?per_page=1", "Issues: read and write", false),
];

/// Looks at GitHub; the second is how far its clock is ahead, in seconds.
pub async fn look(net: &Outgoing, api: &Url, (place, token): (Place<'_>, &Secret)) -> (Vec<Finding>, Option<i64>) {
    let repository = match ask(net, api, place, "", token).await {
        Ok(repository) => repository,
        Err(error) => return (vec![Finding::red(WHAT, error.to_string(), error.remedy())], None),
    };
    let ahead = repository.ahead(clock::now());
    let full = format!("{}/{}", place.owner, place.name);
    if repository.status != 200 {
        return (vec![closed(repository.status, &full)], ahead);
    }
    let mut found = vec![writes(&repository, &full)];
    for (path, permission, needed) in READS {
        let path = path.replace("{branch}", place.branch);
        match ask(net, api, place, &path, token).await {
            Ok(answer) if answer.status < 300 => {}
            Ok(answer) => found.push(lacks(permission, answer.status, needed)),
            Err(error) => found.push(Finding::red(WHAT, error.to_string(), error.remedy())),
        }
    }
    match ask(net, api, place, &format!("rules/branches/{}", place.branch), token).await {
        Ok(rules) if rules.status == 200 => {
            let branch = ask(net, api, place, &format!("branches/{}", place.branch), token).await.ok();
            found.extend(protection(place.branch, &rules.body, branch.as_ref().map(|branch| &branch.body)));
        }
        Ok(_) | Err(_) => {
            let seen = format!("the rules of `{}` cannot be seen", place.branch);
            found.push(Finding::note(WHAT, seen, "Look at them in the repository's settings."));
        }
    }
    (found, ahead)
}

fn closed(status: u16, full: &str) -> Finding {
    match status {
        401 => Finding::red(WHAT, "GitHub does not take the token", "Put a valid one where `github.token` refers to."),
        404 | 403 => {
            let remedy = "Correct `github: { owner, name }`, or give the token or the App access to it.";
            Finding::red(WHAT, format!("`{full}` is not there, or hidden from us"), remedy)
        }
        status => {
            let remedy = "Look whether `github.api` is the API's address, and at GitHub's status page.";
            Finding::red(WHAT, format!("GitHub answers with status {status}"), remedy)
        }
    }
}

/// Whether we may write. Old tokens say their scopes too.
fn writes(repository: &Look, full: &str) -> Finding {
    let pushes = repository.body.pointer("/permissions/push").and_then(Value::as_bool);
    let scopes = repository.header("x-oauth-scopes").filter(|scopes| !scopes.is_empty());
    let scopes = scopes.map(|scopes| format!(" (scopes {scopes})")).unwrap_or_default();
    match pushes {
        Some(true) => Finding::good(WHAT, format!("we may write to `{full}`{scopes}")),
        Some(false) => Finding::red(
            WHAT,
            format!("we may only read `{full}`{scopes}"),
            "Give the token or the App `Contents: read and write` and `Pull requests: read and write`.",
        ),
        None => Finding::note(
            WHAT,
            format!("GitHub does not say whether we may write to `{full}`"),
            "A first deploy tells.",
        ),
    }
}

fn lacks(permission: &str, status: u16, needed: bool) -> Finding {
    let (seen, remedy) =
        (format!("no `{permission}` (status {status})"), format!("Give the token or the App `{permission}`."));
    if needed { Finding::red(WHAT, seen, remedy) } else { Finding::note(WHAT, seen, remedy) }
}

/// What the branch's rules and its classic protection ask for, as far as we can see.
fn protection(branch: &str, rules: &Value, classic: Option<&Value>) -> Vec<Finding> {
    let of = |kind: &'static str| {
        let all = rules.as_array().into_iter().flatten();
        all.filter(move |rule| rule["type"] == kind).map(|rule| &rule["parameters"])
    };
    let by_rule =
        of("required_status_checks").flat_map(|rule| rule["required_status_checks"].as_array().into_iter().flatten());
    let by_rule = by_rule.filter_map(|check| check["context"].as_str());
    let contexts = classic.and_then(|branch| branch.pointer("/protection/required_status_checks/contexts")?.as_array());
    let required: Vec<&str> = by_rule.chain(contexts.into_iter().flatten().filter_map(Value::as_str)).collect();
    let reviews = of("pull_request").filter_map(|rule| rule["required_approving_review_count"].as_u64()).max();
    let is_protected =
        classic.is_some_and(|branch| branch["protected"] == true) || !required.is_empty() || reviews.is_some();
    if !is_protected {
        let remedy = format!("Protect `{branch}`, with `{APPROVAL}` as a required check; README.md shows how.");
        return vec![Finding::note(
            WHAT,
            format!("`{branch}` is not protected: anybody who may write may push past the bot"),
            remedy,
        )];
    }
    let mut found = Vec::new();
    if required.contains(&APPROVAL) {
        found.push(Finding::good(WHAT, format!("`{branch}` takes only what `{APPROVAL}` agrees to")));
    } else {
        let who = "whoever asked could approve the bot's pull request on GitHub themselves and merge it there, for its author is the bot";
        let remedy = format!("Make `{APPROVAL}` a required check of `{branch}`.");
        found.push(Finding::note(WHAT, format!("`{APPROVAL}` is not required on `{branch}`: {who}"), remedy));
    }
    if let Some(count) = reviews.filter(|count| *count > 0) {
        let seen = format!("`{branch}` asks for {count} reviews on GitHub; approvals in chat alone do not merge");
        let remedy = "Let the App bypass that rule, or have people review on GitHub, where it counts as a vote too.";
        found.push(Finding::note(WHAT, seen, remedy));
    }
    found
}

async fn ask(net: &Outgoing, api: &Url, place: Place<'_>, path: &str, token: &Secret) -> Result<Look, NetError> {
    let repository = format!("repos/{}/{}", place.owner, place.name);
    let path = if path.is_empty() { repository } else { format!("{repository}/{path}") };
    net.look(&below(api, &path)?, as_bearer(token, api)?, None).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(rules: &Value, classic: &Value, expected: &[&str]) {
        let lines: Vec<String> = protection("main", rules, Some(classic)).iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_protects_a_branch_is_told() {
        let open = "note github: `main` is not protected: anybody who may write may push past the bot. Protect `main`, with `leverframe/approval` as a required check; README.md shows how.";
        check(&json!([]), &json!({"protected": false}), &[open]);
        let good = "ok   github: `main` takes only what `leverframe/approval` agrees to.";
        let contexts =
            json!({"protected": true, "protection": {"required_status_checks": {"contexts": ["leverframe/approval"]}}});
        check(&json!([]), &contexts, &[good]);
        let checks = json!({"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "leverframe/approval"}]}});
        check(&json!([checks]), &json!({}), &[good]);
        let reviews = json!({"type": "pull_request", "parameters": {"required_approving_review_count": 2}});
        check(
            &json!([reviews]),
            &json!({"protected": true}),
            &[
                "note github: `leverframe/approval` is not required on `main`: whoever asked could approve the bot's pull request on GitHub themselves and merge it there, for its author is the bot. Make `leverframe/approval` a required check of `main`.",
                "note github: `main` asks for 2 reviews on GitHub; approvals in chat alone do not merge. Let the App bypass that rule, or have people review on GitHub, where it counts as a vote too.",
            ],
        );
    }
}
