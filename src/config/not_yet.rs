//! Which keys of the configuration have no effect in this version. To support one is to remove its row.

use crate::core::located::{Node, NotYet, Notice, When, not_supported_yet};

#[rustfmt::skip]
const TABLE: [NotYet; 1] = [
    NotYet { key: "clusters.*.kubeconfig", when: When::Given, what: "Reaching a cluster by a kubeconfig" },
];

pub(super) fn notices(root: &Node) -> Vec<Notice> {
    not_supported_yet(root, &TABLE)
}
