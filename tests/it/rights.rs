//! The rights that are shipped: what the bot asks of a cluster in a deploy, a break-glass and a drift is what
//! `deploy/rbac.yaml` gives, and each right there is needed by something, or is for a kind that the playground lacks.

use std::{collections::BTreeSet, fs, path::Path};

use leverframe::play::exchange::Exchange;
use serde::Deserialize as _;
use serde_json::json;
use serde_yaml::Value;

use crate::{
    cluster_calls::Described,
    together::{Chat, within},
};

/// One verb on one resource of a group, in one namespace or, where that is empty, anywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    namespace: String,
    group: String,
    resource: String,
    verb: String,
}

/// What the shipped roles give.
fn given() -> BTreeSet<Right> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rbac.yaml")).unwrap();
    let mut given = BTreeSet::new();
    for role in serde_yaml::Deserializer::from_str(&text).map(|one| Value::deserialize(one).unwrap()) {
        let namespace = match role["kind"].as_str().unwrap() {
            "ClusterRole" => "",
            "Role" => role["metadata"]["namespace"].as_str().unwrap(),
            _ => continue,
        };
        for rule in role["rules"].as_sequence().unwrap() {
            let all = |key: &str| rule[key].as_sequence().unwrap().iter().map(|one| one.as_str().unwrap().to_owned());
            for group in all("apiGroups") {
                for resource in all("resources") {
                    let right = |verb| Right {
                        namespace: namespace.to_owned(),
                        group: group.clone(),
                        resource: resource.clone(),
                        verb,
                    };
                    given.extend(all("verbs").map(right));
                }
            }
        }
    }
    given
}

/// The right that a request takes; none for what everybody may (`/version`, what one may do).
fn taken(exchange: &Exchange) -> Option<Right> {
    let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
    let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match steps.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", "authorization.k8s.io", ..] | ["version"] => return None,
        ["apis", group, _, rest @ ..] => (*group, rest),
        other => panic!("not one of Kubernetes' paths: {other:?}"),
    };
    let (namespace, resource, name) = match rest {
        ["namespaces", namespace, resource] => (*namespace, *resource, None),
        ["namespaces", namespace, resource, name] => (*namespace, *resource, Some(*name)),
        [resource] => ("", *resource, None),
        other => panic!("neither a resource nor one of it: {other:?}"),
    };
    let verb = match (exchange.method.as_str(), name) {
        ("GET", None) if query.contains("watch=true") => "watch",
        ("GET", None) => "list",
        ("GET", Some(_)) => "get",
        ("PATCH", Some(_)) => "patch",
        (method, _) => panic!("the bot never sends {method} {path}"),
    };
    let [namespace, group, resource, verb] = [namespace, group, resource, verb].map(str::to_owned);
    Some(Right { namespace, group, resource, verb })
}

/// A role of the whole cluster gives it anywhere.
fn by(right: &Right, given: &BTreeSet<Right>) -> Option<Right> {
    let everywhere = Right { namespace: String::new(), ..right.clone() };
    [right.clone(), everywhere].into_iter().find(|one| given.contains(one))
}

/// A deploy to each cluster, a break-glass in each, and a drift that is restored.
async fn everything(chat: &Chat) {
    for (deploy, approver) in [("/deploy search staging v2.1.1", None), ("/deploy search prod v2.1.1", Some("bo"))] {
        assert_eq!(chat.says("ana", deploy).await, "");
        chat.settled().await;
        if let Some(approver) = approver {
            assert_eq!(chat.presses(approver, "Approve").await, "");
        }
        chat.card_says("Live: ").await;
    }
    for environment in ["prod", "staging"] {
        assert_eq!(chat.says("ana", &format!("/breakglass scale checkout {environment} 5")).await, "");
        chat.card_says(&format!("break glass: scale checkout in {environment}")).await;
        chat.settled().await;
        assert_eq!(chat.presses("cleo", "Approve").await, "");
        let live = async {
            while chat.count("debt.live") < if environment == "prod" { 1 } else { 2 } {
                chat.settled().await;
                tokio::task::yield_now().await;
            }
        };
        within("the cluster to be changed", live).await;
    }
    let cluster = &chat.world.clusters["prod"];
    cluster.remake("cart-prod", &json!({"spec": {"syncPolicy": {"automated": null}}}));
    assert!(cluster.scale_by_hand("cart", 1));
    chat.card_says("drift: replicas of cart in prod").await;
    within("the watches", chat.bot.engine.has_seen(&chat.world.versions())).await;
    chat.settled().await;
}

/// Each call, and each answer to it, is as Kubernetes, Argo CD and Flux describe it.
fn conform(chat: &Chat) {
    let Some(described) = Described::here() else { return };
    let mut judged = BTreeSet::new();
    for cluster in chat.world.clusters.values() {
        judged.extend(cluster.server().exchanges().all().iter().filter_map(|exchange| described.judge(exchange)));
    }
    let judged: Vec<String> = judged.into_iter().collect();
    let told = [
        "GET /pods",
        "GET apps/deployments",
        "GET apps/statefulsets",
        "GET argoproj.io/applications",
        "GET autoscaling/horizontalpodautoscalers",
        "GET kustomize.toolkit.fluxcd.io/kustomizations",
        "GET source.toolkit.fluxcd.io/gitrepositories",
        "PATCH apps/deployments",
        "PATCH argoproj.io/applications",
        "PATCH kustomize.toolkit.fluxcd.io/kustomizations",
        "PATCH source.toolkit.fluxcd.io/gitrepositories",
    ];
    assert_eq!(judged, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_rights_suffice_and_each_is_needed() {
    let chat = Chat::start().await;
    everything(&chat).await;
    let given = given();
    let mut used = BTreeSet::new();
    for (name, cluster) in &chat.world.clusters {
        for exchange in cluster.server().exchanges().all() {
            let Some(right) = taken(&exchange) else { continue };
            match by(&right, &given) {
                Some(right) => drop(used.insert(right)),
                None => panic!("nothing gives {right:?}, which {} {} takes in {name}", exchange.method, exchange.path),
            }
        }
    }
    conform(&chat);
    // Whatever is stripped, something that was asked here fails, but for what the playground has none of.
    let absent = ["statefulsets", "applicationsets", "helmreleases", "ocirepositories"];
    let idle: Vec<&Right> = given.difference(&used).filter(|one| !absent.contains(&one.resource.as_str())).collect();
    let told: Vec<String> = idle.iter().map(|one| format!("{} {}", one.verb, one.resource)).collect();
    // An autoscaler is read and raised by its name only where one has the count.
    assert_eq!(told, ["get horizontalpodautoscalers", "patch horizontalpodautoscalers"], "{idle:#?}");
}
