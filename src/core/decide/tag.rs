//! Whether the registry has the tag that somebody asked for: what was seen, and what is said where it does not.

use serde::{Deserialize, Serialize};

use super::Words;
use crate::core::policy::Known;

/// The built-in policy that forbids a tag that is known not to exist.
const POLICY: &str = "tag-does-not-exist";

/// What a registry said of a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagSeen {
    /// It has it.
    There,
    /// It does not.
    Missing {
        /// The image.
        image: String,
        /// The tag.
        tag: String,
        /// Tags it has that are most like it.
        nearest: Vec<String>,
    },
    /// It could not be asked.
    Unseen {
        /// Why not.
        why: String,
    },
}

/// The fact as policies know it.
pub(super) fn known(seen: Option<&TagSeen>) -> Known {
    match seen {
        Some(TagSeen::There) => Known::Yes,
        Some(TagSeen::Missing { .. }) => Known::No,
        Some(TagSeen::Unseen { .. }) | None => Known::Unknown,
    }
}

/// What is said where a policy refused a tag that is not there.
pub(super) fn words(policy: &str, seen: Option<&TagSeen>) -> Option<Words> {
    let Some(TagSeen::Missing { image, tag, nearest }) = seen.filter(|_| policy == POLICY) else { return None };
    let text = format!("`{image}` has no tag `{tag}`.");
    let like: Vec<String> = nearest.iter().map(|tag| format!("`{tag}`")).collect();
    Some(match like.as_slice() {
        [] => Words::new(text, "Check the version, or push the image first."),
        [one] => Words::new(text, format!("Ask for {one}, or push the image first.")),
        several => {
            Words::new(text, format!("Ask for one that it has, like {}, or push the image first.", several.join(", ")))
        }
    })
}
