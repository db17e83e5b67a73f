//! Which keys of the catalog have no effect in this version. To support one is to remove its row.

use crate::core::located::{Node, NotYet, Notice, When, not_supported_yet};

#[rustfmt::skip]
const TABLE: [NotYet; 5] = [
    NotYet { key: "environment_groups.*", when: When::Given, what: "Naming a group where an environment can stand" },
    NotYet { key: "environments.*.approvals.during.*.breakglass", when: When::Given, what: "Breaking glass by other approvals during an incident, which it always is," },
    NotYet { key: "people.*.ssh", when: When::Given, what: "Pulling levers from a terminal" },
    NotYet { key: "channels.incident_prefix", when: When::Given, what: "Opening channels for incidents" },
    NotYet { key: "tickets", when: When::Given, what: "Opening tickets" },
];

pub(super) fn notices(root: &Node) -> Vec<Notice> {
    not_supported_yet(root, &TABLE)
}
