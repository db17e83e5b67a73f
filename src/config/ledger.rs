//! What those need who only read the ledger, or sign it: where it is, under which name, with which key. Mistakes
//! elsewhere in the file do not matter to them, and no other secret need be there.

use std::path::{Path, PathBuf};

use url::Url;

use super::{Config, ConfigError, KEYS, Problems, reading::Reading, reference};
use crate::{
    core::located::{self, Fields, Node, Value},
    secret::Secret,
};

/// The ledger's part of a configuration.
#[derive(Debug, Clone)]
pub struct LedgerSettings {
    /// The data directory.
    pub data: PathBuf,
    /// The name that checkpoints carry: the host of `public_url`, or `leverframe/` with the repository's name.
    pub origin: String,
    /// The key that signs them, where the configuration names one and it can be read.
    pub signing_key: Option<Secret>,
    /// Where the ledger is shipped to as it grows.
    pub ship_to: Vec<ShipTo>,
    /// The branch of its checkpoints, or the one that it would be.
    pub audit_branch: String,
}

/// The branch of the checkpoints where it is not named.
const AUDIT_BRANCH: &str = "leverframe/audit";

/// `ledger` of a configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    pub(super) signing_key: Option<Secret>,
    pub(super) ship_to: Vec<ShipTo>,
    pub(super) audit_branch: Option<String>,
}

/// A place outside this box for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShipTo {
    /// A folder, mounted from elsewhere.
    Directory(PathBuf),
    /// A bucket with the S3 API.
    S3 {
        /// The address of the API.
        api: Url,
        /// The region that requests are signed for.
        region: String,
        /// The bucket.
        bucket: String,
        /// What the names of our things begin with; may be empty.
        prefix: String,
        /// The id of the key.
        access_key: String,
        /// The key.
        secret_key: Secret,
    },
    /// A branch of its own in the repository of the catalog.
    Branch(String),
    /// A collector of system logs (RFC 5424), which gets the entries and gives nothing back.
    Syslog {
        /// The host's name or address.
        host: String,
        /// The port.
        port: u16,
        /// How it is reached.
        over: Over,
    },
}

/// How a collector of system logs is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// One datagram for each entry (RFC 5426).
    Udp,
    /// Counted frames (RFC 6587).
    Tcp,
    /// The same within TLS (RFC 5425).
    Tls,
}

impl Over {
    const NAMES: [(&'static str, Self); 3] = [("udp", Self::Udp), ("tcp", Self::Tcp), ("tls", Self::Tls)];
}

impl Config {
    /// The ledger's part of this configuration.
    pub fn ledger(&self) -> LedgerSettings {
        let host = self.public_url.as_ref().and_then(host);
        let origin = host.unwrap_or_else(|| format!("leverframe/{}", self.repositories.catalog.0));
        LedgerSettings {
            data: self.data.clone(),
            origin,
            signing_key: self.signing_key.clone(),
            ship_to: self.ship_to.clone(),
            audit_branch: self.audit_branch.clone().unwrap_or_else(|| AUDIT_BRANCH.to_owned()),
        }
    }

    /// Only the ledger's part, for those who read the ledger.
    ///
    /// # Errors
    /// When the file cannot be read, is no YAML, or names no directory.
    pub fn ledger_of(path: &Path) -> Result<LedgerSettings, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { file: path.to_owned(), reason: error.to_string() })?;
        let name = path.display().to_string();
        let mut root = located::parse(&text).map_err(|list| Problems::new(&name, list))?;
        let mut reading = Reading::new(path.parent().unwrap_or(Path::new("")), &reference::from_the_system);
        reading.resolve(&mut root);
        let fields = root.fields(&KEYS, &mut reading.problems);
        let data = fields.required("data", "data: ./data", &mut reading.problems);
        let data = data.and_then(|node| reading.path(node));
        let host = fields.get("public_url").and_then(|node| host(&reading.web(node)?));
        let origin = host.unwrap_or_else(|| format!("leverframe/{}", catalog_repository(fields).unwrap_or("ledger")));
        let Section { signing_key, ship_to, audit_branch } = section(fields, &mut reading);
        let audit_branch = audit_branch.unwrap_or_else(|| AUDIT_BRANCH.to_owned());
        reading.problems.retain(|problem| problem.key == "data" || problem.found.contains("`data`"));
        let missing = || Problems::new(&name, reading.problems);
        Ok(LedgerSettings { data: data.ok_or_else(missing)?, origin, signing_key, ship_to, audit_branch })
    }
}

fn host(url: &url::Url) -> Option<String> {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", url.host_str()?))
}

/// The name of the one repository, or of the one that holds the catalog.
fn catalog_repository(fields: Fields<'_>) -> Option<&str> {
    let Value::Map(all) = &fields.get("repositories")?.value else { return None };
    let has_catalog = |node: &Node| match &node.value {
        Value::Map(members) => {
            members.iter().any(|(key, member)| key.text == "catalog" && member.value == Value::Flag(true))
        }
        Value::Nothing | Value::Flag(_) | Value::Number(_) | Value::Text(..) | Value::List(_) | Value::Reported => {
            false
        }
    };
    let found = if all.len() == 1 { all.first() } else { all.iter().find(|(_, node)| has_catalog(node)) };
    found.map(|(key, _)| key.text.as_str())
}

/// `ledger`: its key, where it is shipped to, and the branch of its checkpoints.
pub(super) fn section(fields: Fields<'_>, reading: &mut Reading<'_>) -> Section {
    let Some(node) = fields.get("ledger") else { return Section::default() };
    let ledger = node.fields(&["signing_key", "ship_to", "audit_branch"], &mut reading.problems);
    let signing_key = ledger.get("signing_key").and_then(|node| reading.secret(node));
    let ship_to = ledger.get("ship_to").map(|node| ShipTo::read(node, reading)).unwrap_or_default();
    let audit_branch = ledger.get("audit_branch").and_then(|node| plain(Some(node), reading));
    Section { signing_key, ship_to, audit_branch }
}

impl ShipTo {
    /// Each place that is named; the ledger goes to all of them.
    fn read(node: &Node, reading: &mut Reading<'_>) -> Vec<Self> {
        let fields = node.fields(&["directory", "s3", "branch", "syslog"], &mut reading.problems);
        let places = [
            fields.get("directory").map(|node| reading.path(node).map(Self::Directory)),
            fields.get("s3").map(|node| Self::read_s3(node, reading)),
            fields.get("branch").map(|node| plain(Some(node), reading).map(Self::Branch)),
            fields.get("syslog").map(|node| Self::read_syslog(node, reading)),
        ];
        if places.iter().all(Option::is_none) {
            reading.problems.push(fields.missing("directory", "directory: /mnt/ledger"));
        }
        places.into_iter().flatten().flatten().collect()
    }

    fn read_syslog(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let text = node.text(&mut reading.problems)?;
        let place = text.split_once("://").and_then(|(over, place)| {
            let over = Over::NAMES.iter().find(|(name, _)| *name == over)?.1;
            let (host, port) = place.trim_end_matches('/').rsplit_once(':')?;
            let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let port = port.parse().ok().filter(|_| !host.is_empty() && !host.contains('/'))?;
            Some(Self::Syslog { host: host.to_owned(), port, over })
        });
        if place.is_none() {
            let remedy = "Write `tls://logs.example.com:6514`, `tcp://` or `udp://`.";
            reading.problems.push(node.problem("`tls`, `tcp` or `udp`, a host and a port", remedy));
        }
        place
    }

    fn read_s3(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let keys = ["api", "region", "bucket", "prefix", "access_key", "secret_key"];
        let fields = node.fields(&keys, &mut reading.problems);
        let api = fields.required("api", "api: https://s3.eu-west-1.amazonaws.com", &mut reading.problems);
        let api = api.and_then(|node| reading.web(node));
        let region = plain(fields.required("region", "region: eu-west-1", &mut reading.problems), reading);
        let bucket = plain(fields.required("bucket", "bucket: acme-ledger", &mut reading.problems), reading);
        let prefix = fields.get("prefix").map(|node| plain(Some(node), reading));
        let access_key = fields.required("access_key", "access_key: AKIA...", &mut reading.problems);
        let access_key = access_key.and_then(|node| node.text(&mut reading.problems).map(str::to_owned));
        let secret_key = reading.required_secret(fields, "secret_key");
        Some(Self::S3 {
            api: api?,
            region: region?,
            bucket: bucket?,
            prefix: prefix.map_or(Some(String::new()), |prefix| prefix)?,
            access_key: access_key?,
            secret_key: secret_key?,
        })
    }
}

/// A text of characters that stand in an address as they are.
fn plain(node: Option<&Node>, reading: &mut Reading<'_>) -> Option<String> {
    let node = node?;
    let text = node.text(&mut reading.problems)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.chars().all(fits) && !text.split('/').any(|part| matches!(part, "." | "..")) {
        return Some(text.to_owned());
    }
    reading.problems.push(node.problem("letters, digits, `-`, `_`, `.` and `/`", "Choose a name of these."));
    None
}
