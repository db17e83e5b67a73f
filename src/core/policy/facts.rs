//! What policies may speak of beside who, what and where: the facts of one request, as Cedar gets them and as people are
//! told of them.

use std::collections::BTreeSet;

use cedar_policy::RestrictedExpression;

/// Something that is known, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// Nobody could tell. Never the same as no.
    #[default]
    Unknown,
}

impl Known {
    fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// The facts of one request that policies may speak of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// Whether the environment is frozen for whoever asks.
    pub freeze: Known,
    /// Until when, by whom and why; and what to do about it.
    pub frozen: Option<(String, String)>,
    /// Whether the registry has the tag.
    pub tag_exists: Known,
    /// Why a field that the change touches is locked, when one is.
    pub locked: Option<String>,
    /// How many run now, where the change touches that.
    pub replicas_before: Option<i64>,
    /// How many would run.
    pub replicas_after: Option<i64>,
    /// The fewest and the most that the catalog allows.
    pub replica_limits: Option<(i64, i64)>,
    /// The environments where this very version was the last to land and was seen healthy.
    pub healthy_in: BTreeSet<String>,
    /// For how many minutes it has been live in that of them where it is longest.
    pub healthy_minutes: i64,
    /// Whether the change leaves the image pinned by digest, where it brings a version.
    pub image_pinned: Known,
    /// The gravest open incident of the service, or of everything: `sev1`.
    pub incident: Option<String>,
    /// Whether the target owes git something.
    pub owes: Known,
    /// What clocks show where the environment is; unknown, no hour and no day fits.
    pub clock: Option<LocalClock>,
    /// How many requests whoever asks opened within the last hour.
    pub recent_requests: i64,
    /// The channel where it was typed.
    pub channel: String,
    /// `slack`, `discord`, `terminal`.
    pub platform: String,
}

/// The time in an environment's own zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalClock {
    /// From 0 to 23.
    pub hour: i64,
    /// `mon` to `sun`.
    pub weekday: &'static str,
}

/// The facts as Cedar's context.
pub(super) fn context(facts: &Circumstances) -> Vec<(String, RestrictedExpression)> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let (least, most) = facts.replica_limits.unwrap_or((0, i64::MAX));
    let mut pairs = vec![
        ("freeze", text(facts.freeze.word())),
        ("tag_exists", text(facts.tag_exists.word())),
        ("locked", RestrictedExpression::new_bool(facts.locked.is_some())),
        ("replicas_min", RestrictedExpression::new_long(least)),
        ("replicas_max", RestrictedExpression::new_long(most)),
        ("healthy_in", RestrictedExpression::new_set(facts.healthy_in.iter().map(|name| text(name)))),
        ("healthy_minutes", RestrictedExpression::new_long(facts.healthy_minutes)),
        ("image_pinned", text(facts.image_pinned.word())),
        ("incident_severity", text(facts.incident.as_deref().unwrap_or("none"))),
        ("open_debt", text(facts.owes.word())),
        ("local_hour", RestrictedExpression::new_long(facts.clock.map_or(-1, |clock| clock.hour))),
        ("weekday", text(facts.clock.map_or("unknown", |clock| clock.weekday))),
        ("recent_requests", RestrictedExpression::new_long(facts.recent_requests)),
        ("channel", text(&facts.channel)),
        ("platform", text(&facts.platform)),
    ];
    pairs.extend(facts.replicas_before.map(|n| ("replicas_before", RestrictedExpression::new_long(n))));
    pairs.extend(facts.replicas_after.map(|n| ("replicas_after", RestrictedExpression::new_long(n))));
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The fact behind a built-in denial, in words; a repository's own policies explain themselves by `@reason`.
pub(super) fn deciding_fact(policy: &str, facts: &Circumstances) -> Option<String> {
    match policy {
        "locked" => facts.locked.clone(),
        "replica-limits" => {
            let (least, most) = facts.replica_limits?;
            Some(format!("{} asked, {least} to {most} allowed", facts.replicas_after?))
        }
        _ => None,
    }
}

/// The facts that a denial by a policy of the repository's tells where the policy speaks of them.
const FACTS: [&str; 14] = [
    "freeze",
    "tag_exists",
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
    "platform",
];

/// Whether a policy's text speaks of a fact that is another one from moment to moment.
pub(super) fn speaks_of_the_moment(policy: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let lasts = |name: &str| matches!(name, "channel" | "platform");
    let names: Vec<&str> =
        FACTS.iter().copied().filter(|name| !lasts(name)).chain(["locked", "replicas_min", "replicas_max"]).collect();
    policy.split(|c| !is_part(c)).any(|word| names.contains(&word))
}

/// The facts that a policy's text speaks of, as they are: "weekday sat, local_hour 22".
pub(super) fn spoken_of(policy: &str, facts: &Circumstances) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let told = FACTS.iter().filter(|name| policy.split(|c| !is_part(c)).any(|word| word == **name));
    let told: Vec<String> = told.filter_map(|name| Some(format!("{name} {}", fact(name, facts)?))).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// One fact as it is; `None` where it is absent.
fn fact(name: &str, facts: &Circumstances) -> Option<String> {
    match name {
        "freeze" => Some(facts.freeze.word().to_owned()),
        "tag_exists" => Some(facts.tag_exists.word().to_owned()),
        "replicas_before" => facts.replicas_before.map(|count| count.to_string()),
        "replicas_after" => facts.replicas_after.map(|count| count.to_string()),
        "healthy_in" if facts.healthy_in.is_empty() => Some("nothing that I know".to_owned()),
        "healthy_in" => Some(facts.healthy_in.iter().cloned().collect::<Vec<_>>().join(" and ")),
        "healthy_minutes" => Some(facts.healthy_minutes.to_string()),
        "image_pinned" => Some(facts.image_pinned.word().to_owned()),
        "incident_severity" => Some(facts.incident.clone().unwrap_or_else(|| "none".to_owned())),
        "open_debt" => Some(facts.owes.word().to_owned()),
        "local_hour" => Some(facts.clock.map_or("unknown".to_owned(), |clock| clock.hour.to_string())),
        "weekday" => Some(facts.clock.map_or("unknown", |clock| clock.weekday).to_owned()),
        "recent_requests" => Some(facts.recent_requests.to_string()),
        "channel" => Some(facts.channel.clone()),
        "platform" => Some(facts.platform.clone()),
        _ => None,
    }
}
