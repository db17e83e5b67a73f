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

/// What drift is seen by, over the whole cluster.
const WATCHES: [(&str, &str, &str); 6] = [
    ("list", "apps", "deployments"),
    ("watch", "apps", "deployments"),
    ("list", "apps", "statefulsets"),
    ("watch", "apps", "statefulsets"),
    ("list", "autoscaling", "horizontalpodautoscalers"),
    ("watch", "autoscaling", "horizontalpodautoscalers"),
];

/// What nobody should let us do.
const TOO_MUCH: [(&str, &str, &str); 1] = [("get", "", "secrets")];

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
    found.extend(sees_drift(net, api, token, &what).await);
    (found, ahead)
}

/// What is missing to see drift, and what is too much.
async fn sees_drift(net: &Outgoing, api: &Url, token: Option<&Secret>, what: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Ok(lacks) = lacking(net, api, token, (&WATCHES, "")).await
        && !lacks.is_empty()
    {
        let seen = format!("drift cannot be seen: the bot may not {} over the whole cluster", lacks.join(", "));
        found.push(Finding::note(what, seen, "Give it the rights of `leverframe-watch` in `deploy/rbac.yaml`."));
    }
    if let Ok(lacks) = lacking(net, api, token, (&TOO_MUCH, "")).await
        && lacks.is_empty()
    {
        let seen = "the bot may read every Secret, which it never does";
        found.push(Finding::red(what, seen, "Take that away: `deploy/rbac.yaml` has all that it needs."));
    }
    found
}

/// Which of these we may not do in a namespace; empty stands for all. `Err`: what we may do cannot be told.
async fn lacking(
    net: &Outgoing,
    api: &Url,
    token: Option<&Secret>,
    (wanted, namespace): (&[(&str, &str, &str)], &str),
) -> Result<Vec<String>, Untold> {
    let mut lacks = Vec::new();
    for (verb, group, resource) in wanted {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": resource}},
        });
        let path = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = ask(net, api, token, path, Some(&review)).await.map_err(Untold::Net)?;
        match answer.body.pointer("/status/allowed").and_then(Value::as_bool) {
            Some(true) => {}
            Some(false) => lacks.push(format!("`{verb}` on {resource}")),
            None => return Err(Untold::Status(answer.status)),
        }
    }
    Ok(lacks)
}

/// Why it cannot be told what we may do.
enum Untold {
    Net(NetError),
    Status(u16),
}

/// What we may not read in a namespace.
async fn may(net: &Outgoing, api: &Url, token: Option<&Secret>, (what, namespace): (&str, &str)) -> Option<Finding> {
    let lacks = match lacking(net, api, token, (&READS, namespace)).await {
        Ok(lacks) => lacks,
        Err(Untold::Net(error)) => return Some(Finding::red(what, error.to_string(), error.remedy())),
        Err(Untold::Status(status)) => {
            let seen = format!("the cluster does not say what we may do in `{namespace}` (status {status})");
            return Some(Finding::note(what, seen, "Look whether a rollout there can be followed."));
        }
    };
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
