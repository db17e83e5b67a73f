//! Policy: facts in, decision out. Cedar decides; this room turns our facts into its entities and context, and its
//! answer into words that name the policy and the remedy. How many must approve is the catalog's, not Cedar's.

mod cases;
mod facts;
mod kinds;

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, PolicyId, PolicySet, Request, RestrictedExpression, Schema,
    ValidationMode, Validator,
};

use crate::core::names::{CommandName, Digest, Environment, Target};

pub use cases::{Case, Cases, Expected};
pub use facts::{Circumstances, Known, LocalClock};

use facts::{context, deciding_fact, spoken_of};
use kinds::{Kinds, uid};

/// The policies that hold in every repository.
const BUILTIN: &str = include_str!("builtin.cedar");

/// Why a policy cannot be used. The policy that was in force before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not Cedar.
    #[error("`{file}` is not valid Cedar: {words}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's words.
        words: String,
    },
    /// Valid Cedar that speaks of things which do not exist here.
    #[error("`{file}` does not fit the vocabulary: {words}")]
    Vocabulary {
        /// The file.
        file: String,
        /// The validator's words, one problem each.
        words: String,
    },
    /// Two policies with one name.
    #[error("`{file}` uses the policy id `{id}` twice, or one that is built in")]
    SameId {
        /// The file.
        file: String,
        /// The id.
        id: String,
    },
}

impl PolicyError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Syntax { .. } => "Correct the syntax; `leverframe check` shows the result.".to_owned(),
            Self::Vocabulary { .. } => {
                "Use `Person`, `Team`, `Group`, `Target`, the commands as actions, and the context that ARCHITECTURE.md lists."
                    .to_owned()
            }
            Self::SameId { .. } => "Give each policy an `@id` of its own.".to_owned(),
        }
    }
}

/// Who asks, as policies see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The catalog key, or `platform:id` of an account that nobody mapped.
    pub id: String,
    /// Whether the catalog has them.
    pub standing: Standing,
    /// Their teams.
    pub teams: BTreeSet<String>,
    /// Their groups.
    pub groups: BTreeSet<String>,
}

/// Whether the catalog knows somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A person of the catalog.
    Mapped,
    /// An account that belongs to no person.
    Unmapped,
}

/// One question.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// What.
    pub action: &'a CommandName,
    /// On what; commands without a target ask about `none`, or about every service of an environment.
    pub target: Option<&'a Target>,
    /// The environment, where it is about the whole of one.
    pub environment: Option<&'a Environment>,
    /// The team of the service.
    pub team: Option<&'a str>,
    /// The rest.
    pub circumstances: &'a Circumstances,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A policy permits it and none forbids it.
    Permitted,
    /// Refused.
    Denied(Denial),
}

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Denial {
    /// The id of the policy that decided; `default` when none permits.
    pub policy: String,
    /// Its reason, with the fact that decided.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Denial {
    /// Whether a built-in policy forbids it, which none of the repository's can lift.
    pub fn is_builtin(&self) -> bool {
        is_builtin(&PolicyId::new(&self.policy))
    }
}

/// Whether a policy comes with Leverframe.
fn is_builtin(id: &PolicyId) -> bool {
    BUILTIN.contains(&format!("@id(\"{id}\")"))
}

/// The policies in force.
#[derive(Debug, Clone)]
pub struct Policy {
    set: PolicySet,
    schema: Schema,
    kinds: Kinds,
    hash: Digest,
}

impl Policy {
    /// Joins the built-in policies with the repository's, and checks both against the vocabulary.
    ///
    /// # Errors
    /// When the repository's text is not Cedar, does not fit the vocabulary, or repeats an id.
    pub fn load(custom: Option<(&str, &str)>, actions: &[CommandName]) -> Result<Self, PolicyError> {
        let schema = schema(actions)?;
        let kinds = Kinds::parse()?;
        let mut set = PolicySet::new();
        add(&mut set, "the built-in policy", BUILTIN)?;
        if let Some((file, text)) = custom {
            add(&mut set, file, text)?;
        }
        let file = custom.map_or("the built-in policy", |(file, _)| file);
        let checked = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if !checked.validation_passed() {
            let words: Vec<String> = checked.validation_errors().map(ToString::to_string).collect();
            return Err(PolicyError::Vocabulary { file: file.to_owned(), words: words.join("; ") });
        }
        let hash = Digest::of(format!("{BUILTIN}\0{}", custom.map_or("", |(_, text)| text)).as_bytes());
        Ok(Self { set, schema, kinds, hash })
    }

    /// The SHA-256 over all policies in force, recorded beside every approval.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// Asks. Whatever cannot be put to Cedar is denied.
    pub fn ask(&self, question: &Question<'_>) -> Verdict {
        let Some((request, entities)) = self.put(question) else {
            return Verdict::Denied(Denial {
                policy: "default".to_owned(),
                reason: format!("policy knows no command `{}`", question.action),
                remedy: "Ask whoever keeps the catalog to run `leverframe check`.".to_owned(),
            });
        };
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        if response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none() {
            return Verdict::Permitted;
        }
        let mut deciding: Vec<&PolicyId> = response.diagnostics().reason().collect();
        deciding.sort();
        let forbidding = (response.decision() == Decision::Deny).then(|| deciding.first().copied()).flatten();
        Verdict::Denied(forbidding.map_or_else(|| unpermitted(question), |id| self.denial(id, question)))
    }

    fn denial(&self, id: &PolicyId, question: &Question<'_>) -> Denial {
        let said = |key| self.set.annotation(id, key).map(str::to_owned);
        let reason = said("reason").unwrap_or_else(|| "this policy forbids it".to_owned());
        let text = || self.set.policy(id).map(ToString::to_string);
        let fact = deciding_fact(id.as_ref(), question.circumstances)
            .or_else(|| spoken_of(&text()?, question.circumstances).filter(|_| !is_builtin(id)));
        let frozen = question.circumstances.frozen.as_ref().filter(|_| id.as_ref() as &str == "frozen");
        if let Some((words, remedy)) = frozen {
            return Denial { policy: id.to_string(), reason: format!("{reason} {words}"), remedy: remedy.clone() };
        }
        Denial {
            policy: id.to_string(),
            reason: fact.map_or(reason.clone(), |fact| format!("{reason} ({fact})")),
            remedy: said("remedy").unwrap_or_else(|| "Ask whoever keeps `.leverframe/policy.cedar`.".to_owned()),
        }
    }

    fn put(&self, question: &Question<'_>) -> Option<(Request, Entities)> {
        let principal = uid(&self.kinds.person, &question.principal.id);
        let action = uid(&self.kinds.action, question.action.as_str());
        let environment = question.target.map(|target| &target.environment).or(question.environment);
        let whole = || environment.map_or("none".to_owned(), |name| format!("everything in {name}"));
        let resource = uid(&self.kinds.target, &question.target.map_or_else(whole, ToString::to_string));
        let context = Context::from_pairs(context(question.circumstances)).ok()?;
        let mut entities: Vec<Entity> = Vec::new();
        let mut parents = HashSet::new();
        for (kind, names) in
            [(&self.kinds.team, &question.principal.teams), (&self.kinds.group, &question.principal.groups)]
        {
            for name in names {
                let parent = uid(kind, name);
                entities.push(Entity::new_no_attrs(parent.clone(), HashSet::new()));
                parents.insert(parent);
            }
        }
        let known = RestrictedExpression::new_bool(question.principal.standing == Standing::Mapped);
        entities.push(Entity::new(principal.clone(), HashMap::from([("known".to_owned(), known)]), parents).ok()?);
        let attribute = |name: &str, value: &str| (name.to_owned(), RestrictedExpression::new_string(value.to_owned()));
        let attributes = HashMap::from([
            attribute("service", question.target.map_or("", |target| target.service.as_str())),
            attribute("environment", environment.map_or("", Environment::as_str)),
            attribute("team", question.team.unwrap_or_default()),
        ]);
        entities.push(Entity::new(resource.clone(), attributes, HashSet::new()).ok()?);
        let request = Request::new(principal, action, resource, context, Some(&self.schema)).ok()?;
        // What they are made of is written above; the request is held against the vocabulary.
        Some((request, Entities::from_entities(entities, None).ok()?))
    }
}

fn unpermitted(question: &Question<'_>) -> Denial {
    let policy = "default".to_owned();
    match question.principal.standing {
        Standing::Unmapped => Denial {
            policy,
            reason: "your account belongs to nobody in the catalog".to_owned(),
            remedy: format!(
                "Ask to be added under `people` in the catalog; your account is `{}`.",
                question.principal.id
            ),
        },
        Standing::Mapped => Denial {
            policy,
            reason: format!("no policy permits you to {} there", question.action),
            remedy: "Ask whoever keeps `.leverframe/policy.cedar`.".to_owned(),
        },
    }
}

/// Adds each policy under the name that its `@id` gives it.
fn add(set: &mut PolicySet, file: &str, text: &str) -> Result<(), PolicyError> {
    let parsed: PolicySet = text.parse().map_err(|error: cedar_policy::ParseErrors| PolicyError::Syntax {
        file: file.to_owned(),
        words: error.to_string(),
    })?;
    if parsed.templates().next().is_some() {
        let words = "a template (`?principal`, `?resource`) decides nothing until it is linked, which nobody does here";
        return Err(PolicyError::Vocabulary { file: file.to_owned(), words: words.to_owned() });
    }
    for policy in parsed.policies() {
        let id = policy.annotation("id").map_or_else(|| format!("{file} {}", policy.id()), str::to_owned);
        set.add(policy.new_id(PolicyId::new(&id))).map_err(|_| PolicyError::SameId { file: file.to_owned(), id })?;
    }
    Ok(())
}

/// The vocabulary, with one action for each command.
fn schema(actions: &[CommandName]) -> Result<Schema, PolicyError> {
    let actions: Vec<String> = actions.iter().map(|name| format!("\"{name}\"")).collect();
    let text = format!(
        "entity Team; entity Group;
         entity Person in [Team, Group] {{ known: Bool }};
         entity Target {{ service: String, environment: String, team: String }};
         action {} appliesTo {{ principal: [Person], resource: [Target], context: {{
           freeze: String, tag_exists: String, locked: Bool,
           replicas_before?: Long, replicas_after?: Long, replicas_min: Long, replicas_max: Long,
           healthy_in: Set<String>, healthy_minutes: Long, image_pinned: String,
           incident_severity: String, open_debt: String, local_hour: Long, weekday: String, recent_requests: Long,
           channel: String, platform: String
         }} }};",
        actions.join(", ")
    );
    Schema::from_cedarschema_str(&text)
        .map(|(schema, _)| schema)
        .map_err(|error| PolicyError::Vocabulary { file: "the vocabulary".to_owned(), words: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::names::{Environment, Service};

    fn actions() -> Vec<CommandName> {
        ["deploy", "scale", "status", "help", "audit"].map(|name| CommandName::parse(name).unwrap()).to_vec()
    }

    fn ask(policy: &Policy, action: &str, standing: Standing, facts: &Circumstances) -> String {
        let principal =
            Principal { id: "ana".into(), standing, teams: BTreeSet::from(["shop".into()]), groups: BTreeSet::new() };
        let target =
            Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() };
        let action = CommandName::parse(action).unwrap();
        let question = Question {
            principal: &principal,
            action: &action,
            target: Some(&target),
            environment: None,
            team: Some("shop"),
            circumstances: facts,
        };
        match policy.ask(&question) {
            Verdict::Permitted => "permitted".to_owned(),
            Verdict::Denied(denial) => format!("{}: {}. {}", denial.policy, denial.reason, denial.remedy),
        }
    }

    #[test]
    fn built_in_policy_answers_in_words() {
        let policy = Policy::load(None, &actions()).unwrap();
        let plain = Circumstances::default();
        assert_eq!(ask(&policy, "deploy", Standing::Mapped, &plain), "permitted");
        assert_eq!(ask(&policy, "status", Standing::Unmapped, &plain), "permitted");
        assert_eq!(
            ask(&policy, "deploy", Standing::Unmapped, &plain),
            "default: your account belongs to nobody in the catalog. Ask to be added under `people` in the catalog; your account is `ana`."
        );
        let many = Circumstances { replicas_after: Some(60), replica_limits: Some((1, 50)), ..plain.clone() };
        assert_eq!(
            ask(&policy, "scale", Standing::Mapped, &many),
            "replica-limits: that many replicas are outside the limits of the catalog (60 asked, 1 to 50 allowed). Ask for a number within the limits, or change `limits.replicas` in the catalog."
        );
        let locked = Circumstances { locked: Some("set by the database team".into()), ..plain.clone() };
        assert!(ask(&policy, "deploy", Standing::Mapped, &locked).starts_with("locked: the field is locked"));
        let frozen = Circumstances { freeze: Known::Yes, ..plain };
        assert!(ask(&policy, "deploy", Standing::Mapped, &frozen).starts_with("frozen: "));
        assert_eq!(ask(&policy, "status", Standing::Mapped, &frozen), "permitted");
    }

    #[test]
    fn a_repository_can_forbid_and_is_named() {
        let text = r#"@id("shop-only") @reason("only shop deploys to prod") @remedy("Ask in #shop.")
            forbid (principal, action == Action::"deploy", resource) when { resource.environment == "prod" } unless { principal in Team::"core" };"#;
        let policy = Policy::load(Some((".leverframe/policy.cedar", text)), &actions()).unwrap();
        assert_eq!(
            ask(&policy, "deploy", Standing::Mapped, &Circumstances::default()),
            "shop-only: only shop deploys to prod. Ask in #shop."
        );
        let text = r#"@id("weekends") @reason("nobody is there") forbid (principal, action, resource)
            when { ["sat", "sun"].contains(context.weekday) || context.local_hour >= 18 };
            @id("tried") forbid (principal, action == Action::"deploy", resource)
            unless { context.healthy_in.contains("staging") };"#;
        let policy = Policy::load(Some((".leverframe/policy.cedar", text)), &actions()).unwrap();
        let at =
            |hour, weekday| Circumstances { clock: Some(LocalClock { hour, weekday }), ..Circumstances::default() };
        assert_eq!(
            ask(&policy, "scale", Standing::Mapped, &at(9, "sat")),
            "weekends: nobody is there (local_hour 9, weekday sat). Ask whoever keeps `.leverframe/policy.cedar`."
        );
        assert_eq!(ask(&policy, "scale", Standing::Mapped, &at(17, "fri")), "permitted");
        assert_eq!(
            ask(&policy, "deploy", Standing::Mapped, &at(9, "mon")),
            "tried: this policy forbids it (healthy_in nothing that I know). Ask whoever keeps `.leverframe/policy.cedar`."
        );
        let tried = Circumstances { healthy_in: ["staging".to_owned()].into(), ..at(9, "mon") };
        assert_eq!(ask(&policy, "deploy", Standing::Mapped, &tried), "permitted");
        let text = r#"@id("shop-only") forbid (principal, action == Action::"deploy", resource);"#;
        let policy = Policy::load(Some((".leverframe/policy.cedar", text)), &actions()).unwrap();
        assert_eq!(ask(&policy, "scale", Standing::Mapped, &Circumstances::default()), "permitted");
    }

    #[test]
    fn mistakes_in_a_policy_are_refused_at_load() {
        let load = |text| Policy::load(Some(("policy.cedar", text)), &actions()).unwrap_err();
        assert!(matches!(load("permit (principal"), PolicyError::Syntax { .. }));
        assert!(matches!(
            load(r#"permit (principal, action, resource) when { resource.enviroment == "x" };"#),
            PolicyError::Vocabulary { .. }
        ));
        assert!(matches!(load("forbid (principal == ?principal, action, resource);"), PolicyError::Vocabulary { .. }));
        assert!(matches!(load(r#"@id("locked") permit (principal, action, resource);"#), PolicyError::SameId { .. }));
    }
}
