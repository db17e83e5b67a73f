//! `environments`: where a service runs, how changes enter the branch there and who must agree.

use super::{
    approvals::{ApprovalRule, Approvals},
    freezes::known_zone,
    names::TimeZoneName,
    people::Person,
    template::{NameTemplate, PathTemplate, in_environment},
};
use crate::core::{
    located::{Fields, Node, Problem, Value},
    names::{CommandName, ConnectionName, Environment, NotAName, RepoPath, Service},
};

/// How a change enters the tracked branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// A commit, at once.
    Commit,
    /// A pull request and its merge.
    PullRequest,
}

/// How an approved pull request is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMethod {
    /// One commit of all.
    Squash,
    /// A merge commit.
    Merge,
    /// Each commit again on the branch.
    Rebase,
    /// Not by us: somebody merges it at the host.
    ByHand,
}

/// The commands that can bring anything about.
const STRONGEST: [&str; 2] = ["revert", "resume"];
/// The commands that need nothing beyond what policy permits, unless the catalog names them.
const FREE: [&str; 14] = [
    "scale",
    "rollback",
    "restart",
    "breakglass",
    "status",
    "help",
    "audit",
    "link",
    "unlink",
    "incident",
    "debts",
    "debt",
    "freeze",
    "unfreeze",
];
/// The command whose rule is for all that the catalog does not name.
const DEPLOY: &str = "deploy";

/// What happens when live differs from git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// Nothing.
    Ignore,
    /// It is said.
    Report,
    /// Somebody owes a reconciliation.
    Debt,
}

/// What makes the cluster follow git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reconciler {
    /// Nothing that we know of.
    None,
    /// An Argo CD Application.
    ArgoCd {
        /// Its name.
        application: NameTemplate,
        /// Where it lives.
        namespace: NameTemplate,
    },
    /// A Flux object.
    Flux {
        /// `Kustomization` or `HelmRelease`.
        kind: FluxKind,
        /// Its name.
        name: NameTemplate,
        /// Where it lives.
        namespace: NameTemplate,
    },
}

/// The Flux objects that apply files of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FluxKind {
    /// A Kustomization.
    Kustomization,
    /// A HelmRelease.
    HelmRelease,
}

/// One environment, what it is `like` merged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRules {
    /// Its name.
    pub name: Environment,
    /// Where its services' files are.
    pub path: PathTemplate,
    /// How changes enter the branch.
    pub landing: Landing,
    /// How pull requests are merged.
    pub merge: MergeMethod,
    /// The cluster it runs in; absent: landed is done.
    pub cluster: Option<ConnectionName>,
    /// The namespace of its services there; `{service}` unless said otherwise.
    pub namespace: NameTemplate,
    /// What happens when live differs from git.
    pub drift: Drift,
    /// What makes the cluster follow git.
    pub reconciler: Reconciler,
    /// The time zone of hours and weekdays in policy.
    pub time_zone: Option<TimeZoneName>,
    /// The repository of its files; absent: the one with the catalog.
    pub repository: Option<ConnectionName>,
    /// Who must agree to what.
    pub approvals: Approvals,
}

impl EnvironmentRules {
    /// The directory of that service's files, or its one file; `None` where the path leaves that to the files.
    pub fn path_of(&self, service: &Service) -> Option<RepoPath> {
        self.path.path_of(service)
    }

    /// The namespace that the service runs in.
    pub fn namespace_of(&self, service: &Service) -> String {
        self.namespace.name_of(service)
    }

    /// What that command needs here in peace; `None`: nothing beyond what policy permits. What undoes any commit, or
    /// lets an automation bring any version, needs as much as whatever needs most, and any other command that the
    /// catalog does not name, one that somebody adds too, as much as `deploy`.
    pub fn approvals_for(&self, command: &CommandName) -> Option<&ApprovalRule> {
        let strictest = || {
            let does_anything = STRONGEST.contains(&command.as_str());
            self.approvals.usual.values().filter(|_| does_anything).max_by_key(|rule| rule.total())
        };
        let is_free = FREE.contains(&command.as_str());
        let like_deploy = || self.approvals.usual.iter().find(|(name, _)| !is_free && name.as_str() == DEPLOY);
        let named = self.approvals.usual.get(command).or_else(strictest);
        named.or_else(|| like_deploy().map(|(_, rule)| rule))
    }

    /// Whether somebody's yes would count for some command here; where nothing is asked for, for none.
    pub fn could_approve(&self, person: &Person) -> bool {
        self.approvals
            .usual
            .values()
            .flat_map(ApprovalRule::shares)
            .any(|(count, from)| count > 0 && person.is_among(from))
    }

    pub(super) fn read(name: Environment, node: &Node, problems: &mut Vec<Problem>) -> Option<Self> {
        let fields = node.fields(&KEYS, problems);
        let path = fields.required("path", "path: \"apps/{service}/prod\"", problems);
        let parse = |text: &str| PathTemplate::parse(&in_environment(text, &name));
        let path = path.and_then(|node| node.named(parse, problems));
        let landing = choice(fields, "landing", &LANDINGS, Landing::PullRequest, problems);
        let merge = choice(fields, "merge", &MERGES, MergeMethod::Squash, problems);
        let drift = choice(fields, "drift", &DRIFTS, Drift::Report, problems);
        let cluster = fields.get("cluster").and_then(|node| node.named(ConnectionName::parse, problems));
        let repository = fields.get("repository").and_then(|node| node.named(ConnectionName::parse, problems));
        let namespace = match fields.get("namespace") {
            Some(node) => node.named(name_in(&name), problems),
            None => Some(NameTemplate::service()),
        };
        let reconciler = match fields.get("reconciler") {
            Some(node) => Reconciler::read(node, &name, problems),
            None => Some(Reconciler::None),
        };
        let time_zone = fields.get("time_zone").and_then(|node| {
            let name = node.named(TimeZoneName::parse, problems)?;
            known_zone(&name, node, problems).map(|_| name)
        });
        let approvals = fields.get("approvals").map(|node| Approvals::read(node, problems)).unwrap_or_default();
        let (path, landing, merge, namespace) = (path?, landing?, merge?, namespace?);
        let (drift, reconciler) = (drift?, reconciler?);
        Some(Self {
            name,
            path,
            landing,
            merge,
            cluster,
            namespace,
            drift,
            reconciler,
            time_zone,
            repository,
            approvals,
        })
    }
}

const KEYS: [&str; 11] = [
    "path",
    "landing",
    "merge",
    "cluster",
    "namespace",
    "drift",
    "reconciler",
    "time_zone",
    "approvals",
    "repository",
    "like",
];

/// The words for [`Landing`].
pub(super) const LANDINGS: [(&str, Landing); 2] = [("commit", Landing::Commit), ("pull_request", Landing::PullRequest)];

const MERGES: [(&str, MergeMethod); 4] = [
    ("squash", MergeMethod::Squash),
    ("merge", MergeMethod::Merge),
    ("rebase", MergeMethod::Rebase),
    ("by_hand", MergeMethod::ByHand),
];

const DRIFTS: [(&str, Drift); 3] = [("ignore", Drift::Ignore), ("report", Drift::Report), ("debt", Drift::Debt)];

const FLUX_KINDS: [(&str, FluxKind); 2] =
    [("Kustomization", FluxKind::Kustomization), ("HelmRelease", FluxKind::HelmRelease)];

/// The word for a choice.
fn word<T: PartialEq>(choices: &[(&'static str, T)], choice: &T) -> &'static str {
    choices.iter().find(|(_, meaning)| meaning == choice).map_or("", |(word, _)| word)
}

impl Landing {
    /// As the catalog writes it.
    pub fn word(&self) -> &'static str {
        word(&LANDINGS, self)
    }
}

impl MergeMethod {
    /// As the catalog writes it.
    pub fn word(&self) -> &'static str {
        word(&MERGES, self)
    }
}

/// A choice that has a default.
fn choice<T: Clone>(
    fields: Fields<'_>,
    key: &str,
    choices: &[(&str, T)],
    usual: T,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    match fields.get(key) {
        Some(node) => node.choice(choices, problems),
        None => Some(usual),
    }
}

impl Reconciler {
    fn read(node: &Node, environment: &Environment, problems: &mut Vec<Problem>) -> Option<Self> {
        if matches!(&node.value, Value::Text(text, _) if text == "none") {
            return Some(Self::None);
        }
        let remedy = "Write `{ argocd: APPLICATION }`, `{ flux: Kustomization/NAME }` or `none`.";
        if matches!(node.value, Value::Text(..)) {
            problems.push(node.problem("`none`, or a map with `argocd` or `flux`", remedy));
            return None;
        }
        let fields = node.fields(&["argocd", "flux", "namespace"], problems);
        match (fields.get("argocd"), fields.get("flux")) {
            (Some(application), None) => {
                let application = application.named(name_in(environment), problems);
                let namespace = namespace(fields, (environment, "argocd"), problems);
                Some(Self::ArgoCd { application: application?, namespace: namespace? })
            }
            (None, Some(object)) => {
                let object = flux_object(object, environment, problems);
                let namespace = namespace(fields, (environment, "flux-system"), problems);
                let (kind, name) = object?;
                Some(Self::Flux { kind, name, namespace: namespace? })
            }
            (None, None) | (Some(_), Some(_)) => {
                problems.push(node.problem("one of `argocd` and `flux`", remedy));
                None
            }
        }
    }
}

/// Reads a name in which `{environment}` may stand.
fn name_in(environment: &Environment) -> impl Fn(&str) -> Result<NameTemplate, NotAName> {
    move |text| NameTemplate::parse(&in_environment(text, environment))
}

fn namespace(
    fields: Fields<'_>,
    (environment, usual): (&Environment, &str),
    problems: &mut Vec<Problem>,
) -> Option<NameTemplate> {
    match fields.get("namespace") {
        Some(node) => node.named(name_in(environment), problems),
        None => NameTemplate::parse(usual).ok(),
    }
}

/// `Kustomization/NAME` or `HelmRelease/NAME`.
fn flux_object(
    node: &Node,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> Option<(FluxKind, NameTemplate)> {
    let (kind, name) = node.text(problems)?.split_once('/').unwrap_or_default();
    let kind = FLUX_KINDS.into_iter().find(|(word, _)| *word == kind).map(|(_, kind)| kind);
    let object = kind.zip(name_in(environment)(name).ok());
    if object.is_none() {
        let remedy = "Write it like `Kustomization/apps`.";
        problems.push(node.problem("`Kustomization/NAME` or `HelmRelease/NAME`", remedy));
    }
    object
}
