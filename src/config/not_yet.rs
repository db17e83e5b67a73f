//! Which keys of the configuration have no effect in this version. To support one is to remove its row.

use crate::core::located::{Node, NotYet, Notice, When, not_supported_yet};

#[rustfmt::skip]
const TABLE: [NotYet; 3] = [
    NotYet { key: "clusters.*.kubeconfig", when: When::Given, what: "Reaching a cluster by a kubeconfig" },
    NotYet { key: "clusters.*.in_cluster", when: When::Is("true"), what: "Reaching a cluster from within" },
    NotYet { key: "clusters.*.certificate", when: When::Given, what: "A client certificate for a cluster" },
];

pub(super) fn notices(root: &Node) -> Vec<Notice> {
    not_supported_yet(root, &TABLE)
}
