//! Changes of several services in one environment: each is planned for itself, and together they are one change with
//! one digest, which lands as one commit or not at all.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Edit, Line, Plan, PlanRefusal, Planned, sorted};
use crate::core::{
    names::{CommandName, Digest, Environment, Field, RepoPath, Service},
    several,
};

/// What is changed of one of several services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// The service.
    pub service: Service,
    /// Its own plan. Its diff stands in the whole one.
    pub plan: Plan,
}

impl Plan {
    /// What is changed of a service: all, where the plan is of one alone; nothing, where it is so already.
    pub fn of(&self, service: &Service) -> Option<&Plan> {
        match self.legs.as_slice() {
            [] => Some(self),
            legs => legs.iter().find(|leg| leg.service == *service).map(|leg| &leg.plan),
        }
    }

    /// What it means to people for a service.
    pub fn lines_of(&self, service: &Service) -> &[Line] {
        self.of(service).map(|plan| plan.lines.as_slice()).unwrap_or_default()
    }

    /// The plans that it is made of: itself, where it is of one service alone.
    pub fn parts(&self) -> impl Iterator<Item = &Plan> {
        let whole = self.legs.is_empty().then_some(self);
        whole.into_iter().chain(self.legs.iter().map(|leg| &leg.plan))
    }
}

/// One change of what was planned for several services of an environment, each planned on the same files. What is so
/// already is left out.
///
/// # Errors
/// The first refusal, with the name of its service; when nothing is left to do; when two change the same file.
pub fn together(
    (command, environment): (&CommandName, &Environment),
    planned: Vec<(Service, Result<Planned, PlanRefusal>)>,
) -> Result<Planned, PlanRefusal> {
    let named: Vec<Service> = planned.iter().map(|(service, _)| service.clone()).collect();
    let mut legs = Vec::new();
    for (service, planned) in planned {
        match planned {
            Ok(planned) => legs.push((service, planned)),
            Err(PlanRefusal::Already { .. }) => {}
            Err(refusal) => return Err(PlanRefusal::Of { service, refusal: Box::new(refusal) }),
        }
    }
    let Some((_, first)) = legs.first() else {
        let services = several::named(&named);
        return Err(PlanRefusal::AllAlready { services, environment: environment.clone() });
    };
    let (base, policy) = (first.plan.base.clone(), first.plan.policy.clone());
    apart(&legs)?;
    let plans = || legs.iter().map(|(_, planned)| &planned.plan);
    let exact: Vec<_> = plans().flat_map(|plan| plan.exact.iter().cloned()).collect();
    let fields = plans().flat_map(|plan| plan.field_edits().iter().cloned());
    let edits: Vec<Edit> = fields.chain(exact.iter().map(|one| one.edit.clone())).collect();
    let services: BTreeSet<&Service> = legs.iter().map(|(service, _)| service).collect();
    let digest = digest((command, environment), &services, &edits)
        .map_err(|error| PlanRefusal::Value { field: Field::Replicas, value: error.to_string() })?;
    let lines = plans().flat_map(|plan| plan.lines.iter().cloned()).collect();
    let diff = plans().map(|plan| plan.diff.as_str()).collect();
    let after = legs.iter().flat_map(|(_, planned)| planned.after.iter().cloned()).collect();
    let legs = legs.into_iter().map(|(service, planned)| {
        let plan = Plan { diff: String::new(), ..planned.plan };
        Leg { service, plan }
    });
    let legs = legs.collect();
    let plan = Plan { digest, base, policy, edits, lines, diff, exact, aside: None, live: None, legs };
    Ok(Planned { plan, after })
}

/// Each file belongs to one of them alone: of two edits of one file, made apart, the later would undo the other.
fn apart(legs: &[(Service, Planned)]) -> Result<(), PlanRefusal> {
    let mut seen: BTreeSet<&RepoPath> = BTreeSet::new();
    for (path, _) in legs.iter().flat_map(|(_, planned)| &planned.after) {
        if !seen.insert(path) {
            let path = path.clone();
            return Err(PlanRefusal::Shared { path });
        }
    }
    Ok(())
}

/// As the digest of a change of one service, with all their names instead of one.
fn digest(
    (command, environment): (&CommandName, &Environment),
    services: &BTreeSet<&Service>,
    edits: &[Edit],
) -> Result<Digest, serde_json::Error> {
    let edits = sorted(edits);
    let change =
        json!({ "v": 1, "command": command, "services": services, "environment": environment, "edits": edits });
    Ok(Digest::of(&serde_json_canonicalizer::to_vec(&change)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{
        names::{CommitId, ConnectionName, Target},
        yaml,
    };

    fn service(name: &str) -> Service {
        Service::parse(name).unwrap()
    }

    fn at(name: &str, path: &str, new: &str) -> (Service, Result<Planned, PlanRefusal>) {
        let target = Target { service: service(name), environment: Environment::parse("prod").unwrap() };
        let edit = Edit {
            repository: ConnectionName::parse("deployments").unwrap(),
            path: RepoPath::parse(path).unwrap(),
            document: yaml::Document::Index(0),
            yaml_path: yaml::Path::root().key("tag"),
            old: Some(json!("v1")),
            new: json!(new),
        };
        let command = CommandName::parse("deploy").unwrap();
        let after = vec![(edit.path.clone(), Some(format!("tag: {new}")))];
        let plan = Plan {
            digest: super::super::digest(&command, &target, std::slice::from_ref(&edit)).unwrap(),
            base: CommitId::parse(&"a".repeat(40)).unwrap(),
            policy: Digest::of(b""),
            edits: vec![edit],
            lines: vec![Line { field: Field::ImageTag, old: Some("v1".into()), new: new.into() }],
            diff: format!("{name}\n"),
            exact: Vec::new(),
            aside: None,
            live: None,
            legs: Vec::new(),
        };
        (target.service, Ok(Planned { plan, after }))
    }

    fn alone(name: &str, new: &str) -> (Service, Result<Planned, PlanRefusal>) {
        at(name, &format!("apps/{name}/prod.yaml"), new)
    }

    fn already(name: &str) -> (Service, Result<Planned, PlanRefusal>) {
        let target = Target { service: service(name), environment: Environment::parse("prod").unwrap() };
        (target.service.clone(), Err(PlanRefusal::Already { target, values: "v2".into() }))
    }

    fn all(planned: Vec<(Service, Result<Planned, PlanRefusal>)>) -> Result<Planned, PlanRefusal> {
        together((&CommandName::parse("deploy").unwrap(), &Environment::parse("prod").unwrap()), planned)
    }

    #[test]
    fn several_are_one_change_that_can_be_taken_apart() {
        let Planned { plan, after } = all(vec![alone("web", "v2"), alone("api", "v3")]).unwrap();
        assert_eq!((plan.edits.len(), plan.lines.len(), plan.diff.as_str(), after.len()), (2, 2, "web\napi\n", 2));
        assert_eq!(plan.lines_of(&service("api"))[0].new, "v3");
        assert_eq!((plan.of(&service("other")), plan.parts().count()), (None, 2));
        let whole = alone("web", "v2").1.unwrap().plan;
        assert_eq!((whole.of(&service("web")), whole.parts().count()), (Some(&whole), 1));
        let text = serde_json::to_string(&plan).unwrap();
        let read: Plan = serde_json::from_str(&text).unwrap();
        assert_eq!(Plan { diff: plan.diff.clone(), ..read }, plan);
        assert!(!serde_json::to_string(&whole).unwrap().contains("legs"), "a single change is written as before");
    }

    #[test]
    fn the_digest_is_of_all_of_it_in_whatever_order_it_was_asked() {
        let digest = |planned| all(planned).unwrap().plan.digest;
        let both = digest(vec![alone("web", "v2"), alone("api", "v3")]);
        assert_eq!(both, digest(vec![alone("api", "v3"), alone("web", "v2")]));
        assert_ne!(both, digest(vec![alone("web", "v2"), alone("api", "v4")]));
        assert_ne!(both, digest(vec![alone("web", "v2")]));
        assert_ne!(digest(vec![alone("web", "v2")]), alone("web", "v2").1.unwrap().plan.digest);
    }

    #[test]
    fn what_is_so_already_is_left_out_and_what_cannot_be_stops_all_of_it() {
        let legs = all(vec![already("web"), alone("api", "v3")]).unwrap().plan.legs;
        assert_eq!(legs.iter().map(|leg| leg.service.as_str()).collect::<Vec<_>>(), ["api"]);
        let said = |planned| {
            let refusal = all(planned).unwrap_err();
            format!("{refusal}. {}", refusal.remedy())
        };
        assert_eq!(said(vec![already("web"), already("api")]), "web and api in `prod` are so already. Nothing to do.");
        let path = RepoPath::parse(".github/x.yaml").unwrap();
        let of_one = (service("api"), Err(PlanRefusal::Protected { path }));
        assert_eq!(
            said(vec![alone("web", "v2"), of_one]),
            "`api`: `.github/x.yaml` is never written by Leverframe. Change it by hand, in a reviewed commit. None of the \
             others was asked for."
        );
        assert_eq!(
            said(vec![at("web", "all.yaml", "v2"), at("api", "all.yaml", "v3")]),
            "`all.yaml` would be changed for two of these services at once. Ask for them one after the other."
        );
    }
}
