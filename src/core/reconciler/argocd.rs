//! The proof that an Argo CD Application has a commit live and healthy.

use jiff::Timestamp;

use super::{Ancestry, Sight, Verdict, Want, said, short};

/// What is read of an Application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// The number of this form of it (`metadata.resourceVersion`).
    pub version: String,
    /// Where it takes its manifests from (`spec.source`, `spec.sources`; where it is hydrated, the hydrated branch).
    pub sources: Vec<Source>,
    /// What `status.sync` is about; empty where it does not say.
    pub compared: Vec<Source>,
    /// The revision of each source, in their order (`status.sync.revision`, `.revisions`).
    pub revisions: Vec<String>,
    /// `Synced`, `OutOfSync`, `Unknown`; empty before the first look.
    pub sync: String,
    /// Where `spec.sourceHydrator` is set.
    pub hydrator: Option<Hydrator>,
    /// Whether it has been asked to look and has not done so.
    pub is_refreshing: bool,
    /// Whether it is kept from being looked at (`argocd.argoproj.io/skip-reconcile`).
    pub is_skipped: bool,
    /// Whether it syncs by itself.
    pub is_automated: bool,
    /// Whether an ApplicationSet owns it, which may decide when it syncs.
    pub is_of_a_set: bool,
    /// Whether an operation waits to be begun (`operation`).
    pub is_asked: bool,
    /// The operation that runs or ran last.
    pub operation: Option<Operation>,
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing`, `Unknown`.
    pub health: String,
    /// When it was looked at last, by the clock of its controller.
    pub reconciled_at: Option<Timestamp>,
    /// What is wrong: type and message.
    pub conditions: Vec<(String, String)>,
    /// What it manages.
    pub resources: Vec<Resource>,
}

/// Where manifests come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The repository.
    pub url: String,
    /// The directory; empty for charts and for sources of values alone.
    pub path: String,
    /// The branch, tag or commit; empty is `HEAD`.
    pub revision: String,
    /// The chart, where it is one from a Helm repository.
    pub chart: String,
}

/// An Application whose manifests are rendered into a branch of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hydrator {
    /// What is rendered.
    pub source: Source,
    /// The commit that was rendered last, and the commit that it became.
    pub rendered: Option<(String, String)>,
    /// What the present rendering failed with, and of which commit.
    pub failed: Option<(String, String)>,
}

/// One sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Operation {
    /// `Running`, `Terminating`, `Succeeded`, `Failed`, `Error`.
    pub phase: String,
    /// What it says.
    pub message: String,
    /// The revision of each source that it applies or applied; empty before that is known.
    pub revisions: Vec<String>,
    /// When it ended, by the clock of the controller.
    pub finished_at: Option<Timestamp>,
}

/// One object that it manages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Synced`, `OutOfSync`, `Unknown`.
    pub sync: String,
    /// As the Application's; empty where it has none.
    pub health: String,
}

const BROKEN: [&str; 2] = ["ComparisonError", "InvalidSpecError"];
const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "Rollout"];

impl Application {
    /// Every revision that the verdict asks about.
    pub(super) fn all_revisions(&self) -> Vec<&str> {
        let applied = self.operation.iter().flat_map(|operation| &operation.revisions);
        let dry = self.hydrator.iter().flat_map(|hydrator| {
            hydrator.rendered.iter().map(|(dry, _)| dry).chain(hydrator.failed.iter().map(|(dry, _)| dry))
        });
        self.revisions.iter().chain(applied).chain(dry).map(String::as_str).filter(|text| !text.is_empty()).collect()
    }

    /// The positions of the sources that are the branch of the sight.
    fn own_sources(&self, sight: &Sight<'_>) -> Vec<usize> {
        let own = |source: &Source| is_followed(source, sight);
        self.sources.iter().enumerate().filter(|(_, source)| own(source)).map(|(index, _)| index).collect()
    }

    /// Our sources' revisions among those of all sources.
    fn own<'r>(&self, revisions: &'r [String], sight: &Sight<'_>) -> Vec<&'r str> {
        self.own_sources(sight).iter().filter_map(|index| revisions.get(*index)).map(String::as_str).collect()
    }

    fn targets<'a>(&'a self, sight: &Sight<'_>) -> impl Iterator<Item = &'a Resource> {
        let (namespace, name) = (sight.namespace.to_owned(), sight.name.to_owned());
        self.resources.iter().filter(move |resource| {
            WORKLOADS.contains(&resource.kind.as_str()) && resource.namespace == namespace && resource.name == name
        })
    }

    /// The operation, where what it applies contains the commit.
    fn own_operation(&self, sight: &Sight<'_>) -> Option<&Operation> {
        let operation = self.operation.as_ref()?;
        let contains = match &self.hydrator {
            Some(hydrator) => hydrator.is_current(&operation.revisions),
            None => all_contain(&self.own(&operation.revisions, sight), sight),
        };
        contains.then_some(operation)
    }
}

impl Hydrator {
    /// Whether these revisions are what was rendered last.
    fn is_current(&self, revisions: &[String]) -> bool {
        self.rendered.as_ref().is_some_and(|(_, hydrated)| revisions.first() == Some(hydrated))
    }
}

fn all_contain(revisions: &[&str], sight: &Sight<'_>) -> bool {
    !revisions.is_empty() && revisions.iter().all(|revision| sight.of(revision) == Ancestry::Contains)
}

/// Whether a source is the repository and the branch that the commit landed on.
fn is_followed(source: &Source, sight: &Sight<'_>) -> bool {
    let branch = source.revision.strip_prefix("refs/heads/").unwrap_or(&source.revision);
    let same = place(&source.url) == place(sight.repository);
    source.chart.is_empty() && same && (branch == sight.branch || matches!(branch, "" | "HEAD"))
}

/// `owner/name` of an address: hosts have several names, and protocols several ways to write one.
fn place(url: &str) -> String {
    let url = url.trim_end_matches('/').trim_end_matches(".git").to_lowercase();
    let mut steps: Vec<&str> = url.rsplit(['/', ':']).take(2).collect();
    steps.reverse();
    steps.join("/")
}

type Step = fn(&Application, &Sight<'_>) -> Option<Verdict>;

/// Each finds a reason why it is not proven yet; the first that does has the word.
const STEPS: [Step; 9] = [held, elsewhere, broken, unread, behind, syncing, apart, unmanaged, unhealthy];

/// How far the Application is with the commit.
pub(super) fn verdict(application: &Application, sight: &Sight<'_>) -> Verdict {
    let found = STEPS.iter().find_map(|step| step(application, sight));
    found.unwrap_or_else(|| match application.own_operation(sight) {
        Some(_) => Verdict::Synced,
        None => Verdict::NoChangeNeeded,
    })
}

/// What the Application should be told.
pub(super) fn wants(application: &Application, sight: &Sight<'_>) -> Want {
    let before = STEPS.iter().take(6).find_map(|step| step(application, sight));
    if before.is_none() && application.sync == "OutOfSync" && !application.is_automated {
        return sync_bar(application, sight).map_or(Want::Sync, |_| Want::Nothing);
    }
    let waits = matches!(before, Some(Verdict::NotYet(_)));
    if waits && is_stale(application, sight) && !application.is_refreshing { Want::Look } else { Want::Nothing }
}

fn held(application: &Application, _: &Sight<'_>) -> Option<Verdict> {
    let words = format!("Argo CD leaves `{}` alone (`skip-reconcile`) until somebody takes that off", application.name);
    application.is_skipped.then_some(Verdict::Held(words))
}

fn elsewhere(application: &Application, sight: &Sight<'_>) -> Option<Verdict> {
    let name = &application.name;
    let followed = match &application.hydrator {
        Some(hydrator) => is_followed(&hydrator.source, sight),
        None => !application.own_sources(sight).is_empty(),
    };
    let words = format!("the Application `{name}` does not follow the branch `{}` of this repository", sight.branch);
    (!followed).then_some(Verdict::CannotSee(words))
}

fn broken(application: &Application, _: &Sight<'_>) -> Option<Verdict> {
    let (_, message) = application.conditions.iter().find(|(kind, _)| BROKEN.contains(&kind.as_str()))?;
    Some(Verdict::Failed(format!("Argo CD cannot read the change: {}", said(message))))
}

/// It has yet to look, or what it shows is about an earlier form of itself.
fn unread(application: &Application, _: &Sight<'_>) -> Option<Verdict> {
    if application.is_refreshing {
        return Some(Verdict::NotYet("Argo CD is looking at the repository".to_owned()));
    }
    let is_old = application.compared != application.sources;
    let words = "Argo CD has not looked since its Application was changed";
    is_old.then(|| Verdict::NotYet(words.to_owned()))
}

fn behind(application: &Application, sight: &Sight<'_>) -> Option<Verdict> {
    if let Some(hydrator) = &application.hydrator {
        return unrendered(application, hydrator, sight);
    }
    let own = application.own(&application.revisions, sight);
    if own.is_empty() {
        return Some(Verdict::NotYet("Argo CD has not looked at the repository yet".to_owned()));
    }
    own.into_iter().find_map(|revision| lacks(revision, sight, "Argo CD is still at"))
}

/// Why a revision is no proof: it lacks the commit, or nobody knows it.
fn lacks(revision: &str, sight: &Sight<'_>, still: &str) -> Option<Verdict> {
    match sight.of(revision) {
        Ancestry::Contains => None,
        Ancestry::Behind => Some(Verdict::NotYet(format!("{still} {}", short(revision)))),
        Ancestry::Unknown => {
            let words = format!("Argo CD is at {}, which this repository does not have", short(revision));
            Some(Verdict::CannotSee(words))
        }
    }
}

fn unrendered(application: &Application, hydrator: &Hydrator, sight: &Sight<'_>) -> Option<Verdict> {
    if let Some((_, message)) = hydrator.failed.as_ref().filter(|(dry, _)| sight.of(dry) == Ancestry::Contains) {
        return Some(Verdict::Failed(format!("Argo CD cannot render the change: {}", said(message))));
    }
    let Some((dry, _)) = &hydrator.rendered else {
        return Some(Verdict::NotYet("Argo CD has not rendered anything yet".to_owned()));
    };
    let late = || Verdict::NotYet("Argo CD has rendered the change and has not read the result yet".to_owned());
    lacks(dry, sight, "Argo CD has rendered only").or_else(|| (!hydrator.is_current(&application.revisions)).then(late))
}

/// What its operation says: at it, kept waiting, failed, or done with a result that nobody has looked at.
fn syncing(application: &Application, sight: &Sight<'_>) -> Option<Verdict> {
    let at = short(application.own(&application.revisions, sight).first().unwrap_or(&sight.commit.as_str()));
    let Some(operation) = application.operation.as_ref().filter(|_| !application.is_asked) else {
        return application.is_asked.then(|| Verdict::Progressing(format!("Argo CD: syncing {at}")));
    };
    let message = said(&operation.message);
    match operation.phase.as_str() {
        "Running" if operation.message.to_lowercase().contains("sync window") => {
            Some(Verdict::Held(format!("Argo CD does not sync outside its sync window ({message})")))
        }
        "Running" | "Terminating" => {
            let at = operation.revisions.first().map_or(at, |revision| short(revision));
            Some(Verdict::Progressing(format!("Argo CD: syncing {at}")))
        }
        "Failed" | "Error" if application.own_operation(sight).is_some() => {
            Some(Verdict::Failed(format!("Argo CD could not sync {at}: {message}")))
        }
        _ => {
            let stale = is_stale(application, sight);
            let words = || Verdict::NotYet(format!("Argo CD has synced {at} and has not looked at the result yet"));
            stale.then(words)
        }
    }
}

/// Whether what it shows of health is older than what it applied.
fn is_stale(application: &Application, sight: &Sight<'_>) -> bool {
    let finished = application.own_operation(sight).and_then(|operation| operation.finished_at);
    finished.is_some_and(|finished| application.reconciled_at.is_none_or(|seen| seen < finished))
}

/// Live and git differ.
fn apart(application: &Application, sight: &Sight<'_>) -> Option<Verdict> {
    let error = application.conditions.iter().find(|(kind, _)| kind == "SyncError");
    let at = short(application.own(&application.revisions, sight).first().unwrap_or(&sight.commit.as_str()));
    match (application.sync.as_str(), error) {
        ("Synced", None) => None,
        (_, Some((_, message))) => Some(Verdict::Failed(format!("Argo CD could not sync {at}: {}", said(message)))),
        ("OutOfSync", None) if !application.is_automated => Some(match sync_bar(application, sight) {
            Some(bar) => Verdict::Held(format!("Argo CD waits for a person to sync `{}`: {bar}", application.name)),
            None => Verdict::NotYet(format!("Argo CD has {at} and is told to sync it")),
        }),
        ("OutOfSync", None) => Some(Verdict::NotYet(format!("Argo CD has {at} and has not begun to sync it"))),
        (_, None) => Some(Verdict::CannotSee("Argo CD cannot tell whether live equals git".to_owned())),
    }
}

/// Why the approved change alone cannot be synced for people who turned auto-sync off: a sync would do more than that,
/// or it was tried. `None`: it can.
fn sync_bar(application: &Application, sight: &Sight<'_>) -> Option<String> {
    let exact = matches!(application.revisions.as_slice(), [one] if one == sight.commit.as_str());
    let is_target = |resource: &Resource| {
        WORKLOADS.contains(&resource.kind.as_str())
            && (resource.namespace.as_str(), resource.name.as_str()) == (sight.namespace, sight.name)
    };
    let differs = || application.resources.iter().filter(|resource| resource.sync == "OutOfSync");
    let other = differs().find(|resource| !is_target(resource));
    if application.is_of_a_set {
        return Some("an ApplicationSet may decide when it syncs".to_owned());
    }
    if application.hydrator.is_some() || application.sources.len() != 1 {
        return Some("it has more sources than this repository".to_owned());
    }
    if !exact {
        return Some("other commits came after this change, and a sync would bring them along".to_owned());
    }
    if let Some(other) = other {
        return Some(format!("a sync would also change {} `{}`", other.kind, other.name));
    }
    if differs().next().is_none() {
        return Some("it does not say what differs".to_owned());
    }
    application.own_operation(sight).map(|_| "it was synced, and live differs from git again".to_owned())
}

/// An empty Application is healthy too, so the workload must be one of its own.
fn unmanaged(application: &Application, sight: &Sight<'_>) -> Option<Verdict> {
    match application.targets(sight).next() {
        None => {
            let (name, target) = (&application.name, sight.name);
            Some(Verdict::CannotSee(format!("the Application `{name}` does not manage a workload `{target}`")))
        }
        Some(target) if target.sync != "Synced" => {
            Some(Verdict::NotYet(format!("Argo CD has not synced {} `{}`", target.kind, target.name)))
        }
        Some(_) => None,
    }
}

fn unhealthy(application: &Application, _: &Sight<'_>) -> Option<Verdict> {
    let health = application.health.as_str();
    let culprit = application.resources.iter().find(|resource| resource.health == health);
    let culprit = culprit
        .map_or_else(|| format!("`{}`", application.name), |resource| format!("{} `{}`", resource.kind, resource.name));
    match health {
        "Healthy" => None,
        "Degraded" => Some(Verdict::Failed(format!("Argo CD finds {culprit} degraded"))),
        "Suspended" => Some(Verdict::Held(format!("Argo CD finds {culprit} suspended until somebody resumes it"))),
        "Progressing" => Some(Verdict::Progressing(format!("Argo CD: {culprit} is coming up"))),
        "Missing" => Some(Verdict::NotYet(format!("Argo CD does not find {culprit} in the cluster yet"))),
        _ => Some(Verdict::CannotSee(format!("Argo CD does not know how {culprit} is"))),
    }
}
