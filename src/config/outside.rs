//! `clusters`, `registries` and `pager`: the rest of what is outside.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use url::Url;

use super::{reading::Reading, reference::Reference};
use crate::{
    core::{
        located::{Fields, Node, Problem, Value},
        names::{ConnectionName, NotAName},
    },
    secret::Secret,
};

/// How a cluster is reached.
#[derive(Debug, Clone)]
pub enum ClusterAccess {
    /// Its API, directly.
    Api {
        /// The base of the API.
        url: Url,
        /// Who we are there.
        login: ClusterLogin,
    },
    /// As a kubeconfig file says.
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The context in it; absent: its current one.
        context: Option<String>,
    },
    /// By the service account of the pod that Leverframe runs in.
    InCluster {
        /// The base of the API.
        url: Url,
        /// Who vouches for it, in PEM.
        authority: String,
        /// The account's token as it was read.
        token: Secret,
        /// Where it is renewed.
        file: PathBuf,
    },
}

/// Where Kubernetes mounts a pod's service account.
const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Who we are to a cluster's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterLogin {
    /// Nobody: a proxy in between knows.
    None,
    /// A bearer token.
    Token(Secret),
    /// A client certificate.
    Certificate {
        /// The certificate, in PEM.
        certificate: Secret,
        /// Its key, in PEM.
        key: Secret,
    },
}

/// A registry that may be asked about images.
#[derive(Debug, Clone)]
pub struct Registry {
    /// Where its API is; absent: at the host itself over https.
    pub api: Option<Url>,
    /// Who we are there.
    pub login: RegistryLogin,
}

/// Who we are to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryLogin {
    /// Nobody in particular.
    None,
    /// A user with a password or token.
    Password {
        /// The user.
        username: String,
        /// The password or token.
        password: Secret,
        /// The file it was read from, to be read again when the registry refuses it.
        from: Option<PathBuf>,
    },
}

/// The host of a registry, as images name it: `ghcr.io`, `localhost:5000`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryHost(String);

impl RegistryHost {
    /// Parses a host with an optional port.
    ///
    /// # Errors
    /// When it is no such host.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let (host, port) = text.split_once(':').unwrap_or((text, "443"));
        let host_fits = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        let fits = host_fits && port.parse::<u16>().is_ok();
        fits.then(|| Self(text.to_owned())).ok_or_else(|| NotAName {
            found: text.chars().take(80).collect(),
            kind: "a registry",
            rule: "its host as images name it, with a port if it has one",
            example: "ghcr.io",
        })
    }

    /// The host as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who pages people.
#[derive(Debug, Clone, Default)]
pub struct Pagers {
    /// PagerDuty.
    pub pagerduty: Option<PagerDuty>,
    /// Opsgenie, or Jira Service Management at another address.
    pub opsgenie: Option<Opsgenie>,
}

/// PagerDuty's events API.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    /// Its base: `https://events.pagerduty.com`.
    pub api: Url,
    /// The integration's key.
    pub routing_key: Secret,
    /// Where it is asked who is on call, where it is.
    pub schedules: Option<Schedules>,
}

/// PagerDuty's REST API, asked who is on call.
#[derive(Debug, Clone)]
pub struct Schedules {
    /// Its base: `https://api.pagerduty.com`.
    pub api: Url,
    /// A key of that API that may read.
    pub token: Secret,
}

/// Opsgenie's alert API.
#[derive(Debug, Clone)]
pub struct Opsgenie {
    /// Its base: `https://api.opsgenie.com`.
    pub api: Url,
    /// The integration's key.
    pub key: Secret,
}

/// `clusters`, by name.
pub(super) fn clusters(root: Fields<'_>, reading: &mut Reading<'_>) -> BTreeMap<ConnectionName, ClusterAccess> {
    let mut clusters = BTreeMap::new();
    let Some(node) = root.get("clusters") else { return clusters };
    for (name, node) in node.named_entries(ConnectionName::parse, &mut reading.problems) {
        clusters.extend(ClusterAccess::read(node, reading).map(|access| (name, access)));
    }
    clusters
}

/// `registries`, by host.
pub(super) fn registries(root: Fields<'_>, reading: &mut Reading<'_>) -> BTreeMap<RegistryHost, Registry> {
    let mut registries = BTreeMap::new();
    let Some(node) = root.get("registries") else { return registries };
    for (host, node) in node.named_entries(RegistryHost::parse, &mut reading.problems) {
        registries.extend(Registry::read(node, reading).map(|registry| (host, registry)));
    }
    registries
}

/// Where the service account is mounted, where that way is taken: `true` stands for where Kubernetes does it. `None` where
/// it cannot be read.
fn mounted(node: &Node, reading: &mut Reading<'_>) -> Option<Option<PathBuf>> {
    if let Value::Text(folder, _) = &node.value
        && folder.starts_with(['/', '.'])
    {
        return reading.path(node).map(Some);
    }
    Some(node.flag(&mut reading.problems)?.then(|| PathBuf::from(MOUNTED)))
}

impl ClusterAccess {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let known = ["api", "token", "certificate", "key", "kubeconfig", "context", "in_cluster"];
        let fields = node.fields(&known, &mut reading.problems);
        let mounted = match fields.get("in_cluster") {
            Some(node) => mounted(node, reading)?,
            None => None,
        };
        let ways = (fields.get("api"), fields.get("kubeconfig"), mounted.is_some());
        if ways.0.is_none() {
            reading.only_beside(fields, &["token", "certificate", "key"], "api");
        }
        if ways.1.is_none() {
            reading.only_beside(fields, &["context"], "kubeconfig");
        }
        match ways {
            (Some(api), None, false) => Self::read_api(api, fields, reading),
            (None, Some(file), false) => {
                let context = fields.get("context").and_then(|node| node.text(&mut reading.problems));
                Some(Self::Kubeconfig { path: reading.path(file)?, context: context.map(str::to_owned) })
            }
            (None, None, true) => Self::read_in_cluster(node, &mounted?, reading),
            (None, None, false) => {
                reading.problems.push(fields.missing("api", "api: https://10.0.0.1:6443"));
                None
            }
            (Some(_), Some(_), _) | (Some(_), None, true) | (None, Some(_), true) => {
                let remedy = "Keep one of `api`, `kubeconfig` and `in_cluster: true`.";
                let found = "several ways to one cluster".to_owned();
                reading.problems.push(Problem { found, ..node.problem("one way", remedy) });
                None
            }
        }
    }

    /// What Kubernetes gives every pod: an address by its variables, a token and an authority as files.
    fn read_in_cluster(node: &Node, folder: &Path, reading: &mut Reading<'_>) -> Option<Self> {
        let file = folder.join("token");
        let found = [
            Reference::Env("KUBERNETES_SERVICE_HOST".to_owned()),
            Reference::Env("KUBERNETES_SERVICE_PORT".to_owned()),
            Reference::File(file.clone()),
            Reference::File(folder.join("ca.crt")),
        ];
        let found = found.map(|reference| reading.resolved(&reference));
        if let [Some(host), Some(port), Some(token), Some(authority)] = found {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            let url = Url::parse(&format!("https://{host}:{port}"));
            if let Ok(url) = url {
                return Some(Self::InCluster { url, authority, token: Secret::new(token.trim_end()), file });
            }
        }
        let remedy = "Run it in a pod with a service account whose token is mounted, or write `api` and `token`.";
        let found =
            format!("no `KUBERNETES_SERVICE_HOST` and `_PORT`, or no `token` and `ca.crt` in `{}`", folder.display());
        reading.problems.push(Problem { found, ..node.problem("what Kubernetes gives a pod", remedy) });
        None
    }

    fn read_api(api: &Node, fields: Fields<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let url = reading.web(api);
        let token = fields.get("token").map(|node| reading.secret(node));
        let certificate = fields.get("certificate").map(|node| reading.secret(node));
        let key = fields.get("key").map(|node| reading.secret(node));
        let login = match (token, certificate, key) {
            (None, None, None) => Some(ClusterLogin::None),
            (Some(token), None, None) => token.map(ClusterLogin::Token),
            (None, Some(certificate), Some(key)) => {
                certificate.zip(key).map(|(certificate, key)| ClusterLogin::Certificate { certificate, key })
            }
            (None, Some(_), None) => {
                reading.problems.push(fields.missing("key", "key: \"${file:./client.key}\""));
                None
            }
            (None, None, Some(_)) => {
                reading.problems.push(fields.missing("certificate", "certificate: \"${file:./client.pem}\""));
                None
            }
            (Some(_), _, _) => {
                let remedy = "Remove `token`, or `certificate` and `key`.";
                let found = "a token beside a certificate".to_owned();
                reading.problems.push(Problem { found, ..fields.owner().problem("one of the two", remedy) });
                None
            }
        };
        Some(Self::Api { url: url?, login: login? })
    }
}

impl Registry {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let fields = node.fields(&["api", "username", "password"], &mut reading.problems);
        let api = fields.get("api").map(|node| reading.web(node));
        let username = fields.get("username").map(|node| node.text(&mut reading.problems).map(str::to_owned));
        let password = fields.get("password").map(|node| reading.secret(node));
        let from = fields.get("password").and_then(|node| reading.file_of(node));
        let login = match (username, password) {
            (None, None) => Some(RegistryLogin::None),
            (Some(username), Some(password)) => {
                username.zip(password).map(|(username, password)| RegistryLogin::Password { username, password, from })
            }
            (Some(_), None) => {
                reading.problems.push(fields.missing("password", "password: \"${env:REGISTRY_TOKEN}\""));
                None
            }
            (None, Some(_)) => {
                reading.problems.push(fields.missing("username", "username: bot"));
                None
            }
        };
        Some(Self { api: api.flatten(), login: login? })
    }
}

impl Pagers {
    pub(super) fn read(root: Fields<'_>, reading: &mut Reading<'_>) -> Self {
        let Some(node) = root.get("pager") else { return Self::default() };
        let fields = node.fields(&["pagerduty", "opsgenie"], &mut reading.problems);
        let pagerduty = fields.get("pagerduty").and_then(|node| {
            let fields = node.fields(&["api", "routing_key", "schedules"], &mut reading.problems);
            let api = reading.api(fields, "https://events.pagerduty.com");
            let routing_key = reading.required_secret(fields, "routing_key");
            let schedules = fields.get("schedules").and_then(|node| {
                let fields = node.fields(&["api", "token"], &mut reading.problems);
                let api = reading.api(fields, "https://api.pagerduty.com");
                let token = reading.required_secret(fields, "token");
                Some(Schedules { api: api?, token: token? })
            });
            Some(PagerDuty { api: api?, routing_key: routing_key?, schedules })
        });
        let opsgenie = fields.get("opsgenie").and_then(|node| {
            let fields = node.fields(&["api", "key"], &mut reading.problems);
            let api = reading.api(fields, "https://api.opsgenie.com");
            let key = reading.required_secret(fields, "key");
            Some(Opsgenie { api: api?, key: key? })
        });
        Self { pagerduty, opsgenie }
    }
}
