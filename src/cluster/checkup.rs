//! Whether a cluster's API answers us, and lets us see what a rollout is followed by.

use serde_json::{Value, json};
use url::Url;

use crate::{
    clock,
    core::checkup::Finding,
    net::{
        NetError, Outgoing,
        look::{Look, as_bearer, below},
    },
    secret::Secret,
};

/// What is read: the verb, the API group, the resource.
const READS: [(&str, &str, &str); 3] =
    [("get", "apps", "deployments"), ("get", "apps", "statefulsets"), ("list", "", "pods")];

/// Looks at the cluster `name`, in these namespaces; the second is how far its clock is ahead, in seconds.
pub async fn look(
    net: &Outgoing,
    (name, api, token): (&str, &Url, Option<&Secret>),
    namespaces: &[String],
) -> (Vec<Finding>, Option<i64>) {
    let what = format!("cluster {name}");
    let version = match ask(net, api, token, "version", None).await {
        Ok(version) => version,
        Err(error) => return (vec![Finding::red(what, error.to_string(), error.remedy())], None),
    };
    let ahead = version.ahead(clock::now());
    if version.status == 401 {
        let remedy = format!("Put a fresh token of the bot's service account where `clusters.{name}.token` refers to.");
        return (vec![Finding::red(what, "the cluster does not accept the token", remedy)], ahead);
    }
    let Some(told) = version.text("/gitVersion") else {
        let seen = format!("the answer is not one of a Kubernetes API (status {})", version.status);
        let remedy = format!("Look whether `clusters.{name}.api` is the address of the cluster's API.");
        return (vec![Finding::red(what, seen, remedy)], ahead);
    };
    let mut found = vec![Finding::good(&what, format!("Kubernetes {told} answers"))];
    for namespace in namespaces {
        found.extend(may(net, api, token, (&what, namespace)).await);
    }
    (found, ahead)
}

/// What we may not read in a namespace.
async fn may(net: &Outgoing, api: &Url, token: Option<&Secret>, (what, namespace): (&str, &str)) -> Option<Finding> {
    let mut lacks = Vec::new();
    for (verb, group, resource) in READS {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": resource}},
        });
        let path = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = match ask(net, api, token, path, Some(&review)).await {
            Ok(answer) => answer,
            Err(error) => return Some(Finding::red(what, error.to_string(), error.remedy())),
        };
        match answer.body.pointer("/status/allowed").and_then(Value::as_bool) {
            Some(true) => {}
            Some(false) => lacks.push(format!("`{verb}` on {resource}")),
            None => {
                let seen =
                    format!("the cluster does not say what we may do in `{namespace}` (status {})", answer.status);
                return Some(Finding::note(what, seen, "Look whether a rollout there can be followed."));
            }
        }
    }
    let lacks = Some(lacks.join(", ")).filter(|lacks| !lacks.is_empty())?;
    let seen = format!("the bot may not {lacks} in `{namespace}`");
    Some(Finding::red(what, seen, "Give it to the bot's service account in that namespace."))
}

async fn ask(
    net: &Outgoing,
    api: &Url,
    token: Option<&Secret>,
    path: &str,
    body: Option<&Value>,
) -> Result<Look, NetError> {
    let headers = token.map(|token| as_bearer(token, api)).transpose()?.unwrap_or_default();
    net.look(&below(api, path)?, headers, body).await
}
