//! Reconcilers as the engine uses them: what one shows of a target, and what it is told.

use futures::future::BoxFuture;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::{Cluster, ClusterError, argocd::ArgoCd, flux::FluxObject};
use crate::core::{
    catalog,
    names::{CommitId, RequestId, Service},
    reconciler::{Hold, Seen, Undoes, undo::Spot},
};

/// What a question to a reconciler comes to.
pub type Call<'a, T> = BoxFuture<'a, Result<T, ClusterError>>;

/// What a reconciler is told. Nothing else is ever changed of it.
#[derive(Debug, Clone, Copy)]
pub enum Order<'a> {
    /// To look at the repository now instead of when its time comes.
    Refresh {
        /// A text that was never used before.
        mark: &'a str,
    },
    /// To look again at what it did.
    LookAgain {
        /// A text that was never used before.
        mark: &'a str,
    },
    /// To apply exactly this commit once.
    Sync {
        /// The commit.
        commit: &'a CommitId,
        /// The request that people approved.
        request: &'a RequestId,
        /// The form in which the reconciler was judged; where it has another by now, nothing is done.
        version: &'a str,
    },
}

/// Argo CD or Flux, for one target.
pub trait Reconciler: Send + Sync {
    /// What it shows.
    fn read(&self) -> Call<'_, Seen>;

    /// Tells it something.
    fn tell<'a>(&'a self, order: Order<'a>) -> Call<'a, ()>;

    /// What it shows of being held off; `None` where there is none.
    fn hold(&self) -> Call<'_, Option<Hold>>;

    /// What it will do about a value that was changed by hand; `None` where it was told to leave that alone.
    fn undoes<'a>(&'a self, spot: Spot<'a>) -> Call<'a, Option<Undoes>>;

    /// Tells it to hold off. Whether it does is to be read back.
    fn pause<'a>(&'a self, mark: &'a Mark<'a>) -> Call<'a, ()>;

    /// Takes the marks off and tells it to follow as before, where that is known, and to look at once.
    fn go_on<'a>(&'a self, before: Option<&'a Value>, version: &'a str) -> Call<'a, ()>;
}

/// By whom and until when a reconciler is held off, as its annotations say it: so that whoever finds it needs nobody of
/// us to understand it.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// The break-glass.
    pub by: &'a str,
    /// The incident.
    pub incident: &'a str,
    /// The person who owes the debt.
    pub owner: &'a str,
    /// Until when it is meant to last, RFC 3339.
    pub until: &'a str,
    /// The form of the object in which it was looked at; another by now is a conflict.
    pub version: &'a str,
    /// How it is told.
    pub how: How,
}

/// How a reconciler is told to hold off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the switch that is meant for it.
    Switch,
    /// By taking away what it follows by: for versions that do not know the switch.
    Removal,
    /// By marks alone: it does not follow by itself anyway.
    Marks,
}

/// Names of the annotations of one that is held off.
pub const PAUSED_BY: &str = "leverframe.dev/paused-by";
pub(super) const PAUSED_UNTIL: &str = "leverframe.dev/paused-until";
const PAUSED_OWNER: &str = "leverframe.dev/paused-owner";
const PAUSED_INCIDENT: &str = "leverframe.dev/paused-incident";

impl Mark<'_> {
    pub(super) fn annotations(&self) -> Value {
        json!({PAUSED_BY: self.by, PAUSED_UNTIL: self.until, PAUSED_OWNER: self.owner, PAUSED_INCIDENT: self.incident})
    }
}

/// What takes the marks off.
pub(super) fn unmarked() -> Value {
    json!({PAUSED_BY: null, PAUSED_UNTIL: null, PAUSED_OWNER: null, PAUSED_INCIDENT: null})
}

/// The reconciler of a service, as its environment names it; none where it names none.
pub fn reconciler(cluster: &Cluster, named: &catalog::Reconciler, service: &Service) -> Option<Box<dyn Reconciler>> {
    let cluster = cluster.clone();
    match named {
        catalog::Reconciler::None => None,
        catalog::Reconciler::ArgoCd { application, namespace } => Some(Box::new(ArgoCd {
            cluster,
            name: application.name_of(service),
            namespace: namespace.name_of(service),
        })),
        catalog::Reconciler::Flux { kind, name, namespace } => Some(Box::new(FluxObject {
            cluster,
            kind: *kind,
            name: name.name_of(service),
            namespace: namespace.name_of(service),
        })),
    }
}

/// A kind of object that Kubernetes itself does not have.
pub(super) fn kind((group, version): (&str, &str), kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

/// The text at a JSON pointer; empty where there is none.
pub(super) fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The items at a JSON pointer.
pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Whether something stands at a JSON pointer.
pub(super) fn is_there(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).is_some_and(|value| !value.is_null())
}

/// An annotation; its name holds slashes, so that no pointer leads to it.
pub(super) fn annotation(object: &Value, name: &str) -> Option<String> {
    object.pointer("/metadata/annotations")?.get(name)?.as_str().map(str::to_owned)
}
