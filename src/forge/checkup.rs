//! What we may do on GitHub. What the rules of the branch ask for is read by `required`.

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

async fn ask(net: &Outgoing, api: &Url, place: Place<'_>, path: &str, token: &Secret) -> Result<Look, NetError> {
    let repository = format!("repos/{}/{}", place.owner, place.name);
    let path = if path.is_empty() { repository } else { format!("{repository}/{path}") };
    net.look(&below(api, &path)?, as_bearer(token, api)?, None).await
}
