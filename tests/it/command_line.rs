//! The command line by hand: what it prints, where, and with which exit code.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::together::Chat;

/// The binary with arguments; nothing of the environment reaches it.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leverframe"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    told(command(arguments).output().unwrap())
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A copy of the demo that tests may spoil.
fn demo() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo")), folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&place).unwrap();
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// `plan` in a checkout.
fn plan(repo: &TempDir, words: &[&str]) -> (i32, String, String) {
    run(&[&["plan", "--repo", repo.path().to_str().unwrap(), "--"], words].concat())
}

#[test]
fn plan_shows_one_line_or_says_why_there_is_none() {
    let repo = demo();
    let (code, out, err) = plan(&repo, &["deploy", "checkout", "prod", "v1.2.5"]);
    let changed: Vec<&str> = out.lines().filter(|line| line.starts_with(['+', '-'])).collect();
    assert_eq!(
        changed,
        [
            "--- a/apps/checkout/prod/kustomization.yaml",
            "+++ b/apps/checkout/prod/kustomization.yaml",
            "-  newTag: \"v1.2.4\"   # <- the only line a deploy changes",
            "+  newTag: \"v1.2.5\"   # <- the only line a deploy changes",
        ]
    );
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(plan(&repo, &["deploy", "checkout", "prod", "v1.2.4"]), (0, String::new(), String::new()));
    for (words, said) in [
        (&["deploy", "chekout", "prod", "v1"][..], "There is no service `chekout`.\nDid you mean `checkout`?\n"),
        (
            &["deploy", "checkout", "prod"],
            "`deploy` needs `version`.\nWrite `deploy <service> <environment> <version> [replicas=N] [digest=sha256:...] [until=\"Mon 9:00\"] [from=\"Mon 9:00\"] [reason=...]`.\n",
        ),
        (
            &["scale", "checkout", "prod", "99"],
            "That many replicas are outside the limits of the catalog (99 asked, 1 to 50 allowed).\n\
             Ask for a number within the limits, or change `limits.replicas` in the catalog.\n",
        ),
        (&["status"], "`status` changes nothing in git.\nUse `status` from chat, where its answer is shown.\n"),
        (
            &["rollback", "checkout", "prod"],
            "Which version was healthy before is in the ledger, which `plan` does not read.\nName the version: `to=v1.2.3`.\n",
        ),
    ] {
        assert_eq!(plan(&repo, words), (1, String::new(), said.to_owned()), "{words:?}");
    }
}

#[test]
fn plan_refuses_a_locked_field_as_chat_would() {
    let repo = demo();
    let catalog = repo.path().join(".leverframe/catalog.yaml");
    let text = fs::read_to_string(&catalog).unwrap();
    let lock = "locked: [ { environment: prod, field: replicas, because: the load test of October } ]\n";
    fs::write(&catalog, text + lock).unwrap();
    let (code, out, err) = plan(&repo, &["scale", "checkout", "prod", "5"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "The field is locked: it changes only by hand in git (the load test of October).\n\
         Change it in the repository, in a reviewed commit.\n"
    );
    assert_eq!(plan(&repo, &["scale", "checkout", "staging", "5"]).0, 0);
}

#[test]
fn wrong_usage_is_exit_code_two() {
    for arguments in
        [&["fly"][..], &["plan"], &["plan", "--bogus"], &["audit"], &["audit", "export", "--format", "xml"], &[]]
    {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str(), err.is_empty()), (2, "", false), "{arguments:?}");
    }
    let (code, out, _) = run(&["--help"]);
    assert_eq!((code, out.contains("audit")), (0, true));
}

#[test]
fn what_is_not_there_is_named_with_its_remedy() {
    let nowhere = tempfile::tempdir().unwrap();
    let missing = nowhere.path().join("leverframe.yaml").display().to_string();
    let said = format!(
        "{missing}: cannot be read: No such file or directory (os error 2)\nWrite the file, or name another with `--config FILE`.\n"
    );
    for subcommand in [&["serve"][..], &["check"], &["audit", "show"], &["audit", "verify"], &["audit", "export"]] {
        let arguments = [subcommand, &["--config", &missing]].concat();
        assert_eq!(run(&arguments), (1, String::new(), said.clone()), "{subcommand:?}");
    }
    let said = "There is neither a `leverframe.yaml` nor a `.leverframe` directory here.\n\
        Name what to check: `--config FILE`, `--repo PATH`, or both.\n";
    let check = told(command(&["check"]).current_dir(nowhere.path()).output().unwrap());
    assert_eq!(check, (1, String::new(), said.to_owned()));
    let plan = told(command(&["plan", "deploy", "a", "b", "c"]).current_dir(nowhere.path()).output().unwrap());
    let said = "the repository has no `.leverframe/catalog.yaml`\n\
        Write `.leverframe/catalog.yaml` with at least one environment and its path.\n";
    assert_eq!(plan, (1, String::new(), said.to_owned()));
}

#[test]
fn check_shows_every_lever_and_goes_red_where_one_is_stuck() {
    let repo = demo();
    let check = || run(&["check", "--repo", repo.path().to_str().unwrap()]);
    let (code, out, err) = check();
    assert_eq!((code, err.as_str()), (0, ""));
    let place = "`apps/checkout/prod/kustomization.yaml` at `images[name=registry.example.com/shop/checkout].newTag`";
    assert!(
        out.lines()
            .any(|line| line.starts_with("checkout in prod") && line.contains("v1.2.4") && line.ends_with(place))
    );
    fs::write(repo.path().join("apps/search/prod/values.yaml"), "image: { tag: &v \"1\" }\nother: *v\n").unwrap();
    let (code, out, _) = check();
    assert_eq!(code, 1);
    let red = "RED: search in prod, `image_tag`: `apps/search/prod/values.yaml` cannot be edited: line 1: the value of \
        `image.tag` has an anchor (`&`), by which other places may use it. Change it by hand in git, or remove the anchor.";
    assert!(out.lines().any(|line| line == red), "{out}");
    assert!(out.lines().any(|line| line.starts_with("note: search in prod, `replicas`: no `replicas` was found in ")));
}

/// A configuration with a mistake of each kind.
const MISTAKES: &str = "\
listen: 127.0.0.1:8080
data: ./data
colour: red
repositories:
  deployments:
    url: https://git.example.com/acme/deployments.git
    branch: main
    username: x-access-token
    password: \"${env:NOT_SET_ANYWHERE}\"
slack:
  transport: http
  team: T1
  bot_token: xoxb-literal
  signing_secret: \"${file:./none}\"
";

#[test]
fn a_configuration_names_line_column_and_remedy_of_each_mistake() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("leverframe.yaml"), MISTAKES).unwrap();
    for subcommand in ["check", "serve"] {
        let arguments = [subcommand, "--config", "leverframe.yaml"];
        let (code, out, err) = told(command(&arguments).current_dir(folder.path()).output().unwrap());
        assert_eq!((code, out.as_str()), (1, ""));
        assert_eq!(
            err,
            "leverframe.yaml:3:1: `colour`: found an unknown key, expected `listen`, `public_url`, `tls`, `data`, `ledger`, \
             `repositories`, `github`, `slack`, `discord`, `clusters`, `registries` or `pager`. Remove it, or move it to where it belongs.\n\
             leverframe.yaml:9:15: `repositories.deployments.password`: found `${env:NOT_SET_ANYWHERE}`, a variable that is not there, \
             expected a variable of the environment. Set `NOT_SET_ANYWHERE` where Leverframe is started.\n\
             leverframe.yaml:13:14: `slack.bot_token`: found a secret written into the file, expected a reference to a secret. \
             Put the secret into a variable or file of its own and write `\"${env:NAME}\"` or `\"${file:PATH}\"` here.\n\
             leverframe.yaml:14:19: `slack.signing_secret`: found a reference to `./none`, a file that is not there, expected a file that \
             Leverframe can read. Write the file, or correct its path (relative ones start where this configuration lies).\n\
             Correct the file; `leverframe check` reads it without starting anything.\n"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_read_beside_the_server_without_a_secret() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy chekout staging v1").await;
    chat.says("ana", "/deploy checkout staging v1.2.5").await;
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
    chat.settled().await;
    // Where the secrets are not, and with a mistake elsewhere, the ledger can be read all the same.
    let text = fs::read_to_string(chat.world.folder().join("leverframe.yaml")).unwrap().replace("/secrets/", "/gone/");
    let file = chat.world.folder().join("elsewhere.yaml");
    fs::write(&file, text + "colour: red\n").unwrap();
    let file = file.display().to_string();
    let audit = |arguments: &[&str]| run(&[&["audit"], arguments, &["--config", &file]].concat());
    let entries = chat.kinds().len();
    let (code, out, err) = audit(&["verify"]);
    assert!(
        out.starts_with(&format!("{entries} entries, each hash, link and order as it should be. Head ")),
        "{out}{err}"
    );
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(audit(&["verify", "--json"]).1.starts_with(&format!("{{\"ok\":true,\"entries\":{entries},\"head\":\"")));
    let (_, exported, _) = audit(&["export"]);
    assert_eq!(exported.lines().count(), entries);
    assert_eq!(audit(&["export", "--from", &(entries - 1).to_string()]).1.lines().count(), 1);
    let (_, shown, _) = audit(&["show", "--last", "1"]);
    assert!(shown.contains("request.ended") && shown.contains("seen: 2 of 2 pods run v1.2.5"), "{shown}");
    let id = chat.bot.engine.requests(1).await[0].id.to_string();
    let (_, shown, _) = audit(&["show", "--subject", &id]);
    assert!(shown.contains("request.opened") && !shown.contains("chekout"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_named_and_what_stands_before_it_is_shown() {
    let chat = Chat::start().await;
    for service in ["one", "two", "three"] {
        chat.says("ana", &format!("/deploy {service} staging v1")).await;
    }
    let journal = chat.world.folder().join("data/ledger/journal/00000000000000000000.ndjson");
    let file = chat.world.folder().join("leverframe.yaml").display().to_string();
    chat.bot.stop().await;
    let bytes = String::from_utf8(fs::read(&journal).unwrap()).unwrap().replace("/deploy two", "/deploy 2wo");
    fs::write(&journal, bytes).unwrap();
    let audit = |arguments: &[&str]| run(&[&["audit"], arguments, &["--config", &file]].concat());
    let (code, out, _) = audit(&["verify"]);
    assert_eq!(
        (code, out.as_str()),
        (
            1,
            "Entry 1 is bad: its text is another one. Everything before it verifies.\n\
             Restore the journal from a backup or from where it is shipped, and find out who could change entry 1 on this machine.\n"
        )
    );
    let (code, out, err) = audit(&["show"]);
    assert_eq!((code, out.lines().next().map(|line| line.contains("request.refused"))), (1, Some(true)));
    assert!(err.starts_with("entry 1 is damaged: `00000000000000000000.ndjson` at byte "), "{err}");
    assert_eq!(audit(&["export"]).0, 1);
}

#[test]
fn a_ledger_that_is_not_there_does_not_verify() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("leverframe.yaml"), "data: ./data\n").unwrap();
    for action in ["show", "verify", "export"] {
        let (code, out, err) = told(command(&["audit", action]).current_dir(folder.path()).output().unwrap());
        assert_eq!((code, out.as_str()), (1, ""), "{action}");
        assert_eq!(
            err,
            "There is no ledger in `./data/ledger`.\n\
             Check `data` in the configuration; a ledger that was there and is gone must be restored from a backup.\n"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_an_answer_and_a_closed_pipe_does_not() {
    let repo = demo();
    let path = repo.path().to_str().unwrap();
    let mut full = command(&["plan", "--repo", path, "deploy", "checkout", "prod", "v1.2.5"]);
    full.stdout(fs::File::create("/dev/full").unwrap()).stderr(Stdio::piped());
    let (code, _, err) = told(full.output().unwrap());
    assert_eq!(code, 1);
    assert!(err.starts_with("The answer cannot be written: No space left on device"), "{err}");
    let mut child = command(&["check", "--repo", path]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let (code, _, err) = told(child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
}
