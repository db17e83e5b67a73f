//! What those need who only read the ledger, or sign it: where it is, under which name, with which key. Mistakes
//! elsewhere in the file do not matter to them, and no other secret need be there.

use std::path::{Path, PathBuf};

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
}

impl Config {
    /// The ledger's part of this configuration.
    pub fn ledger(&self) -> LedgerSettings {
        let host = self.public_url.as_ref().and_then(host);
        let origin = host.unwrap_or_else(|| format!("leverframe/{}", self.repositories.catalog.0));
        LedgerSettings { data: self.data.clone(), origin, signing_key: self.signing_key.clone() }
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
        let signing_key = signing_key(fields, &mut reading);
        reading.problems.retain(|problem| problem.key == "data" || problem.found.contains("`data`"));
        let missing = || Problems::new(&name, reading.problems);
        Ok(LedgerSettings { data: data.ok_or_else(missing)?, origin, signing_key })
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

/// `ledger.signing_key`.
pub(super) fn signing_key(fields: Fields<'_>, reading: &mut Reading<'_>) -> Option<Secret> {
    let ledger = fields.get("ledger")?.fields(&["signing_key"], &mut reading.problems);
    reading.secret(ledger.get("signing_key")?)
}
