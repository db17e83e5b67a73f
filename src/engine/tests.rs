//! The engine without anything outside: what must hold when whoever asked goes away, or asks twice.

use std::time::Duration;

use futures::FutureExt as _;

use super::*;
use crate::{
    clock,
    core::{
        change::{Plan, SourceFile},
        decide::{Asked, Click, Facts, Planning, Press, decide},
        matters::Matters,
        names::{CommandName, CommitId, Digest, Environment, RepoPath, Service, Target},
        request,
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
        ssh: "ssh".into(),
        key: None,
    };
    let net = Outgoing::new(&Tls::default()).unwrap();
    let mirror = Mirror::open(source, net.client().clone(), tokio::runtime::Handle::current()).unwrap();
    let repository =
        Repository { name, url: String::new(), branch: "main".to_owned(), mirror, forge: None, page: None };
    let tasks = Tasks::default();
    let registries = Registries::new(&net, BTreeMap::new(), tasks.clone());
    let (others, clusters) = (BTreeMap::new(), BTreeMap::new());
    let reach =
        Reach { repository, others, clusters, chats: Chats::default(), accounts: None, registries, pagers: Vec::new() };
    let ledger = Ledger::open(&folder.join("ledger"), clock::now()).unwrap().ledger;
    let engine = Engine::new(reach, ledger, tasks).unwrap();
    engine.inner.rules.send_replace(Some(Arc::new(rules())));
    engine
}

fn plan() -> Plan {
    let digest = Digest::of(b"plan");
    let base = CommitId::parse(&"a".repeat(40)).unwrap();
    Plan {
        digest: digest.clone(),
        base,
        policy: digest,
        edits: vec![],
        lines: vec![],
        diff: String::new(),
        exact: vec![],
        aside: None,
        live: None,
        legs: Vec::new(),
    }
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
        tag: None,
        with: Vec::new(),
        planning,
        debt: None,
        lasts: None,
        begins: None,
        gives_back: None,
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
        while engine.requests(9).await.is_empty() {
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
    let request = engine.requests(9).await.first().unwrap().id.clone();
    let click = || Click {
        asker: engine.asker("slack:U2", "slack"),
        request: request.clone(),
        press: Press::Approve,
        digest: plan().digest.short().to_owned(),
        channel: "slack:C1".to_owned(),
        message: "1.0".to_owned(),
        barred: None,
        why: None,
    };
    for _ in 0..3 {
        let answer = engine.take(Incoming::Clicked(click()), Some("slack:click:1".to_owned())).await;
        assert_eq!(answer, Reply::Taken);
    }
    assert_eq!(engine.ledger().len(), 3, "opened, planned, approved by one");
}

/// Commits files to the branch of the repository that [`engine`] reads.
fn push(folder: &std::path::Path, message: &str, files: &[(&str, &str)]) -> String {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).initial_head("main");
    let repository = git2::Repository::init_opts(folder.join("nowhere.git"), &options).unwrap();
    let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
    let base = parent.as_ref().map(|parent| parent.tree().unwrap());
    let mut update = git2::build::TreeUpdateBuilder::new();
    for (path, text) in files {
        update.upsert(*path, repository.blob(text.as_bytes()).unwrap(), git2::FileMode::Blob);
    }
    let empty = || repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let tree = update.create_updated(&repository, &base.unwrap_or_else(empty)).unwrap();
    let tree = repository.find_tree(tree).unwrap();
    let now = git2::Time::new(clock::now().as_second(), 0);
    let who = git2::Signature::new("Cy", "cy@example.com", &now).unwrap();
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    repository.commit(Some("refs/heads/main"), &who, &who, message, &tree, &parents).unwrap().to_string()
}

fn tip(folder: &std::path::Path) -> String {
    let repository = git2::Repository::open_bare(folder.join("nowhere.git")).unwrap();
    repository.refname_to_id("refs/heads/main").unwrap().to_string()
}

const KUSTOMIZATION: &str = "images:\n- name: checkout\n  newTag: v1\n";

/// A request in the ledger, approved by one so many minutes ago and about to be pushed.
async fn about_to_push(folder: &std::path::Path, minutes: i64) -> RequestId {
    let at = clock::now().checked_sub(jiff::SignedDuration::from_mins(minutes)).unwrap();
    let ledger = Ledger::open(&folder.join("ledger"), at).unwrap().ledger;
    let rules = rules();
    let id = clock::request_id(at);
    let asker = |person: &str, account: &str| Asker {
        account: account.to_owned(),
        via: "slack".to_owned(),
        person: Some(crate::core::names::PersonId::parse(person).unwrap()),
    };
    let asked = Incoming::Asked(Box::new(Asked {
        id: id.clone(),
        asker: asker("ana", "slack:U1"),
        command: CommandName::parse("deploy").unwrap(),
        words: "deploy checkout prod v2".to_owned(),
        target: Target {
            service: Service::parse("checkout").unwrap(),
            environment: Environment::parse("prod").unwrap(),
        },
        title: "deploy checkout v2 to prod".to_owned(),
        reason: None,
        channel: "slack:C1".to_owned(),
        tag: None,
        with: Vec::new(),
        planning: Planning::Planned(plan()),
        debt: None,
        lasts: None,
        begins: None,
        gives_back: None,
    }));
    let requests = BTreeMap::new();
    let mut entries = decide(
        &asked,
        Facts {
            now: at,
            rules: Some(&rules),
            requests: &requests,
            matters: &Matters::default(),
            freezes: &Default::default(),
        },
    )
    .entries;
    let vote = request::Vote { actor: asker("bo", "slack:U2").actor(), digest: plan().digest, at };
    entries.push(request::Event::Voted(vote.clone()).draft(&id, vote.actor));
    entries.push(request::Event::Approved.draft(&id, crate::core::decide::ourselves()));
    let intent = crate::core::entry::Draft::new("push.intent", request::subject(&id), crate::core::decide::ourselves());
    entries.push(intent.with("branch", "main").with("digest", plan().digest));
    ledger.append(Append { at, drafts: entries, seen: None }).await.unwrap();
    ledger.close().await;
    id
}

async fn until(engine: &Engine, id: &RequestId, is: impl Fn(&Request) -> bool) -> Request {
    let wanted = async {
        loop {
            match engine.inner.request(id).await {
                Some(request) if is(&request) => return request,
                Some(_) | None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wanted).await.expect("the request comes to that state")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_before_a_long_outage_is_found_and_not_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let id = about_to_push(folder.path(), 20).await;
    let message = format!("deploy checkout v2 to prod\n\nLeverframe-Request: {id}\n");
    let commit = push(folder.path(), &message, &[("apps/checkout/prod/kustomization.yaml", KUSTOMIZATION)]);
    let engine = engine(folder.path());
    effects::kick(&engine.inner, id.clone());
    let request = until(&engine, &id, |request| !matches!(request.state, request::State::Landing(_))).await;
    assert_eq!(request.commit().map(CommitId::as_str), Some(commit.as_str()), "{}", request.outcome_word());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_committed_on_rules_that_policy_has_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let one = CATALOG.replace("count: 2", "count: 1");
    let service = ("apps/checkout/prod/kustomization.yaml", KUSTOMIZATION);
    push(folder.path(), "start", &[(".leverframe/catalog.yaml", &one), service]);
    let engine = engine(folder.path());
    engine.inner.tasks.start(outside::keep(Arc::clone(&engine.inner)));
    rules::refresh(&engine.inner, &engine.inner.reach.repository).await.unwrap();
    let words = Typed {
        account: "slack:U1".to_owned(),
        via: "slack".to_owned(),
        channel: "slack:C1".to_owned(),
        invoked: "deploy".to_owned(),
        said: Said::Text("checkout prod v2".to_owned()),
    };
    let incoming = facts::read(&engine.inner, words).await.unwrap();
    assert_eq!(engine.take(incoming, None).await, Reply::Taken);
    let id = engine.requests(9).await.first().unwrap().id.clone();
    let request = until(&engine, &id, |request| request.course().is_some()).await;
    let quiet = tokio::time::timeout(Duration::from_secs(20), engine.settled());
    quiet.await.expect("it comes to rest");
    let stricter = push(folder.path(), "two must approve", &[(".leverframe/catalog.yaml", CATALOG)]);
    let click = Click {
        asker: engine.asker("slack:U2", "slack"),
        request: id.clone(),
        press: Press::Approve,
        digest: request.course().unwrap().plan.digest.short().to_owned(),
        channel: "slack:C1".to_owned(),
        message: "1.0".to_owned(),
        barred: None,
        why: None,
    };
    assert_eq!(engine.take(Incoming::Clicked(click), None).await, Reply::Taken);
    let request = until(&engine, &id, |request| {
        request.commit().is_some() || request.course().is_some_and(|course| course.replanned.is_some())
    });
    let request = request.await;
    assert_eq!(tip(folder.path()), stricter, "{}", request.outcome_word());
}
