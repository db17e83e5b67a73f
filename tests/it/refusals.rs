//! Bad input, each with its answer: what a person reads, that nothing was changed, and that the ledger remembers.

use leverframe::{
    clock,
    play::{
        exchange::Rule,
        slack::{Which, signature},
    },
    secret::Secret,
};
use serde_json::{Value, json};

use crate::together::{Chat, DEPLOYS, serve, within, world_with, write};

/// Types each line as Ana and compares the answers; nothing comes of any of them but an entry.
async fn refused(chat: &Chat, lines: &[(&str, &str)]) {
    let before = chat.kinds().len();
    for (typed, answer) in lines {
        assert_eq!(chat.says("ana", typed).await, *answer, "{typed}");
    }
    let kinds = chat.kinds();
    assert_eq!(kinds[before..], vec!["request.refused"; lines.len()]);
    assert_eq!((chat.cards(), chat.commits()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_answered_with_what_may_be_meant() {
    let chat = Chat::start().await;
    let lines = [
        ("/deploy chekout staging v1.2.5", "There is no service `chekout`.\nDid you mean `checkout`?"),
        (
            "/deploy billing staging v1",
            "There is no service `billing`.\nChoose `cart`, `checkout`, `payments` or `search`.",
        ),
        ("/deploy checkout stagin v1.2.5", "There is no environment `stagin`.\nDid you mean `staging`?"),
        ("/deploy checkout nowhere v1.2.5", "There is no environment `nowhere`.\nChoose `prod` or `staging`."),
        ("/status pord", "There is no environment `pord`.\nDid you mean `prod`?"),
        ("/lf deplyo checkout staging v1", "There is no command `deplyo`.\nDid you mean `deploy`?"),
        ("/lf fly", "There is no command `fly`.\nType `help` to see all commands."),
        ("/help deplyo", "There is no command `deplyo`.\nDid you mean `deploy`?"),
    ];
    refused(&chat, &lines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_tag_no_number_or_no_command_is_answered_with_how_to_write_it() {
    let chat = Chat::start().await;
    let lines = [
        (
            "/deploy checkout staging v1/2",
            "`v1/2` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128.\n\
             Give the tag alone, for example `version=v1.2.5`.",
        ),
        (
            "/deploy checkout staging registry.example.com/shop/checkout:v3",
            "`registry.example.com/shop/checkout:v3` is not an image tag: a tag has letters, digits, `_`, `.` and `-`, at most 128.\n\
             Give the tag alone, for example `version=v3`.",
        ),
        (
            "/scale checkout staging 99",
            "That many replicas are outside the limits of the catalog (99 asked, 1 to 50 allowed).\n\
             Ask for a number within the limits, or change `limits.replicas` in the catalog.",
        ),
        (
            "/deploy checkout staging v1.2.5 replicas=0",
            "That many replicas are outside the limits of the catalog (0 asked, 1 to 50 allowed).\n\
             Ask for a number within the limits, or change `limits.replicas` in the catalog.",
        ),
        ("/scale checkout staging -1", "`replicas` cannot be -1.\nGive `replicas` a number from 0 to 10000."),
        (
            "/scale checkout staging many",
            "`replicas` is a whole number, and `many` is none.\nWrite it in digits, for example `replicas=3`.",
        ),
        ("/deploy checkout staging v1.2.5 replcas=3", "`deploy` has no option `replcas`.\nDid you mean `replicas=`?"),
        (
            "/deploy checkout staging v1.2.5 v1.2.6",
            "`v1.2.6` is one `version` too many.\nSend one command for each; if it begins a text, write `reason=\"...\"`.",
        ),
        (
            "/deploy checkout staging \u{202e}5.2.1v",
            "There is an invisible character in it (U+202E).\nType the command by hand instead of pasting it.",
        ),
        ("/deploy checkout staging v1.2.4", "`checkout` in `staging` is already at `v1.2.4`.\nNothing to do."),
        (
            "/deploy checkout staging v1.2.4 replicas=2",
            "`checkout` in `staging` is already at `v1.2.4` and 2 replicas.\nNothing to do.",
        ),
    ];
    refused(&chat, &lines).await;
    let answer = chat.says("zed", "/deploy checkout staging v1.2.5").await;
    let nobody = "Your account belongs to nobody in the catalog.\n\
        Ask to be added under `people` in the catalog; your account is `slack:U0ZED`.\n[Link my account]";
    assert_eq!((answer.as_str(), chat.cards()), (nobody, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_environments_is_answered_with_its_members() {
    let chat = Chat::with(&[(CATALOG, &catalog_and("environment_groups: { all: [staging, prod] }\n"))]).await;
    let words = "`all` is a group of environments; a command on a whole group is not supported yet.\n\
        Name one of its environments: `staging` or `prod`.";
    refused(&chat, &[("/deploy checkout all v1.2.5", words), ("/status checkout all", words)]).await;
}

const KUSTOMIZATION: &str = "apps/checkout/staging/kustomization.yaml";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_edited_with_certainty_is_left_alone_and_named() {
    let chat = Chat::start().await;
    let whole = include_str!("../../fixtures/demo/apps/checkout/staging/kustomization.yaml");
    let tag = |written: &str| whole.replace("newTag: v1.2.4 ", &format!("newTag: {written} "));
    let cases = [
        (
            "images: [ {name: x\n".to_owned(),
            "`@` cannot be read: line 1, column 11: the file does not parse: unclosed bracket '{'.\n\
             Correct the file in git so that it is valid YAML.",
        ),
        (
            tag("{{ .Values.tag }}"),
            "`@` cannot be edited: line 12: the file holds a template, `{{`, here.\n\
             Change the template by hand in git, or bind the field to the values file that fills it.",
        ),
        (
            tag("&v v1.2.4"),
            "`@` cannot be edited: line 12: the value of `images[name=registry.example.com/shop/checkout].newTag` has an \
             anchor (`&amp;`), by which other places may use it.\nChange it by hand in git, or remove the anchor.",
        ),
        (
            tag("*v").replace("namespace: checkout", "namespace: &v checkout"),
            "`@` cannot be edited: line 12: `images[name=registry.example.com/shop/checkout].newTag` is an alias (`*`) of \
             something defined elsewhere.\nSet the value where its anchor stands, or write it out here by hand in git.",
        ),
        (
            tag("v1.2.4\n    newTag: v1.2.3"),
            "`@` cannot be edited: the key `newTag` of `images[name=registry.example.com/shop/checkout]` stands 2 times, on \
             lines 12, 13.\nRemove all but one of them by hand in git.",
        ),
        (
            tag("v1.2.4\n    digest: sha256:00"),
            "`@` at `images[name=registry.example.com/shop/checkout].newTag` is pinned by digest, so a tag there would \
             change nothing.\nGive the digest with the tag in the same command, or take the digest out in git first, in \
             a reviewed commit.",
        ),
    ];
    for (number, (text, answer)) in cases.iter().enumerate() {
        let tip = write(&chat.world, &[(KUSTOMIZATION, text)]);
        chat.reads(&tip).await;
        let said = chat.says("ana", "/deploy checkout staging v1.2.5").await;
        assert_eq!(said, answer.replace('@', KUSTOMIZATION), "{text}");
        let status = chat.says("ana", "/status checkout staging").await;
        assert!(status.contains("version unknown (`") || status.contains("`v1.2.4`"), "{text}: {status}");
        assert_eq!((chat.cards(), chat.commits()), (0, number + 1), "only the edits by hand");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_yaml_takes_for_a_number_is_deployed_over() {
    let whole = include_str!("../../fixtures/demo/apps/checkout/staging/kustomization.yaml");
    let chat = Chat::with(&[(KUSTOMIZATION, &whole.replace("newTag: v1.2.4 ", "newTag: 1.10 "))]).await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Version: `1.10` → `v1.2.5`").await;
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_cannot_be_reached_at_the_start_is_said_and_read_when_it_is_back() {
    let world = world_with(&[]).await;
    world.git.server().stop().await;
    let start = world.repository.tip().unwrap();
    let chat = Chat { bot: serve(&world).await, start, world };
    let gone = chat.says("ana", "/deploy checkout staging v1.2.5").await;
    let why = "I have not read the repository yet, so I know nobody and no service";
    let remedy = "Try again in a moment; if it stays, ask whoever runs Leverframe.";
    assert!(gone.starts_with(why) && gone.ends_with(&format!(".\n{remedy}")), "{gone}");
    assert_eq!(chat.kinds(), ["request.refused"]);
    chat.world.git.server().start_again().await.unwrap();
    within("the bot to be ready", chat.bot.engine.ready()).await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_takes_no_push_of_ours_is_said_on_the_card() {
    let chat = Chat::start().await;
    chat.world.git.protect("main");
    chat.says("ana", "/deploy checkout staging v1.2.5").await;
    chat.card_says(
        "*Failed.* The git host protects the branch: GH006: Protected branch update failed for refs/heads/main. \
         Use `landing: pull_request` for this environment, or let Leverframe's account bypass the rule.",
    )
    .await;
    chat.settled().await;
    assert_eq!((chat.count("push.intent"), chat.commits()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forge_that_says_no_is_asked_again_at_leisure_and_recorded_once() {
    let chat = Chat::start().await;
    let exchanges = chat.world.github.server().exchanges();
    let no = exchanges.add(Rule::answers("GET", "/repos", 401, &json!({ "message": "Bad credentials" })));
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.card_says("The pull request is not there yet: GitHub does not accept our token.").await;
    assert_eq!(no.hits(), 1);
    no.release();
    chat.settled().await;
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    let kinds = ["push.intent", "pull_request.intent", "pull_request.opened", "merge.intent", "landing.done"];
    assert_eq!(kinds.map(|kind| chat.count(kind)), [1; 5]);
}

const CATALOG: &str = ".leverframe/catalog.yaml";
const POLICY: &str = ".leverframe/policy.cedar";

/// The demo's catalog with something behind it.
fn catalog_and(more: &str) -> String {
    format!("{}{more}", include_str!("../../fixtures/demo/.leverframe/catalog.yaml"))
}

const KEPT: &str = "The newest rules do not load, so the last good ones stay in force: \
    .leverframe/catalog.yaml:35:1: `unknwon`: found an unknown key, expected `environments`, `environment_groups`, \
    `services`, `discover`, `locked`, `freezes`, `sensitive`, `limits`, `people`, `groups`, `channels`, `reminders`, `tickets` or `commands`. \
    Remove it, or move it to where it belongs. Correct the catalog in git.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_that_stops_loading_keeps_the_last_good_one_and_says_so() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.settled().await;
    write(&chat.world, &[(CATALOG, &catalog_and("unknwon: 1\n"))]);
    // What waits for a merge is not held up by it, and what is asked now is done.
    assert_eq!(chat.presses("bo", "Approve").await, "");
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
    let status = chat.says("ana", "/status checkout staging").await;
    assert!(
        status.starts_with("• *checkout in staging*: `v1.2.5`, 2 replicas. Last change: deploy checkout"),
        "{status}"
    );
    assert!(status.ends_with(KEPT), "{status}");
    let told = chat.world.slack.messages(DEPLOYS).unwrap().iter().filter(|said| said.content.text == KEPT).count();
    assert_eq!(told, 1);
    write(&chat.world, &[(CATALOG, &catalog_and("\n"))]);
    chat.says("ana", "/deploy checkout staging v1.2.6").await;
    chat.card_says("The rules in git load again and are in force.").await;
    chat.settled().await;
    assert!(!chat.says("ana", "/status checkout staging").await.contains("do not load"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_starts_on_a_broken_catalog_takes_the_newest_that_loads() {
    let chat = Chat::with(&[(CATALOG, &catalog_and("unknwon: 1\n"))]).await;
    assert_eq!(chat.says("ana", "/deploy checkout staging v1.2.5").await, "");
    chat.card_says("Live: 2 of 2 pods run v1.2.5.").await;
    assert_eq!(chat.commits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_came_a_moment_ago_holds_for_what_lands_now() {
    let chat = Chat::start().await;
    let friday = "@id(\"friday\") @reason(\"no deploys on Fridays\") @remedy(\"Wait for Monday.\")\n\
        forbid(principal, action == Action::\"deploy\", resource);\n";
    write(&chat.world, &[(POLICY, friday)]);
    chat.says("ana", "/deploy checkout staging v1.2.5").await;
    chat.card_says("Policy no longer permits it: no deploys on Fridays. Wait for Monday.").await;
    assert_eq!(chat.commits(), 1, "only the policy's own");
    let again = chat.says("ana", "/deploy checkout staging v1.2.5").await;
    assert_eq!(again, "No deploys on Fridays.\nWait for Monday.");
}

/// A request to the bot's own address, as whoever finds it could send it.
async fn sent(chat: &Chat, path: &str, headers: Vec<(&'static str, String)>, body: String) -> (u16, String) {
    let mut request = reqwest::Client::new().post(format!("http://{}{path}", chat.bot.address)).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A slash command as Slack would write it.
fn command(team: &str, trigger: &str) -> String {
    format!(
        "team_id={team}&channel_id=C0DEPLOYS&channel_name=deploys&user_id=U0ANA&user_name=ana&command=%2Fdeploy\
         &text=checkout+staging+v1.2.5&trigger_id={trigger}&response_url=http%3A%2F%2F127.0.0.1%3A9%2F"
    )
}

/// A click that was delivered, with some of it changed, as another event.
fn forged(form: &str, trigger: &str, change: impl FnOnce(&mut Value)) -> String {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(form).unwrap();
    let mut payload: Value = serde_json::from_str(&fields[0].1).unwrap();
    payload["trigger_id"] = json!(trigger);
    change(&mut payload);
    serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_did_not_sign_now_is_turned_away_and_recorded_once_a_minute() {
    let chat = Chat::start().await;
    let (secret, form) = (chat.world.signing_secret(), command("T0ACME", "1.1.a"));
    let seconds_ago = |seconds: i64| (clock::now().as_second() - seconds).to_string();
    let wrong = signature::headers(&Secret::new("guessed"), &seconds_ago(0), &form);
    let stale = signature::headers(&secret, &seconds_ago(301), &form);
    let other_body = signature::headers(&secret, &seconds_ago(0), &command("T0ACME", "1.1.b"));
    for headers in [wrong, stale, other_body, Vec::new()] {
        for path in ["/slack/commands", "/slack/interactions"] {
            let answer = sent(&chat, path, headers.clone(), form.clone()).await;
            assert_eq!(answer, (401, "not signed by Slack\n".to_owned()), "{headers:?}");
        }
    }
    assert_eq!(chat.kinds(), ["security.refused"]);
    let entry = &chat.bot.engine.ledger().read(0, 1).unwrap()[0].entry;
    assert_eq!(entry.body["cause"], "signature wrong");
    assert_eq!((chat.cards(), chat.commits()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_the_limit_is_not_read() {
    let chat = Chat::start().await;
    let long = format!("{}&x={}", command("T0ACME", "1.1.a"), "x".repeat(1024 * 1024));
    let headers = signature::headers(&chat.world.signing_secret(), &clock::now().as_second().to_string(), &long);
    let (status, _) = sent(&chat, "/slack/commands", headers, long).await;
    assert_eq!((status, chat.kinds().len()), (413, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_workspace_is_told_so_and_remembered() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    let words = "I work for another workspace.\nAsk somebody of that workspace to do it there.";
    let form = command("T0OTHER", "7.7.z");
    let answered = slack.deliver_form("/slack/commands", form.clone()).await.unwrap();
    assert_eq!(answered.status, Some(200));
    assert_eq!(answered.body, json!({ "response_type": "ephemeral", "text": words }).to_string());
    let again = slack.deliver_form("/slack/commands", form).await.unwrap();
    assert_eq!(again.body, answered.body);
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.settled().await;
    let pressed = slack.presses("bo", Which::Newest(DEPLOYS), "Cancel").await.unwrap();
    let theirs = forged(&slack.form_of(pressed.delivery).unwrap(), "8.8.z", |payload| {
        payload["user"]["team_id"] = json!("T0OTHER");
    });
    let clicked = slack.deliver_form("/slack/interactions", theirs).await.unwrap();
    chat.settled().await;
    assert_eq!((clicked.status, clicked.body.as_str()), (Some(200), ""));
    assert_eq!(slack.ephemerals("bo").unwrap().last().unwrap().content.words(), words);
    assert_eq!(chat.count("security.refused"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_delivery_three_times_is_done_and_told_once() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    let typed = slack.says("ana", DEPLOYS, "/deploy checkout prod v1.2.5").await.unwrap().unwrap();
    for _ in 0..2 {
        let again = slack.deliver_again(typed.delivery).await.unwrap();
        assert_eq!((again.status, again.body.as_str()), (Some(200), ""));
    }
    chat.settled().await;
    assert_eq!((chat.cards(), chat.count("request.opened")), (1, 1));
    let no = slack.presses("ana", Which::Newest(DEPLOYS), "Approve").await.unwrap();
    let yes = slack.presses("bo", Which::Newest(DEPLOYS), "Approve").await.unwrap();
    for delivery in [no.delivery, no.delivery, yes.delivery, yes.delivery] {
        assert_eq!(slack.deliver_again(delivery).await.unwrap().status, Some(200));
    }
    chat.card_says("Live: 3 of 3 pods run v1.2.5.").await;
    chat.settled().await;
    assert_eq!(slack.ephemerals("ana").unwrap().len(), 1);
    assert_eq!(slack.ephemerals("bo").unwrap().len(), 0);
    assert_eq!((chat.count("approval.refused"), chat.count("approval.given"), chat.commits()), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_is_told_otherwise_the_second_time_does_what_it_did_the_first() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    let typed = slack.says("ana", DEPLOYS, "/deploy checkout staging v1.2.5").await.unwrap().unwrap();
    let forged = slack.form_of(typed.delivery).unwrap().replace("staging", "prod");
    assert_eq!(slack.deliver_form("/slack/commands", forged).await.unwrap().status, Some(200));
    chat.settled().await;
    assert_eq!((chat.count("request.opened"), chat.commits()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_vote_is_told_whom_to_ask() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.settled().await;
    let nobody = "Your account belongs to nobody in the catalog, so it cannot vote.\n\
        Ask to be added under `people` in the catalog; your account is `slack:U0ZED`.\n[Link my account]";
    let not_counted = "Your vote does not count here.\nAsk somebody from the group `leads`.";
    let not_yours =
        "Only whoever asked can take it back.\nAsk them, or ask somebody who may approve it to press Reject.";
    let own = "You asked for this, so somebody else must approve it.\nAsk somebody from the group `leads`.";
    for (who, button, told) in [
        ("ana", "Approve", own),
        ("ana", "Reject", "You asked for this yourself.\nPress Cancel to take it back."),
        ("dan", "Approve", not_counted),
        ("dan", "Reject", not_counted),
        ("bo", "Cancel", not_yours),
        ("zed", "Approve", nobody),
        ("zed", "Reject", nobody),
        ("zed", "Cancel", &format!("{not_yours}\n[Link my account]")),
    ] {
        assert_eq!(chat.presses(who, button).await, told, "{who} presses {button}");
    }
    assert_eq!((chat.count("approval.refused"), chat.commits()), (8, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_that_comes_too_late_or_from_elsewhere_changes_nothing() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.settled().await;
    let early = slack.presses("dan", Which::Newest(DEPLOYS), "Approve").await.unwrap();
    let form = slack.form_of(early.delivery).unwrap();
    // The same button as if Bo had pressed it in another channel.
    let elsewhere = forged(&form, "1.1.elsewhere", |payload| {
        payload["user"]["id"] = json!("U0BO");
        payload["container"]["channel_id"] = json!("C0INCIDENTS");
        payload["channel"]["id"] = json!("C0INCIDENTS");
    });
    slack.deliver_form("/slack/interactions", elsewhere).await.unwrap();
    chat.settled().await;
    let told = slack.ephemerals("bo").unwrap().pop().unwrap().content.words();
    assert_eq!(told, "This button is not on the card of that request.\nPress it on the card itself.");
    assert_eq!(chat.count("approval.given"), 0);
    chat.presses("ana", "Cancel").await;
    // The same button, once the request is over.
    let late = forged(&form, "1.1.late", |payload| payload["user"]["id"] = json!("U0BO"));
    slack.deliver_form("/slack/interactions", late).await.unwrap();
    chat.settled().await;
    let told = slack.ephemerals("bo").unwrap().pop().unwrap().content.words();
    assert_eq!(told, "This is already decided: cancelled.\nAsk again with a new command if it is still wanted.");
    assert_eq!((chat.count("approval.given"), chat.commits()), (0, 0));
}
