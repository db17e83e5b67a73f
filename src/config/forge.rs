//! `github`: the API where pull requests and tickets live, and who we are there.

use url::Url;

use super::reading::Reading;
use crate::{
    core::located::{Fields, Node, Problem},
    secret::Secret,
};

/// GitHub's API.
#[derive(Debug, Clone)]
pub struct GitHub {
    /// Its base: `https://api.github.com`, or `https://HOST/api/v3` for an enterprise host.
    pub api: Url,
    /// Who we are there.
    pub auth: GitHubAuth,
    /// What signs its webhooks.
    pub webhook_secret: Option<Secret>,
    /// The App by which people link their own accounts, so that they review in their own name.
    pub client_id: Option<String>,
}

/// Who we are to GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitHubAuth {
    /// A token.
    Token(Secret),
    /// A GitHub App.
    App {
        /// Its id.
        id: u32,
        /// The id of its installation at the owner of the repositories.
        installation: u32,
        /// Its private key, in PEM.
        private_key: Secret,
    },
}

impl GitHub {
    pub(super) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let fields = node.fields(&["api", "token", "app", "webhook_secret", "client_id"], &mut reading.problems);
        let api = reading.api(fields, "https://api.github.com");
        let auth = GitHubAuth::read(fields, reading);
        let webhook_secret = fields.get("webhook_secret").and_then(|node| reading.secret(node));
        let client_id = fields.get("client_id").and_then(|node| node.text(&mut reading.problems)).map(str::to_owned);
        Some(Self { api: api?, auth: auth?, webhook_secret, client_id })
    }
}

impl GitHubAuth {
    fn read(fields: Fields<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        match (fields.get("token"), fields.get("app")) {
            (Some(token), None) => reading.secret(token).map(Self::Token),
            (None, Some(app)) => Self::read_app(app, reading),
            (None, None) => {
                reading.problems.push(fields.missing("token", "token: \"${env:GITHUB_TOKEN}\""));
                None
            }
            (Some(_), Some(app)) => {
                let found = "`app` beside `token`".to_owned();
                reading.problems.push(Problem { found, ..app.problem("one of the two", "Remove `token` or `app`.") });
                None
            }
        }
    }

    fn read_app(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let fields = node.fields(&["id", "installation", "private_key"], &mut reading.problems);
        let id = fields.required("id", "id: 1", &mut reading.problems);
        let id = id.and_then(|node| node.count(&mut reading.problems));
        let installation = fields.required("installation", "installation: 2", &mut reading.problems);
        let installation = installation.and_then(|node| node.count(&mut reading.problems));
        let private_key = reading.required_secret(fields, "private_key");
        Some(Self::App { id: id?, installation: installation?, private_key: private_key? })
    }
}
