//! Markers in files by which something else writes a value: Flux's image automation, Argo CD's Image Updater.

use std::borrow::Cow;

use crate::core::yaml::Node;

use super::at::At;

/// What else writes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Automation {
    /// Flux's image automation, by a comment on the value's line: `# {"$imagepolicy": "ns:name:tag"}`.
    FluxImagePolicy {
        /// The policy's namespace.
        namespace: String,
        /// The policy's name.
        name: String,
        /// `tag`, `name` or `digest`; absent: the whole reference.
        part: Option<String>,
    },
    /// Argo CD's Image Updater, by an annotation of the Application.
    ArgoCdImageUpdater {
        /// The annotation's list of images.
        images: String,
    },
}

/// The marker on the line of a value.
pub(super) fn flux(at: &At<'_>) -> Option<Automation> {
    on_line(line(at)?)
}

/// The line that a single value stands on.
pub(super) fn line<'a>(at: &At<'a>) -> Option<&'a str> {
    // What stands inside a text block counts its lines from there.
    let Cow::Borrowed(Node::Scalar { line, .. }) = &at.node else { return None };
    at.file.text.lines().nth(line.checked_sub(1)?)
}

fn on_line(line: &str) -> Option<Automation> {
    let (_, marker) = comment(line)?.1.split_once(KEY)?;
    let (_, rest) = marker.trim_start().strip_prefix(':')?.split_once('"')?;
    let mut parts = rest.split_once('"')?.0.split(':');
    let (namespace, name) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Automation::FluxImagePolicy { namespace, name, part: parts.next().map(str::to_owned) })
}

/// The key by which Flux's automation knows a marker.
const KEY: &str = "\"$imagepolicy\"";
/// The key that a marker has while it is held off: to Flux it is a comment like any other.
const HELD: &str = "\"$imagepolicy-paused\"";

/// A line up to its comment, and the comment. A `#` inside quotes may be taken for one, which the proof of an edit finds.
pub(super) fn comment(line: &str) -> Option<(&str, &str)> {
    line.rmatch_indices(" #").map(|(at, _)| line.split_at(at)).find(|(_, comment)| comment.contains("$imagepolicy"))
}

/// The marker on a line as it stands and as it would stand held off, or given back.
pub(super) fn turned(line: &str, turn: Turn) -> Option<(String, String)> {
    let comment = comment(line)?.1;
    let (start, end) = (comment.find('{')?, comment.rfind('}')?);
    let marker = comment.get(start..=end)?;
    let (from, to) = match turn {
        Turn::Off => (KEY, HELD),
        Turn::On => (HELD, KEY),
    };
    marker.contains(from).then(|| (marker.to_owned(), marker.replacen(from, to, 1)))
}

/// Which way a marker is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is held off.
    Off,
    /// It is given back.
    On,
}

/// The annotation of an Application that the Image Updater reads.
pub(super) fn updater(application: &At<'_>) -> Option<Automation> {
    let annotations = application.keys(&["metadata", "annotations"])?;
    let images = annotations.text_of("argocd-image-updater.argoproj.io/image-list")?;
    Some(Automation::ArgoCdImageUpdater { images })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_off_its_comment() {
        let policy = |part: Option<&str>| {
            let (namespace, name) = ("flux-system".to_owned(), "checkout".to_owned());
            Some(Automation::FluxImagePolicy { namespace, name, part: part.map(str::to_owned) })
        };
        assert_eq!(on_line(r#"  image: a:v1 # {"$imagepolicy": "flux-system:checkout"}"#), policy(None));
        assert_eq!(on_line(r#"  tag: v1 # {"$imagepolicy":"flux-system:checkout:tag"}"#), policy(Some("tag")));
        assert_eq!(on_line(r#"  tag: v1 # { "$imagepolicy" : "flux-system:checkout:tag" }"#), policy(Some("tag")));
        assert_eq!(on_line(r#"  tag: v1 # {"$imagepolicy-paused": "flux-system:checkout:tag"}"#), None);
        assert_eq!(on_line("  tag: v1 # bumped"), None);
        assert_eq!(on_line(r#"  tag: v1 # {"$imagepolicy": 3}"#), None);
    }

    #[test]
    fn a_marker_is_held_off_by_its_key_and_given_back() {
        let line = r#"  tag: v1 # {"$imagepolicy": "flux-system:checkout:tag"}"#;
        let (on, off) = turned(line, Turn::Off).unwrap();
        assert_eq!(off, r#"{"$imagepolicy-paused": "flux-system:checkout:tag"}"#);
        let held = line.replace(&on, &off);
        assert_eq!(turned(&held, Turn::On), Some((off, on)));
        assert_eq!(turned(&held, Turn::Off), None);
    }
}
