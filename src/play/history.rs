//! The demo repository's past, as a table: who changed what when. `fixtures/demo` is the present;
//! earlier commits are reached by undoing these steps from the last to the first.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

use super::error::PlayError;

static DEMO: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/demo");

/// One commit of the past.
pub(super) struct Step {
    /// A key of the people.
    pub(super) who: &'static str,
    /// RFC 3339.
    pub(super) when: &'static str,
    pub(super) message: &'static str,
    /// File, text before, text after.
    edits: &'static [(&'static str, &'static str, &'static str)],
}

/// The files of every commit, by path.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

const CHECKOUT_STAGING: &str = "apps/checkout/staging/kustomization.yaml";
const CHECKOUT_PROD: &str = "apps/checkout/prod/kustomization.yaml";
const CART_STAGING: &str = "apps/cart/staging/cart.yaml";
const CART_PROD: &str = "apps/cart/prod/cart.yaml";

/// Oldest first; the first is the import and changes nothing.
pub(super) const STEPS: &[Step] = &[
    Step { who: "bo", when: "2026-09-14T09:12:31Z", message: "Move the deployments into one repository\n", edits: &[] },
    Step {
        who: "ana",
        when: "2026-10-05T13:40:02Z",
        message: "checkout v1.2.3 to staging\n",
        edits: &[(CHECKOUT_STAGING, "newTag: v1.2.2", "newTag: v1.2.3")],
    },
    Step {
        who: "bo",
        when: "2026-10-06T08:05:47Z",
        message: "checkout v1.2.3 to prod (#41)\n\nHealthy in staging since yesterday.\n",
        edits: &[(CHECKOUT_PROD, "newTag: \"v1.2.2\"", "newTag: \"v1.2.3\"")],
    },
    Step {
        who: "dan",
        when: "2026-10-12T15:22:10Z",
        message: "Three checkouts in prod\n\nTwo were at 90 % in the load test.\n",
        edits: &[(CHECKOUT_PROD, "{name: checkout, count: 2}", "{name: checkout, count: 3}")],
    },
    Step {
        who: "dan",
        when: "2026-10-20T10:01:55Z",
        message: "cart: sessions of fifteen minutes\n",
        edits: &[(CART_STAGING, "value: '600'", "value: '900'"), (CART_PROD, "value: '600'", "value: '900'")],
    },
    Step {
        who: "ana",
        when: "2026-10-27T11:30:00Z",
        message: "search 2.9.0 to staging\n",
        edits: &[("apps/search/staging/values.yaml", "tag: \"2.8.3\"", "tag: \"2.9.0\"")],
    },
    Step {
        who: "cleo",
        when: "2026-11-03T09:45:18Z",
        message: "payments v5.0.2 to prod (#43)\n",
        edits: &[("apps/payments/prod/kustomization.yaml", "newTag: v5.0.1", "newTag: v5.0.2")],
    },
    Step {
        who: "ana",
        when: "2026-11-09T14:03:26Z",
        message: "checkout v1.2.4 to staging\n",
        edits: &[(CHECKOUT_STAGING, "newTag: v1.2.3", "newTag: v1.2.4")],
    },
    Step {
        who: "bo",
        when: "2026-11-11T08:20:39Z",
        message: "checkout v1.2.4 to prod (#44)\n",
        edits: &[(CHECKOUT_PROD, "newTag: \"v1.2.3\"", "newTag: \"v1.2.4\"")],
    },
    Step {
        who: "dan",
        when: "2026-11-17T16:48:05Z",
        message: "payments v5.1.0 to staging\n",
        edits: &[("apps/payments/staging/kustomization.yaml", "newTag: v5.0.2", "newTag: v5.1.0")],
    },
];

/// The files after each step, in the order of [`STEPS`].
pub(super) fn snapshots() -> Result<Vec<Files>, PlayError> {
    let mut files = present();
    let mut snapshots = Vec::with_capacity(STEPS.len());
    for step in STEPS.iter().rev() {
        snapshots.push(files.clone());
        for (path, before, after) in step.edits {
            undo(&mut files, path, before, after)?;
        }
    }
    snapshots.reverse();
    Ok(snapshots)
}

fn undo(files: &mut Files, path: &'static str, before: &str, after: &'static str) -> Result<(), PlayError> {
    let missing = PlayError::Fixture { path, text: after };
    let Some(bytes) = files.get_mut(path) else { return Err(missing) };
    let text = String::from_utf8_lossy(bytes);
    if !text.contains(after) {
        return Err(missing);
    }
    *bytes = text.replacen(after, before, 1).into_bytes();
    Ok(())
}

/// `fixtures/demo` as it is.
pub(super) fn present() -> Files {
    let mut files = Files::new();
    let mut open = vec![&DEMO];
    while let Some(directory) = open.pop() {
        open.extend(directory.dirs());
        for file in directory.files() {
            files.insert(file.path().to_string_lossy().replace('\\', "/"), file.contents().to_vec());
        }
    }
    files
}
