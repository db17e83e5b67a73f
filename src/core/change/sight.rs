//! What is seen of a target: its files and those they build on, sorted into kustomizations (outermost first),
//! manifests and Helm values, and how well a name in them fits the service.

use std::rc::Rc;

use super::{
    LocateRefusal, Locator, SourceFile, Trees,
    at::At,
    flavour::is_encrypted,
    references::{KUSTOMIZATIONS, builds_on, by_directory, joined, parent},
};
use crate::core::{
    names::{Field, RepoPath},
    yaml::{self, Node},
};

/// How well a name fits what is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// The only hope is that it is the only one.
    Unnamed,
    /// Where one would put it: at the top of values, or in a workload of the service's name.
    Near,
    /// Named like the service.
    Service,
    /// Named like the image in the catalog.
    Image,
}

/// Whether a file may be edited for this target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// It lies at the target's path.
    Yes,
    /// It is shared with others.
    No,
}

/// Whose values a values file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// This environment's.
    Environment,
    /// Every environment's.
    All,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Kustomization,
    Manifest,
    Values(Whose),
    /// A manifest, if it is an object of Kubernetes.
    Json,
}

/// One file, read.
pub(super) struct Page<'a> {
    file: &'a SourceFile,
    room: Option<Room>,
    own: Own,
    documents: Rc<Result<Vec<Node>, yaml::Refusal>>,
}

/// A kustomization, the manifests that it lists itself, and how deep it is under the target's own.
pub(super) struct Layer<'s> {
    /// Nothing where the files are applied as they are.
    pub(super) kustomizations: Vec<At<'s>>,
    pub(super) manifests: Vec<At<'s>>,
}

/// Everything that is looked into for one field.
pub(super) struct Sight<'s> {
    pub(super) field: &'s Field,
    pub(super) locator: &'s Locator,
    pub(super) pages: &'s [Page<'s>],
    pub(super) layers: Vec<Layer<'s>>,
}

/// The files, parsed and sorted.
pub(super) fn pages<'a>(locator: &Locator, files: &'a [SourceFile], trees: &Trees) -> Vec<Page<'a>> {
    let target = locator.directory.as_ref();
    let is_one_file = target.is_some_and(|target| files.iter().any(|file| file.path == *target));
    let home = match target {
        Some(target) if is_one_file => parent(target).to_owned(),
        Some(target) => target.to_string(),
        None => String::new(),
    };
    let charts: Vec<&str> =
        files.iter().filter(|file| file.path.file_name() == "Chart.yaml").map(|f| parent(&f.path)).collect();
    let rooms = Rooms { home: &home, charts, environment: locator.environment.as_str() };
    let page = |file: &'a SourceFile| {
        let own = if target.is_none_or(|target| file.path.is_within(target)) { Own::Yes } else { Own::No };
        let mut room = rooms.room(&file.path);
        if room == Some(Room::Json) {
            let is_object = ["\"apiVersion\"", "\"kind\""].iter().all(|key| file.text.contains(key));
            room = is_object.then_some(Room::Manifest);
        }
        let documents = if room.is_some() { trees.of(file) } else { Rc::new(Ok(Vec::new())) };
        // The target's one file, where its name says nothing: what is no object of Kubernetes is values.
        if is_one_file && own == Own::Yes && room == Some(Room::Manifest) {
            let is_object = |nodes: &Vec<Node>| nodes.iter().any(|node| node.get("kind").is_some());
            room = Some(if (*documents).as_ref().is_ok_and(is_object) {
                Room::Manifest
            } else {
                Room::Values(Whose::Environment)
            });
        }
        Page { file, room, own, documents }
    };
    files.iter().map(page).collect()
}

/// How files are sorted by their paths.
struct Rooms<'a> {
    home: &'a str,
    charts: Vec<&'a str>,
    environment: &'a str,
}

impl Rooms<'_> {
    fn room(&self, path: &RepoPath) -> Option<Room> {
        let (name, directory) = (path.file_name(), parent(path));
        if KUSTOMIZATIONS.contains(&name) {
            return Some(Room::Kustomization);
        }
        if name.ends_with(".json") {
            return Some(Room::Json);
        }
        let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
        let in_chart = |below: &str| {
            self.charts.iter().any(|chart| {
                path.as_str().strip_prefix(chart).is_some_and(|rest| rest.trim_start_matches('/').starts_with(below))
            })
        };
        if stem == "Chart" || in_chart("templates/") || in_chart("charts/") || in_chart("crds/") {
            return None;
        }
        match self.whose(directory, stem) {
            Named::Values(whose) => Some(Room::Values(whose)),
            Named::OfAnother => None,
            Named::Otherwise => Some(Room::Manifest),
        }
    }

    /// Whose values a file holds, by its name.
    fn whose(&self, directory: &str, stem: &str) -> Named {
        let environment = self.environment;
        let has_chart = self.charts.contains(&self.home);
        let below = directory.strip_prefix(self.home).map(|rest| rest.trim_start_matches('/'));
        match below {
            Some("") if stem == "values" => return Named::Values(Whose::All),
            Some("") => {}
            Some("values" | "env" | "envs" | "environments") if has_chart => {
                let ours = stem == environment || stem == format!("values-{environment}");
                return if ours { Named::Values(Whose::Environment) } else { Named::OfAnother };
            }
            Some("values") if stem == environment => return Named::Values(Whose::Environment),
            Some(_) | None => return Named::Otherwise,
        }
        let before = ["values-", "values.", "values_"].into_iter().find_map(|start| stem.strip_prefix(start));
        let after = ["-values", ".values", "_values"].into_iter().find_map(|end| stem.strip_suffix(end));
        match before.or(after) {
            Some(named) if named == environment => Named::Values(Whose::Environment),
            Some(_) => Named::OfAnother,
            None if has_chart && stem == environment => Named::Values(Whose::Environment),
            None if has_chart => Named::OfAnother,
            None => Named::Otherwise,
        }
    }
}

/// What the name of a file tells.
enum Named {
    Values(Whose),
    OfAnother,
    Otherwise,
}

impl<'s> Sight<'s> {
    /// Sorts what is there.
    ///
    /// # Errors
    /// When there is nothing, when a kustomization does not parse or leads back to itself.
    pub(super) fn open(field: &'s Field, locator: &'s Locator, pages: &'s [Page<'s>]) -> Result<Self, LocateRefusal> {
        if !pages.iter().any(|page| page.own == Own::Yes) {
            let directory = locator.directory.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(LocateRefusal::Empty { directory });
        }
        let mut sight = Self { field, locator, pages, layers: Vec::new() };
        sight.layers = match sight.outermost() {
            Some(page) => sight.built(page)?,
            None => vec![Layer { kustomizations: Vec::new(), manifests: sight.loose() }],
        };
        Ok(sight)
    }

    /// The kustomization that is applied for this target.
    fn outermost(&self) -> Option<&'s Page<'s>> {
        let mut own: Vec<_> =
            self.pages.iter().filter(|page| page.own == Own::Yes && page.room == Some(Room::Kustomization)).collect();
        own.sort_by_key(|page| page.file.path.as_str().matches('/').count());
        let root = *own.first()?;
        let directory = self.locator.directory.as_ref()?;
        (parent(&root.file.path) == directory.as_str() || root.file.path == *directory).then_some(root)
    }

    /// The target's own manifests, where no kustomization says which are used.
    fn loose(&self) -> Vec<At<'s>> {
        let pages = self.pages.iter().filter(|page| page.own == Own::Yes && page.room == Some(Room::Manifest));
        pages.flat_map(documents).collect()
    }

    /// The layers of a kustomization: itself, then what it builds on, one level after the other.
    fn built(&self, root: &'s Page<'s>) -> Result<Vec<Layer<'s>>, LocateRefusal> {
        let directories = by_directory(self.pages.iter().map(|page| &page.file.path));
        let mut layers = Vec::new();
        let mut level = vec![(root, vec![&root.file.path])];
        while !level.is_empty() {
            let mut layer = Layer { kustomizations: Vec::new(), manifests: Vec::new() };
            let mut next = Vec::new();
            for (page, way) in level {
                if let Err(refusal) = &*page.documents {
                    return Err(LocateRefusal::Unreadable { path: page.file.path.clone(), refusal: refusal.clone() });
                }
                for at in documents(page) {
                    let here = parent(&page.file.path);
                    for path in builds_on(&at.node).iter().filter_map(|text| joined(here, text)) {
                        let path = directories.get(path.as_str()).copied().unwrap_or(&path);
                        let Some(found) = self.pages.iter().find(|page| page.file.path == *path) else { continue };
                        if way.contains(&&found.file.path) {
                            return Err(LocateRefusal::Circle { path: page.file.path.clone() });
                        }
                        match found.room {
                            Some(Room::Kustomization) => {
                                next.push((found, way.iter().copied().chain([&found.file.path]).collect()));
                            }
                            Some(Room::Manifest | Room::Values(_)) => layer.manifests.extend(documents(found)),
                            Some(Room::Json) | None => {}
                        }
                    }
                    layer.kustomizations.push(at);
                }
            }
            layers.push(layer);
            level = next;
        }
        Ok(layers)
    }

    /// The paths of all files that are seen.
    pub(super) fn paths(&self) -> impl Iterator<Item = &'s RepoPath> + use<'s> {
        self.pages.iter().map(|page| &page.file.path)
    }

    /// A file that is seen.
    pub(super) fn page(&self, path: &RepoPath) -> Option<&'s Page<'s>> {
        self.pages.iter().find(|page| page.file.path == *path)
    }

    /// A file's text, whatever it is for.
    pub(super) fn file(&self, path: &RepoPath) -> Option<&'s SourceFile> {
        self.page(path).map(|page| page.file)
    }

    /// The documents of one file.
    pub(super) fn documents_of(&self, path: &RepoPath) -> Vec<At<'s>> {
        self.page(path).map(documents).unwrap_or_default()
    }

    /// Whether SOPS encrypts a document of one file.
    pub(super) fn is_encrypted(&self, path: &RepoPath) -> bool {
        let roots = self.page(path).and_then(|page| page.documents.as_deref().ok()).unwrap_or_default();
        roots.iter().any(is_encrypted)
    }

    /// Every manifest of every layer.
    pub(super) fn manifests(&self) -> Vec<At<'s>> {
        self.layers.iter().flat_map(|layer| layer.manifests.iter().cloned()).collect()
    }

    /// The values files of this kind; one without a document yet holds nothing.
    pub(super) fn values(&self, whose: Whose) -> Vec<At<'s>> {
        let roots = |page: &'s Page<'s>| match page.documents.as_deref() {
            Ok([]) => vec![At::nothing(page.file)],
            Ok(_) | Err(_) => documents(page),
        };
        self.pages.iter().filter(|page| page.room == Some(Room::Values(whose))).flat_map(roots).collect()
    }

    /// Every document of the target's own files.
    pub(super) fn own_documents(&self) -> Vec<At<'s>> {
        self.pages.iter().filter(|page| page.own == Own::Yes).flat_map(documents).collect()
    }

    /// Whether a file that is seen lies in a directory.
    pub(super) fn is_seen_in(&self, directory: &RepoPath) -> bool {
        self.pages.iter().any(|page| page.file.path.is_within(directory))
    }

    /// Whether a file may be edited for this target.
    pub(super) fn is_own(&self, path: &RepoPath) -> bool {
        self.page(path).is_some_and(|page| page.own == Own::Yes)
    }

    /// The first of the target's own files that does not parse.
    pub(super) fn unreadable(&self) -> Option<LocateRefusal> {
        let used = |page: &&Page<'_>| {
            let is_manifest = page.room == Some(Room::Manifest);
            page.own == Own::Yes && (!is_manifest || self.outermost().is_none())
        };
        self.pages.iter().filter(used).find_map(|page| {
            let refusal = (*page.documents).as_ref().err()?.clone();
            Some(LocateRefusal::Unreadable { path: page.file.path.clone(), refusal })
        })
    }

    /// The files that were looked into, for messages.
    pub(super) fn looked(&self) -> String {
        let own: Vec<_> = self.pages.iter().filter(|page| page.own == Own::Yes).collect();
        let mut names: Vec<String> = own.iter().take(5).map(|page| format!("`{}`", page.file.path)).collect();
        if own.len() > 5 {
            names.push(format!("{} more", own.len() - 5));
        }
        names.join(", ")
    }

    /// How well the name of an image or a container fits the service.
    pub(super) fn fit(&self, name: &str) -> Fit {
        let last = name.rsplit('/').next().unwrap_or(name);
        if self.locator.image.as_deref() == Some(name) {
            Fit::Image
        } else if self.is_named(last) {
            Fit::Service
        } else {
            Fit::Unnamed
        }
    }

    /// Whether an object's name is the service's, with the environment's before or behind it or without.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let (service, environment) = (self.locator.service.as_str(), self.locator.environment.as_str());
        let rest = name.strip_prefix(service).or_else(|| name.strip_suffix(service));
        rest.is_some_and(|rest| {
            let bare = rest.trim_matches('-');
            rest.is_empty() || (bare == environment && rest.len() == bare.len() + 1)
        })
    }
}

/// The documents of a file; of a `List`, its items.
fn documents<'s>(page: &'s Page<'s>) -> Vec<At<'s>> {
    let nodes = page.documents.as_deref().unwrap_or_default();
    let roots = nodes.iter().enumerate().map(|(place, node)| At::root(page.file, place, node));
    let listed = |root: At<'s>| match root.key("items").filter(|_| root.kind() == "List") {
        Some(items) => items.items(),
        None => vec![root],
    };
    roots.flat_map(listed).collect()
}
