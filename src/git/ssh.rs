//! Git over SSH by the user's own `ssh`: keys, known hosts and jump hosts are those of its configuration. It asks
//! nobody anything (`BatchMode`), and gives up when a host falls silent.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{
    error::GitError,
    http::{Protocol, Service, Session},
};

/// What `ssh` is always told. The silences are as long as over HTTP.
const OPTIONS: [&str; 8] =
    ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"];

/// How much of what `ssh` says is kept, in bytes.
const WORDS: u64 = 8 * 1024;

/// An address as `ssh` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `user@host` or `host`.
    host: String,
    port: Option<u16>,
    /// The repository's folder there.
    path: String,
}

impl Place {
    /// Reads `ssh://user@host:port/path` and `user@host:path`.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let place = match text.strip_prefix("ssh://") {
            Some(_) => Self::of_url(text)?,
            None => {
                let (host, path) = text.split_once(':').ok_or("it names no host")?;
                Self { host: host.to_owned(), port: None, path: path.to_owned() }
            }
        };
        let strange =
            |text: &str| text.starts_with('-') || text.contains(|c: char| c.is_control() || "'\\!".contains(c));
        if place.host.is_empty() || place.path.trim_matches('/').is_empty() {
            return Err("it names no host or no path");
        }
        if strange(&place.host) || strange(&place.path) || place.host.contains(['/', ' ']) {
            return Err("it holds characters that no such address may hold");
        }
        Ok(place)
    }

    fn of_url(text: &str) -> Result<Self, &'static str> {
        let url = url::Url::parse(text).map_err(|_| "it is not a URL")?;
        if url.password().is_some() {
            return Err("it holds credentials");
        }
        let host = url.host_str().ok_or("it names no host")?.trim_matches(['[', ']']);
        let user = url.username();
        let host = if user.is_empty() { host.to_owned() } else { format!("{user}@{host}") };
        // `/~ana/x.git` is below a home directory.
        let path = url.path();
        let path = if path.starts_with("/~") { path.trim_start_matches('/') } else { path };
        Ok(Self { host, port: url.port(), path: path.to_owned() })
    }
}

/// A running `ssh`, as a stream both ways.
pub(super) struct Connection {
    session: Session,
    child: Child,
    to: Option<ChildStdin>,
    from: ChildStdout,
    words: File,
}

impl Connection {
    /// Connects and starts the service there.
    pub(super) fn open(session: &Session, service: Service, protocol: Protocol) -> io::Result<Self> {
        let place = Place::parse(&session.url).map_err(|why| session.fail(GitError::Address(why.to_owned())))?;
        let words = tempfile::tempfile()?;
        let mut command = Command::new(&session.ssh);
        command.args(OPTIONS);
        if protocol == Protocol::Two {
            command.args(["-o", "SendEnv=GIT_PROTOCOL"]).env("GIT_PROTOCOL", "version=2");
        }
        if let Some(port) = place.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &place.host]).arg(format!("{} '{}'", service.name(), place.path));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(words.try_clone()?);
        let started = command.spawn();
        let mut child = started
            .map_err(|error| session.fail(GitError::Unreachable(format!("`ssh` cannot be started: {error}"))))?;
        match (child.stdin.take(), child.stdout.take()) {
            (to, Some(from)) => Ok(Self { session: session.clone(), child, to, from, words }),
            (_, None) => Err(io::Error::other("`ssh` has no output")),
        }
    }

    /// Why it ended before it had said what it should: by what it told its user.
    fn ended(&mut self) -> io::Error {
        let mut said = String::new();
        let read =
            self.words.seek(SeekFrom::Start(0)).and_then(|_| (&self.words).take(WORDS).read_to_string(&mut said));
        if read.is_err() {
            said.clear();
        }
        self.session.fail(sorted(&said))
    }
}

/// What `ssh`, or the git on the other side, said when it ended.
fn sorted(said: &str) -> GitError {
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("the connection ended").to_owned();
    let lower = said.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|wording| lower.contains(wording));
    match () {
        () if says(&["permission denied", "host key verification failed", "too many authentication"]) => {
            GitError::Auth(last)
        }
        () if says(&["does not appear to be a git repository", "repository not found", "no such project"]) => {
            GitError::NotFound
        }
        () => GitError::Unreachable(last),
    }
}

impl Read for Connection {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.from.read(out)? {
            0 if !out.is_empty() => match self.child.wait()?.success() {
                true => Ok(0),
                false => Err(self.ended()),
            },
            read => Ok(read),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.to.as_mut() {
            Some(to) => to.write(bytes),
            None => Err(io::Error::other("`ssh` has no input")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.to = None;
        // A push that was answered is over; whatever else it still does is not waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_git_reads_them() {
        let place = |host: &str, port, path: &str| Ok(Place { host: host.into(), port, path: path.into() });
        assert_eq!(
            Place::parse("ssh://git@h.example:2222/acme/x.git"),
            place("git@h.example", Some(2222), "/acme/x.git")
        );
        assert_eq!(Place::parse("ssh://h.example/~ana/x.git"), place("h.example", None, "~ana/x.git"));
        assert_eq!(Place::parse("git@h.example:acme/x.git"), place("git@h.example", None, "acme/x.git"));
        for wrong in ["ssh://-oProxyCommand=x/y", "-oProxyCommand=x:y", "h:it's", "ssh://u:p@h/x", "h:", "nothing"] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_ssh_says_is_sorted() {
        assert!(matches!(sorted("git@h: Permission denied (publickey).\r\n"), GitError::Auth(_)));
        assert!(matches!(sorted("Host key verification failed.\n"), GitError::Auth(_)));
        assert!(matches!(sorted("ERROR: Repository not found.\nfatal: no"), GitError::NotFound));
        let refused = sorted("ssh: connect to host h port 22: Connection refused\n");
        assert_eq!(refused, GitError::Unreachable("ssh: connect to host h port 22: Connection refused".into()));
    }
}
