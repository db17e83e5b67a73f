//! A change of a live object that git does not manage: that its pods are made anew. Nothing is owed for it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Plan;
use crate::core::{
    break_glass::Object,
    names::{CommandName, CommitId, Digest, RequestId, Target},
};

/// The annotation of a template by which a restart is known; its value is the request's id.
pub const RESTARTED_BY: &str = "leverframe.dev/restarted-by";

/// What stands for that id where people approve the patch.
const THE_REQUEST: &str = "{request}";

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The object.
    pub object: Object,
    /// Its uid: another one of that name is not changed.
    pub uid: String,
    /// The merge patch.
    pub patch: Value,
}

impl Live {
    /// The restart of an object's pods.
    pub fn restart(object: Object, uid: &str) -> Self {
        let patch = json!({
            "metadata": { "uid": uid },
            "spec": { "template": { "metadata": { "annotations": { RESTARTED_BY: THE_REQUEST } } } },
        });
        Self { object, uid: uid.to_owned(), patch }
    }

    /// The patch with the request's id in its place. The same again changes nothing.
    pub fn patch_by(&self, request: &RequestId) -> Value {
        let mut patch = self.patch.clone();
        let annotations = patch.pointer_mut("/spec/template/metadata/annotations").and_then(Value::as_object_mut);
        if let Some(value) = annotations.and_then(|all| all.get_mut(RESTARTED_BY)) {
            *value = json!(request);
        }
        patch
    }

    /// The plan of this change and nothing else.
    ///
    /// # Errors
    /// When the patch holds a number that RFC 8785 cannot write.
    pub fn plan(
        self,
        (command, target): (&CommandName, &Target),
        (base, policy): (&CommitId, &Digest),
    ) -> Result<Plan, serde_json::Error> {
        let Object { cluster, kind, namespace, name } = &self.object;
        let change = json!({
            "v": 1, "command": command, "service": target.service, "environment": target.environment,
            "live": {
                "cluster": cluster, "apiVersion": kind.api_version(), "kind": kind, "namespace": namespace,
                "name": name, "uid": self.uid, "patch": self.patch,
            },
        });
        Ok(Plan {
            digest: Digest::of(&serde_json_canonicalizer::to_vec(&change)?),
            base: base.clone(),
            policy: policy.clone(),
            edits: Vec::new(),
            lines: Vec::new(),
            diff: String::new(),
            exact: Vec::new(),
            aside: None,
            live: Some(Box::new(self)),
            legs: Vec::new(),
        })
    }
}
