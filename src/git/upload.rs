//! Fetching in git's second protocol: the server lists only the references we name, however many it has, and sends
//! what we lack in one answer. Servers that do not speak it are left to libgit2.

use std::io::{self, Read, Write as _};

use git2::{Oid, Repository};

use super::{
    error::GitError,
    http::{Protocol, Service},
    packets::{self, Packet},
    talk::{AGENT, Talk},
    worker::Room,
};

/// A reference on the server and where it is.
pub(super) type Listed = Vec<(String, Oid)>;

/// How many of our commits are named to the server, the newest first, then ever older ones: after a rewritten branch
/// the tip alone would say nothing to it.
const MOST_HAVES: usize = 24;

/// What is known of the server's fetching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// The second protocol.
    Two,
    /// Only the first.
    Old,
}

/// What is there of `names`, and all that we lack of it now in the mirror. `None` where the server does not speak the
/// second protocol.
pub(super) fn fetch(room: &mut Room, names: &[&str]) -> Result<Option<Listed>, GitError> {
    if room.known.upload == Some(Speaks::Old) {
        return Ok(None);
    }
    let opened = Talk::open(&room.session, Service::UploadPack, Protocol::Two);
    let mut talk = opened.map_err(|error| super::talk::failed(&room.session, &error))?;
    let done = converse(room, &mut talk, names);
    match done {
        Ok(listed) => {
            talk.end();
            Ok(listed)
        }
        Err(Failed::Host(error)) => {
            room.known.upload = None;
            Err(talk.failed(&error))
        }
        Err(Failed::Mirror(error)) => Err(error),
    }
}

/// Asks for one commit by its id, as the second protocol allows. `false` where the server does not speak that, or will
/// not give it.
pub(super) fn bring(room: &mut Room, commit: Oid) -> Result<bool, GitError> {
    if room.known.upload != Some(Speaks::Two) {
        return Ok(false);
    }
    let opened = Talk::open(&room.session, Service::UploadPack, Protocol::Two);
    let mut talk = opened.map_err(|error| super::talk::failed(&room.session, &error))?;
    let done = (|| {
        if talk.always_greets() {
            greeted(talk.greeting()?)?;
        }
        let haves = haves(&room.repository, &room.shared.tracked()).map_err(|error| Failed::Mirror(error.into()))?;
        download(room, &mut talk, &[commit], &haves)
    })();
    match done {
        Ok(()) => {
            talk.end();
            Ok(room.repository.find_commit(commit).is_ok())
        }
        Err(Failed::Host(error)) => {
            tracing::debug!(%error, "a commit that the server named is fetched with its branch");
            Ok(false)
        }
        Err(Failed::Mirror(error)) => Err(error),
    }
}

/// Who failed.
enum Failed {
    Host(io::Error),
    Mirror(GitError),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Host(error)
    }
}

fn converse(room: &mut Room, talk: &mut Talk, names: &[&str]) -> Result<Option<Listed>, Failed> {
    if room.known.upload.is_none() || talk.always_greets() {
        let speaks = greeted(talk.greeting()?)?;
        room.known.upload = Some(speaks);
        if speaks == Speaks::Old {
            return Ok(None);
        }
    }
    let listed = list(talk, names)?;
    let lacks = |id: Oid| room.repository.find_commit(id).is_err();
    let wants: Vec<Oid> = listed.iter().map(|(_, id)| *id).filter(|id| lacks(*id)).collect();
    if !wants.is_empty() {
        let haves = haves(&room.repository, &room.shared.tracked()).map_err(|error| Failed::Mirror(error.into()))?;
        download(room, talk, &wants, &haves)?;
    }
    Ok(Some(listed))
}

/// Which protocol a greeting is in. One in the second is read to its end.
fn greeted(from: &mut dyn Read) -> io::Result<Speaks> {
    match packets::read(from)? {
        Some(Packet::Data(line)) if packets::text(&line) == "version 2" => {
            while let Some(Packet::Data(_)) = packets::read(from)? {}
            Ok(Speaks::Two)
        }
        Some(_) => Ok(Speaks::Old),
        None => Err(io::Error::other("the server said nothing")),
    }
}

fn command(name: &str) -> Vec<u8> {
    let mut asked = Vec::new();
    for line in [format!("command={name}"), AGENT.to_owned(), "object-format=sha1".to_owned()] {
        packets::write_line(&mut asked, &line);
    }
    packets::write_delimiter(&mut asked);
    asked
}

fn list(talk: &mut Talk, names: &[&str]) -> io::Result<Listed> {
    let mut asked = command("ls-refs");
    for name in names {
        packets::write_line(&mut asked, &format!("ref-prefix {name}"));
    }
    packets::write_flush(&mut asked);
    let from = talk.ask(asked)?;
    let mut listed = Vec::new();
    while let Some(Packet::Data(line)) = packets::read(from)? {
        let line = packets::text(&line);
        if let Some(words) = line.strip_prefix("ERR ") {
            return Err(io::Error::other(words.to_owned()));
        }
        let (id, name) = line.split_once(' ').unwrap_or((&line, ""));
        // A prefix fits longer names too.
        if names.contains(&name)
            && let Ok(id) = Oid::from_str(id)
        {
            listed.push((name.to_owned(), id));
        }
    }
    Ok(listed)
}

/// Our commits, for the server to find what both have: along first parents, in steps that double.
fn haves(repository: &Repository, tracked: &str) -> Result<Vec<Oid>, git2::Error> {
    let mut haves = Vec::new();
    let mut next = repository.refname_to_id(tracked).ok().and_then(|id| repository.find_commit(id).ok());
    let (mut place, mut wanted) = (0_usize, 0_usize);
    while let Some(commit) = next.take().filter(|_| haves.len() < MOST_HAVES && place < 100_000) {
        if place >= wanted {
            haves.push(commit.id());
            wanted = if place < 8 { place + 1 } else { place * 2 };
        }
        place += 1;
        next = commit.parents().next();
    }
    for reference in repository.references_glob("refs/heads/*")?.flatten().take(MOST_HAVES) {
        haves.extend(reference.target().filter(|id| !haves.contains(id) && repository.find_commit(*id).is_ok()));
    }
    Ok(haves)
}

fn download(room: &mut Room, talk: &mut Talk, wants: &[Oid], haves: &[Oid]) -> Result<(), Failed> {
    let mut asked = command("fetch");
    for line in ["thin-pack", "ofs-delta", "no-progress"] {
        packets::write_line(&mut asked, line);
    }
    for (word, ids) in [("want", wants), ("have", haves)] {
        for id in ids {
            packets::write_line(&mut asked, &format!("{word} {id}"));
        }
    }
    packets::write_line(&mut asked, "done");
    packets::write_flush(&mut asked);
    let from = talk.ask(asked)?;
    skip_to_pack(from)?;
    let mirror = |error: git2::Error| Failed::Mirror(error.into());
    let odb = room.repository.odb().map_err(mirror)?;
    let mut writer = odb.packwriter().map_err(mirror)?;
    packets::read_bands(from, &mut |bytes| writer.write_all(bytes))?;
    writer.commit().map_err(mirror)?;
    drop(writer);
    room.upkeep.brought();
    odb.refresh().map_err(mirror)
}

/// Reads past what comes before the pack.
fn skip_to_pack(from: &mut dyn Read) -> io::Result<()> {
    loop {
        match packets::read(from)? {
            Some(Packet::Data(line)) if packets::text(&line) == "packfile" => return Ok(()),
            Some(Packet::Data(line)) if line.starts_with(b"ERR ") => {
                return Err(io::Error::other(packets::text(&line)));
            }
            Some(Packet::Data(_) | Packet::Delimiter) => {}
            Some(Packet::Flush | Packet::End) | None => return Err(io::Error::other("the server sent no pack")),
        }
    }
}
