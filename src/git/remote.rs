//! What is said to a repository's host: one fetch, one push. Which of the ways is taken (our own conversations,
//! libgit2's, a folder) is decided here, and what a refusal means.

use git2::{ObjectType, Oid, Repository};

use super::{
    error::GitError,
    fallback, folder,
    objects::Made,
    pack::{self, Thin},
    receive::{self, Said},
    refusal::{Verdict, classify, telling_line, tip_in},
    upload::{self, Listed},
    worker::Room,
};

/// How many branches of ours are followed; of more than that the mirror forgets some.
const FOLLOWED: usize = 200;

/// What the server has, now also in the mirror.
pub(super) struct Heads {
    /// The tip of the tracked branch.
    pub(super) tip: Oid,
    /// The tip of the other branch that was asked for, where it exists.
    pub(super) other: Option<Oid>,
}

/// Fetches the tracked branch, and `other` (a reference) where the server has it.
pub(super) fn fetch(room: &mut Room, other: Option<&str>) -> Result<Heads, GitError> {
    room.begin_anew();
    let tracked = room.shared.tracked();
    let mut names = vec![tracked.clone()];
    names.extend(other.map(str::to_owned));
    let held = held(room)?;
    names.extend(held.into_iter().filter(|name| *name != tracked && Some(name.as_str()) != other));
    let listed = listed(room, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let find = |name: &str| listed.iter().find(|(found, _)| found == name).map(|(_, id)| *id);
    let tip = find(&tracked).ok_or_else(|| GitError::BranchMissing(room.shared.branch.clone()))?;
    follow(room, &names, &listed)?;
    room.prove(tip);
    Ok(Heads { tip, other: other.and_then(find) })
}

/// Brings the mirror to a tip that the server named when it refused a push, without asking where its branches are. `false`
/// where it does not give that commit so: then it is to be fetched as ever.
pub(super) fn follow_to(room: &mut Room, tip: Oid) -> Result<bool, GitError> {
    room.begin_anew();
    if room.repository.find_commit(tip).is_err() && !upload::bring(room, tip)? {
        return Ok(false);
    }
    move_to(&room.repository, &room.shared.tracked(), tip)?;
    room.prove(tip);
    Ok(true)
}

fn listed(room: &mut Room, names: &[&str]) -> Result<Listed, GitError> {
    if room.shared.url.starts_with("file:") {
        if !folder::folder(&room.shared.url)?.exists() {
            return Err(GitError::NotFound);
        }
        return fallback::fetch(room, names);
    }
    match upload::fetch(room, names)? {
        Some(listed) => Ok(listed),
        None => fallback::fetch(room, names),
    }
}

/// The branch that the host shows first.
pub(super) fn default_branch(room: &mut Room) -> Result<Option<String>, GitError> {
    room.begin_anew();
    if room.shared.url.starts_with("file:") && !folder::folder(&room.shared.url)?.exists() {
        return Err(GitError::NotFound);
    }
    fallback::default_branch(room)
}

/// The branches that the mirror holds; those beyond what is followed are let go.
fn held(room: &Room) -> Result<Vec<String>, GitError> {
    let tracked = room.shared.tracked();
    let mut names = Vec::new();
    for reference in room.repository.references_glob("refs/heads/*")? {
        let mut reference = reference?;
        match reference.name() {
            Ok(name) if name == tracked || names.len() < FOLLOWED => names.push(name.to_owned()),
            Ok(_) | Err(_) => reference.delete()?,
        }
    }
    Ok(names)
}

/// Drops the references of branches that are gone, and moves the others to where the server's are.
fn follow(room: &Room, names: &[String], listed: &Listed) -> Result<(), GitError> {
    for name in names {
        let there = listed.iter().find(|(found, _)| found == name).map(|(_, id)| *id);
        let here = room.repository.refname_to_id(name).ok();
        match there {
            Some(id) if here != Some(id) => move_to(&room.repository, name, id)?,
            None if here.is_some() => room.repository.find_reference(name)?.delete()?,
            Some(_) | None => {}
        }
    }
    Ok(())
}

fn move_to(repository: &Repository, reference: &str, id: Oid) -> Result<(), GitError> {
    repository.reference(reference, id, true, "leverframe")?;
    Ok(())
}

/// Whether a push may replace commits. It happens only on branches of our own, under the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replace {
    /// The new commit must descend from the old tip.
    No,
    /// The old tip was ours.
    Yes,
}

/// What a push came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The server has it.
    Done,
    /// Somebody else was faster, or the server's words may mean that: look at the tip, which it may have named.
    Lost(Option<Oid>),
}

/// A push and its lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Push<'p> {
    /// `refs/heads/main`.
    pub(super) reference: &'p str,
    /// What it shall be.
    pub(super) commit: Oid,
    /// What it must be on the server until then; `None`: must not exist.
    pub(super) expected: Option<Oid>,
    /// Whether commits may go.
    pub(super) replace: Replace,
}

/// Pushes under the lease, and keeps what was made in the mirror, whose own reference follows.
pub(super) fn push(room: &mut Room, push: Push<'_>, made: &[Made]) -> Result<Pushed, GitError> {
    room.begin_anew();
    // Whether it goes through, is lost or breaks off: where the branch was is where it was.
    room.proven = None;
    let (pushed, kept) = if room.shared.url.starts_with("file:") {
        keep(&room.repository, made, &pack::pack(made, Thin::Yes)?)?;
        (folder::push(room, push)?, Ok(()))
    } else {
        push_to_host(room, push, made)?
    };
    if pushed == Pushed::Done {
        match kept.and_then(|()| move_to(&room.repository, push.reference, push.commit)) {
            Ok(()) if push.reference == room.shared.tracked() => room.prove(push.commit),
            Ok(()) => {}
            // Where the disk failed us the next fetch brings it.
            Err(error) => tracing::warn!(%error, "what was pushed is not in the mirror yet"),
        }
    }
    Ok(pushed)
}

type Kept = Result<(), GitError>;

fn push_to_host(room: &mut Room, push: Push<'_>, made: &[Made]) -> Result<(Pushed, Kept), GitError> {
    let directory = room.shared.directory.clone();
    let thin = pack::pack(made, Thin::Yes)?;
    let (said, kept) = std::thread::scope(|scope| {
        // The server takes longer than the disk, and neither needs the other.
        let keeping = scope.spawn(|| keep(&Repository::open_bare(&directory)?, made, &thin));
        let said = receive::push(room, push, made, &thin);
        (said, keeping.join().unwrap_or_else(|_| Err(GitError::Other("keeping what was made broke off".into()))))
    });
    let said = said?;
    let said = if said.asks_for_another_form() { push_otherwise(room, push, kept.clone())? } else { said };
    match said {
        Said::Refused { hook, status } => Ok((judge((&hook, &status), push)?, kept)),
        Said::Done | Said::OtherForm => Ok((Pushed::Done, kept)),
    }
}

/// libgit2's push. A server that gives no report is asked what it has afterwards.
fn push_otherwise(room: &mut Room, push: Push<'_>, kept: Kept) -> Result<Said, GitError> {
    kept?;
    let said = fallback::push(room, push)?;
    if said != Said::Done {
        return Ok(said);
    }
    let there = listed(room, &[push.reference])?;
    let done = there.iter().any(|(_, id)| *id == push.commit);
    let lost = Said::Refused { hook: String::new(), status: "stale info".to_owned() };
    Ok(if done { Said::Done } else { lost })
}

/// Writes what was made into the mirror: one commit's as files, those of a stack as one pack, in which a large
/// directory costs only what changed in it.
fn keep(repository: &Repository, made: &[Made], thin: &[u8]) -> Kept {
    let odb = repository.odb()?;
    let commits = made.iter().filter(|made| made.kind == ObjectType::Commit).count();
    if commits <= 1 {
        for object in made {
            odb.write(object.kind, &object.bytes)?;
        }
        return Ok(());
    }
    let mut writer = odb.packwriter()?;
    std::io::Write::write_all(&mut writer, thin).map_err(|error| GitError::Other(error.to_string()))?;
    writer.commit()?;
    Ok(())
}

/// What a refusal comes to.
fn judge((hook, status): (&str, &str), push: Push<'_>) -> Result<Pushed, GitError> {
    let line = telling_line(hook, status);
    match classify(&format!("{hook}\n{status}")) {
        // Under a lease that held, this is the server's rule against replacing commits.
        Verdict::Retry if push.replace == Replace::Yes && status.contains("non-fast-forward") => {
            Err(GitError::Refused(line))
        }
        Verdict::Retry => Ok(Pushed::Lost(tip_in(hook, push))),
        Verdict::Protected => Err(GitError::Protected(line)),
        Verdict::Auth => Err(GitError::Auth(line)),
        Verdict::Later => Err(GitError::Unreachable(line)),
        // Whoever pushes looks once more whether the branch has moved before this counts.
        Verdict::Conflict | Verdict::Refused => Err(GitError::Refused(line)),
    }
}
