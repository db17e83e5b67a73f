//! The engine without anything outside: what must hold when whoever asked goes away, or asks twice.

use std::time::Duration;

use futures::FutureExt as _;

use super::*;
use crate::{
    core::{
        change::{Plan, SourceFile},
        decide::{Asked, Click, Planning, Press},
        names::{CommandName, CommitId, Digest, Environment, RepoPath, Service, Target},
    },
    git::Source,
    net::{Outgoing, Tls},
};

const CATALOG: &str = "\
environments:
  prod: { path: 'apps/{service}/prod', landing: commit, approvals: { deploy: { count: 2 } } }
people:
  ana: { slack: U1 }
  bo: { slack: U2 }
";

fn rules() -> Rules {
    let path = RepoPath::parse(".leverframe/catalog.yaml").unwrap();
    let catalog = SourceFile { path, text: CATALOG.to_owned(), blob: String::new() };
    Rules::read(CommitId::parse(&"a".repeat(40)).unwrap(), &[catalog], &[]).unwrap()
}

/// An engine whose repository cannot be reached.
fn engine(folder: &std::path::Path) -> Engine {
    let name = ConnectionName::parse("deployments").unwrap();
    let source = Source {
        name: name.clone(),
        url: format!("file://{}/nowhere.git", folder.display()),
        branch: "main".to_owned(),
        credentials: None,
        directory: folder.join("mirror.git"),
    };
    let net = Outgoing::new(&Tls::default()).unwrap();
    let mirror = Mirror::open(source, net.client().clone(), tokio::runtime::Handle::current()).unwrap();
    let repository = Repository { name, branch: "main".to_owned(), mirror, forge: None, page: None };
    let reach = Reach { repository, clusters: BTreeMap::new(), slack: None };
    let ledger = Ledger::open(&folder.join("ledger"), clock::now()).unwrap().ledger;
    let engine = Engine::new(reach, ledger, Tasks::default()).unwrap();
    engine.inner.rules.send_replace(Some(Arc::new(rules())));
    engine
}

fn plan() -> Plan {
    let digest = Digest::of(b"plan");
    let base = CommitId::parse(&"a".repeat(40)).unwrap();
    Plan { digest: digest.clone(), base, policy: digest, edits: vec![], lines: vec![], diff: String::new() }
}

fn asked(engine: &Engine, planning: Planning) -> Incoming {
    Incoming::Asked(Box::new(Asked {
        id: clock::request_id(clock::now()),
        asker: engine.asker("slack:U1", "slack"),
        command: CommandName::parse("deploy").unwrap(),
        words: "deploy checkout prod v2".to_owned(),
        target: Target {
            service: Service::parse("checkout").unwrap(),
            environment: Environment::parse("prod").unwrap(),
        },
        title: "deploy checkout v2 to prod".to_owned(),
        reason: None,
        channel: "slack:C1".to_owned(),
        planning,
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_not_lost_when_whoever_asked_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    // A connection that ends drops the work on its request wherever it stands.
    let answer = engine.take(asked(&engine, Planning::Later), None).now_or_never();
    assert_eq!(answer, None, "it is not answered before it is durable");
    let known = async {
        while engine.requests().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), known).await.expect("what the ledger holds is known to the engine");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_gets_the_same_answer_whatever_happened_since() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    assert_eq!(engine.take(asked(&engine, Planning::Planned(plan())), None).await, Reply::Taken);
    let request = engine.requests().await.first().unwrap().id.clone();
    let click = || Click {
        asker: engine.asker("slack:U2", "slack"),
        request: request.clone(),
        press: Press::Approve,
        digest: plan().digest.short().to_owned(),
        channel: "slack:C1".to_owned(),
        message: "1.0".to_owned(),
        barred: None,
    };
    for _ in 0..3 {
        let answer = engine.take(Incoming::Clicked(click()), Some("slack:click:1".to_owned())).await;
        assert_eq!(answer, Reply::Taken);
    }
    assert_eq!(engine.ledger().len(), 3, "opened, planned, approved by one");
}
