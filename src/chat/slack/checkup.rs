//! Whether Slack takes our tokens, and whether the app has the permissions that its manifest asks for.

use url::Url;

use super::{manifest::SCOPES, tenant::Tenant};
use crate::{
    clock,
    core::checkup::Finding,
    net::{
        NetError, Outgoing,
        look::{Look, as_bearer, below},
    },
    secret::Secret,
};

/// The permissions without which the bot cannot work at all.
const NEEDED: [&str; 3] = ["commands", "chat:write", "users:read"];
const WHAT: &str = "slack";
const AGAIN: &str = "Install the app again from the manifest that `leverframe manifest slack` prints.";

/// Looks at Slack as the bot `token` of these workspaces; the second is how far Slack's clock is ahead, in seconds.
pub async fn look(net: &Outgoing, api: &Url, (ours, token): (&Tenant, &Secret)) -> (Vec<Finding>, Option<i64>) {
    let tested = match ask(net, api, "auth.test", token).await {
        Ok(tested) => tested,
        Err(error) => return (vec![Finding::red(WHAT, error.to_string(), error.remedy())], None),
    };
    let mut found = Vec::new();
    let error = tested.text("/error").unwrap_or_default();
    let is_ok = tested.body.pointer("/ok").and_then(serde_json::Value::as_bool) == Some(true);
    let named: Vec<String> =
        ["/team_id", "/enterprise_id"].iter().filter_map(|at| tested.text(at)).map(str::to_owned).collect();
    let wide = tested.body.pointer("/is_enterprise_install").and_then(serde_json::Value::as_bool) == Some(true);
    match named.first().filter(|_| is_ok) {
        Some(_) if ours.foreign(&named).is_none() => {
            found.push(Finding::good(WHAT, format!("the token is good in {}", ours.words())));
            found.extend(installed(wide, ours));
        }
        Some(theirs) => {
            let key = if theirs.starts_with('E') { "slack.enterprise" } else { "slack.team" };
            let remedy = format!("Set `{key}: {theirs}`, or use the token of the app in {}.", ours.words());
            found.push(Finding::red(WHAT, format!("the token is of {theirs}, not of {}", ours.words()), remedy));
        }
        None => {
            let seen = format!("Slack does not take the token ({error}, status {})", tested.status);
            let remedy = "Put the Bot User OAuth Token where `slack.bot_token` refers to.";
            found.push(Finding::red(WHAT, seen, remedy));
        }
    }
    if is_ok {
        found.extend(scopes(tested.header("x-oauth-scopes")));
    }
    (found, tested.ahead(clock::now()))
}

/// Whether the app is installed as widely as it is configured.
fn installed(wide: bool, ours: &Tenant) -> Option<Finding> {
    match (wide, ours.enterprise(), ours.teams()) {
        (true, None, _) => {
            let seen = "the app is installed for a whole organisation, and the configuration names none";
            Some(Finding::note(WHAT, seen, "Set `slack.enterprise`, so that other organisations are refused."))
        }
        (false, Some(_), []) => {
            let seen = "the app is installed in one workspace, and the configuration says the whole organisation";
            Some(Finding::note(WHAT, seen, "Install it for the organisation, or name the workspace in `slack.team`."))
        }
        (true, Some(_), _) | (false, ..) => None,
    }
}

/// Looks whether the app's token opens a connection.
pub async fn look_at_socket(net: &Outgoing, api: &Url, app_token: &Secret) -> Finding {
    match ask(net, api, "apps.connections.open", app_token).await {
        Ok(opened) if opened.text("/url").is_some() => Finding::good(WHAT, "the app's token opens a connection"),
        Ok(refused) => {
            let why = refused.text("/error").unwrap_or("no reason given");
            let remedy = "Make an app-level token with `connections:write`, and switch Socket Mode on.";
            Finding::red(WHAT, format!("the app's token opens no connection ({why})"), remedy)
        }
        Err(error) => Finding::red(WHAT, error.to_string(), error.remedy()),
    }
}

/// What is lacking of the permissions.
fn scopes(granted: Option<&str>) -> Vec<Finding> {
    let Some(granted) = granted else {
        return vec![Finding::note(WHAT, "Slack does not say which permissions the token has", AGAIN)];
    };
    let granted: Vec<&str> = granted.split(',').map(str::trim).collect();
    let lacks: Vec<(&str, &str)> = SCOPES.into_iter().filter(|(scope, _)| !granted.contains(scope)).collect();
    if lacks.is_empty() {
        return vec![Finding::good(WHAT, format!("it has the {} permissions of the manifest", SCOPES.len()))];
    }
    let finding = |(scope, why): (&str, &str)| {
        let seen = format!("the permission `{scope}` is missing ({why})");
        if NEEDED.contains(&scope) { Finding::red(WHAT, seen, AGAIN) } else { Finding::note(WHAT, seen, AGAIN) }
    };
    lacks.into_iter().map(finding).collect()
}

async fn ask(net: &Outgoing, api: &Url, method: &str, token: &Secret) -> Result<Look, NetError> {
    net.look(&below(api, method)?, as_bearer(token, api)?, Some(&serde_json::json!({}))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(granted: Option<&str>, expected: &[&str]) {
        let lines: Vec<String> = scopes(granted).iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn each_missing_permission_is_named_with_what_it_is_for() {
        let all = SCOPES.map(|(scope, _)| scope).join(",");
        check(Some(&all), &["ok   slack: it has the 13 permissions of the manifest."]);
        let without = all.replace("users:read", "x").replace("groups:history", "y");
        check(
            Some(&without),
            &[
                "note slack: the permission `groups:history` is missing (the same in private channels it was invited to; remove it if there are none). Install the app again from the manifest that `leverframe manifest slack` prints.",
                "RED  slack: the permission `users:read` is missing (see whether an account is a bot, a guest or deactivated: those ask for and approve nothing). Install the app again from the manifest that `leverframe manifest slack` prints.",
            ],
        );
        check(
            None,
            &[
                "note slack: Slack does not say which permissions the token has. Install the app again from the manifest that `leverframe manifest slack` prints.",
            ],
        );
    }
}
