//! The proof that Flux has a commit live: source, Kustomization and, where there is one, the HelmRelease that the
//! Kustomization applies. Whether the workload is healthy is left to its pods: Flux looks at that only where told to.

use super::{Ancestry, Sight, Verdict, Want, said, short};

/// What is read of Flux for one target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flux {
    /// Where the Kustomization takes its files from; `None` where that could not be read, which only costs words.
    pub source: Option<Object>,
    /// The Kustomization; `None` where a HelmRelease is applied by none.
    pub kustomization: Option<Kustomization>,
    /// The HelmRelease, where the catalog names one.
    pub release: Option<HelmRelease>,
}

/// What every object of Flux has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The number of its present specification.
    pub generation: i64,
    /// The one that its status is about.
    pub observed_generation: i64,
    /// Whether it is held off (`spec.suspend`).
    pub is_suspended: bool,
    /// The last time it was asked to reconcile, in whatever form.
    pub requested: Option<String>,
    /// The last of those that it took up.
    pub handled: Option<String>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What it has: the artifact's revision of a source; empty of others.
    pub revision: String,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// `Ready`, `Reconciling`, `Stalled`, `Released`, `Remediated`, `Drifted`.
    pub kind: String,
    /// `True`, `False`, `Unknown`.
    pub status: String,
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// What is read of a Kustomization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kustomization {
    /// The object.
    pub object: Object,
    /// The revision that it applied last; of sources that are not git, the one that they were made from.
    pub applied: String,
    /// The revision that it tried last.
    pub attempted: String,
    /// The same two of the source itself, which must agree with each other.
    pub source_revisions: (String, String),
    /// What it applied: `namespace_name_group_kind`.
    pub inventory: Vec<String>,
}

/// What is read of a HelmRelease.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HelmRelease {
    /// The object.
    pub object: Object,
    /// How the newest release stands: `deployed`; empty before the first.
    pub status: String,
    /// The digest of the values of the newest release.
    pub released: String,
    /// The digest of the values that it tried last.
    pub attempted: String,
}

/// Reasons that keep a Kustomization from taking a revision up.
const BLOCKING: [&str; 2] = ["ArtifactFailed", "DependencyNotReady"];
/// Reasons of `Ready` that say a release went well.
const RELEASED: [&str; 3] = ["InstallSucceeded", "UpgradeSucceeded", "TestSucceeded"];
const WORKLOADS: [&str; 2] = ["apps_Deployment", "apps_StatefulSet"];

impl Flux {
    /// Every revision that the verdict asks about.
    pub(super) fn all_revisions(&self) -> Vec<&str> {
        let source = self.source.iter().map(|source| source.revision.as_str());
        let own = self.kustomization.iter().flat_map(|own| [own.applied.as_str(), own.attempted.as_str()]);
        source.chain(own).filter(|text| !text.is_empty()).collect()
    }
}

impl Object {
    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    fn is(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|condition| condition.status == "True")
    }

    /// `Kustomization `apps``.
    fn called(&self) -> String {
        format!("{} `{}`", self.kind, self.name)
    }

    fn held(&self) -> Option<Verdict> {
        let words = || format!("Flux does nothing while {} is suspended", self.called());
        self.is_suspended.then(|| Verdict::Held(words()))
    }

    /// It was asked, or changed, and has not taken that up.
    fn waiting(&self) -> Option<Verdict> {
        let asked = self.requested.is_some() && self.requested != self.handled;
        let waits = asked || self.observed_generation != self.generation;
        waits.then(|| Verdict::NotYet(format!("Flux has not looked at {} yet", self.called())))
    }

    fn at_it(&self, at: &str) -> Option<Verdict> {
        if let Some(stalled) = self.is("Stalled") {
            return Some(Verdict::Failed(format!(
                "Flux has given up on {}: {}",
                self.called(),
                said(&stalled.message)
            )));
        }
        let failed = self.condition("Ready").filter(|ready| ready.status == "False");
        if let Some(ready) = failed.filter(|ready| ready.reason != "Progressing") {
            return Some(Verdict::Failed(format!("Flux: {} failed: {}", self.called(), said(&ready.message))));
        }
        self.is("Reconciling").map(|_| Verdict::Progressing(format!("Flux: applying {at}")))
    }
}

/// How far Flux is with the commit.
pub(super) fn verdict(flux: &Flux, sight: &Sight<'_>) -> Verdict {
    let Some(kustomization) = &flux.kustomization else {
        let name = flux.release.as_ref().map(|release| release.object.called()).unwrap_or_default();
        return Verdict::CannotSee(format!("no Kustomization of Flux applies {name}, so nothing tells its commit"));
    };
    let first = first_hop(flux, kustomization, sight);
    let second = || flux.release.as_ref().and_then(second_hop);
    first.or_else(second).unwrap_or(Verdict::Synced)
}

/// A HelmRelease may take its values from elsewhere than its own specification, and would not notice.
pub(super) fn wants(flux: &Flux, sight: &Sight<'_>) -> Want {
    let applied = flux.kustomization.as_ref().is_some_and(|own| first_hop(flux, own, sight).is_none());
    let waits = |release: &HelmRelease| release.object.held().is_none() && release.object.waiting().is_none();
    if applied && flux.release.as_ref().is_some_and(waits) { Want::Look } else { Want::Nothing }
}

/// Why the Kustomization is not proven to be at the commit.
fn first_hop(flux: &Flux, own: &Kustomization, sight: &Sight<'_>) -> Option<Verdict> {
    let at = short(&own.attempted);
    own.object
        .held()
        .or_else(|| flux.source.as_ref().and_then(Object::held))
        .or_else(|| unfetched(flux.source.as_ref()?, sight))
        .or_else(|| blocked(own, sight))
        .or_else(|| own.object.waiting())
        .or_else(|| lacks(&own.attempted, sight))
        .or_else(|| own.object.at_it(&at))
        .or_else(|| unapplied(own, sight))
        .or_else(|| unmanaged(own, flux.release.as_ref(), sight))
}

/// The source does not have the commit yet. What cannot be told of it is left to the Kustomization.
fn unfetched(source: &Object, sight: &Sight<'_>) -> Option<Verdict> {
    if sight.of(&source.revision) != Ancestry::Behind {
        return None;
    }
    let failed = source.condition("Ready").filter(|ready| ready.status == "False");
    Some(match failed {
        Some(ready) => Verdict::Failed(format!("Flux cannot fetch the repository: {}", said(&ready.message))),
        None => Verdict::NotYet(format!("Flux has fetched only {}", short(&source.revision))),
    })
}

/// It does not get as far as trying.
fn blocked(own: &Kustomization, sight: &Sight<'_>) -> Option<Verdict> {
    let ready = own.object.condition("Ready").filter(|ready| BLOCKING.contains(&ready.reason.as_str()))?;
    let behind = sight.of(&own.attempted) != Ancestry::Contains;
    let words = || format!("Flux cannot begin with {}: {}", own.object.called(), said(&ready.message));
    (behind && ready.status == "False").then(|| Verdict::Failed(words()))
}

fn lacks(revision: &str, sight: &Sight<'_>) -> Option<Verdict> {
    match sight.of(revision) {
        Ancestry::Contains => None,
        Ancestry::Behind => Some(Verdict::NotYet(format!("Flux is still at {}", short(revision)))),
        Ancestry::Unknown if revision.is_empty() => {
            Some(Verdict::NotYet("Flux has not applied anything yet".to_owned()))
        }
        Ancestry::Unknown => {
            let words = format!("Flux is at {}, which this repository does not have", short(revision));
            Some(Verdict::CannotSee(words))
        }
    }
}

/// Tried is not applied.
fn unapplied(own: &Kustomization, sight: &Sight<'_>) -> Option<Verdict> {
    let (applied, attempted) = &own.source_revisions;
    let late = || Verdict::Progressing(format!("Flux: applying {}", short(&own.attempted)));
    let ready = own.object.is("Ready").is_some_and(|ready| ready.reason == "ReconciliationSucceeded");
    lacks(&own.applied, sight).or_else(|| (applied != attempted || !ready).then(late))
}

/// What it applied must be what this is about.
fn unmanaged(own: &Kustomization, release: Option<&HelmRelease>, sight: &Sight<'_>) -> Option<Verdict> {
    let wanted: Vec<String> = match release {
        Some(HelmRelease { object, .. }) => {
            vec![format!("{}_{}_helm.toolkit.fluxcd.io_HelmRelease", object.namespace, object.name)]
        }
        None => WORKLOADS.iter().map(|kind| format!("{}_{}_{kind}", sight.namespace, sight.name)).collect(),
    };
    let name = release.map_or(sight.name, |release| release.object.name.as_str());
    let words = || format!("{} of Flux does not apply `{name}`", own.object.called());
    let managed = own.inventory.iter().any(|id| wanted.contains(id));
    (!managed).then(|| Verdict::CannotSee(words()))
}

/// Why the release is not proven to be what its HelmRelease says.
fn second_hop(release: &HelmRelease) -> Option<Verdict> {
    let object = &release.object;
    object.held().or_else(|| object.waiting()).or_else(|| remedied(object)).or_else(|| {
        let at = format!("`{}` with Helm", object.name);
        object.at_it(&at).or_else(|| unreleased(release))
    })
}

/// Helm went back to an earlier release: git says one thing and live is the other.
fn remedied(object: &Object) -> Option<Verdict> {
    let remediated = object.is("Remediated")?;
    let cause = object.condition("Released").filter(|released| released.status == "False").unwrap_or(remediated);
    Some(Verdict::Failed(format!("Helm went back to the release before: {}", said(&cause.message))))
}

fn unreleased(release: &HelmRelease) -> Option<Verdict> {
    let object = &release.object;
    if let Some(drifted) = object.is("Drifted") {
        return Some(Verdict::NotYet(format!("Flux finds live changed by hand: {}", said(&drifted.message))));
    }
    let ready = object.is("Ready").is_some_and(|ready| RELEASED.contains(&ready.reason.as_str()));
    let released = object.is("Released").is_some() && release.status == "deployed";
    let same = release.released == release.attempted || release.attempted.is_empty() || release.released.is_empty();
    let words = || Verdict::Progressing(format!("Flux: releasing `{}` with Helm", object.name));
    (!(ready && released && same)).then(words)
}
