//! What was done by hand, as it is live: read, compared with what somebody told, and written down as the change from what
//! git says, so that it can be given back.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Inner, Place,
    check::{Stop, git_value, image, owner, planned},
};
use crate::{
    core::{
        break_glass::{ByHand, Kind, Live, LivePlan, Way, describe},
        decide::{Words, sentence},
        names::{Field, Target},
        rules::Rules,
    },
    engine::facts,
};

pub(super) async fn recorded(
    inner: &Arc<Inner>,
    place: &Place,
    (rules, target): (&Rules, &Target),
    done: &ByHand,
) -> Result<LivePlan, Stop> {
    let git = git_value(inner, rules, target, &done.field).await.map_err(Stop::Later)?;
    let Some(git) = git else {
        let text = format!("Git says nothing of {} of {target}, so nothing is owed for it.", done.field);
        return Err(Words::new(text, "Set it in git, where it belongs there.").into());
    };
    if git == done.live {
        return Err(Words::new(format!("Git says {git} already."), "Nothing is owed.").into());
    }
    let Some((kind, workload)) = place.cluster.raw_workload(&place.namespace, target.service.as_str()).await? else {
        let text = format!("There is no Deployment and no StatefulSet `{}` in `{}`.", target.service, place.namespace);
        return Err(Words::new(text, "Look at the names in the cluster and in the catalog.").into());
    };
    let back = to_git(place, (rules, target), (kind, &workload), (done, &git)).await?;
    if back.old != done.live {
        let text = format!("{} of {target} is {} live, not {}.", done.field, back.old, done.live);
        return Err(Words::new(text, "Record what is live.").into());
    }
    Ok(turned(target, &back)?)
}

/// The change that would give the cluster what git says.
async fn to_git(
    place: &Place,
    (rules, target): (&Rules, &Target),
    found: (Kind, &Value),
    (done, git): (&ByHand, &str),
) -> Result<LivePlan, Stop> {
    if done.field == Field::ImageTag {
        return Ok(image(place, found, target, (git, facts::image(rules, target)))?);
    }
    if let (Some(_), _) = owner(place, found.0, target).await? {
        let text = format!("An autoscaler owns the count of {target}, so what runs is not what somebody set.");
        return Err(Words::new(text, "Nothing is owed for it.").into());
    }
    let count = git.parse::<u32>().map_err(|_| Words::plain(format!("`{git}` in git is not a count.")))?;
    Ok(planned(place, found, target, (Field::Replicas, "/spec/replicas", json!(count)))?)
}

/// The same, the other way round: from what git says to what is live.
fn turned(target: &Target, back: &LivePlan) -> Result<LivePlan, Words> {
    let Way { pointer, from, to } = back.way.clone();
    let test = |op: &Value| {
        let path =
            op.get("path").and_then(Value::as_str).filter(|path| *path != pointer && *path != "/metadata/uid")?;
        Some((path.to_owned(), op.get("value").cloned().unwrap_or_default()))
    };
    let beside = back.patch.iter().filter_map(test).collect();
    let live = Live { uid: back.uid.clone(), beside, way: Way { pointer, from: to, to: from } };
    let values = (back.field.clone(), back.new.clone(), back.old.clone());
    describe(target, back.object.clone(), &live, values).map_err(|error| Words::plain(sentence(&error.to_string())))
}
