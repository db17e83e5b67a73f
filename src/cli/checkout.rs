//! A GitOps repository as it lies on disk, read like the bot reads its mirror.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Failure;
use crate::core::{
    change::{Beside, SourceFile, gathered},
    names::{CommitId, RepoPath, Target},
    rules::Rules,
};

/// The largest file that is read, as in the mirror.
const LARGEST: u64 = 1024 * 1024;

/// A checkout.
#[derive(Debug)]
pub(super) struct Checkout {
    root: PathBuf,
    paths: Vec<RepoPath>,
}

impl Checkout {
    /// Lists the files below a directory; links and git's own are left out.
    pub(super) fn open(root: &Path) -> Result<Self, Failure> {
        let mut paths = Vec::new();
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            let unreadable = |error| {
                Failure::new(
                    format!("`{}` cannot be read: {error}.", directory.display()),
                    "Name the checkout with `--repo PATH`.",
                )
            };
            for entry in fs::read_dir(&directory).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                let kind = entry.file_type().map_err(unreadable)?;
                if kind.is_dir() && entry.file_name() != ".git" {
                    open.push(entry.path());
                } else if kind.is_file() {
                    paths.extend(inside(root, &entry.path()));
                }
            }
        }
        paths.sort();
        Ok(Self { root: root.to_owned(), paths })
    }

    /// Every file's path, sorted.
    pub(super) fn paths(&self) -> &[RepoPath] {
        &self.paths
    }

    /// One text file of at most 1 MiB.
    pub(super) fn file(&self, path: &RepoPath) -> Result<Option<SourceFile>, Failure> {
        let file = self.root.join(path.as_str());
        let text = text_of(&file).map_err(|error| {
            Failure::new(format!("`{}` cannot be read: {error}.", file.display()), "Check the file's permissions.")
        })?;
        Ok(text.map(|text| SourceFile { path: path.clone(), text, blob: String::new() }))
    }

    /// The rules that the checkout holds, as they would be if it were the tip.
    pub(super) fn rules(&self) -> Result<Rules, Failure> {
        let files = self.files(|path| path.as_str().starts_with(".leverframe/"))?;
        let nowhere = CommitId::parse(&"0".repeat(40)).map_err(|error| Failure::new(error, ""))?;
        Rules::read(nowhere, &files, &self.paths).map_err(|error| Failure::new(&error, error.remedy()))
    }

    /// The files of a target, and those that they build on.
    pub(super) fn target(&self, rules: &Rules, target: &Target) -> Result<Vec<SourceFile>, Failure> {
        let Some(place) = rules.place_of(target) else { return Ok(Vec::new()) };
        let own = self.files(|path| path.is_within(&place))?;
        gathered(&place, own, &mut |path| Ok(self.files(|one| one == path)?.pop()))
    }

    /// The targets beside one, whose values its files may hold, too.
    pub(super) fn beside(&self, rules: &Rules, target: &Target) -> Result<Vec<Beside>, Failure> {
        let others = rules.beside(target).into_keys();
        others.map(|other| Ok(Beside { target: other.clone(), files: self.target(rules, other)? })).collect()
    }

    fn files(&self, wanted: impl Fn(&RepoPath) -> bool) -> Result<Vec<SourceFile>, Failure> {
        let mut files = Vec::new();
        for path in self.paths.iter().filter(|path| wanted(path)) {
            files.extend(self.file(path)?);
        }
        Ok(files)
    }
}

/// The text of a file; `None` for what is too large or not text.
fn text_of(file: &Path) -> std::io::Result<Option<String>> {
    if fs::metadata(file)?.len() > LARGEST {
        return Ok(None);
    }
    Ok(String::from_utf8(fs::read(file)?).ok())
}

fn inside(root: &Path, path: &Path) -> Option<RepoPath> {
    let steps: Option<Vec<&str>> = path.strip_prefix(root).ok()?.iter().map(|step| step.to_str()).collect();
    RepoPath::parse(&steps?.join("/")).ok()
}
