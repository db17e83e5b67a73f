//! What a kustomization refers to, and which files outside a target's own that brings in: the bases that several
//! targets share. Read, never edited.

use std::collections::{BTreeMap, BTreeSet};

use super::{SourceFile, Trees};
use crate::core::{names::RepoPath, yaml::Node};

/// How many kustomizations deep references are followed.
const HOPS: usize = 5;
/// How many files are read at most beyond the target's own.
const FILES: usize = 200;

/// The names under which kustomize looks for a kustomization.
pub(super) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A path seen from a directory (the empty text is the repository's own); `None` for what leads out of the
/// repository or is no path in it.
pub(super) fn joined(directory: &str, reference: &str) -> Option<RepoPath> {
    if reference.contains("://") || reference.contains("?ref=") || reference.starts_with(['/', '~']) {
        return None;
    }
    let mut steps: Vec<&str> = directory.split('/').filter(|step| !step.is_empty()).collect();
    for step in reference.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()?),
            step => steps.push(step),
        }
    }
    RepoPath::parse(&steps.join("/")).ok()
}

/// The directory of a file; empty at the top.
pub(super) fn parent(path: &RepoPath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// What a kustomization builds on: files and directories, as they are written.
pub(super) fn builds_on(node: &Node) -> Vec<String> {
    let lists = ["resources", "bases", "components"].into_iter().filter_map(|list| node.get(list));
    lists.flat_map(Node::items).filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The other files that a kustomization reads: patches, values of charts, and what ConfigMaps are made of.
fn reads(node: &Node) -> Vec<String> {
    let listed = |list: &str| node.get(list).map(Node::items).unwrap_or_default();
    let paths = ["patches", "patchesJson6902"].into_iter().flat_map(listed).filter_map(|patch| patch.get("path"));
    let paths = paths.chain(listed("replacements").iter().filter_map(|one| one.get("path")));
    let merges = listed("patchesStrategicMerge").iter().chain(listed("transformers"));
    let generators = listed("configMapGenerator").iter();
    let files = generators.flat_map(|one| ["files", "envs"].into_iter().filter_map(|list| one.get(list)));
    let charts = listed("helmCharts").iter();
    let values = charts.flat_map(|chart| {
        let further = chart.get("additionalValuesFiles").map(Node::items).unwrap_or_default();
        chart.get("valuesFile").into_iter().chain(further)
    });
    let all = paths.chain(merges).chain(files.flat_map(Node::items)).chain(values).filter_map(Node::as_str);
    let texts = all.filter(|text| !text.contains('\n'));
    texts.map(|text| text.split_once('=').map_or(text, |(_, file)| file).to_owned()).collect()
}

/// The files of a target, and those that they refer to elsewhere in the repository. `own` are the files at the
/// target's path, `read` gives one more. At most five kustomizations deep and two hundred files.
///
/// # Errors
/// When `read` fails.
pub fn gathered<E>(
    target: &RepoPath,
    own: Vec<SourceFile>,
    read: &mut dyn FnMut(&RepoPath) -> Result<Option<SourceFile>, E>,
) -> Result<Vec<SourceFile>, E> {
    gathered_in(target, own, read, &Trees::default())
}

/// As [`gathered`], of files of which some may be parsed already.
///
/// # Errors
/// When `read` fails.
pub fn gathered_in<E>(
    target: &RepoPath,
    own: Vec<SourceFile>,
    read: &mut dyn FnMut(&RepoPath) -> Result<Option<SourceFile>, E>,
    trees: &Trees,
) -> Result<Vec<SourceFile>, E> {
    let known = own.iter().map(|file| file.path.clone()).collect();
    let mut shelf = Shelf { known, files: own, read, trees, left: FILES };
    shelf.chart(target)?;
    let mut next: Vec<SourceFile> = shelf.files.clone();
    for _ in 0..HOPS {
        let mut found = Vec::new();
        for file in next.iter().filter(|file| KUSTOMIZATIONS.contains(&file.path.file_name())) {
            found.extend(shelf.referred(file)?);
        }
        if found.is_empty() {
            break;
        }
        next = found;
    }
    Ok(shelf.files)
}

/// The files so far, and how to get more.
struct Shelf<'r, E> {
    trees: &'r Trees,
    known: BTreeSet<RepoPath>,
    files: Vec<SourceFile>,
    read: &'r mut dyn FnMut(&RepoPath) -> Result<Option<SourceFile>, E>,
    left: usize,
}

impl<E> Shelf<'_, E> {
    /// A target that is one values file is read beside its chart's own values.
    fn chart(&mut self, target: &RepoPath) -> Result<(), E> {
        let beside = parent(target).to_owned();
        if self.files.iter().any(|file| file.path == *target)
            && let Some(chart) = joined(&beside, "Chart.yaml")
            && self.take(&chart)?.is_some()
        {
            for name in ["values.yaml", "values.yml"] {
                if let Some(path) = joined(&beside, name) {
                    self.take(&path)?;
                }
            }
        }
        Ok(())
    }

    /// What one kustomization refers to and is not here yet.
    fn referred(&mut self, file: &SourceFile) -> Result<Vec<SourceFile>, E> {
        let read = self.trees.of(file);
        let directory = parent(&file.path).to_owned();
        let mut found = Vec::new();
        for node in read.as_deref().unwrap_or_default() {
            for reference in builds_on(node).iter().filter_map(|text| joined(&directory, text)) {
                match self.take(&reference)? {
                    Some(file) => found.push(file),
                    None => found.extend(self.kustomization(&reference)?),
                }
            }
            for path in reads(node).iter().filter_map(|text| joined(&directory, text)) {
                self.take(&path)?;
            }
        }
        Ok(found)
    }

    fn kustomization(&mut self, directory: &RepoPath) -> Result<Option<SourceFile>, E> {
        for name in KUSTOMIZATIONS {
            let Some(path) = joined(directory.as_str(), name) else { continue };
            if self.known.contains(&path) && self.files.iter().any(|file| file.path == path) {
                return Ok(None);
            }
            if let Some(file) = self.take(&path)? {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// One more file, unless it is here or was asked for already, or enough are.
    fn take(&mut self, path: &RepoPath) -> Result<Option<SourceFile>, E> {
        let looks_like_a_file = path.file_name().contains('.') || KUSTOMIZATIONS.contains(&path.file_name());
        if self.left == 0 || !looks_like_a_file || !self.known.insert(path.clone()) {
            return Ok(None);
        }
        let file = (self.read)(path)?;
        if let Some(file) = &file {
            self.left -= 1;
            self.files.push(file.clone());
        }
        Ok(file)
    }
}

/// The kustomizations among files, by their directory.
pub(super) fn by_directory<'a>(files: impl Iterator<Item = &'a RepoPath>) -> BTreeMap<&'a str, &'a RepoPath> {
    files.filter(|path| KUSTOMIZATIONS.contains(&path.file_name())).map(|path| (parent(path), path)).collect()
}
