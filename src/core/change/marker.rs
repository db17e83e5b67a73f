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
    // What stands inside a text block counts its lines from there.
    let Cow::Borrowed(Node::Scalar { line, .. }) = &at.node else { return None };
    on_line(at.file.text.lines().nth(line.checked_sub(1)?)?)
}

fn on_line(line: &str) -> Option<Automation> {
    let (_, marker) = line.split_once("{\"$imagepolicy\":")?;
    let (_, rest) = marker.split_once('"')?;
    let mut parts = rest.split_once('"')?.0.split(':');
    let (namespace, name) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Automation::FluxImagePolicy { namespace, name, part: parts.next().map(str::to_owned) })
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
        assert_eq!(on_line("  tag: v1 # bumped"), None);
        assert_eq!(on_line(r#"  tag: v1 # {"$imagepolicy": 3}"#), None);
    }
}
