//! Fetch, edit, commit, push, again and again against `git receive-pack` on loopback: what stays behind. Prints the
//! memory, the open descriptors and the mirror's size as it goes. Arguments: `cycles=N` (10,000 is the long form).

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    path::Path,
    process::Command,
};

use leverframe::{
    clock,
    core::names::{ConnectionName, RepoPath},
    git::{Composed, Credentials, Landing, Mirror, Onto, Outcome, REQUEST_TRAILER, Signature, Source, Tree},
    net::{Outgoing, Tls},
    play::{
        git::{GitLookalike, GitOptions, USER},
        pulse::Pulse,
        repository::DemoRepository,
    },
    secret::Secret,
};

type Done<T> = Result<T, Box<dyn Error>>;

const FILE: &str = "apps/checkout/staging/kustomization.yaml";
const SHORT: usize = 300;

fn main() -> Done<()> {
    let mut out = io::stdout().lock();
    if Command::new("git").arg("--version").output().is_err() {
        writeln!(out, "Not measured: there is no `git` to serve the repository.")?;
        return Ok(());
    }
    let cycles = std::env::args().find_map(|argument| argument.strip_prefix("cycles=")?.parse().ok()).unwrap_or(SHORT);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(&mut out, cycles))
}

async fn run(out: &mut impl io::Write, cycles: usize) -> Done<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("repositories");
    let repository = DemoRepository::create(&root.join("acme/deployments.git"))?;
    let token = Secret::new("token");
    let git = GitLookalike::start(GitOptions { root, token: token.clone(), pulse: Pulse::default() }).await?;
    let directory = folder.path().join("mirror.git");
    let source = Source {
        name: ConnectionName::parse("cycles")?,
        url: git.url_of("acme/deployments"),
        branch: "main".to_owned(),
        credentials: Some(Credentials { username: USER.to_owned(), password: token, renewal: None }),
        directory: directory.clone(),
        ssh: "ssh".into(),
        key: None,
    };
    let client = Outgoing::new(&Tls::default())?.to(&url::Url::parse(&source.url)?).clone();
    let mirror = Mirror::open(source, client, tokio::runtime::Handle::current())?;
    writeln!(out, "cycles   memory (MB)   mapped files (MB)   descriptors   mirror (MB)   files in it   packs")?;
    for cycle in 0..=cycles {
        if cycle % (cycles / 10).max(1) == 0 {
            let (size, files, packs) = lies(&directory)?;
            let [memory, mapped] = memory()?;
            let open = fs::read_dir("/proc/self/fd")?.count();
            writeln!(out, "{cycle:>6} {memory:>13.1} {mapped:>18.1} {open:>13} {size:>13.1} {files:>13} {packs:>7}")?;
        }
        mirror.fetch().await?;
        land(&mirror, cycle).await?;
    }
    let commits = repository.commits(cycles + 1000)?.len();
    let sound = Command::new("git").arg("-C").arg(&directory).args(["fsck", "--strict", "--no-dangling"]).output()?;
    writeln!(out, "commits on the server: {commits}; the mirror is sound: {}", sound.status.success())?;
    Ok(())
}

async fn land(mirror: &Mirror, cycle: usize) -> Done<()> {
    let (path, at) = (RepoPath::parse(FILE)?, clock::now());
    let request = clock::request_id(at);
    let asked = request.clone();
    let compose = move |tree: &Tree<'_>| {
        let found = tree.file(&path).map_err(|error| error.to_string())?.ok_or("no such file")?;
        let first = found.text.lines().filter(|line| !line.starts_with("# cycle"));
        let text: String = first.map(|line| format!("{line}\n")).chain([format!("# cycle {cycle}\n")]).collect();
        let who = Signature { name: "Bench".to_owned(), email: "bench@example.org".to_owned() };
        let message = format!("cycle {cycle}\n\n{REQUEST_TRAILER}: {asked}\n");
        let files = vec![(path.clone(), Some(text.into_bytes()))];
        Ok::<_, String>(Composed { files, author: who.clone(), committer: who, at, message })
    };
    match mirror.land(Landing { onto: Onto::Tracked, request, opened: at, compose: Box::new(compose) }).await? {
        Outcome::Landed { .. } => Ok(()),
        other @ (Outcome::AlreadyThere { .. } | Outcome::Stopped(_)) => Err(format!("{other:?}").into()),
    }
}

/// The process's own memory, and what it has mapped of files (its program, the mirror's pack), in MB.
fn memory() -> Done<[f64; 2]> {
    let status = fs::read_to_string("/proc/self/status")?;
    let megabytes = |name: &str| -> Done<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    };
    Ok([megabytes("RssAnon:")?, megabytes("RssFile:")?])
}

/// Megabytes, files and packs below a folder.
fn lies(folder: &Path) -> Done<(f64, usize, usize)> {
    let (mut size, mut files, mut packs) = (0.0, 0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let below = lies(&entry.path())?;
            (size, files, packs) = (size + below.0, files + below.1, packs + below.2);
        } else {
            // What upkeep takes away meanwhile is not there any more.
            size +=
                entry.metadata().map_or(0.0, |found| f64::from(u32::try_from(found.len()).unwrap_or(u32::MAX)) / 1e6);
            files += 1;
            packs += usize::from(entry.path().extension().is_some_and(|extension| extension == "pack"));
        }
    }
    Ok((size, files, packs))
}
