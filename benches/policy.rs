//! One decision with a hundred policies, from our facts to words, beside the same question put to Cedar alone with its
//! entities made beforehand. The limit is 100 microseconds. `rounds=N` for longer turns.

use std::{
    collections::{BTreeSet, HashSet},
    error::Error,
    hint::black_box,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use cedar_policy::{Authorizer, Context, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression};
use leverframe::core::{
    names::{CommandName, Environment, Service, Target},
    policy::{Circumstances, Known, LocalClock, Policy, Principal, Question, Standing},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How many policies a repository has.
const POLICIES: usize = 100;
/// What a decision may take.
const LIMIT: Duration = Duration::from_micros(100);

/// Policies as people write them: each for a service, a place or an hour.
fn policies() -> String {
    let one = |number: usize| {
        format!(
            "@id(\"p{number}\") @reason(\"because\") forbid (principal, action == Action::\"deploy\", resource)\n\
             when {{ resource.service == \"s{number}\" && context.local_hour >= {} }}\n\
             unless {{ principal in Group::\"g{number}\" || context.healthy_in.contains(\"staging\") }};\n",
            number % 24
        )
    };
    (0..POLICIES).map(one).collect()
}

/// The median of many rounds.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn median(rounds: u32, mut once: impl FnMut() -> bool) -> Outcome<Duration> {
    let mut taken = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        if !black_box(once()) {
            return Err("the question is answered with no".into());
        }
        taken.push(begun.elapsed());
    }
    taken.sort_unstable();
    taken.get(taken.len() / 2).copied().ok_or_else(|| "no rounds".into())
}

fn ours(text: &str, rounds: u32) -> Outcome<Duration> {
    let deploy = CommandName::parse("deploy")?;
    let actions = ["deploy", "status", "help", "audit"].map(CommandName::parse);
    let actions = actions.into_iter().collect::<Result<Vec<_>, _>>()?;
    let policy = Policy::load(Some(("policy.cedar", text)), &actions)?;
    let target = Target { service: Service::parse("checkout")?, environment: Environment::parse("prod")? };
    let principal = Principal {
        id: "ana".to_owned(),
        standing: Standing::Mapped,
        teams: BTreeSet::from(["shop".to_owned()]),
        groups: BTreeSet::from(["leads".to_owned()]),
    };
    let circumstances = Circumstances {
        freeze: Known::No,
        tag_exists: Known::Yes,
        healthy_in: BTreeSet::from(["staging".to_owned()]),
        clock: Some(LocalClock { hour: 10, weekday: "wed" }),
        replica_limits: Some((1, 50)),
        channel: "slack:C1".to_owned(),
        platform: "slack".to_owned(),
        ..Circumstances::default()
    };
    let question = Question {
        principal: &principal,
        action: &deploy,
        target: Some(&target),
        environment: None,
        team: Some("shop"),
        circumstances: &circumstances,
    };
    median(rounds, || matches!(policy.ask(&question), leverframe::core::policy::Verdict::Permitted))
}

fn cedar_alone(text: &str, rounds: u32) -> Outcome<Duration> {
    let permit = "@id(\"all\") permit (principal, action, resource);\n";
    let policies: PolicySet = format!("{permit}{text}").parse()?;
    let uid = |text: &str| text.parse::<EntityUid>().map_err(|error| error.to_string());
    let (ana, checkout) = (uid("Person::\"ana\"")?, uid("Target::\"checkout\"")?);
    let service = |name: &str| (name.to_owned(), RestrictedExpression::new_string("checkout".to_owned()));
    let entities = Entities::from_entities(
        [
            Entity::new(ana.clone(), [].into(), HashSet::new())?,
            Entity::new(checkout.clone(), [service("service")].into(), HashSet::new())?,
        ],
        None,
    )?;
    let staging = RestrictedExpression::new_set([RestrictedExpression::new_string("staging".to_owned())]);
    let pairs = [("local_hour".to_owned(), RestrictedExpression::new_long(10)), ("healthy_in".to_owned(), staging)];
    let request = Request::new(ana, uid("Action::\"deploy\"")?, checkout, Context::from_pairs(pairs)?, None)?;
    let authorizer = Authorizer::new();
    median(rounds, || {
        authorizer.is_authorized(&request, &policies, &entities).decision() == cedar_policy::Decision::Allow
    })
}

fn main() -> Outcome<()> {
    let rounds = std::env::args().find_map(|argument| argument.strip_prefix("rounds=")?.parse().ok()).unwrap_or(2_000);
    let text = policies();
    let (ours, alone) = (ours(&text, rounds)?, cedar_alone(&text, rounds)?);
    let mut out = io::stdout().lock();
    writeln!(out, "a decision with {POLICIES} policies: {ours:?} (limit {LIMIT:?}); Cedar alone {alone:?}")?;
    writeln!(out, "ours is {:.2} times Cedar alone", ours.as_secs_f64() / alone.as_secs_f64())?;
    Ok(())
}
