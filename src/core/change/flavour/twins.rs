//! Twins: other places of one workload with the same image in the same version, which are one thing to whoever runs
//! it. An init container left at the old version would prepare data for a program that is there no more.

use super::{Candidate, is_image};
use crate::core::{
    change::{
        Binding,
        at::At,
        binding::{Form, Presence},
        image::{Tag, split_image},
    },
    names::Field,
    yaml::{Node, Path, Step},
};

/// An image somewhere in values.
struct Image {
    /// Registry, repository, tag and digest: what makes two the same.
    whole: String,
    place: Path,
    form: Form,
}

/// A candidate in a tree of values, with the places that go along.
pub(super) fn with_twins(mut candidate: Candidate, root: &At<'_>) -> Candidate {
    candidate.binding.twins = twins(&candidate.binding, &scope(root, &candidate.binding.yaml_path));
    candidate
}

/// The places that go along with a pin: those of its controller, in values that have such.
pub(in crate::core::change) fn of_pin(binding: &Binding, document: &At<'_>) -> Vec<(Path, Form)> {
    let steps = binding.yaml_path.steps();
    let controllers = steps.iter().position(|step| matches!(step, Step::Key(key) if key == "controllers"));
    let controller = controllers.and_then(|place| document.along(&binding.yaml_path.prefix(place + 2)));
    controller.map(|scope| twins(binding, &scope)).unwrap_or_default()
}

fn twins(binding: &Binding, scope: &At<'_>) -> Vec<(Path, Form)> {
    if !is_image(&binding.field) || binding.presence != Presence::There {
        return Vec::new();
    }
    let mut all = Vec::new();
    images(&scope.node, &scope.path, &binding.field, &mut all);
    let own = all.iter().find(|image| image.place == binding.yaml_path).map(|image| image.whole.clone());
    let same = all.into_iter().filter(|image| Some(&image.whole) == own.as_ref());
    same.filter(|image| image.place != binding.yaml_path).map(|image| (image.place, image.form)).collect()
}

/// The part of the values that is one workload: a controller, a sub-chart, or all.
fn scope<'a>(root: &At<'a>, place: &Path) -> At<'a> {
    let deep = root.path.steps().len();
    let mut keys = place.steps().iter().skip(deep).map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) | Step::Select { .. } | Step::Inside(_) => None,
    });
    let below = match (keys.next().flatten(), keys.next().flatten()) {
        (Some("controllers"), Some(name)) => root.keys(&["controllers", name]),
        (Some("image") | None, _) => None,
        (Some(part), _) => root.key(part),
    };
    below.unwrap_or_else(|| root.clone())
}

fn images(node: &Node, path: &Path, field: &Field, found: &mut Vec<Image>) {
    found.extend(in_parts(node, path, field));
    for (key, below) in node.entries() {
        let here = path.clone().key(key);
        match below.as_str() {
            Some(text) if key == "image" => found.extend(as_a_whole(text, &here)),
            Some(_) | None => images(below, &here, field, found),
        }
    }
    for (place, below) in node.items().iter().enumerate() {
        images(below, &path.clone().index(place), field, found);
    }
}

fn as_a_whole(text: &str, place: &Path) -> Option<Image> {
    split_image(text).tag?;
    Some(Image { whole: text.to_owned(), place: place.clone(), form: Form::image("", text) })
}

/// `repository` and `tag`, and what may stand beside them.
fn in_parts(node: &Node, path: &Path, field: &Field) -> Option<Image> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).filter(|text| !text.is_empty());
    let (repository, tag) = (text("repository").or_else(|| text("name"))?, shown(node.get("tag")?)?);
    let registry = text("registry").map(|registry| format!("{registry}/")).unwrap_or_default();
    let beside = text("digest").map(|digest| format!("@{digest}")).unwrap_or_default();
    let whole = format!("{registry}{repository}:{tag}{beside}");
    let holds_both = Tag::of(&tag).digest.is_some();
    let (key, form) = match holds_both {
        true => ("tag", Form::TagOf),
        false if *field == Field::ImageDigest => ("digest", Form::Value),
        false => ("tag", Form::Value),
    };
    Some(Image { whole, place: path.clone().key(key), form })
}

/// A tag that is a number to YAML is one all the same.
fn shown(tag: &Node) -> Option<String> {
    let tag = crate::core::change::plan::shown(&crate::core::change::plan::fact(tag.scalar()?)?);
    Some(tag).filter(|tag| !tag.is_empty())
}
