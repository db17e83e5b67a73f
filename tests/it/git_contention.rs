//! Many writers on one branch of one file: processes of ours, and people's scripts with plain git. Every change of
//! ours lands once, and nobody's work is lost. The long form runs against a git server that others wrote:
//! `LEVERFRAME_WRITERS=4x4x200 cargo test --test it -- git_contention --nocapture` (ours, scripts, commits each).

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use futures::future::join_all;
use leverframe::{clock, core::names::RequestId, git::Mirror};
use tempfile::TempDir;

use crate::{
    contract::variable,
    git::{Server, appends_to, client, git, landed, request, source, try_git},
    git_hosts::Peer,
};

const US: &str = "LEVERFRAME_WRITER";

/// Lands so many changes, several of them waiting at a time as they do in a bot; prints how long each took in ms.
async fn write(url: &str, file: &str, (first, count): (u32, u32)) {
    let home = TempDir::new().unwrap();
    let mirror = source(url, "s3cret", &home.path().join("mirror"));
    let mirror = Mirror::open(mirror, client(), tokio::runtime::Handle::current()).unwrap();
    let mut numbers: Vec<u32> = (first..first + count).collect();
    while !numbers.is_empty() {
        let now = numbers.split_off(numbers.len().saturating_sub(4));
        for took in join_all(now.into_iter().map(|number| one(&mirror, file, request(number)))).await {
            println!("took {took}");
        }
    }
}

/// Asks again after a lost race, as the bot does.
async fn one(mirror: &Mirror, file: &str, request: RequestId) -> i128 {
    let began = clock::now();
    loop {
        match mirror.land(appends_to(file, &request)).await {
            Ok(outcome) => {
                landed(outcome);
                return clock::now().duration_since(began).as_millis();
            }
            Err(error) => assert!(error.is_passing(), "{error}"),
        }
    }
}

/// One writer of ours: as a process of its own where it is told an address, else against a server of its own.
#[tokio::test(flavor = "multi_thread")]
async fn one_writer_lands_every_change() {
    if let Some(told) = variable(US) {
        let told = told.to_str().unwrap();
        let [url, file, first, count] = told.split(' ').collect::<Vec<_>>().try_into().unwrap();
        return write(url, file, (first.parse().unwrap(), count.parse().unwrap())).await;
    }
    let server = Server::start().await;
    write(&server.url(), "counter.txt", (0, 9)).await;
    assert_eq!(git(&server.repository(), &["show", "main:counter.txt"]).lines().count(), 10);
}

/// Appends lines to the same file as everybody, as people do: where the push is refused, from the start again. Gives how
/// long each took in ms, and how many races it lost.
fn script(url: &str, file: &str, (name, count): (u32, u32)) -> (Vec<u64>, u32) {
    let work = TempDir::new().unwrap();
    let work = work.path();
    git(work, &["clone", "-q", url, "."]);
    let (mut took, mut lost) = (Vec::new(), 0);
    for number in 0..count {
        let began = clock::now();
        loop {
            git(work, &["fetch", "-q", "origin", "main"]);
            git(work, &["reset", "-q", "--hard", "origin/main"]);
            let text = std::fs::read_to_string(work.join(file)).unwrap();
            std::fs::write(work.join(file), format!("script-{name}-{number}\n{text}")).unwrap();
            git(work, &["commit", "-q", "-a", "-m", "by script"]);
            if try_git(work, &["push", "-q", "origin", "HEAD:main"]).is_ok() {
                break;
            }
            lost += 1;
        }
        took.push(u64::try_from(clock::now().duration_since(began).as_millis()).unwrap());
    }
    (took, lost)
}

/// How many of ours, how many scripts, how many commits of each.
#[derive(Clone, Copy)]
struct Size {
    ours: u32,
    scripts: u32,
    each: u32,
}

/// How long everybody's changes took, sorted, in ms, and how many races the scripts lost.
struct Came {
    ours: Vec<u64>,
    scripts: Vec<u64>,
    lost: u32,
}

/// Everybody at once.
fn race(url: &str, script_url: &str, file: &str, size: Size) -> Came {
    let writers = (0..size.ours).map(|place| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "git_contention::one_writer_lands_every_change", "--nocapture"]);
        command.env(US, format!("{url} {file} {} {}", place * size.each, size.each));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let writers: Vec<_> = writers.collect();
    let scripts: Vec<_> = (0..size.scripts)
        .map(|name| {
            let (url, file) = (script_url.to_owned(), file.to_owned());
            std::thread::spawn(move || script(&url, &file, (name, size.each)))
        })
        .collect();
    let mut ours = Vec::new();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        ours.extend(said.lines().filter_map(|line| line.split_once("took ")?.1.parse::<u64>().ok()));
    }
    let (mut theirs, mut lost) = (Vec::new(), 0);
    for script in scripts {
        let (took, races) = script.join().unwrap();
        theirs.extend(took);
        lost += races;
    }
    ours.sort_unstable();
    theirs.sort_unstable();
    Came { ours, scripts: theirs, lost }
}

/// Each line of everybody's is there once, in a history without merges that git finds sound.
fn check(repository: &Path, file: &str, size: Size, before: usize) {
    let text = git(repository, &["show", &format!("main:{file}")]);
    let count = |line: &str| text.lines().filter(|found| *found == line).count();
    for number in 0..size.ours * size.each {
        assert_eq!(count(request(number).as_str()), 1, "our change {number}");
    }
    for (name, number) in (0..size.scripts).flat_map(|name| (0..size.each).map(move |number| (name, number))) {
        assert_eq!(count(&format!("script-{name}-{number}")), 1, "the script's");
    }
    let all = usize::try_from((size.ours + size.scripts) * size.each).unwrap();
    assert_eq!(git(repository, &["rev-list", "--count", "main"]), (before + all).to_string());
    assert_eq!(git(repository, &["rev-list", "--count", "--merges", "main"]), "0");
    git(repository, &["fsck", "--strict"]);
}

fn told(size: Size, came: &Came) -> String {
    let at = |all: &[u64], part: usize| all[(all.len() - 1) * part / 100];
    let words = |all: &[u64]| {
        format!("{} ms (median), {} ms (99 of 100), {} ms (longest)", at(all, 50), at(all, 99), at(all, 100))
    };
    let Came { ours, scripts, lost } = came;
    assert_eq!(ours.len(), usize::try_from(size.ours * size.each).unwrap());
    let Size { ours: processes, scripts: others, each } = size;
    format!(
        "{processes} processes of ours and {others} scripts, {each} commits each: every one landed once; ours took {}; \
         the scripts took {} and lost {lost} races",
        words(ours),
        words(scripts),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_of_ours_and_scripts_write_one_file_and_nothing_is_lost() {
    let server = Server::start().await;
    let script_url = server.url().replace("http://", "http://x-access-token:s3cret@");
    let (url, size) = (server.url(), Size { ours: 2, scripts: 2, each: 15 });
    let came = tokio::task::spawn_blocking(move || race(&url, &script_url, "counter.txt", size)).await.unwrap();
    check(&server.repository(), "counter.txt", size, 1);
    println!("{}", told(size, &came));
}

#[test]
fn the_same_against_a_server_that_others_wrote() {
    let Some(peer) = Peer::start() else { return };
    let asked = variable("LEVERFRAME_WRITERS").map(|asked| asked.into_os_string().into_string().unwrap());
    let numbers: Vec<u32> =
        asked.as_deref().unwrap_or("1x1x5").split('x').map(|number| number.parse().unwrap()).collect();
    let [ours, scripts, each] = numbers.try_into().unwrap();
    let (size, script_url) = (Size { ours, scripts, each }, peer.value("HTTP_URL"));
    let url = script_url.replace("x-access-token:s3cret@", "");
    let began = clock::now();
    let came = race(&url, script_url, "apps.yaml", size);
    check(&peer.repository(), "apps.yaml", size, 1);
    let took = Duration::try_from(clock::now().duration_since(began)).unwrap();
    println!("{}; {took:.1?} in all", told(size, &came));
}
