//! The same thing twice, and many things at once: one delivery three times, one click twice, twenty people who deploy
//! twenty services while a script pushes to the same branch, rules that change between the asking and the landing.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use futures::future::join_all;
use leverframe::{
    clock,
    play::{World, people, slack::Answered},
};

use crate::bot::{Scene, Side, of_kind, stop};

/// How many people deploy how many services.
const MANY: usize = 20;
/// How many versions of one service are asked for in a row.
const VERSIONS: usize = 6;
/// How many commits the script pushes.
const BY_HAND: usize = 10;

fn count(ledger: &[serde_json::Value], kind: &str) -> usize {
    of_kind(ledger, kind).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_delivered_again_and_again_is_one_request_with_one_answer() {
    let scene = Scene::start().await;
    // All at the same time: the form is taken from a command that changes nothing.
    let form = form_of(&scene, "/deploy checkout staging v1.2.5").await;
    let at_once = join_all((0..3).map(|_| scene.world.slack.deliver_form("/slack/commands", form.clone()))).await;
    let answers: BTreeSet<String> = at_once.into_iter().map(|answer| taken(&answer.unwrap())).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    // When it is done, where the same words would be answered with "already so".
    let later = scene.world.slack.deliver_form("/slack/commands", form.clone()).await.unwrap();
    assert!(answers.contains(&taken(&later)), "{later:?}");
    // By another life of the bot.
    scene.killer().kill();
    scene.start_bot().await;
    let after = scene.world.slack.deliver_form("/slack/commands", form).await.unwrap();
    assert!(answers.contains(&taken(&after)), "{after:?}");
    let ledger = scene.ledger().await;
    assert_eq!((count(&ledger, "request.opened"), count(&ledger, "request.refused")), (1, 0), "{}", scene.told());
    assert_eq!((count(&ledger, "landing.done"), scene.cards().len()), (1, 1), "{}", scene.told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_delivered_again_is_refused_in_the_same_words_once() {
    let scene = Scene::start().await;
    let first = scene.says("ana", "/deploy checkout staging v1.2.4").await;
    let again = scene.world.slack.deliver_again(first.delivery).await.unwrap();
    assert!(first.body.contains("already"), "{first:?}");
    assert_eq!(first.body, again.body);
    assert_eq!(count(&scene.ledger().await, "request.refused"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_delivered_again_counts_once_and_is_refused_to_nobody() {
    let two = |world: &World| {
        rewrite(world, ".leverframe/catalog.yaml", |text| {
            text.replacen("deploy: { count: 1, from: [group:leads] }", "deploy: { count: 2, from: [group:leads] }", 1)
        });
    };
    let scene = Scene::prepared(two).await;
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("proposed", |scene| scene.card_says("Pull request #1") && scene.card_says("[Approve]")).await;
    let first = scene.presses("bo", "Approve").await;
    let again = join_all((0..2).map(|_| scene.world.slack.deliver_again(first.delivery))).await;
    assert!(again.into_iter().all(|answer| answer.unwrap().status == Some(200)));
    scene.until("counted", |scene| scene.card_says("1 of 2")).await;
    scene.killer().kill();
    scene.start_bot().await;
    assert_eq!(scene.world.slack.deliver_again(first.delivery).await.unwrap().status, Some(200));
    let second = scene.presses("cleo", "Approve").await;
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    for delivery in [first.delivery, second.delivery] {
        assert_eq!(scene.world.slack.deliver_again(delivery).await.unwrap().status, Some(200));
    }
    let ledger = scene.ledger().await;
    assert_eq!((count(&ledger, "approval.given"), count(&ledger, "approval.refused")), (2, 0), "{}", scene.told());
    assert_eq!((count(&ledger, "landing.done"), scene.cards().len()), (1, 1), "{}", scene.told());
    for who in ["bo", "cleo"] {
        assert!(scene.world.slack.ephemerals(who).unwrap().is_empty(), "{}", scene.told());
    }
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leads_who_approve_at_the_same_moment_merge_once() {
    let scene = Scene::start().await;
    scene.says("ana", "/deploy checkout prod v1.2.5").await;
    scene.until("proposed", |scene| scene.card_says("Pull request #1") && scene.card_says("[Approve]")).await;
    let both = futures::join!(scene.presses("bo", "Approve"), scene.presses("cleo", "Approve"));
    assert_eq!((both.0.status, both.1.status), (Some(200), Some(200)));
    scene.until("live", |scene| scene.card_says("Live: ")).await;
    let ledger = scene.ledger().await;
    assert_eq!((count(&ledger, "request.approved"), count(&ledger, "landing.done")), (1, 1), "{}", scene.told());
    assert_eq!(count(&ledger, "approval.given") + count(&ledger, "approval.refused"), 2, "{}", scene.told());
    scene.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_pushed_while_a_commit_is_on_its_way_hold_it_back() {
    let scene = Scene::start().await;
    let (repository, pushed) = (scene.world.repository.clone(), AtomicBool::new(false));
    let push = "/acme/deployments.git/info/refs?service=git-receive-pack";
    stop(scene.world.git.server(), "GET", push, Side::Before, move |_| {
        if !pushed.swap(true, Ordering::SeqCst) {
            let policy = "@id(\"quiet\") @reason(\"staging rests today\") @remedy(\"Come back tomorrow.\")\n\
                          forbid (principal, action, resource) when { resource.environment == \"staging\" };\n";
            let cleo = people::find("cleo").unwrap();
            let files = [(".leverframe/policy.cedar", policy)];
            repository.commit_by_hand(cleo, "staging rests\n", &files, clock::now()).unwrap();
        }
    });
    assert_eq!(scene.says("ana", "/deploy checkout staging v1.2.5").await.status, Some(200));
    scene.until("over", |scene| scene.card_says("*Failed.*") || scene.card_says("Live: ")).await;
    assert!(scene.card_says("Policy no longer permits it: staging rests today"), "{}", scene.told());
    assert!(scene.card_says("Come back tomorrow."), "{}", scene.told());
    let file = scene.world.repository.file("apps/checkout/staging/kustomization.yaml").unwrap().unwrap();
    assert!(file.contains("v1.2.4"), "{file}");
}

/// Writes one file of the repository anew.
fn rewrite(world: &World, path: &str, change: impl Fn(String) -> String) {
    let text = world.repository.file(path).unwrap().unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "{path}");
    let cleo = people::find("cleo").unwrap();
    world.repository.commit_by_hand(cleo, "by hand\n", &[(path, &changed)], clock::now()).unwrap();
}

/// A taken command is answered with an empty 200.
fn taken(answer: &Answered) -> String {
    format!("{:?} {}", answer.status, answer.body)
}

/// A command as a form that has not been delivered: that of `/help`, with other words and a trigger of its own.
async fn form_of(scene: &Scene, command: &str) -> String {
    let asked = scene.says("ana", "/help").await;
    form_like(&scene.world.slack.form_of(asked.delivery).unwrap(), command, "U0ANA", "1.2.three")
}

fn form_like(form: &str, command: &str, user: &str, trigger: &str) -> String {
    let (name, words) = command.split_once(' ').unwrap();
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(form).unwrap();
    let changed = fields.into_iter().map(|(field, value)| {
        let value = match field.as_str() {
            "command" => name.to_owned(),
            "text" => words.to_owned(),
            "user_id" => user.to_owned(),
            "trigger_id" => trigger.to_owned(),
            _ => value,
        };
        (field, value)
    });
    serde_urlencoded::to_string(changed.collect::<Vec<_>>()).unwrap()
}

fn service(number: usize) -> String {
    format!("svc-{number:02}")
}

fn tag_file(number: usize) -> String {
    format!("apps/{}/staging/kustomization.yaml", service(number))
}

/// Twenty services like `checkout`, and twenty persons in the catalog.
fn grow(world: &World) {
    let like = |file: &str, number: usize| {
        let text = world.repository.file(&format!("apps/checkout/staging/{file}")).unwrap().unwrap();
        text.replace("checkout", &service(number))
    };
    let catalog = world.repository.file(".leverframe/catalog.yaml").unwrap().unwrap();
    let (mut services, mut persons) = (String::new(), String::new());
    let mut files = Vec::new();
    for number in 0..MANY {
        for file in ["kustomization.yaml", "deployment.yaml", "service.yaml"] {
            files.push((format!("apps/{}/staging/{file}", service(number)), like(file, number)));
        }
        let name = service(number);
        services += &format!("  {name}: {{ team: shop, image: registry.example.com/shop/{name} }}\n");
        persons += &format!("  p{number:02}: {{ name: Person {number}, slack: U1P{number:02}, teams: [shop] }}\n");
    }
    let catalog = catalog.replacen("services:\n", &format!("services:\n{services}"), 1);
    let catalog = catalog.replacen("people:\n", &format!("people:\n{persons}"), 1);
    files.push((".leverframe/catalog.yaml".to_owned(), catalog));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let dan = people::find("dan").unwrap();
    world.repository.commit_by_hand(dan, "twenty services\n", &files, clock::now()).unwrap();
}

/// What somebody with a script does meanwhile: fetches, edits a comment beside the tag or another file, commits,
/// pushes, and begins again where somebody else was faster. Says how often that was.
fn push_by_hand(url: &str, folder: &Path) -> usize {
    let run = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["-c", "user.name=Dan", "-c", "user.email=dan@example.com"]).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.output().unwrap().status.success()
    };
    std::fs::create_dir_all(folder).unwrap();
    assert!(run(&["clone", "--quiet", url, "."]));
    let mut lost = 0;
    for number in 0..BY_HAND {
        loop {
            assert!(run(&["fetch", "--quiet", "origin"]) && run(&["reset", "--quiet", "--hard", "origin/main"]));
            edit(folder, number);
            assert!(run(&["add", "--all"]) && run(&["commit", "--quiet", "--message", &format!("by hand {number}")]));
            if run(&["push", "--quiet", "origin", "HEAD:main"]) {
                break;
            }
            lost += 1;
        }
    }
    lost
}

fn edit(folder: &Path, number: usize) {
    let file = folder.join(tag_file(2 * number));
    let text = std::fs::read_to_string(&file).unwrap();
    let text = match number % 2 {
        0 => text.replacen("# follow the release notes", &format!("# hand {number}: follow the release notes"), 1),
        _ => text.replacen("replicas:\n", &format!("# hand {number} was here\nreplicas:\n"), 1),
    };
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.join(format!("note-{number}.md")), format!("{number}\n")).unwrap();
}

/// The race, and what it came to in words.
async fn race(scene: &Scene) -> String {
    let before = scene.world.repository.tip().unwrap();
    let form = scene.world.slack.form_of(scene.says("ana", "/help").await.delivery).unwrap();
    let (url, folder) = (scene.world.repository_url(), scene.world.folder().join("by-hand"));
    let script = tokio::task::spawn_blocking(move || push_by_hand(url.reveal(), &folder));
    let deploys = (0..MANY).map(|number| {
        let command = format!("/deploy {} staging v1.2.5", service(number));
        let form = form_like(&form, &command, &format!("U1P{number:02}"), &format!("race.{number}"));
        scene.world.slack.deliver_form("/slack/commands", form)
    });
    for answer in join_all(deploys).await {
        let mut answer = answer.unwrap();
        while answer.status.is_none() {
            assert!(scene.deaths() > 0, "{answer:?}");
            scene.until("the bot is back", |_| true).await;
            answer = scene.world.slack.deliver_again(answer.delivery).await.unwrap();
        }
        assert_eq!(taken(&answer), "Some(200) ", "{}", scene.told());
    }
    let live = |scene: &Scene| scene.cards().iter().filter(|card| card.content.words().contains("Live: ")).count();
    scene.until("every card ends live", |scene| live(scene) == MANY).await;
    let lost = script.await.unwrap();
    check_race(scene, &before).await;
    format!("{MANY} deploys and {BY_HAND} commits by hand on one branch: none lost; the script lost {lost} races")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_people_deploy_twenty_services_while_a_script_pushes_to_the_branch() {
    let scene = Scene::prepared(grow).await;
    println!("{}", race(&scene).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_twice_in_the_middle_of_that_race_nothing_is_lost_or_double() {
    let scene = Scene::prepared(grow).await;
    let (killer, pushes) = (scene.killer(), AtomicU32::new(0));
    stop(scene.world.git.server(), "POST", "/acme/deployments.git/git-receive-pack", Side::After, move |_| {
        if [5, 15].contains(&pushes.fetch_add(1, Ordering::SeqCst)) {
            killer.kill();
        }
    });
    println!("{}; killed {} times", race(&scene).await, scene.deaths());
}

async fn check_race(scene: &Scene, before: &str) {
    assert_eq!(scene.cards().len(), MANY, "{}", scene.told());
    let commits = scene.git(&["rev-list", "--parents", &format!("{before}..main")]).await;
    let ids: Vec<&str> = commits.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(commits.lines().all(|line| line.split(' ').count() == 2), "not linear: {commits}");
    assert_eq!(ids.len(), MANY + BY_HAND, "{commits}");
    let fsck = scene.git(&["fsck", "--strict", "--no-dangling"]).await;
    assert!(!fsck.contains("error") && !fsck.contains("missing"), "{fsck}");
    check_commits(scene, &ids);
    check_files(scene);
    let ledger = scene.ledger().await;
    for kind in ["request.opened", "landing.done", "request.ended"] {
        assert_eq!(count(&ledger, kind), MANY, "{kind}: {}", scene.told());
    }
    assert_eq!(count(&ledger, "request.replanned"), 0);
    scene.verify().await;
}

/// Each commit of ours changes one line of one service, each service once, each by its own person.
fn check_commits(scene: &Scene, ids: &[&str]) {
    let mut ours = BTreeSet::new();
    for id in ids {
        let commit = scene.world.repository.commit(id).unwrap();
        if commit.subject.starts_with("by hand") {
            continue;
        }
        let diff = scene.world.repository.diff(id, 0).unwrap();
        let changes = |sign: char, header: &str| {
            diff.lines().filter(|line| line.starts_with(sign) && !line.starts_with(header)).count()
        };
        assert_eq!((changes('-', "---"), changes('+', "+++")), (1, 1), "{diff}");
        let number = (0..MANY).find(|number| diff.contains(&tag_file(*number))).unwrap();
        assert_eq!((commit.author, commit.committer.as_str()), (format!("Person {number}"), "Leverframe"));
        assert!(ours.insert(number), "{} twice", service(number));
    }
    assert_eq!(ours.len(), MANY);
}

/// What stands at the tip: every version of ours, and every edit by hand beside it.
fn check_files(scene: &Scene) {
    let read = |path: &str| scene.world.repository.file(path).unwrap().unwrap();
    for number in 0..MANY {
        assert!(read(&tag_file(number)).contains("newTag: v1.2.5"), "{}", service(number));
    }
    for number in 0..BY_HAND {
        let text = read(&tag_file(2 * number));
        assert!(text.contains(&format!("# hand {number}")), "{text}");
        assert_eq!(read(&format!("note-{number}.md")), format!("{number}\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_older_change_of_a_service_never_lands_on_a_newer_one() {
    let scene = Scene::start().await;
    for number in 1..=VERSIONS {
        let asked = scene.says("ana", &format!("/deploy checkout staging v2.0.{number}")).await;
        assert_eq!(asked.status, Some(200));
    }
    let over = |scene: &Scene| {
        let ends = ["*Done.*", "*Overtaken.*", "*Stopped.*", "*Failed.*"];
        let cards = scene.cards();
        let is_over = |words: String| ends.iter().any(|end| words.contains(end));
        cards.len() == VERSIONS && cards.iter().all(|card| is_over(card.content.words()))
    };
    scene.until("all over", over).await;
    let subjects = scene.git(&["log", "--reverse", "--format=%s", "main"]).await;
    let landed: Vec<usize> = subjects.lines().filter_map(|line| version_in(line, "deploy checkout")).collect();
    assert!(landed.is_sorted() && landed.last() == Some(&VERSIONS), "{landed:?}\n{}", scene.told());
    let ledger = scene.ledger().await;
    assert_eq!(count(&ledger, "landing.done"), landed.len(), "{}", scene.told());
    for card in scene.cards() {
        let words = card.content.words();
        let number = version_in(words.lines().next().unwrap(), "deploy checkout").unwrap();
        let expected = match number {
            VERSIONS => "Live: ",
            number if !landed.contains(&number) => "was asked for after this and landed first",
            _ if words.contains("Live: ") => "Live: ",
            _ => "a newer change of the same target took over before it was seen live",
        };
        assert!(words.contains(expected), "{words}");
    }
    scene.verify().await;
}

/// The last number of a version in a line that has these words.
fn version_in(line: &str, words: &str) -> Option<usize> {
    let rest = line.split_once(words).map(|_| line)?.split_once("v2.0.")?.1;
    rest.split(' ').next()?.parse().ok()
}
