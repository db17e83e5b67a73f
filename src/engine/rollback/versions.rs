//! The versions that a target had, by git's history and the ledger's requests together.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use super::CHOICES;
use crate::{
    core::{
        change::{self, Binding, Health, Past, SourceFile},
        command,
        names::{CommitId, Field, PersonId, RepoPath, RequestId, Target},
        request::Ending,
        rules::Rules,
    },
    engine::{
        Inner,
        effects::Trouble,
        facts::{self, Of},
    },
    git::{CommitSummary, REQUEST_TRAILER},
};

/// How many commits back versions are looked for.
const COMMITS: usize = 500;
/// How many of those may have the version elsewhere than now, so that it is looked for anew.
const ELSEWHERE: usize = 100;

/// Of how many targets the versions are remembered.
const REMEMBERED: usize = 64;

/// A version, where it stood and until when.
pub(super) struct Version {
    pub(super) past: Past,
    /// Where the image is pinned by one.
    pub(super) digest: Option<String>,
    pub(super) binding: Binding,
    /// The newest commit that had it; of the present one, the newest before the turn that it is in.
    pub(super) last: CommitId,
}

/// Where the version stands now.
pub(super) struct Places {
    pub(super) tag: Binding,
    pub(super) digest: Option<Binding>,
}

/// The version of one commit.
struct Had {
    version: String,
    digest: Option<String>,
    binding: Binding,
    commit: CommitSummary,
}

/// What git's history says of targets, by the commits that it was read at: whoever types a version looks again with
/// every letter.
#[derive(Default)]
pub(in crate::engine) struct Remembered(Mutex<VecDeque<(Read, Arc<Vec<Had>>)>>);

/// Which target at which commit under which rules.
type Read = (Target, CommitId, CommitId);

impl Remembered {
    fn find(&self, read: &Read) -> Option<Arc<Vec<Had>>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|(known, _)| known == read).map(|(_, had)| Arc::clone(had))
    }

    fn keep(&self, read: Read, had: &Arc<Vec<Had>>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| known.0 != read.0);
        all.push_back((read, Arc::clone(had)));
        if all.len() > REMEMBERED {
            all.pop_front();
        }
    }
}

/// The versions of a target, newest first, each once, the present one first.
pub(super) async fn versions(inner: &Arc<Inner>, of: Of<'_>, places: &Places) -> Result<Vec<Version>, Trouble> {
    let read = (of.target.clone(), of.base.clone(), of.rules.commit.clone());
    let had = match inner.versions.find(&read) {
        Some(had) => had,
        None => {
            let had = Arc::new(history(inner, of, places).await?);
            inner.versions.keep(read, &had);
            had
        }
    };
    let known = known_versions(inner, of).await;
    let mut versions: Vec<Version> = Vec::new();
    // The version of the commit before, and its place among the versions where it is not an older turn of one of them.
    let mut last: Option<(&str, Option<usize>)> = None;
    for Had { version, digest, binding, commit } in had.iter() {
        let past = known.past(of.rules, version, commit);
        if let Some((_, place)) = last.filter(|(last, _)| last == version) {
            // It was there before that commit, too, so it came by this one.
            if let Some(newer) = place.and_then(|place| versions.get_mut(place)) {
                newer.past = past;
            }
            continue;
        }
        let known = versions.iter().position(|other| other.past.version == *version);
        if let (Some(0), Some(present)) = (known, versions.first_mut())
            && is_first_return(&had, &present.last, version)
        {
            present.last = commit.id.clone();
        }
        last = Some((version, known.is_none().then_some(versions.len())));
        if known.is_none() {
            let (digest, binding) = (digest.clone(), binding.clone());
            versions.push(Version { past, digest, binding, last: commit.id.clone() });
        }
    }
    Ok(versions)
}

/// Whether the present version's last commit is still the one of its present turn.
fn is_first_return(had: &[Had], last: &CommitId, version: &str) -> bool {
    had.first().is_some_and(|newest| newest.commit.id == *last && newest.version == version)
}

/// What each commit had that may have changed the version, newest first, until there are versions enough.
async fn history(inner: &Arc<Inner>, of: Of<'_>, places: &Places) -> Result<Vec<Had>, Trouble> {
    let mut reader = Reader { inner, of, places, elsewhere: 0 };
    let (mut all, mut distinct): (Vec<Had>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    for commit in commits(of, places).await? {
        let Some((version, digest, binding)) = reader.read(&commit.id).await? else { continue };
        distinct.insert(version.clone());
        if distinct.len() > CHOICES + 1 {
            break;
        }
        all.push(Had { version, digest, binding, commit });
    }
    Ok(all)
}

/// The commits that may have changed the version, newest first: of the target's directory, and of a file elsewhere.
async fn commits(of: Of<'_>, places: &Places) -> Result<Vec<CommitSummary>, Trouble> {
    let (mirror, base) = (&of.home.mirror, of.base);
    let mut commits: Vec<CommitSummary> = Vec::new();
    let place = of.rules.place_of(of.target);
    let outside = |path: &RepoPath| place.as_ref().is_none_or(|place| !path.is_within(place));
    if let Some(place) = &place {
        commits = mirror.history(base, place, COMMITS).await?;
    }
    if outside(&places.tag.file) {
        let more = mirror.history(base, &places.tag.file, COMMITS).await?;
        let unknown: Vec<_> = more.into_iter().filter(|one| commits.iter().all(|other| other.id != one.id)).collect();
        commits.extend(unknown);
        commits.sort_by_key(|commit| std::cmp::Reverse(commit.time));
    }
    Ok(commits)
}

/// Reads the version off commits.
struct Reader<'r> {
    inner: &'r Arc<Inner>,
    of: Of<'r>,
    places: &'r Places,
    elsewhere: usize,
}

impl Reader<'_> {
    /// The version of a commit, its digest, and where they stood.
    async fn read(&mut self, commit: &CommitId) -> Result<Option<(String, Option<String>, Binding)>, Trouble> {
        let Places { tag, digest } = self.places;
        if tag.presence == change::Presence::There
            && let Some(file) = self.of.home.mirror.file(commit, &tag.file).await?
            && let Ok(Some(version)) = change::value_at(tag, &file.text)
        {
            let digest = digest.as_ref().and_then(|digest| change::value_at(digest, &file.text).ok().flatten());
            return Ok(Some((version, digest, self.at(tag, &file))));
        }
        self.elsewhere += 1;
        if self.elsewhere > ELSEWHERE {
            return Ok(None);
        }
        let files = facts::files(self.inner, self.of.rules, commit, self.of.target).await?;
        let find = |field: Field| {
            let binding =
                change::locate(&field, &facts::locator(self.of.rules, self.of.target, &field), &files).ok()?;
            let file = files.iter().find(|file| file.path == binding.file)?;
            Some((change::value_at(&binding, &file.text).ok().flatten()?, binding))
        };
        let digest = digest.as_ref().and_then(|_| find(Field::ImageDigest)).map(|(digest, _)| digest);
        Ok(find(Field::ImageTag).map(|(version, binding)| (version, digest, binding)))
    }

    /// The same place in another commit's file, where it may hold another image.
    fn at(&self, tag: &Binding, file: &SourceFile) -> Binding {
        let Of { rules, target, .. } = self.of;
        match &tag.form {
            change::Form::ImageOf { .. } => {
                let files = std::slice::from_ref(file);
                let found = change::locate(&Field::ImageTag, &facts::locator(rules, target, &Field::ImageTag), files);
                found.ok().filter(|found| found.yaml_path == tag.yaml_path).unwrap_or_else(|| tag.clone())
            }
            change::Form::Value
            | change::Form::Text
            | change::Form::Like
            | change::Form::TagOf
            | change::Form::After(_) => tag.clone(),
        }
    }
}

/// What the ledger's requests tell of a target's versions.
#[derive(Default)]
pub(super) struct KnownVersions {
    /// Seen live.
    live: BTreeSet<String>,
    /// Rolled back from, and not asked for again since: nobody who rolls back again means these.
    pub(super) left: BTreeSet<String>,
    /// Who asked for each request, and how it went.
    requests: BTreeMap<RequestId, (Option<PersonId>, Health)>,
}

impl KnownVersions {
    fn past(&self, rules: &Rules, version: &str, commit: &CommitSummary) -> Past {
        let marked = commit.trailers.iter().find(|(name, _)| name == REQUEST_TRAILER);
        let request = marked.and_then(|(_, id)| self.requests.get(&RequestId::parse(id).ok()?));
        let author =
            || rules.catalog.people().find(|person| person.name == commit.author).map(|person| person.id.clone());
        let health = match request.map(|(_, health)| *health) {
            _ if self.left.contains(version) => Health::NotHealthy,
            Some(Health::NotHealthy) => Health::NotHealthy,
            _ if self.live.contains(version) => Health::Healthy,
            Some(health) => health,
            None => Health::Unknown,
        };
        let by = request.map_or_else(author, |(person, _)| person.clone());
        Past { version: version.to_owned(), commit: commit.id.clone(), at: commit.time, by, health }
    }
}

pub(super) async fn known_versions(inner: &Arc<Inner>, of: Of<'_>) -> KnownVersions {
    inner.filled().await;
    let book = inner.book.lock().await;
    let mut known = KnownVersions::default();
    // By age: ids sort by it.
    for request in book.iter().filter(|request| request.changed(of.target)) {
        let service = &of.target.service;
        let health = match request.ending_of(service) {
            Some(Ending::Live { .. }) => Health::Healthy,
            Some(Ending::NotLive { .. }) => Health::NotHealthy,
            Some(_) | None => Health::Unknown,
        };
        known.requests.insert(request.id.clone(), (request.requester.person.clone(), health));
        let Some(line) = request.lines_of(service).iter().find(|line| line.field == Field::ImageTag) else { continue };
        if request.was_live_of(service) {
            known.live.insert(line.new.clone());
        }
        known.left.remove(&line.new);
        let action = of.rules.commands.get(&request.opened.command).map(|definition| &definition.action);
        if let Some(command::Action::Change(command::Change::Restore { .. } | command::Change::Revert(_))) = action {
            known.left.extend(line.old.clone());
        }
    }
    known
}
