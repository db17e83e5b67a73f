//! The demo GitOps repository: a bare repository on disk with a plausible past, read and edited by hand with git2.
//! The git host serves it, the GitHub look-alike merges in it, the cluster look-alike follows its branch.

use std::path::{Path, PathBuf};

use git2::{
    Commit, DiffFormat, DiffOptions, FileMode, Oid, Repository, Signature, Time, Tree, build::TreeUpdateBuilder,
};
use jiff::Timestamp;

use super::{
    error::PlayError,
    history::{self, Files},
    people::{self, Person},
};

/// A bare repository and its tracked branch; cloning it is cheap and shares the folder.
#[derive(Debug, Clone)]
pub struct DemoRepository {
    path: PathBuf,
    branch: String,
}

/// A commit as pages and transcripts show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitShown {
    /// 40 hexadecimal digits.
    pub id: String,
    /// The first line of the message.
    pub subject: String,
    /// The whole message.
    pub message: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// The committer's name.
    pub committer: String,
    /// When it was authored.
    pub at: Timestamp,
    /// The ids of its parents.
    pub parents: Vec<String>,
}

impl DemoRepository {
    /// Makes the demo repository at `path` (a folder that does not exist yet), on the branch `main`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(path: &Path) -> Result<Self, PlayError> {
        let repository = Repository::init_opts(
            path,
            git2::RepositoryInitOptions::new().bare(true).mkpath(true).external_template(false).initial_head("main"),
        )?;
        let mut config = repository.config()?;
        for (name, value) in [
            ("receive.autogc", "false"),
            ("gc.auto", "0"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("receive.advertisePushOptions", "true"),
        ] {
            config.set_str(name, value)?;
        }
        let demo = Self { path: path.to_owned(), branch: "main".to_owned() };
        demo.write_history(&repository)?;
        Ok(demo)
    }

    /// An existing bare repository.
    pub fn open(path: &Path, branch: &str) -> Self {
        Self { path: path.to_owned(), branch: branch.to_owned() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tracked branch, without `refs/heads/`.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// The branch's newest commit.
    ///
    /// # Errors
    /// When the branch is gone.
    pub fn tip(&self) -> Result<String, PlayError> {
        Ok(self.repository()?.refname_to_id(&self.tracked())?.to_string())
    }

    /// The branch's commits along first parents, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn commits(&self, limit: usize) -> Result<Vec<CommitShown>, PlayError> {
        let repository = self.repository()?;
        let mut walk = repository.revwalk()?;
        walk.push_ref(&self.tracked())?;
        walk.simplify_first_parent()?;
        walk.take(limit).map(|id| Ok(shown(&repository.find_commit(id?)?))).collect()
    }

    /// One commit.
    ///
    /// # Errors
    /// When there is none with that id.
    pub fn commit(&self, id: &str) -> Result<CommitShown, PlayError> {
        let repository = self.repository()?;
        let object = repository.revparse_single(id)?;
        Ok(shown(&object.peel_to_commit()?))
    }

    /// What a commit changed against its first parent, as a unified diff with `context` lines around each change.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn diff(&self, id: &str, context: u32) -> Result<String, PlayError> {
        let repository = self.repository()?;
        let commit = repository.find_commit(Oid::from_str(id)?)?;
        let before = commit.parents().next().map(|parent| parent.tree()).transpose()?;
        diff_of(&repository, before.as_ref(), &commit.tree()?, context)
    }

    /// A file at the branch's tip.
    ///
    /// # Errors
    /// When the repository cannot be read. A file that is not there is `None`.
    pub fn file(&self, path: &str) -> Result<Option<String>, PlayError> {
        let repository = self.repository()?;
        let tree = repository.find_reference(&self.tracked())?.peel_to_tree()?;
        match tree.get_path(Path::new(path)) {
            Ok(entry) => {
                let blob = repository.find_blob(entry.id())?;
                Ok(Some(String::from_utf8_lossy(blob.content()).into_owned()))
            }
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Every file at a commit, by path.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn files(&self, commit: &str) -> Result<Files, PlayError> {
        let repository = self.repository()?;
        let tree = repository.find_commit(Oid::from_str(commit)?)?.tree()?;
        let mut files = Files::new();
        let mut failed = None;
        tree.walk(git2::TreeWalkMode::PreOrder, |directory, entry| {
            if entry.kind() == Some(git2::ObjectType::Blob) {
                match (entry.name(), repository.find_blob(entry.id())) {
                    (Ok(name), Ok(blob)) => drop(files.insert(format!("{directory}{name}"), blob.content().to_vec())),
                    (Err(error), _) | (_, Err(error)) => failed = Some(error),
                }
            }
            git2::TreeWalkResult::Ok
        })?;
        failed.map_or(Ok(files), |error| Err(error.into()))
    }

    /// Replaces the first `before` in a file by `after` and commits it on the branch, as somebody with an editor would.
    ///
    /// # Errors
    /// When the file or the text is not there, or the branch moved meanwhile.
    pub fn edit_by_hand(&self, who: &Person, edit: &HandEdit<'_>, at: Timestamp) -> Result<String, PlayError> {
        let text = self.file(edit.path)?.ok_or_else(|| PlayError::NoSuchFile(edit.path.to_owned()))?;
        if !text.contains(edit.before) {
            return Err(PlayError::NoSuchText { path: edit.path.to_owned(), text: edit.before.to_owned() });
        }
        let text = text.replacen(edit.before, edit.after, 1);
        self.commit_by_hand(who, edit.message, &[(edit.path, &text)], at)
    }

    /// Writes whole files and commits them on the branch; returns the commit's id.
    ///
    /// # Errors
    /// When the branch moved meanwhile, or the repository cannot be written.
    pub fn commit_by_hand(
        &self,
        who: &Person,
        message: &str,
        files: &[(&str, &str)],
        at: Timestamp,
    ) -> Result<String, PlayError> {
        let repository = self.repository()?;
        let parent = repository.find_reference(&self.tracked())?.peel_to_commit()?;
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            update.upsert(*path, repository.blob(text.as_bytes())?, FileMode::Blob);
        }
        let tree = repository.find_tree(update.create_updated(&repository, &parent.tree()?)?)?;
        let signature = signature(who.name, who.email, at)?;
        let id = repository.commit(None, &signature, &signature, message, &tree, &[&parent])?;
        repository.reference_matching(&self.tracked(), id, true, parent.id(), "by hand")?;
        Ok(id.to_string())
    }

    /// Every branch with the commit it points at.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn branches(&self) -> Result<Vec<(String, String)>, PlayError> {
        let repository = self.repository()?;
        let mut branches = Vec::new();
        for reference in repository.references_glob("refs/heads/*")? {
            let reference = reference?;
            if let Some(id) = reference.target() {
                branches.push((reference.shorthand()?.to_owned(), id.to_string()));
            }
        }
        Ok(branches)
    }

    /// A fresh handle; libgit2 sees what other processes wrote.
    pub(super) fn repository(&self) -> Result<Repository, PlayError> {
        Ok(Repository::open_bare(&self.path)?)
    }

    /// `refs/heads/<branch>`.
    pub(super) fn tracked(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    fn write_history(&self, repository: &Repository) -> Result<(), PlayError> {
        let mut parent: Option<Oid> = None;
        for (step, files) in history::STEPS.iter().zip(history::snapshots()?) {
            let who = people::find(step.who).ok_or_else(|| PlayError::UnknownPerson(step.who.to_owned()))?;
            let at = step.when.parse().unwrap_or(Timestamp::UNIX_EPOCH);
            let signature = signature(who.name, who.email, at)?;
            let tree = repository.find_tree(write_tree(repository, &files)?)?;
            let before = parent.map(|id| repository.find_commit(id)).transpose()?;
            let parents: Vec<&Commit<'_>> = before.iter().collect();
            parent = Some(repository.commit(None, &signature, &signature, step.message, &tree, &parents)?);
        }
        if let Some(tip) = parent {
            repository.reference(&self.tracked(), tip, false, "the demo's past")?;
        }
        Ok(())
    }
}

/// A change somebody makes with an editor.
#[derive(Debug, Clone, Copy)]
pub struct HandEdit<'a> {
    /// The file.
    pub path: &'a str,
    /// The text that goes; its first occurrence.
    pub before: &'a str,
    /// The text that comes.
    pub after: &'a str,
    /// The commit's message.
    pub message: &'a str,
}

fn write_tree(repository: &Repository, files: &Files) -> Result<Oid, PlayError> {
    let empty = repository.find_tree(repository.treebuilder(None)?.write()?)?;
    let mut update = TreeUpdateBuilder::new();
    for (path, bytes) in files {
        update.upsert(path.as_str(), repository.blob(bytes)?, FileMode::Blob);
    }
    Ok(update.create_updated(repository, &empty)?)
}

/// A signature in UTC.
pub(super) fn signature(name: &str, email: &str, at: Timestamp) -> Result<Signature<'static>, PlayError> {
    Ok(Signature::new(name, email, &Time::new(at.as_second(), 0))?)
}

/// A unified diff of two trees.
pub(super) fn diff_of(
    repository: &Repository,
    before: Option<&Tree<'_>>,
    after: &Tree<'_>,
    context: u32,
) -> Result<String, PlayError> {
    let diff = repository.diff_tree_to_tree(before, Some(after), Some(DiffOptions::new().context_lines(context)))?;
    let mut text = Vec::new();
    diff.print(DiffFormat::Patch, |_, _, line| {
        if matches!(line.origin(), '+' | '-' | ' ') {
            text.push(u8::try_from(u32::from(line.origin())).unwrap_or(b' '));
        }
        text.extend_from_slice(line.content());
        true
    })?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What pages and transcripts need of a commit.
pub(super) fn shown(commit: &Commit<'_>) -> CommitShown {
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let message = words(commit.message_bytes());
    CommitShown {
        id: commit.id().to_string(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        message,
        author: words(commit.author().name_bytes()),
        email: words(commit.author().email_bytes()),
        committer: words(commit.committer().name_bytes()),
        at: Timestamp::from_second(commit.author().when().seconds()).unwrap_or(Timestamp::UNIX_EPOCH),
        parents: commit.parent_ids().map(|id| id.to_string()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_a_past_and_its_present_is_the_fixture() {
        let folder = tempfile::tempdir().unwrap();
        let demo = DemoRepository::create(&folder.path().join("acme/deployments.git")).unwrap();
        assert_eq!(demo.files(&demo.tip().unwrap()).unwrap(), history::present());
        let versions = |path: &str| -> Vec<String> {
            let mut seen: Vec<String> = Vec::new();
            for commit in demo.commits(100).unwrap() {
                let files = demo.files(&commit.id).unwrap();
                let text = String::from_utf8(files[path].clone()).unwrap();
                let line = text.lines().find(|line| line.contains("newTag")).unwrap();
                let tag = line.split_whitespace().nth(1).unwrap().trim_matches('"').to_owned();
                if seen.last() != Some(&tag) {
                    seen.push(tag);
                }
            }
            seen
        };
        for path in ["apps/checkout/staging/kustomization.yaml", "apps/checkout/prod/kustomization.yaml"] {
            assert_eq!(versions(path), ["v1.2.4", "v1.2.3", "v1.2.2"]);
        }
    }

    #[test]
    fn the_same_past_has_the_same_commits_on_every_machine() {
        let folder = tempfile::tempdir().unwrap();
        let one = DemoRepository::create(&folder.path().join("one.git")).unwrap();
        let two = DemoRepository::create(&folder.path().join("two.git")).unwrap();
        assert_eq!(one.commits(100).unwrap(), two.commits(100).unwrap());
        assert_eq!(one.commits(100).unwrap().len(), history::STEPS.len());
    }

    #[test]
    fn somebody_edits_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let demo = DemoRepository::create(&folder.path().join("one.git")).unwrap();
        let dan = people::find("dan").unwrap();
        let edit = HandEdit {
            path: "apps/search/prod/values.yaml",
            before: "shards:   6",
            after: "shards:   8",
            message: "search: more shards\n",
        };
        let id = demo.edit_by_hand(dan, &edit, "2026-11-21T08:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(demo.tip().unwrap(), id);
        assert!(demo.diff(&id, 0).unwrap().contains("-  shards:   6\n+  shards:   8\n"));
        assert!(matches!(demo.edit_by_hand(dan, &edit, Timestamp::UNIX_EPOCH), Err(PlayError::NoSuchText { .. })));
    }
}
