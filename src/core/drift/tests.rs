//! Every state of a drift with every event: a table to be read; and what is read of objects as clusters give them.

use std::fmt::Write as _;

use serde_json::json;

use super::{sighting::Writer, *};
use crate::core::{
    break_glass::Kind,
    names::{ConnectionName, Environment, Service},
};

fn actor() -> Actor {
    Actor { person: None, account: Some("slack:U1".to_owned()), via: "slack".to_owned() }
}

fn id() -> RequestId {
    RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap()
}

fn seen() -> Opened {
    let target =
        Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() };
    let object = Object {
        cluster: ConnectionName::parse("prod").unwrap(),
        kind: Kind::Deployment,
        namespace: "checkout".to_owned(),
        name: "checkout".to_owned(),
    };
    Opened {
        target,
        object,
        uid: "u".to_owned(),
        field: Field::Replicas,
        way: Way { pointer: "/spec/replicas".to_owned(), from: 3.into(), to: 10.into() },
        beside: Vec::new(),
        git: "3".to_owned(),
        live: "10".to_owned(),
        by: None,
        follower: None,
        undoes: Undoes::AtOnce,
        weight: Weight::Report,
        first: First::Hold,
        call: Vec::new(),
        channel: "slack:C1".to_owned(),
    }
}

fn states() -> Vec<State> {
    vec![
        State::Open { halted: None },
        State::Kept { glass: id() },
        State::Restoring { by: actor() },
        State::Left { by: actor(), until: Timestamp::UNIX_EPOCH },
        State::Over { ending: Ending::Gone, by: actor(), at: Timestamp::UNIX_EPOCH },
    ]
}

fn events() -> Vec<Event> {
    vec![
        Event::Moved(Box::new(seen())),
        Event::Again(Box::new(seen())),
        Event::Kept { glass: id() },
        Event::Restoring { by: actor() },
        Event::Left { by: actor(), until: Timestamp::UNIX_EPOCH },
        Event::Halted { why: "no".to_owned() },
        Event::Returned,
        Event::Reminded,
        Event::Ended(Ending::Restored, actor()),
    ]
}

#[test]
fn every_state_with_every_event() {
    let mut table = String::new();
    for state in states() {
        let _ = write!(table, "{}:", state.word());
        for event in events() {
            if let Ok(after) = state.clone().after(event.clone(), Timestamp::UNIX_EPOCH) {
                let _ = write!(table, " [{} -> {}]", event.kind(), after.word());
            }
        }
        table.push('\n');
    }
    let expected = "\
open: [drift.moved -> open] [drift.kept -> kept as it is] [drift.restoring -> being given back] \
[drift.left -> left to somebody else] [drift.reminded -> open] [drift.ended -> over]
kept as it is: [drift.halted -> open] [drift.reminded -> kept as it is] [drift.ended -> over]
being given back: [drift.halted -> open] [drift.reminded -> being given back] [drift.ended -> over]
left to somebody else: [drift.moved -> left to somebody else] [drift.returned -> open] \
[drift.reminded -> left to somebody else] [drift.ended -> over]
over: [drift.again -> open]
";
    assert_eq!(table, expected);
}

#[test]
fn what_is_fewer_and_who_wrote_it() {
    assert_eq!(seen().loses(), Some(7));
    assert_eq!(Opened { live: "2".to_owned(), ..seen() }.loses(), None);
    assert_eq!(Opened { field: Field::ImageTag, ..seen() }.loses(), None);
    let writer = |manager: &str| Hand { manager: manager.to_owned(), at: None }.writer();
    for (manager, expected) in [
        ("kubectl", Writer::SomebodyElse),
        ("kubectl-client-side-apply", Writer::SomebodyElse),
        ("argocd-controller", Writer::Follower),
        ("kustomize-controller", Writer::Follower),
        ("helm", Writer::Follower),
        ("kube-controller-manager", Writer::Controller),
        ("keda-operator", Writer::Controller),
        ("leverframe", Writer::Us),
        ("k9s", Writer::SomebodyElse),
    ] {
        assert_eq!(writer(manager), expected, "{manager}");
    }
}

#[test]
fn of_an_object_the_newest_owner_of_each_value_is_kept() {
    let container = json!({"k:{\"name\":\"app\"}": {"f:image": {}}});
    let object = json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "u", "managedFields": [
            {"manager": "argocd-controller", "time": "2026-11-21T01:00:00Z",
             "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": container}}}}},
            {"manager": "kubectl", "subresource": "scale", "time": "2026-11-21T03:00:00Z",
             "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kube-controller-manager", "subresource": "status", "time": "2026-11-21T04:00:00Z",
             "fieldsV1": {"f:status": {"f:replicas": {}}}},
        ]},
        "spec": {"replicas": 10, "template": {"spec": {"containers": [
            {"name": "proxy", "image": "istio/proxy:1"}, {"name": "app", "image": "r.example:5000/shop/web:v2@sha256:ab"},
        ]}}},
    });
    let seen = Sighting::of(Kind::Deployment, &object);
    let count = seen.value(&Field::Replicas, None).unwrap();
    assert_eq!((count.live.as_str(), count.by.unwrap().manager.as_str()), ("10", "kubectl"));
    let image = seen.value(&Field::ImageTag, Some("r.example:5000/shop/web")).unwrap();
    assert_eq!((image.live.as_str(), image.pointer.as_str()), ("v2", "/spec/template/spec/containers/1/image"));
    assert_eq!(image.by.as_ref().unwrap().manager, "argocd-controller");
    assert_eq!(image.way_from("v1").unwrap().from, json!("r.example:5000/shop/web:v1"));
    // Which of several is meant is not guessed, and a digest alone is no tag.
    assert_eq!(seen.value(&Field::ImageTag, Some("r.example/other")), None);
    let by_digest =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "r/web@sha256:ab"}]}}}});
    assert_eq!(Sighting::of(Kind::Deployment, &by_digest).value(&Field::ImageTag, Some("r/web")), None);
    assert_eq!(Sighting::of(Kind::Deployment, &by_digest).replicas, 1, "as Kubernetes assumes");
}
