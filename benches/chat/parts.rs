//! What the parts of a `/deploy` take alone: the signature, the policy, the verified edit, the durable entry.

use std::{
    io,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use leverframe::{
    chat::slack::verify::verify,
    clock,
    core::{
        catalog::Catalog,
        decide::principal,
        entry::{Actor, Draft},
        names::{CommandName, Environment, Service, Target},
        policy::{Circumstances, Policy, Question},
        yaml::{self, Assignment, Document, Path},
    },
    ledger::{Append, Ledger},
    play::slack::signature,
    secret::Secret,
};

use super::{Outcome, form};

/// How often each part is done alone.
const ALONE: u32 = 2_000;

/// What the parts of a `/deploy` take alone.
pub(crate) async fn alone(out: &mut impl io::Write, secret: &Secret) -> Outcome<Duration> {
    let (body, now) = (form("/deploy", "checkout staging v1.2.5", 1), clock::now());
    let mut headers = HeaderMap::new();
    for (name, value) in signature::headers(secret, &now.as_second().to_string(), &body) {
        headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value)?);
    }
    let body = Bytes::from(body);
    let signed = each(|| Ok(verify(secret, &headers, body.clone(), now)?))?;
    let action = CommandName::parse("deploy")?;
    let actions = ["deploy", "status", "help", "audit"].map(CommandName::parse);
    let policy = Policy::load(None, &actions.into_iter().collect::<Result<Vec<_>, _>>()?)?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/.leverframe/catalog.yaml");
    let catalog = Catalog::parse(&std::fs::read_to_string(file)?, file)?;
    let actor = Actor { person: None, account: Some("slack:U0ANA".into()), via: "slack".into() };
    let (principal, circumstances) = (principal(&catalog, &actor), Circumstances::default());
    let target = Target { service: Service::parse("checkout")?, environment: Environment::parse("staging")? };
    let decided = each(|| {
        let (principal, action, circumstances) = (&principal, &action, &circumstances);
        let target = Some(&target);
        let question = Question { principal, action, target, environment: None, team: None, circumstances };
        Ok(policy.ask(&question))
    })?;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/apps/checkout/staging/kustomization.yaml");
    let (text, place) = (std::fs::read_to_string(path)?, Path::parse("images[0].newTag")?);
    let set = [Assignment::new(Document::default(), place, "v1.2.5")];
    let edited = each(|| Ok(yaml::set(&text, &set)?))?;
    let appended = appended().await?;
    let sum = signed + decided + edited + appended;
    writeln!(
        out,
        "alone: signature {signed:.2?}, policy {decided:.2?}, edit {edited:.2?}, append (64 at once) {appended:.2?}; \
         together {sum:.2?}, {:.0} a second",
        1.0 / sum.as_secs_f64()
    )?;
    Ok(sum)
}

/// What something takes, done again and again.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn each<T>(what: impl Fn() -> Outcome<T>) -> Outcome<Duration> {
    let started = Instant::now();
    for _ in 0..ALONE {
        std::hint::black_box(what()?);
    }
    Ok(started.elapsed() / ALONE)
}

/// What an entry takes until it is durable, where many are on their way.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn appended() -> Outcome<Duration> {
    let folder = tempfile::tempdir()?;
    let ledger = Ledger::open(folder.path(), Timestamp::UNIX_EPOCH)?.ledger;
    let started = Instant::now();
    for _ in 0..ALONE / 64 {
        let append = |number: u32| {
            let actor = Actor { person: None, account: Some("slack:U0ANA".into()), via: "slack".into() };
            let draft = Draft::new("request.opened", format!("request/{number}"), actor).with("service", "checkout");
            ledger.append(Append { at: Timestamp::UNIX_EPOCH, drafts: vec![draft], seen: None })
        };
        for outcome in futures::future::join_all((0..64).map(append)).await {
            outcome?;
        }
    }
    let took = started.elapsed() / (ALONE / 64 * 64);
    ledger.close().await;
    Ok(took)
}
