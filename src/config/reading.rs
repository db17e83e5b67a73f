//! What the sections of the configuration share while they are read: places for problems and warnings, and readers
//! of secrets, addresses and paths.

use std::path::{Path, PathBuf};

use url::Url;

use super::reference::{Reference, Resolve, file_named, resolve_all};
use crate::{
    core::located::{Fields, Node, Notice, Origin, Place, Problem, Value, either},
    secret::Secret,
};

/// Certificate authorities from `tls.ca_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    /// Where they were read.
    pub path: PathBuf,
    /// One or more certificates in PEM.
    pub pem: String,
}

/// How outgoing connections leave: `HTTPS_PROXY` and `NO_PROXY`, in either case, as every HTTP client has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxy {
    /// The proxy's URL. Secret because it may hold a password.
    pub url: Option<Secret>,
    /// Hosts, domains and networks that are reached without it.
    pub exceptions: Vec<String>,
}

/// One reading of one configuration.
pub(super) struct Reading<'a> {
    directory: &'a Path,
    resolve: Resolve<'a>,
    /// The mistakes so far.
    pub(super) problems: Vec<Problem>,
    warnings: Vec<Notice>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(directory: &'a Path, resolve: Resolve<'a>) -> Self {
        Self { directory, resolve, problems: Vec::new(), warnings: Vec::new() }
    }

    /// Puts what references stand for in place of them.
    pub(super) fn resolve(&mut self, root: &mut Node) {
        resolve_all(root, self.directory, self.resolve, &mut self.problems);
    }

    pub(super) fn sorted_warnings(&mut self) -> Vec<Notice> {
        self.warnings.sort();
        std::mem::take(&mut self.warnings)
    }

    /// Says something about a key that is right.
    pub(super) fn warn(&mut self, node: &Node, words: impl Into<String>) {
        self.warnings.push(Notice { line: node.key_place.line, key: node.key.clone(), words: words.into() });
    }

    /// Warns of keys that are there and that the choice made beside them does not use.
    pub(super) fn unused(&mut self, fields: Fields<'_>, keys: &[&str], choice: &str) {
        for node in keys.iter().filter_map(|key| fields.get(key)) {
            self.warn(node, format!("It is not used with `{choice}`."));
        }
    }

    /// Refuses keys that make sense only beside another.
    pub(super) fn only_beside(&mut self, fields: Fields<'_>, keys: &[&str], owner: &str) {
        for node in keys.iter().filter_map(|key| fields.get(key)) {
            let found = format!("it without `{owner}`");
            let remedy = format!("Add `{owner}`, or remove this key.");
            self.problems.push(Problem { found, ..node.problem(format!("it beside `{owner}`"), remedy) });
        }
    }

    /// A secret, which must be one reference and nothing else; what it stands for is never shown.
    pub(super) fn secret(&mut self, node: &Node) -> Option<Secret> {
        let found = match &node.value {
            Value::Text(text, Origin::Reference { alone: true, exposed, .. }) if !text.is_empty() => {
                if *exposed {
                    self.warn(node, "Others than its owner can read this secret's file; run `chmod 600` on it.");
                }
                return Some(Secret::new(text.clone()));
            }
            Value::Reported => return None,
            Value::Text(_, Origin::Reference { alone: true, .. }) => "a reference to an empty text",
            Value::Text(_, Origin::Reference { .. }) => "a reference with text beside it",
            Value::Nothing => "nothing",
            Value::Text(..) | Value::Number(_) | Value::Flag(_) | Value::List(_) | Value::Map(_) => {
                "a secret written into the file"
            }
        };
        let remedy =
            "Put the secret into a variable or file of its own and write `\"${env:NAME}\"` or `\"${file:PATH}\"` here.";
        self.problems.push(Problem { found: found.to_owned(), ..node.problem("a reference to a secret", remedy) });
        None
    }

    /// The file that a text was read from, where it is one reference to a file.
    pub(super) fn file_of(&self, node: &Node) -> Option<PathBuf> {
        match &node.value {
            Value::Text(_, Origin::Reference { written, alone: true, .. }) => file_named(written, self.directory),
            Value::Text(..)
            | Value::Reported
            | Value::Nothing
            | Value::Number(_)
            | Value::Flag(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// A secret that must be there.
    pub(super) fn required_secret(&mut self, fields: Fields<'_>, key: &str) -> Option<Secret> {
        let example = format!("{key}: \"${{env:{}}}\"", key.to_uppercase());
        let node = fields.required(key, &example, &mut self.problems)?;
        self.secret(node)
    }

    /// What a reference stands for, where it stands for something.
    pub(super) fn resolved(&self, reference: &Reference) -> Option<String> {
        (self.resolve)(reference).ok().map(|resolved| resolved.text).filter(|text| !text.is_empty())
    }

    /// A path; relative ones start in the configuration's directory.
    pub(super) fn path(&mut self, node: &Node) -> Option<PathBuf> {
        node.text(&mut self.problems).map(|path| self.directory.join(path))
    }

    /// An `http` or `https` URL.
    pub(super) fn web(&mut self, node: &Node) -> Option<Url> {
        self.url(node, &["https", "http"])
    }

    /// The URL of an API, which can be pointed elsewhere; `usual` is where it is otherwise.
    pub(super) fn api(&mut self, fields: Fields<'_>, usual: &str) -> Option<Url> {
        match fields.get("api") {
            Some(node) => self.web(node),
            None => Url::parse(usual).ok(),
        }
    }

    /// A URL of one of `schemes`, without a password in it (and for the web without a user).
    pub(super) fn url(&mut self, node: &Node, schemes: &[&str]) -> Option<Url> {
        let text = node.text(&mut self.problems)?;
        let wanted = format!(
            "a URL that begins with {}",
            either(schemes.iter().map(|s| format!("{s}://")).collect::<Vec<_>>().iter().map(String::as_str))
        );
        let Ok(url) = Url::parse(text) else {
            self.problems.push(no_url(node, text, &wanted));
            return None;
        };
        let web = matches!(url.scheme(), "http" | "https");
        if url.password().is_some() || (web && !url.username().is_empty()) {
            let remedy = "Take the user and password out of the URL and write them as `username` and `password`, the password as a reference.";
            let found = "a URL with a user or a password in it".to_owned();
            self.problems.push(Problem { found, ..node.problem("a URL without them", remedy) });
            return None;
        }
        if !schemes.contains(&url.scheme()) {
            self.problems.push(node.problem(wanted, "Correct what stands before `://`."));
            return None;
        }
        Some(url)
    }

    /// `tls.ca_file`, read.
    pub(super) fn authorities(&mut self, fields: Fields<'_>) -> Option<Authorities> {
        let tls = fields.get("tls")?.fields(&["ca_file"], &mut self.problems);
        let node = tls.required("ca_file", "ca_file: ./company-ca.pem", &mut self.problems)?;
        let path = self.path(node)?;
        let remedy = "Write one or more certificates into that file, each between `BEGIN CERTIFICATE` and `END CERTIFICATE` lines.";
        let found = match (self.resolve)(&Reference::File(path.clone())) {
            Ok(file) if file.text.contains("-----BEGIN CERTIFICATE-----") => {
                return Some(Authorities { path, pem: file.text });
            }
            Ok(_) => "a file without a certificate".to_owned(),
            Err(why) => format!("`{}`, a file that {why}", path.display()),
        };
        self.problems.push(Problem { found, ..node.problem("a file of certificates in PEM", remedy) });
        None
    }

    /// The proxy settings of the environment. As for other clients, a proxy without `://` speaks `http`.
    pub(super) fn proxy(&mut self) -> Proxy {
        let exceptions = self.variable("NO_PROXY").unwrap_or_default();
        let exceptions = exceptions.split(',').map(|host| host.trim().to_owned()).filter(|host| !host.is_empty());
        let exceptions = exceptions.collect();
        let Some(text) = self.variable("HTTPS_PROXY") else { return Proxy { url: None, exceptions } };
        let url = if text.contains("://") { text } else { format!("http://{text}") };
        let known = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host();
        if !Url::parse(&url).is_ok_and(|url| known(&url)) {
            self.problems.push(Problem {
                place: Place::TOP,
                key: "HTTPS_PROXY".into(),
                found: "a variable of the environment that is no proxy's URL".into(),
                expected: "a URL that begins with `http://`, `https://` or `socks5://`".into(),
                remedy: "Write it like `http://proxy.example.com:3128`, or unset it.".into(),
            });
        }
        Proxy { url: Some(Secret::new(url)), exceptions }
    }

    /// A variable that is set and not empty, in upper or lower case.
    fn variable(&self, name: &str) -> Option<String> {
        let names = [name.to_owned(), name.to_lowercase()];
        let values = names.into_iter().filter_map(|name| (self.resolve)(&Reference::Env(name)).ok());
        values.map(|value| value.text).find(|text| !text.is_empty())
    }
}

/// What is no URL is shown only when it cannot hold a password.
fn no_url(node: &Node, text: &str, wanted: &str) -> Problem {
    let remedy = match text.split_once(':') {
        Some((host, path)) if host.contains('@') && !path.starts_with('/') => {
            "Write it like `ssh://git@host/owner/name.git`.".to_owned()
        }
        Some(_) | None => "Write it like `https://host/path`.".to_owned(),
    };
    let problem = node.problem(wanted, remedy);
    if text.contains('@') { Problem { found: "a text that is no URL".to_owned(), ..problem } } else { problem }
}
