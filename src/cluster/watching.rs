//! One list and one watch of a kind, over a whole cluster: what is there, then what changes, for as long as the
//! connection lasts. Objects are reduced at once to what levers move, so that what is remembered stays small.

use std::pin::Pin;

use futures::{AsyncBufRead, AsyncBufReadExt as _};
use http::Request;
use kube::Resource as _;
use kube::core::DynamicObject;
use serde_json::Value;

use super::{Cluster, ClusterError, PATIENCE, direct::resource, lost, reconciler::items, said, sorted};
use crate::core::{break_glass::Kind, drift::Sighting};

/// The longest line of a watch that is read: etcd takes no object of half that.
const LONGEST: usize = 4 * 1024 * 1024;
/// After so many seconds the cluster ends a watch by itself; a new one begins where it ended.
const SECONDS: u32 = 290;

/// What a watch told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An object came, or is another by now.
    Is(Box<Sighting>, String),
    /// An object is gone.
    Gone(Box<Sighting>, String),
    /// Nothing more up to this version.
    UpTo(String),
    /// What happened since is not known any more: everything is to be listed anew.
    TooOld,
}

/// A watch that runs.
pub struct Watching {
    kind: Kind,
    lines: Pin<Box<dyn AsyncBufRead + Send>>,
}

impl Cluster {
    /// Everything of a kind, and the version up to which that holds.
    ///
    /// # Errors
    /// As [`Cluster::workload`].
    pub async fn everything(&self, kind: Kind) -> Result<(Vec<Sighting>, String), ClusterError> {
        let path = DynamicObject::url_path(&resource(kind), None);
        let request = kube::core::Request::new(path).list(&kube::api::ListParams::default());
        let list: Option<Value> = self.fetch(request.map_err(garbage)?).await?;
        // A kind that the cluster does not have has no objects.
        let list = list.unwrap_or_default();
        let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        Ok((items(&list, "/items").map(|item| Sighting::of(kind, item)).collect(), version.to_owned()))
    }

    /// What changes of a kind from a version on.
    ///
    /// # Errors
    /// As [`Cluster::workload`].
    pub async fn watch(&self, kind: Kind, version: &str) -> Result<Watching, ClusterError> {
        let path = DynamicObject::url_path(&resource(kind), None);
        let query = format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={SECONDS}&resourceVersion={version}");
        let request = Request::get(format!("{path}?{query}")).body(Vec::new()).map_err(garbage)?;
        let begun = tokio::time::timeout(PATIENCE, self.kube.request_stream(request)).await;
        let lines = begun.map_err(|_| ClusterError::TimedOut)?.map_err(sorted)?;
        Ok(Watching { kind, lines: Box::pin(lines) })
    }
}

fn garbage(error: impl std::fmt::Display) -> ClusterError {
    ClusterError::Garbage { cause: error.to_string() }
}

impl Watching {
    /// What is told next; `None` where the watch has ended.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no watch event.
    pub async fn next(&mut self) -> Result<Option<Told>, ClusterError> {
        loop {
            let Some(line) = self.line().await? else { return Ok(None) };
            if !line.is_empty() {
                return told(self.kind, &line).map(Some);
            }
        }
    }

    async fn line(&mut self) -> Result<Option<Vec<u8>>, ClusterError> {
        let mut line = Vec::new();
        loop {
            let read = self.lines.fill_buf().await.map_err(|error| lost(&error))?;
            if read.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(read.len(), |end| end + 1);
            line.extend_from_slice(read.get(..end.unwrap_or(read.len())).unwrap_or_default());
            self.lines.as_mut().consume(taken);
            if end.is_some() {
                return Ok(Some(line));
            }
            if line.len() > LONGEST {
                return Err(garbage("an object of a watch that is longer than any can be"));
            }
        }
    }
}

fn told(kind: Kind, line: &[u8]) -> Result<Told, ClusterError> {
    let event: Value = serde_json::from_slice(line)
        .map_err(|error| garbage(format!("unexpected JSON of a watch at column {}", error.column())))?;
    let object = event.get("object").unwrap_or(&Value::Null);
    let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    match event.get("type").and_then(Value::as_str) {
        Some("ADDED" | "MODIFIED") => Ok(Told::Is(Box::new(Sighting::of(kind, object)), version)),
        Some("DELETED") => Ok(Told::Gone(Box::new(Sighting::of(kind, object)), version)),
        Some("BOOKMARK") => Ok(Told::UpTo(version)),
        Some("ERROR") if object.get("code").and_then(Value::as_i64) == Some(410) => Ok(Told::TooOld),
        Some("ERROR") => {
            let message = object.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
            Err(ClusterError::Unreachable { cause: said(message) })
        }
        Some(_) | None => Err(garbage("an event of a watch that is none")),
    }
}
