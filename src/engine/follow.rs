//! Follows a landed change into the cluster. It is live only when the pods say so.

use std::{sync::Arc, time::Duration};

use super::{
    Inner, Resting,
    effects::{Trouble, report},
    facts,
};
use crate::{
    chat::card::Progress,
    cluster::Cluster,
    core::{
        decide::Outcome,
        names::{Field, ImageDigest, ImageTag},
        request::{Course, Ending, Request},
        rollout::{Verdict, Wanted, verdict},
    },
};

/// How many looks before a change that does not come to life is reported as such; with [`pace`] about 15 minutes.
const LOOKS: u32 = 320;
/// How many looks in a row must show the same failure before it is believed: it may heal by itself.
const FAILED_LOOKS: u32 = 60;

/// How many looks in a row must show a failure before it counts as stuck.
const STUCK_LOOKS: u32 = 3;

/// Looks often at first, then every three seconds.
fn pace(look: u32) -> Duration {
    Duration::from_millis(if look < 40 { 500 } else { 3000 })
}

/// Looks until the pods run it, or plainly do not.
pub(super) async fn follow(inner: &Arc<Inner>, request: &Request, course: &Course) -> Result<(), Trouble> {
    let Some(rules) = inner.rules() else { return Err(Trouble::Other("the rules are not read yet.".to_owned())) };
    let target = &request.opened.target;
    let environment = rules.catalog.environment(&target.environment);
    let cluster = environment.and_then(|at| Some((at, inner.reach.clusters.get(at.cluster.as_ref()?)?)));
    let Some((environment, cluster)) = cluster else {
        let seen = match environment {
            Some(_) => "its cluster is not in the configuration",
            None => "its environment is no longer in the catalog",
        };
        let seen = seen.to_owned();
        report(inner, request, Outcome::Ended(Ending::Unseen { seen })).await;
        return Ok(());
    };
    let namespace = environment.namespace_of(&target.service);
    let ending = look_until(inner, request, cluster, (&namespace, &wanted(course, facts::image(&rules, target)))).await;
    if let Some(ending) = ending {
        report(inner, request, Outcome::Ended(ending)).await;
    }
    Ok(())
}

fn wanted(course: &Course, image: Option<String>) -> Wanted {
    let new = |field: &Field| course.plan.lines.iter().find(|line| &line.field == field).map(|line| line.new.as_str());
    Wanted {
        image,
        tag: new(&Field::ImageTag).and_then(|tag| ImageTag::parse(tag).ok()),
        digest: new(&Field::ImageDigest).and_then(|digest| ImageDigest::parse(digest).ok()),
        replicas: new(&Field::Replicas).and_then(|replicas| replicas.parse().ok()),
    }
}

/// One look.
enum Look {
    /// The pods run it.
    Live(String),
    /// Not yet.
    NotYet(String),
    /// It plainly fails.
    Failing(String),
    /// The cluster could not be seen.
    Unseen(String),
}

async fn look_until(
    inner: &Arc<Inner>,
    request: &Request,
    cluster: &Cluster,
    (namespace, wanted): (&str, &Wanted),
) -> Option<Ending> {
    let (mut failing, mut last) = (0, Look::NotYet("nothing seen of it yet".to_owned()));
    for turn in 0..LOOKS {
        last = look(cluster, namespace, request.opened.target.service.as_str(), wanted).await;
        let seen = match &last {
            Look::Live(seen) => return Some(Ending::Live { seen: seen.clone() }),
            Look::Failing(seen) | Look::NotYet(seen) | Look::Unseen(seen) => seen.clone(),
        };
        failing = if matches!(last, Look::Failing(_)) { failing + 1 } else { 0 };
        // What has failed for some looks is watched on, but nothing is in flight any more.
        let _resting = (failing >= STUCK_LOOKS).then(|| Resting::new(inner));
        if failing >= FAILED_LOOKS {
            return Some(Ending::NotLive { seen });
        }
        inner.note_progress(&request.id, Progress { seen: Some(seen), ..Progress::default() });
        inner.tasks.pause(pace(turn)).await;
        // A newer change of the same target, or the end of the bot, ends the watch.
        if inner.tasks.is_stopping() || inner.request(&request.id).await.is_none_or(|now| now.is_over()) {
            return None;
        }
    }
    Some(match last {
        Look::Unseen(seen) => Ending::Unseen { seen },
        Look::Live(seen) | Look::NotYet(seen) | Look::Failing(seen) => Ending::NotLive { seen },
    })
}

async fn look(cluster: &Cluster, namespace: &str, name: &str, wanted: &Wanted) -> Look {
    let workload = match cluster.workload(namespace, name).await {
        Ok(Some(workload)) => workload,
        Ok(None) => return Look::NotYet(format!("`{name}` is not in the cluster yet")),
        Err(error) => return Look::Unseen(format!("the cluster cannot be seen ({error})")),
    };
    let version = wanted.tag.as_ref().map(|tag| format!(" run {tag}")).unwrap_or_else(|| " are ready".to_owned());
    match verdict(&workload, wanted) {
        Verdict::Live => Look::Live(format!("{} of {} pods{version}", workload.ready, workload.desired)),
        Verdict::NotYet { running } => Look::NotYet(format!("still running {running}")),
        Verdict::Progressing { ready, desired } => Look::NotYet(format!("{ready} of {desired} pods{version}")),
        Verdict::Failed { reason } => Look::Failing(reason),
    }
}
