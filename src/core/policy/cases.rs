//! A policy's own test cases, `.leverframe/policy_tests.yaml`: who, what, where and which facts, and what must come of it.
//! `leverframe check` runs them; what is not said is as in peace.

use std::collections::BTreeSet;

use super::{Circumstances, Known, LocalClock, Policy, Question, Verdict};
use crate::core::{
    catalog::{Catalog, Severity, Team},
    decide::principal,
    entry::Actor,
    located::{self, Fields, Node, Problem, Problems, Value},
    names::{CommandName, Environment, PersonId, Service, Target},
};

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its line in the file.
    pub line: usize,
    /// Who asks: a person of the catalog; absent: an account that nobody mapped.
    pub who: Option<PersonId>,
    /// What.
    pub command: CommandName,
    /// Of what.
    pub service: Service,
    /// Where.
    pub environment: Environment,
    /// The facts.
    pub facts: Circumstances,
    /// What must come of it.
    pub expected: Expected,
}

/// What must come of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It is permitted.
    Allowed,
    /// The policy with this id forbids it.
    DeniedBy(String),
}

/// The cases of a repository.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cases(Vec<Case>);

const KEYS: [&str; 7] = ["who", "command", "service", "environment", "facts", "allowed", "denied_by"];
const FACTS: [&str; 14] = [
    "freeze",
    "tag_exists",
    "locked",
    "replicas_before",
    "replicas_after",
    "healthy_in",
    "healthy_minutes",
    "image_pinned",
    "incident_severity",
    "open_debt",
    "local_hour",
    "weekday",
    "recent_requests",
    "channel",
];
const KNOWN: [(&str, Known); 3] = [("yes", Known::Yes), ("no", Known::No), ("unknown", Known::Unknown)];
const WEEKDAYS: [(&str, &str); 7] =
    [("mon", "mon"), ("tue", "tue"), ("wed", "wed"), ("thu", "thu"), ("fri", "fri"), ("sat", "sat"), ("sun", "sun")];
/// When nothing is said: a Wednesday morning.
const IN_PEACE: LocalClock = LocalClock { hour: 10, weekday: "wed" };

impl Cases {
    /// Reads `tests: [...]`.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(text: &str, file: &str) -> Result<Self, Problems> {
        let root = located::parse(text).map_err(|list| Problems::new(file, list))?;
        let mut problems = Vec::new();
        let fields = root.fields(&["tests"], &mut problems);
        let tests = fields.required(
            "tests",
            "tests: [{ who: ana, command: deploy, service: checkout, environment: prod, allowed: true }]",
            &mut problems,
        );
        let items = tests.map_or(&[] as &[Node], |node| node.items(&mut problems));
        let cases: Vec<Case> = items.iter().filter_map(|node| case(node, &mut problems)).collect();
        if problems.is_empty() { Ok(Self(cases)) } else { Err(Problems::new(file, problems)) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs all; a line for each that comes out otherwise than it says.
    pub fn run(&self, policy: &Policy, catalog: &Catalog) -> Vec<String> {
        self.0.iter().filter_map(|case| case.fails(policy, catalog)).collect()
    }
}

impl Case {
    fn fails(&self, policy: &Policy, catalog: &Catalog) -> Option<String> {
        let account = self.who.is_none().then(|| "slack:unmapped".to_owned());
        let actor = Actor { person: self.who.clone(), account, via: "slack".to_owned() };
        let target = Target { service: self.service.clone(), environment: self.environment.clone() };
        let verdict = policy.ask(&Question {
            principal: &principal(catalog, &actor),
            action: &self.command,
            target: Some(&target),
            environment: None,
            team: catalog.team_of(&self.service).map(Team::as_str),
            circumstances: &self.facts,
        });
        let found = match &verdict {
            Verdict::Permitted => Expected::Allowed,
            Verdict::Denied(denial) => Expected::DeniedBy(denial.policy.clone()),
        };
        let words = |expected: &Expected| match expected {
            Expected::Allowed => "allowed".to_owned(),
            Expected::DeniedBy(id) => format!("denied by `{id}`"),
        };
        let who = self.who.as_ref().map_or_else(|| "somebody unmapped".to_owned(), ToString::to_string);
        let what = format!("{}: {who}, {} {target}", self.line, self.command);
        (found != self.expected).then(|| format!("{what}: expected {}, found {}", words(&self.expected), words(&found)))
    }
}

fn case(node: &Node, problems: &mut Vec<Problem>) -> Option<Case> {
    let fields = node.fields(&KEYS, problems);
    let who = fields.get("who").map(|node| node.named(PersonId::parse, problems));
    let command = fields.required("command", "command: deploy", problems);
    let command = command.and_then(|node| node.named(CommandName::parse, problems));
    let service = fields.required("service", "service: checkout", problems);
    let service = service.and_then(|node| node.named(Service::parse, problems));
    let environment = fields.required("environment", "environment: prod", problems);
    let environment = environment.and_then(|node| node.named(Environment::parse, problems));
    let facts = fields.get("facts").map_or_else(in_peace, |node| facts(node, problems));
    let expected = expected(fields, problems);
    Some(Case {
        line: node.place.line,
        who: match who {
            Some(who) => Some(who?),
            None => None,
        },
        command: command?,
        service: service?,
        environment: environment?,
        facts,
        expected: expected?,
    })
}

fn expected(fields: Fields<'_>, problems: &mut Vec<Problem>) -> Option<Expected> {
    match (fields.get("allowed"), fields.get("denied_by")) {
        (Some(node), None) if node.flag(problems) == Some(true) => Some(Expected::Allowed),
        (None, Some(node)) => node.text(problems).map(|id| Expected::DeniedBy(id.to_owned())),
        (_, _) => {
            problems.push(fields.missing("allowed: true` or `denied_by", "denied_by: frozen"));
            None
        }
    }
}

fn in_peace() -> Circumstances {
    Circumstances { freeze: Known::No, owes: Known::No, clock: Some(IN_PEACE), ..Circumstances::default() }
}

fn facts(node: &Node, problems: &mut Vec<Problem>) -> Circumstances {
    let fields = node.fields(&FACTS, problems);
    let mut facts = in_peace();
    if let Some(known) = fields.get("freeze").and_then(|node| node.choice(&KNOWN, problems)) {
        facts.freeze = known;
    }
    if let Some(known) = fields.get("tag_exists").and_then(|node| node.choice(&KNOWN, problems)) {
        facts.tag_exists = known;
    }
    if let Some(known) = fields.get("image_pinned").and_then(|node| node.choice(&KNOWN, problems)) {
        facts.image_pinned = known;
    }
    if let Some(known) = fields.get("open_debt").and_then(|node| node.choice(&KNOWN, problems)) {
        facts.owes = known;
    }
    let severity = fields.get("incident_severity").and_then(|node| node.named(Severity::parse, problems));
    facts.incident = severity.map(|severity| severity.to_string());
    let locked = fields.get("locked").and_then(|node| node.flag(problems)).unwrap_or(false);
    facts.locked = locked.then(|| "it is locked".to_owned());
    let mut number = |key: &str| fields.get(key).and_then(|node| node.count(problems)).map(i64::from);
    facts.replicas_before = number("replicas_before");
    facts.replicas_after = number("replicas_after");
    facts.recent_requests = number("recent_requests").unwrap_or(0);
    facts.healthy_minutes = number("healthy_minutes").unwrap_or(0);
    let hour = number("local_hour").unwrap_or(IN_PEACE.hour);
    let weekday = fields.get("weekday").and_then(|node| node.choice(&WEEKDAYS, problems)).unwrap_or(IN_PEACE.weekday);
    facts.clock = Some(LocalClock { hour, weekday });
    let items = fields.get("healthy_in").map_or(&[] as &[Node], |node| node.items(problems));
    facts.healthy_in = items.iter().filter_map(|node| text(node, problems)).collect::<BTreeSet<_>>();
    facts.channel = fields.get("channel").and_then(|node| text(node, problems)).unwrap_or_default();
    facts
}

fn text(node: &Node, problems: &mut Vec<Problem>) -> Option<String> {
    match &node.value {
        Value::Text(text, _) => Some(text.clone()),
        Value::Nothing | Value::Flag(_) | Value::Number(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
            node.text(problems).map(str::to_owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = "
environments: { prod: { path: 'apps/{service}/prod' } }
people: { ana: { slack: U1 }, bo: { slack: U2, groups: [leads] } }
";
    const POLICY: &str = r#"@id("leads-at-weekends") forbid (principal, action, resource)
        when { context.weekday == "sat" } unless { principal in Group::"leads" };"#;

    fn run(cases: &str) -> Vec<String> {
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        let actions: Vec<_> =
            ["deploy", "status", "help", "audit"].map(|name| CommandName::parse(name).unwrap()).into();
        let policy = Policy::load(Some(("policy.cedar", POLICY)), &actions).unwrap();
        Cases::parse(cases, "policy_tests.yaml").unwrap().run(&policy, &catalog)
    }

    #[test]
    fn cases_say_what_must_come_of_whom_and_what() {
        let at = "command: deploy, service: checkout, environment: prod";
        let cases = format!(
            "tests:
- {{ who: ana, {at}, allowed: true }}
- {{ who: ana, {at}, facts: {{ weekday: sat }}, denied_by: leads-at-weekends }}
- {{ who: bo, {at}, facts: {{ weekday: sat, freeze: yes }}, denied_by: frozen }}
- {{ {at}, denied_by: default }}
- {{ who: bo, {at}, facts: {{ weekday: sat }}, denied_by: leads-at-weekends }}
- {{ who: ana, {at}, facts: {{ tag_exists: no }}, allowed: true }}
"
        );
        assert_eq!(
            run(&cases),
            [
                "6: bo, deploy checkout in prod: expected denied by `leads-at-weekends`, found allowed",
                "7: ana, deploy checkout in prod: expected allowed, found denied by `tag-does-not-exist`",
            ]
        );
    }

    #[test]
    fn mistakes_are_reported_where_they_stand() {
        let refused = |text: &str| Cases::parse(text, "t").unwrap_err().to_string();
        let wrong = refused(
            "tests: [{ who: ana, command: deploy, service: a, environment: b, facts: { weekdy: sat }, allowed: true }]",
        );
        assert!(
            wrong.contains("`tests[0].facts.weekdy`: found an unknown key")
                && wrong.contains("Did you mean `weekday`?"),
            "{wrong}"
        );
        assert!(
            refused("tests: [{ command: deploy, service: a, environment: b }]")
                .contains("`allowed: true` or `denied_by`")
        );
    }
}
