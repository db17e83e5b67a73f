//! Follows a landed change into the cluster. It is live when its reconciler has brought the commit there, the pods run
//! it, and both stay so for a while. A cluster that cannot be seen holds nothing up but this.

mod gone;
mod legs;
pub(super) mod reconciled;
mod settings;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    Inner, Resting,
    effects::{Trouble, report},
    facts,
};
use crate::{
    chat::card::Progress,
    clock,
    cluster::{Cluster, reconciler},
    core::{
        catalog::EnvironmentRules,
        change::Plan,
        decide::Outcome,
        names::{CommitId, Field, ImageDigest, ImageTag, Service, Target},
        reconciler as proof,
        request::{Course, Ending, Request},
        rollout::{Verdict, Wanted, verdict},
        rules::Rules,
    },
};
use reconciled::Reconciled;

/// How many looks before a change that does not come to life is reported as such; with [`pace`] about 15 minutes.
const LOOKS: u32 = 320;
/// How many looks in a row must show the same failure before it is believed: it may heal by itself.
const FAILED_LOOKS: u32 = 60;

/// How many looks in a row must show a failure before it counts as stuck.
const STUCK_LOOKS: u32 = 3;

/// The shortest and the longest time for which it must stay live before it is said.
const HOLD: [SignedDuration; 2] = [SignedDuration::from_millis(250), SignedDuration::from_secs(30)];

/// Looks often at first, then every three seconds.
fn pace(look: u32) -> Duration {
    Duration::from_millis(if look < 40 { 500 } else { 3000 })
}

/// For how long it must stay live after it took so long to become it: half of that, within bounds.
fn hold(took: SignedDuration) -> SignedDuration {
    let [least, most] = HOLD;
    (took / 2).clamp(least, most)
}

/// Looks until the pods run it, or plainly do not.
pub(super) async fn follow(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    if !course.plan.legs.is_empty() {
        return legs::follow(inner, request, course).await;
    }
    if gone::is_gone(inner, request, course).await? {
        return gone::follow(inner, request).await;
    }
    if let Some(ending) = one(inner, request, (&request.opened.target, &course.plan)).await? {
        report(inner, request, Outcome::Ended(ending)).await;
    }
    Ok(())
}

/// Where a target runs, by the catalog and the configuration; words where that cannot be looked into.
fn runs_in<'a>(
    inner: &'a Inner,
    rules: &'a Rules,
    target: &Target,
) -> Result<(&'a EnvironmentRules, &'a Cluster), Ending> {
    let environment = rules.catalog.environment(&target.environment);
    let cluster = environment.and_then(|at| Some((at, inner.reach.clusters.get(at.cluster.as_ref()?)?)));
    cluster.ok_or_else(|| {
        let seen = match environment {
            Some(_) => "its cluster is not in the configuration",
            None => "its environment is no longer in the catalog",
        };
        Ending::Unseen { seen: seen.to_owned() }
    })
}

/// Looks until the pods of one target run what was planned for it. Nothing where that is over already, or the bot ends.
async fn one(
    inner: &Arc<Inner>,
    request: &Request,
    (target, plan): (&Target, &Plan),
) -> Result<Option<Ending>, Trouble> {
    let Some(rules) = inner.rules() else { return Err(Trouble::Other("the rules are not read yet.".to_owned())) };
    let Some(commit) = request.commit() else { return Ok(None) };
    let (environment, cluster) = match runs_in(inner, &rules, target) {
        Ok(there) => there,
        Err(ending) => return Ok(Some(ending)),
    };
    let reconciler = reconciler(cluster, &environment.reconciler, &target.service);
    let is_one_of_several = !request.opened.with.is_empty();
    let place = Place {
        cluster,
        namespace: environment.namespace_of(&target.service),
        name: target.service.as_str(),
        apart: is_one_of_several.then_some(&target.service),
        wanted: wanted(plan, facts::image(&rules, target)),
        settings: settings::of(plan),
        commit,
    };
    let reconciled = reconciler.map(Reconciled::new);
    Ok(look_until(inner, request, &place, reconciled).await)
}

/// Where a change must come to life.
pub(super) struct Place<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) namespace: String,
    pub(super) name: &'a str,
    /// The service, where the request is of several.
    pub(super) apart: Option<&'a Service>,
    pub(super) wanted: Wanted,
    /// Keys of its configuration, and the values that they shall have.
    pub(super) settings: Vec<(String, String)>,
    pub(super) commit: &'a CommitId,
}

impl Place<'_> {
    /// Whether nothing is looked for any more: a newer change took over, or the request is over.
    async fn is_settled(&self, inner: &Inner, request: &Request) -> bool {
        let Some(now) = inner.request(&request.id).await else { return true };
        now.is_over() || self.apart.is_some_and(|service| !now.unsettled().contains(service))
    }

    /// What the card says while it is waited for.
    fn note(&self, inner: &Arc<Inner>, request: &Request, seen: String) {
        let progress = match self.apart {
            None => Progress { seen: Some(seen), ..Progress::default() },
            Some(service) => {
                let mut each = inner.progress(&request.id).each;
                each.insert(service.clone(), seen);
                Progress { each, ..Progress::default() }
            }
        };
        inner.note_progress(&request.id, progress);
    }
}

fn wanted(plan: &Plan, image: Option<String>) -> Wanted {
    let new = |field: &Field| plan.lines.iter().find(|line| &line.field == field).map(|line| line.new.as_str());
    Wanted {
        image,
        tag: new(&Field::ImageTag).and_then(|tag| ImageTag::parse(tag).ok()),
        digest: new(&Field::ImageDigest).and_then(|digest| ImageDigest::parse(digest).ok()),
        replicas: new(&Field::Replicas).and_then(|replicas| replicas.parse().ok()),
        variables: settings::variables(plan),
    }
}

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    /// The pods run it, and the reconciler has it.
    Live(String),
    /// Not yet.
    NotYet(String),
    /// Not before a person does something.
    Held(String),
    /// It plainly fails.
    Failing(String),
    /// The pods run it; what the reconciler thinks could not be seen.
    Hidden(String),
    /// The cluster could not be seen.
    Unseen(String),
}

impl Look {
    fn seen(&self) -> &str {
        match self {
            Self::Live(seen)
            | Self::NotYet(seen)
            | Self::Held(seen)
            | Self::Failing(seen)
            | Self::Hidden(seen)
            | Self::Unseen(seen) => seen,
        }
    }
}

/// What the looks so far come to.
struct Watch {
    began: Timestamp,
    /// Since when every look has shown it live.
    live: Option<Timestamp>,
    /// How many looks in a row have shown a failure, or hid what is needed.
    failing: u32,
    hidden: u32,
}

impl Watch {
    fn new(now: Timestamp) -> Self {
        Self { began: now, live: None, failing: 0, hidden: 0 }
    }

    /// Takes a look in; the end, where there is one.
    fn note(&mut self, look: &Look, now: Timestamp) -> Option<Ending> {
        self.failing = if matches!(look, Look::Failing(_)) { self.failing + 1 } else { 0 };
        self.hidden = if matches!(look, Look::Hidden(_)) { self.hidden + 1 } else { 0 };
        self.live = matches!(look, Look::Live(_)).then(|| self.live.unwrap_or(now));
        let seen = look.seen().to_owned();
        if self.failing >= FAILED_LOOKS {
            return Some(Ending::NotLive { seen });
        }
        if self.hidden >= FAILED_LOOKS {
            return Some(Ending::Unseen { seen });
        }
        let since = self.live?;
        let held = now.duration_since(since) >= hold(since.duration_since(self.began));
        held.then_some(Ending::Live { seen })
    }

    /// Whether nothing is in flight any more, only watched on.
    fn is_stuck(&self, look: &Look) -> bool {
        matches!(look, Look::Held(_)) || self.failing >= STUCK_LOOKS || self.hidden >= STUCK_LOOKS
    }

    /// How long until the next look: what is live is looked at again when it has held for long enough.
    fn wait(&self, turn: u32) -> Duration {
        let Some(since) = self.live else { return pace(turn) };
        hold(since.duration_since(self.began)).unsigned_abs().clamp(Duration::from_millis(50), pace(turn))
    }
}

pub(super) async fn look_until(
    inner: &Arc<Inner>,
    request: &Request,
    place: &Place<'_>,
    mut reconciled: Option<Reconciled>,
) -> Option<Ending> {
    let mut watch = Watch::new(clock::now());
    let mut last = Look::NotYet("nothing seen of it yet".to_owned());
    for turn in 0..LOOKS {
        last = look(inner, request, place, reconciled.as_mut()).await;
        if let Some(ending) = watch.note(&last, clock::now()) {
            return Some(ending);
        }
        // What has failed for some looks is watched on, but nothing is in flight any more.
        let _resting = watch.is_stuck(&last).then(|| Resting::new(inner));
        place.note(inner, request, shown(&last));
        inner.tasks.pause(watch.wait(turn)).await;
        // A newer change of the same target, or the end of the bot, ends the watch.
        if inner.tasks.is_stopping() || place.is_settled(inner, request).await {
            return None;
        }
    }
    let seen = last.seen().to_owned();
    Some(match last {
        Look::Unseen(_) | Look::Hidden(_) => Ending::Unseen { seen },
        Look::Live(_) | Look::NotYet(_) | Look::Held(_) | Look::Failing(_) => Ending::NotLive { seen },
    })
}

/// What the card says while it is waited for.
fn shown(look: &Look) -> String {
    match look {
        Look::Live(seen) => format!("{seen}; looking once more whether that holds"),
        Look::NotYet(seen) | Look::Held(seen) | Look::Failing(seen) | Look::Hidden(seen) | Look::Unseen(seen) => {
            seen.clone()
        }
    }
}

async fn look(inner: &Arc<Inner>, request: &Request, place: &Place<'_>, reconciled: Option<&mut Reconciled>) -> Look {
    let pods = look_at_pods(place).await;
    match reconciled {
        // Where the cluster does not answer there is no use in asking it twice.
        Some(reconciled) if !matches!(pods, Look::Unseen(_)) => {
            both(pods, reconciled.look(inner, request, place).await)
        }
        Some(_) | None => pods,
    }
}

/// What pods and reconciler come to together: both must say that it is there.
fn both(pods: Look, reconciler: proof::Verdict) -> Look {
    use proof::Verdict as Of;
    let beside = |words: &str| format!("{words}; {}", pods.seen());
    match (reconciler, &pods) {
        (Of::Synced | Of::NoChangeNeeded, _) => pods,
        (Of::CannotSee(words), Look::Live(seen)) => Look::Hidden(format!("{seen}, but {words}")),
        (Of::CannotSee(_), _) | (_, Look::Failing(_) | Look::Unseen(_)) => pods,
        (Of::Failed(words), _) => Look::Failing(words),
        (Of::Held(words), _) => Look::Held(beside(&words)),
        (Of::NotYet(words) | Of::Progressing(words), _) => Look::NotYet(beside(&words)),
    }
}

async fn look_at_pods(place: &Place<'_>) -> Look {
    let Place { cluster, namespace, name, wanted, .. } = place;
    let workload = match cluster.workload(namespace, name).await {
        Ok(Some(workload)) => workload,
        Ok(None) => return Look::NotYet(format!("`{name}` is not in the cluster yet")),
        Err(error) => return Look::Unseen(format!("the cluster cannot be seen ({error})")),
    };
    let version = wanted.tag.as_ref().map(|tag| format!(" run {tag}")).unwrap_or_else(|| " are ready".to_owned());
    let settings = match settings::look(place, &workload).await {
        Ok(settings) => settings,
        Err(look) => return look,
    };
    match verdict(&workload, wanted) {
        Verdict::Live => Look::Live(format!("{} of {} pods{version}{settings}", workload.ready, workload.desired)),
        Verdict::NotYet { running } => Look::NotYet(format!("still running {running}")),
        Verdict::Progressing { ready, desired } => Look::NotYet(format!("{ready} of {desired} pods{version}")),
        Verdict::Failed { reason } => Look::Failing(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Look {
        Look::Live("2 of 2 pods run v2".into())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// How the watch ends after these looks, one each so many seconds after the start.
    fn check(looks: &[(i64, Look)]) -> Option<Ending> {
        let mut watch = Watch::new(at(0));
        looks.iter().find_map(|(second, look)| watch.note(look, at(*second)))
    }

    #[test]
    fn live_counts_only_after_it_held() {
        let ended = Ending::Live { seen: "2 of 2 pods run v2".into() };
        assert_eq!(check(&[(0, live())]), None);
        assert_eq!(check(&[(0, live()), (1, live())]), Some(ended.clone()));
        assert_eq!(check(&[(20, live()), (29, live())]), None, "it took 20 s, so it must hold for 10");
        assert_eq!(check(&[(20, live()), (30, live())]), Some(ended.clone()));
        assert_eq!(check(&[(600, live()), (629, live())]), None);
        assert_eq!(check(&[(600, live()), (630, live())]), Some(ended), "never longer than 30 s");
    }

    #[test]
    fn what_falls_over_while_it_is_held_begins_anew() {
        let crash = Look::Failing("checkout-a: CrashLoopBackOff".into());
        assert_eq!(check(&[(20, live()), (25, crash), (30, live()), (31, live())]), None);
    }

    #[test]
    fn failures_and_hidden_reconcilers_are_believed_after_many_looks() {
        let looks = |look: Look| (0..i64::from(FAILED_LOOKS)).map(|second| (second, look.clone())).collect::<Vec<_>>();
        let ended = check(&looks(Look::Failing("no".into())));
        assert_eq!(ended, Some(Ending::NotLive { seen: "no".into() }));
        let ended = check(&looks(Look::Hidden("dark".into())));
        assert_eq!(ended, Some(Ending::Unseen { seen: "dark".into() }));
        assert_eq!(check(&looks(Look::Held("suspended".into()))), None);
    }

    #[test]
    fn both_must_say_so() {
        use proof::Verdict as Of;
        let not_yet = || Look::NotYet("still running v1".into());
        let failing = || Look::Failing("checkout-a: ImagePullBackOff".into());
        assert_eq!(both(live(), Of::Synced), live());
        assert_eq!(both(live(), Of::NoChangeNeeded), live());
        assert_eq!(both(not_yet(), Of::Synced), not_yet());
        let syncing = "Argo CD: syncing 4f2a1c0";
        let words = format!("{syncing}; still running v1");
        assert_eq!(both(not_yet(), Of::Progressing(syncing.into())), Look::NotYet(words));
        let words = format!("{syncing}; 2 of 2 pods run v2");
        assert_eq!(both(live(), Of::NotYet(syncing.into())), Look::NotYet(words));
        assert_eq!(both(not_yet(), Of::Held("held".into())), Look::Held("held; still running v1".into()));
        assert_eq!(both(live(), Of::Failed("Helm went back".into())), Look::Failing("Helm went back".into()));
        assert_eq!(both(failing(), Of::Failed("degraded".into())), failing(), "the pods know better why");
        assert_eq!(both(failing(), Of::Progressing("coming up".into())), failing());
        assert_eq!(both(not_yet(), Of::CannotSee("dark".into())), not_yet());
        let words = "2 of 2 pods run v2, but dark".to_owned();
        assert_eq!(both(live(), Of::CannotSee("dark".into())), Look::Hidden(words));
    }
}
