//! Forms in Slack, mentions in plain words and the home tab, with the whole bot.

use leverframe::play::slack::Which;

use crate::together::{Chat, DEPLOYS, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_alone_opens_a_form_which_says_in_place_what_is_wrong_and_then_deploys() {
    let chat = Chat::start().await;
    assert_eq!(chat.says("ana", "/deploy").await, "");
    let form = chat.world.slack.form("ana").expect("a form");
    let names: Vec<&str> = form["blocks"].as_array().unwrap().iter().map(|b| b["block_id"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["service", "environment", "version", "replicas", "digest", "confirm", "until", "from", "reason"]
    );
    assert_eq!(chat.count("request.refused"), 0, "opening a form is no refusal");

    let slack = &chat.world.slack;
    assert_eq!(slack.searches("ana", "service", "chec").await.unwrap(), ["checkout"]);
    assert!(slack.searches("ana", "environment", "").await.unwrap().contains(&"staging".to_owned()));
    assert_eq!(slack.searches("ana", "version", "v1.2.5").await.unwrap(), ["v1.2.5"]);

    let filled = [("service", "checkout"), ("environment", "staging"), ("version", "no tag!")];
    let wrong = slack.submits("ana", &filled).await.unwrap().shown.unwrap();
    assert!(wrong.starts_with("version: no tag! is not an image tag"), "{wrong}");
    assert!(slack.form("ana").is_some(), "it stays open");
    assert_eq!(chat.count("request.opened"), 0);

    let filled = [("service", "checkout"), ("environment", "staging"), ("version", "v1.2.5"), ("reason", "why not")];
    let sent = slack.submits("ana", &filled).await.unwrap();
    assert_eq!((sent.status, sent.body.as_str(), sent.shown), (Some(200), "", None));
    assert!(slack.form("ana").is_none(), "it closes");
    let again = slack.deliver_again(sent.delivery).await.unwrap();
    assert_eq!(again.body, "");
    chat.card_says("*Done.* Live: ").await;
    chat.card_says("why not").await;
    assert_eq!((chat.count("request.opened"), chat.commits()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_keeps_what_was_typed_and_offers_versions_from_history() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout staging v1.2.5").await;
    chat.card_says("*Done.* Live: ").await;
    assert_eq!(chat.says("ana", "/lf deploy checkout to prod replicas=3").await, "");
    let form = chat.world.slack.form("ana").expect("a form");
    let element = |name: &str| {
        let blocks = form["blocks"].as_array().unwrap();
        blocks.iter().find(|block| block["block_id"] == name).unwrap()["element"].clone()
    };
    assert_eq!(element("service")["initial_option"]["value"], "checkout");
    assert_eq!(element("environment")["initial_option"]["value"], "prod");
    assert_eq!(element("replicas")["initial_value"], "3");
    let offered = chat.world.slack.searches("ana", "version", "").await.unwrap();
    assert_eq!(offered, ["v1.2.5", "v1.2.4"]);
    assert_eq!(chat.world.slack.searches("ana", "version", "2.4").await.unwrap(), ["2.4", "v1.2.4"]);
    let sent = chat.world.slack.submits("ana", &[("version", "v1.2.5")]).await.unwrap();
    assert_eq!(sent.shown, None);
    chat.card_says("Needs approval").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_at_once_and_strangers_get_no_form() {
    let chat = Chat::start().await;
    assert!(chat.says("ana", "/deploy chekout").await.contains("There is no service `chekout`."));
    assert!(chat.world.slack.form("ana").is_none());
    // Somebody whom the catalog does not know is told so instead of being asked for more.
    assert_ne!(chat.says("zed", "/deploy checkout").await, "");
    assert!(chat.world.slack.form("zed").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bot_is_asked_in_plain_words() {
    let chat = Chat::start().await;
    let slack = &chat.world.slack;
    let said =
        slack.says("ana", DEPLOYS, "@leverframe please deploy checkout v1.2.5 to prod because of <the> fix").await;
    let said = said.unwrap().expect("an event");
    assert_eq!((said.status, said.body.as_str()), (Some(200), ""));
    chat.card_says("Needs approval").await;
    slack.deliver_again(said.delivery).await.unwrap();
    let private = slack.says("ana", DEPLOYS, "@leverframe deploy chekout v1.2.5 to prod").await.unwrap().unwrap();
    slack.deliver_again(private.delivery).await.unwrap();
    chat.settled().await;
    let told: Vec<String> = slack.ephemerals("ana").unwrap().iter().map(|told| told.content.words()).collect();
    assert_eq!(told.iter().filter(|told| told.contains("There is no service `chekout`")).count(), 1, "{told:?}");
    assert_eq!(chat.count("request.opened"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_home_tab_shows_what_concerns_whoever_looks() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.card_says("Needs approval").await;
    chat.says("dan", "/incident declare sev2 cart text=\"memory & disk\"").await;
    chat.card_says("memory").await;
    let slack = &chat.world.slack;
    let home = async |who: &str| {
        slack.opens_home(who).await.unwrap();
        within("the home tab", chat.bot.engine.settled()).await;
        slack.home(who).unwrap()
    };
    let shown = home("bo").await;
    assert!(
        shown.contains("*Waiting for your approval*\n• `deploy checkout v1.2.5 to prod`: waiting for approval"),
        "{shown}"
    );
    assert!(shown.contains("You have nothing open."), "{shown}");
    assert!(shown.contains("*Open incidents*\n• `sev2 cart: memory &amp; disk`: active, commanded by"), "{shown}");
    assert!(shown.contains("*Owed to git*\nGit and the clusters agree") && shown.contains("*Frozen*"), "{shown}");
    let shown = home("ana").await;
    assert!(
        shown.contains("*Yours, still open*\n• `deploy checkout") && shown.contains("Nothing waits for your approval.")
    );
    if let Some(check) = crate::contract::script("slack_blocks.py") {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("home.json");
        let view = serde_json::json!({"type": "home", "blocks": slack.home_blocks("bo").unwrap()});
        std::fs::write(&file, view.to_string()).unwrap();
        let judged = check(&[file.to_str().unwrap()]);
        assert!(judged.status.success(), "{}", crate::contract::words(&judged));
    }
    assert!(home("zed").await.contains("The catalog does not know this account."));
    // The same, wherever somebody asks for nothing in particular.
    let told = chat.says("bo", "/lf status").await;
    assert!(told.contains("Waiting for your approval: `deploy checkout v1.2.5 to prod`."), "{told}");
    assert!(told.contains("Open incidents: `sev2 cart: memory &amp; disk` (active)."), "{told}");
    let told = chat.says("bo", "/lf status checkout").await;
    assert!(!told.contains("Waiting for your approval"), "{told}");
    assert_eq!(slack.presses("bo", Which::Newest(DEPLOYS), "Approve").await.unwrap().status, Some(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_rejects_with_a_reason() {
    let chat = Chat::start().await;
    chat.says("ana", "/deploy checkout prod v1.2.5").await;
    chat.card_says("Needs approval").await;
    let slack = &chat.world.slack;
    assert_eq!(chat.presses("ana", "Reject with reason").await, "");
    let own = slack.submits("ana", &[("why", "changed my mind")]).await.unwrap().shown.unwrap();
    assert_eq!(own, "why: You asked for this yourself. Press Cancel to take it back.");
    assert!(slack.form("ana").is_some(), "it stays open");
    let pressed = slack.presses("bo", Which::Newest(DEPLOYS), "Reject with reason").await.unwrap();
    let form = slack.form("bo").expect("a form");
    assert_eq!(form["blocks"][0]["element"]["multiline"], true);
    let again = slack.deliver_again(pressed.delivery).await.unwrap();
    assert_eq!((again.status, again.body.as_str()), (Some(200), ""));
    let sent = slack.submits("bo", &[("why", "Not *before* the <freeze>.")]).await.unwrap();
    assert_eq!((sent.status, sent.shown), (Some(200), None));
    chat.card_says(": Not *before* the &lt;freeze&gt;. Nothing was changed.").await;
    assert_eq!((chat.count("request.ended"), chat.count("approval.refused")), (1, 1));
    let why = chat.bot.engine.ledger().read(0, 10_000).unwrap();
    let why = why.iter().find(|one| one.entry.kind == "request.ended").unwrap().texts.get("why").cloned();
    assert_eq!(why.as_deref(), Some("Not *before* the <freeze>."));
}

#[test]
fn every_form_is_within_the_platforms_limits_and_taken_by_slacks_own_models() {
    use leverframe::{
        chat::{
            discord,
            form::Form,
            slack::form::{self, Begun as At},
        },
        core::{
            command::{Begun, Commands, Definition},
            names::RequestId,
        },
        play::{discord::forms, slack::limits},
    };
    let given = [("service", "s".repeat(63)), ("environment", "prod".to_owned()), ("replicas", "3".to_owned())];
    let given: std::collections::BTreeMap<String, String> =
        given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let begun = |definition: &std::sync::Arc<Definition>| Begun {
        definition: definition.clone(),
        given: given.clone(),
        confirm: None,
    };
    let mut all: Vec<Form> =
        Commands::builtin().unwrap().iter().map(|definition| Form::of_command(&begun(definition))).collect();
    // What has no options lacks none.
    all.retain(|form| !form.fields.is_empty());
    let id = RequestId::parse("01JD0000000000000000000000").unwrap();
    let other = |number: usize| RequestId::parse(&format!("01JD00000000000000000000{number:02}")).unwrap();
    let incidents: Vec<_> = (0..30).map(|number| (other(number), format!("sev{number} {}", "t".repeat(200)))).collect();
    all.push(Form::of_rejection(&id, "0123456789ab"));
    all.push(Form::of_note(&[(id.clone(), String::new())], Some("n".repeat(3000))));
    all.push(Form::of_note(&incidents[..2], None));
    let check = crate::contract::script("slack_blocks.py");
    let folder = tempfile::tempdir().unwrap();
    let mut drawn = String::new();
    for form in all {
        let view = form::modal(&form, At { channel: "C0DEPLOYS".to_owned(), message: None });
        assert_eq!(limits::view_complaints(&view), Vec::<String>::new(), "{form:?}");
        if let Some(check) = &check {
            let file = folder.path().join("view.json");
            std::fs::write(&file, view.to_string()).unwrap();
            let output = check(&[file.to_str().unwrap()]);
            assert!(output.status.success(), "{form:?}: {}", crate::contract::words(&output));
        }
        let names = |_: &str| vec!["cart".to_owned(), "s".repeat(63)];
        let modal = discord::form::modal(&form, names).expect("a form that fits");
        assert_eq!(forms::complaints(&modal["data"]).into_json(), None, "{form:?}: {modal}");
        let title = view["title"]["text"].as_str().unwrap();
        if ["Deploy", "Reject", "Note on an incident"].contains(&title) {
            let json = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap();
            drawn += &format!("{title} in Slack\n{}\n\n{title} in Discord\n{}\n\n", json(&view), json(&modal));
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("forms", drawn);
    });
}
