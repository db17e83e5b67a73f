//! Pushing by our own conversation: one command with the old id as its lease, one thin pack with just what was made,
//! and the server's report. Over HTTP that is one request; what the server can do is asked once and remembered.

use std::io::{self, Read};

use git2::Oid;

use super::{
    error::GitError,
    http::{Protocol, Service},
    objects::Made,
    pack::{self, Thin},
    packets::{self, Packet},
    remote::Push,
    talk::{AGENT, Talk},
    worker::Room,
};

/// What a server can do when it receives, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receives {
    /// It says what became of each reference.
    reports: bool,
    /// It can send words for people beside its report.
    sideband: bool,
    /// It completes thin packs.
    thin: Thin,
}

/// What a server said to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// The reference is where we wanted it.
    Done,
    /// It is not, in the server's words: those for people, and the status.
    Refused { hook: String, status: String },
    /// It wants a push in a form that is not ours; nothing was sent.
    OtherForm,
}

impl Said {
    /// Whether a pack of the plainest kind may help: ours was not wanted, or could not be unpacked.
    pub(super) fn asks_for_another_form(&self) -> bool {
        match self {
            Self::OtherForm => true,
            Self::Refused { status, .. } => status.starts_with("unpack: "),
            Self::Done => false,
        }
    }
}

/// Whether the server would take a push from us: it greets those whom it lets push, and nothing is sent.
pub(super) fn greet(room: &Room) -> Result<(), GitError> {
    let opened = Talk::open(&room.session, Service::ReceivePack, Protocol::Old);
    let mut talk = opened.map_err(|error| super::talk::failed(&room.session, &error))?;
    match greeted(&mut talk) {
        Ok(_) => {
            talk.end();
            Ok(())
        }
        Err(error) => Err(talk.failed(&error)),
    }
}

/// Pushes what was made, of which `thin` is a thin pack.
pub(super) fn push(room: &mut Room, push: Push<'_>, made: &[Made], thin: &[u8]) -> Result<Said, GitError> {
    let opened = Talk::open(&room.session, Service::ReceivePack, Protocol::Old);
    let mut talk = opened.map_err(|error| super::talk::failed(&room.session, &error))?;
    let host = |talk: &Talk, error: &io::Error| Err(talk.failed(error));
    let receives = match room.known.receive.filter(|_| !talk.always_greets()) {
        Some(known) => known,
        None => match greeted(&mut talk) {
            Ok(receives) => *room.known.receive.insert(receives),
            Err(error) => return host(&talk, &error),
        },
    };
    if !receives.reports {
        return Ok(Said::OtherForm);
    }
    let body = match receives.thin {
        Thin::Yes => request(push, receives, thin),
        Thin::No => request(push, receives, &pack::pack(made, Thin::No)?),
    };
    let said = talk.ask(body).and_then(|from| report(from, receives, push.reference));
    match said {
        Ok(said) => {
            room.ending = talk.end_later();
            Ok(said)
        }
        Err(error) => {
            room.known.receive = None;
            host(&talk, &error)
        }
    }
}

/// Reads what the server can do from the first line of its list of references. Over HTTP the rest, which may be long,
/// is left.
fn greeted(talk: &mut Talk) -> io::Result<Receives> {
    let all = talk.always_greets();
    let from = talk.greeting()?;
    let Some(Packet::Data(first)) = packets::read(from)? else {
        return Err(io::Error::other("the server said nothing"));
    };
    if all {
        while let Some(Packet::Data(_)) = packets::read(from)? {}
    }
    let line = packets::text(&first);
    let words: Vec<&str> = line.split_once('\0').map(|(_, words)| words.split(' ').collect()).unwrap_or_default();
    let says = |word: &str| words.contains(&word);
    let format = words.iter().find_map(|word| word.strip_prefix("object-format="));
    Ok(Receives {
        reports: says("report-status") && format.is_none_or(|format| format == "sha1"),
        sideband: says("side-band-64k"),
        thin: if says("no-thin") { Thin::No } else { Thin::Yes },
    })
}

fn request(push: Push<'_>, receives: Receives, pack: &[u8]) -> Vec<u8> {
    let old = push.expected.unwrap_or(Oid::ZERO_SHA1);
    let sideband = if receives.sideband { " side-band-64k" } else { "" };
    let command = format!("{old} {} {}\0 report-status{sideband} {AGENT}", push.commit, push.reference);
    let mut body = Vec::new();
    packets::write(&mut body, command.as_bytes());
    packets::write_flush(&mut body);
    body.extend_from_slice(pack);
    body
}

fn report(from: &mut dyn Read, receives: Receives, reference: &str) -> io::Result<Said> {
    if !receives.sideband {
        return read_report(from, reference, String::new());
    }
    let mut lines = Vec::new();
    let words = packets::read_bands(from, &mut |bytes| {
        lines.extend_from_slice(bytes);
        Ok(())
    })?;
    read_report(&mut lines.as_slice(), reference, String::from_utf8_lossy(&words).into_owned())
}

/// `unpack ok`, then `ok` or `ng` with a reason for the reference.
fn read_report(from: &mut dyn Read, reference: &str, hook: String) -> io::Result<Said> {
    let mut unpacked = None;
    while let Some(Packet::Data(line)) = packets::read(from)? {
        let line = packets::text(&line);
        if let Some(verdict) = line.strip_prefix("unpack ") {
            unpacked = Some(verdict.to_owned());
        } else if line.strip_prefix("ok ") == Some(reference) {
            return Ok(Said::Done);
        } else if let Some(reason) = line.strip_prefix("ng ").and_then(|rest| rest.strip_prefix(reference)) {
            let unpack = unpacked.filter(|verdict| verdict != "ok").map(|verdict| format!("unpack: {verdict}; "));
            let status = format!("{}{}", unpack.unwrap_or_default(), reason.trim());
            return Ok(Said::Refused { hook, status });
        }
    }
    Err(io::Error::other("the server's report says nothing of the branch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> io::Result<Said> {
        let mut bytes = Vec::new();
        for line in lines {
            packets::write_line(&mut bytes, line);
        }
        packets::write_flush(&mut bytes);
        read_report(&mut bytes.as_slice(), "refs/heads/main", String::new())
    }

    #[test]
    fn a_report_is_read_for_our_reference_only() {
        let refused = |status: &str| Said::Refused { hook: String::new(), status: status.to_owned() };
        assert_eq!(read(&["unpack ok", "ok refs/heads/main"]).unwrap(), Said::Done);
        assert_eq!(read(&["unpack ok", "ng refs/heads/main fetch first"]).unwrap(), refused("fetch first"));
        let broken = read(&["unpack index-pack abnormal exit", "ng refs/heads/main unpacker error"]).unwrap();
        assert_eq!(broken, refused("unpack: index-pack abnormal exit; unpacker error"));
        assert!(read(&["unpack ok", "ok refs/heads/other"]).is_err());
        assert!(read(&[]).is_err());
    }
}
