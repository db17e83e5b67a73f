//! Watches: what changed since a version, then what changes, a line each, and a bookmark whenever anything moved. As with
//! the real one what is too long ago is not known any more.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::header;
use serde_json::{Value, json};

use super::{ClusterLookalike, Live, Shared, change, objects, rollout::Rollout};
use crate::play::{json::put, server::GoesOn};

/// How many events are remembered.
const KEPT: usize = 512;

/// What is watched: a kind, and its group and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watched(pub(super) &'static str, pub(super) &'static str);

/// The events of workloads, and each as it was told last.
#[derive(Default)]
pub(super) struct Told {
    events: VecDeque<(u64, Value)>,
    last: BTreeMap<(String, String), Rollout>,
}

/// Notes what is another since it was told last. Called at every change, so that nothing between two looks is lost.
pub(super) fn noted(shared: &Shared, live: &mut Live) {
    let changed: Vec<_> = live
        .rollouts
        .iter()
        .filter(|(key, rollout)| live.told.last.get(*key) != Some(*rollout))
        .map(|(key, rollout)| (key.clone(), rollout.clone()))
        .collect();
    let gone: Vec<_> = live.told.last.keys().filter(|key| !live.rollouts.contains_key(*key)).cloned().collect();
    for (key, rollout) in changed {
        live.version += 1;
        let known = live.told.last.insert(key.clone(), rollout.clone()).is_some();
        let object = change::shown(shared, live, &key, &rollout);
        live.tell(if known { "MODIFIED" } else { "ADDED" }, object);
    }
    for key in gone {
        live.version += 1;
        if let Some(rollout) = live.told.last.remove(&key) {
            let object = change::shown(shared, live, &key, &rollout);
            live.tell("DELETED", object);
        }
    }
}

impl Live {
    pub(super) fn tell(&mut self, kind: &str, mut object: Value) {
        if let Some(metadata) = object.get_mut("metadata") {
            put(metadata, "resourceVersion", json!(self.version.to_string()));
        }
        self.told.events.push_back((self.version, json!({"type": kind, "object": object})));
        if self.told.events.len() > KEPT {
            self.told.events.pop_front();
        }
    }
}

impl ClusterLookalike {
    /// The version of what it shows now: a watch that has told as much has told everything.
    pub fn version(&self) -> u64 {
        self.shared.live().version
    }

    /// Something scales a service by itself from now on.
    pub fn scale_by_itself(&self, service: &str, (least, most): (usize, usize)) {
        let mut live = self.shared.live();
        live.scalers.insert((service.to_owned(), service.to_owned()), (least, most));
        live.version += 1;
        live.tell("ADDED", objects::autoscaler(service, (least, most)));
        drop(live);
        self.shared.pulse.beat();
    }
}

/// Where a watch is.
struct At {
    shared: Arc<Shared>,
    changed: tokio::sync::watch::Receiver<u64>,
    what: Watched,
    version: u64,
}

/// The answer to a watch from a version on.
pub(super) fn watch(shared: &Arc<Shared>, what: Watched, version: &str) -> Response {
    let at = At {
        shared: Arc::clone(shared),
        changed: shared.pulse.changed(),
        what,
        version: version.parse().unwrap_or_default(),
    };
    let lines = futures::stream::unfold(Some(at), |at| async move {
        let mut at = at?;
        loop {
            let (lines, ends) = at.lines();
            if !lines.is_empty() {
                return Some((Ok::<_, std::convert::Infallible>(Bytes::from(lines)), (!ends).then_some(at)));
            }
            at.changed.changed().await.ok()?;
        }
    });
    let mut response = ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(lines)).into_response();
    response.extensions_mut().insert(GoesOn);
    response
}

impl At {
    /// What is to be told now, and whether that is the end of it.
    fn lines(&mut self) -> (String, bool) {
        let live = self.shared.live();
        if live.version == self.version {
            return (String::new(), false);
        }
        let Watched(kind, api) = self.what;
        let oldest = live.told.events.front().map(|(version, _)| *version);
        let is_full = live.told.events.len() == KEPT;
        if is_full && oldest.is_some_and(|oldest| oldest > self.version + 1) {
            let words = format!("too old resource version: {} ({})", self.version, live.version);
            let status = objects::failure(410, "Expired", &words);
            return (format!("{}\n", json!({"type": "ERROR", "object": status})), true);
        }
        let of_kind = |event: &Value| event.pointer("/object/kind").and_then(Value::as_str) == Some(kind);
        let newer = live.told.events.iter().filter(|(version, event)| *version > self.version && of_kind(event));
        let mut lines: String = newer.map(|(_, event)| format!("{event}\n")).collect();
        self.version = live.version;
        let metadata = json!({"resourceVersion": self.version.to_string(), "creationTimestamp": null});
        let object = json!({"kind": kind, "apiVersion": api, "metadata": metadata});
        lines.push_str(&format!("{}\n", json!({"type": "BOOKMARK", "object": object})));
        (lines, false)
    }
}
