//! `freezes`: windows in which environments may not change, as the catalog writes them.

use jiff::{civil::Date, tz::TimeZone};

use super::{
    Catalog,
    environment::EnvironmentRules,
    lock::Known,
    names::{TimeZoneName, refused},
};
use crate::core::{
    freeze::{Exempt, Window},
    located::{Fields, Node, Problem},
    moment::{self, Moment},
    names::{Environment, NotAName},
};

const KEYS: [&str; 7] = ["environment", "from", "until", "time_zone", "except", "exempt", "because"];
const EXAMPLE: &str = "{ environment: prod, from: \"Fri 17:00\", until: \"Mon 8:00\" }";

impl Catalog {
    /// The windows in which environments may not change.
    pub fn freezes(&self) -> &[Window] {
        &self.freezes
    }

    /// The time zone of an environment; UTC where the catalog names none.
    pub fn zone_of(&self, environment: &Environment) -> TimeZone {
        let name = self.environment(environment).and_then(|rules| rules.time_zone.as_ref());
        name.and_then(|name| moment::zone(name.as_str())).unwrap_or(TimeZone::UTC)
    }

    /// The environments that a name stands for: itself, or those of a group.
    pub fn environments_of(&self, name: &Environment) -> Vec<Environment> {
        match self.groups.iter().find(|group| group.name == *name) {
            Some(group) => group.steps.iter().map(|step| step.environment.clone()).collect(),
            None => self.environment(name).map(|rules| rules.name.clone()).into_iter().collect(),
        }
    }
}

/// All windows of a catalog.
pub(super) fn read(
    fields: Fields<'_>,
    (known, environments): (Known<'_>, &[EnvironmentRules]),
    problems: &mut Vec<Problem>,
) -> Vec<Window> {
    let items = fields.get("freezes").map_or(&[] as &[Node], |node| node.items(problems));
    items.iter().filter_map(|node| window(node, known, environments, problems)).collect()
}

fn window(node: &Node, known: Known<'_>, rules: &[EnvironmentRules], problems: &mut Vec<Problem>) -> Option<Window> {
    let before = problems.len();
    let fields = node.fields(&KEYS, problems);
    let environments = fields.get("environment").map(|node| known.environments(node, problems));
    let environments = match environments {
        Some(environments) => environments,
        None => Some(known.environments.iter().cloned().collect()),
    };
    let from = edge(fields, "from", problems);
    let until = edge(fields, "until", problems);
    let named = fields.get("time_zone").and_then(|node| node.named(TimeZoneName::parse, problems).zip(Some(node)));
    let zone = match named {
        Some((name, node)) => known_zone(&name, node, problems),
        None => Some(environments.iter().flatten().find_map(|name| zone_of(rules, name)).unwrap_or(TimeZone::UTC)),
    };
    let except = fields.get("except").map(|node| node.named_items(days, problems)).unwrap_or_default();
    let exempt = fields.get("exempt").map(|node| node.named_items(Exempt::parse, problems)).unwrap_or_default();
    let because = fields.get("because").and_then(|node| node.text(problems));
    let window = Window {
        environments: environments?,
        from: from?,
        until: until?,
        zone: zone?,
        except,
        exempt,
        because: because.unwrap_or("no reason is given").to_owned(),
        line: node.place.line,
    };
    (problems.len() == before).then_some(window)
}

fn zone_of(rules: &[EnvironmentRules], name: &Environment) -> Option<TimeZone> {
    let rules = rules.iter().find(|rules| rules.name == *name)?;
    moment::zone(rules.time_zone.as_ref()?.as_str())
}

/// One end of a window: any moment but one that counts from now.
fn edge(fields: Fields<'_>, key: &str, problems: &mut Vec<Problem>) -> Option<Moment> {
    let node = fields.required(key, EXAMPLE, problems)?;
    let moment = node.named(Moment::parse, problems)?;
    if matches!(moment, Moment::In(_)) {
        problems.push(node.problem("a moment of the calendar", "Write it like `Fri 17:00`, `18:00` or `2026-12-24`."));
        return None;
    }
    Some(moment)
}

/// The zone of that name, or the report that there is none.
pub(super) fn known_zone(name: &TimeZoneName, node: &Node, problems: &mut Vec<Problem>) -> Option<TimeZone> {
    let zone = moment::zone(name.as_str());
    if zone.is_none() {
        problems.push(node.problem("a time zone of the IANA table", "Write it like `Europe/Madrid`, or `UTC`."));
    }
    zone
}

/// A day, or the first and the last of several: `2026-12-24..2026-12-26`.
fn days(text: &str) -> Result<(Date, Date), NotAName> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let day = |text: &str| text.trim().parse::<Date>().ok().filter(|_| text.trim().len() == 10);
    let found = day(first).zip(day(last)).filter(|(first, last)| first <= last);
    let rule = "a day, or the first and the last with `..` between";
    found.ok_or_else(|| refused(text, "days", rule, "2026-12-24..2026-12-26"))
}
