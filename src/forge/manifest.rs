//! The GitHub App by GitHub's manifest flow: a page with one button that hands GitHub the manifest, each permission with
//! its reason, and the exchange of the code that GitHub gives for the App's id and keys.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::ForgeError;
use crate::{
    net::{NetError, read},
    secret::Secret,
};

/// Permissions on the repositories where the App is installed, each with what it is for.
pub const PERMISSIONS: [(&str, &str, &str); 6] = [
    ("contents", "write", "branches, commits, merging"),
    ("pull_requests", "write", "opening, watching, closing; description, reviewers"),
    ("statuses", "write", "the statuses leverframe/approval and leverframe/gate"),
    ("checks", "read", "saying which check holds a merge up"),
    ("issues", "write", "labels; saying who closed a pull request"),
    ("metadata", "read", "GitHub gives it with every other one"),
];
/// What GitHub tells the bot of.
pub const EVENTS: [&str; 5] = ["push", "pull_request", "pull_request_review", "status", "check_run"];
/// The most bytes of GitHub's answer.
const MOST: usize = 256 * 1024;

/// The manifest, for an App whose page is `home`. Without an address GitHub tells nothing, and the bot looks from time
/// to time.
pub fn manifest(home: &str, public_url: Option<&Url>) -> Value {
    let permissions: serde_json::Map<String, Value> =
        PERMISSIONS.iter().map(|(name, access, _)| ((*name).to_owned(), json!(access))).collect();
    let at = |base: &Url| format!("{}/github/webhooks", base.as_str().trim_end_matches('/'));
    let mut manifest = json!({
        "name": "Leverframe", "url": home, "public": false,
        "description": "Moves production through git, with the approvals your policy asks for",
        "redirect_url": "http://localhost/", "default_permissions": permissions,
    });
    if let (Some(members), Some(base)) = (manifest.as_object_mut(), public_url) {
        members.insert("hook_attributes".to_owned(), json!({"url": at(base), "active": true}));
        members.insert("default_events".to_owned(), json!(EVENTS));
    }
    manifest
}

/// The page. `host` is where people see GitHub: `https://github.com`.
pub fn page(host: &Url, organization: Option<&str>, public_url: Option<&Url>) -> String {
    let base = host.as_str().trim_end_matches('/');
    let path = organization.map_or_else(String::new, |name| format!("/organizations/{}", escaped(name)));
    let mut rows = String::new();
    for (name, access, why) in PERMISSIONS {
        let _ = writeln!(rows, "<tr><td>{}<td>{access}<td>{why}", name.replace('_', " "));
    }
    let home = public_url.map_or_else(|| base.to_owned(), Url::to_string);
    let manifest = escaped(&manifest(&home, public_url).to_string());
    format!(
        "<!doctype html><meta charset=utf-8><title>A GitHub App for Leverframe</title>\n\
         <h1>A GitHub App for Leverframe</h1>\n<table><tr><th>permission<th>access<th>what for\n{rows}</table>\n\
         <form method=post action=\"{base}{path}/settings/apps/new\">\n\
         <input type=hidden name=manifest value=\"{manifest}\">\n<button>Create the App on GitHub</button></form>\n\
         <p>GitHub then leads to an address on this machine that does not answer. Copy what stands after \
         <code>code=</code> there and run <code>leverframe manifest github --code CODE</code> within the hour.\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An App that GitHub has made. It holds keys, so it cannot be printed.
#[derive(Deserialize)]
pub struct Made {
    /// Its id.
    pub id: u32,
    /// Its name in addresses.
    pub slug: String,
    /// Where people see it.
    pub html_url: String,
    pem: String,
    webhook_secret: Option<String>,
}

impl Made {
    /// Its private key, in PEM.
    pub fn private_key(&self) -> Secret {
        Secret::new(self.pem.clone())
    }

    /// What signs its webhooks, where it has any.
    pub fn webhook_secret(&self) -> Option<Secret> {
        self.webhook_secret.clone().map(Secret::new)
    }
}

/// Gives the code of the flow for the App that was made. It works once.
///
/// # Errors
/// When GitHub cannot be asked, or the code is spent or wrong.
pub async fn exchange(client: &reqwest::Client, api: &Url, code: &str) -> Result<Made, ForgeError> {
    let is_code = !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if !is_code {
        return Err(ForgeError::Settings("that is no code of GitHub's".to_owned()));
    }
    let base = api.as_str().trim_end_matches('/');
    let address = format!("{base}/app-manifests/{code}/conversions");
    let asked = client.post(address).header("accept", "application/vnd.github+json");
    let unreachable = |error: NetError| ForgeError::Unreachable(error.to_string());
    let answer = asked.send().await.map_err(|error| unreachable(NetError::of(&error)))?;
    match answer.status().as_u16() {
        200..=299 => {}
        404 | 422 => return Err(ForgeError::Settings("the code is spent or wrong; press the button again".to_owned())),
        status @ 500.. => return Err(ForgeError::Server(status)),
        status => return Err(ForgeError::Garbage(format!("status {status}"))),
    }
    let body = read(answer, MOST).await.map_err(unreachable)?;
    serde_json::from_slice(&body).map_err(|error| ForgeError::Garbage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, http::StatusCode, routing::post};

    use super::*;
    use crate::net::tests::{client, serve};

    #[tokio::test]
    async fn the_code_is_given_for_the_app_once_and_never_led_astray() {
        let made = json!({"id": 7, "slug": "leverframe", "html_url": "https://github.com/apps/leverframe",
            "pem": "-----BEGIN", "webhook_secret": "w"});
        let router = Router::new()
            .route("/app-manifests/abc123/conversions", post(move || async move { (StatusCode::CREATED, Json(made)) }));
        let server = serve(router).await;
        let Ok(made) = exchange(&client(), &server.base, "abc123").await else { panic!("no app") };
        assert_eq!((made.id, made.slug.as_str(), made.private_key().reveal()), (7, "leverframe", "-----BEGIN"));
        assert_eq!(made.webhook_secret(), Some(Secret::new("w")));
        for (code, says) in [("spent", "the code is spent or wrong"), ("../x", "no code of GitHub's"), ("", "no code")]
        {
            let Err(refused) = exchange(&client(), &server.base, code).await else { panic!("{code} is taken") };
            assert!(refused.to_string().contains(says), "{refused}");
        }
    }
}
