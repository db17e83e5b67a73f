//! The page's state, and whom it answers.

use http::Request;
use http_body_util::Full;

use super::*;
use crate::play::{World, WorldOptions, post::send};

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> http::Response<bytes::Bytes> {
    let mut request = Request::get(format!("{}{path}", world.page()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request.body(Full::default()).unwrap()).await.unwrap()
}

async fn state_of(world: &World, who: &str) -> Value {
    let response = get(world, &format!("/page/state?as={who}"), &[]).await;
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn everybody_sees_what_is_theirs_and_what_happened_behind() {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    world.write_config("127.0.0.1:1").unwrap();
    world.slack.says("bo", "deploys", "a < b & c").await.unwrap();
    world.slack.says("ana", "deploys", "/deploy").await.unwrap();
    let (ana, bo) = (state_of(&world, "ana").await, state_of(&world, "bo").await);
    let count = |state: &Value| state["messages"].as_array().unwrap().len();
    assert_eq!((count(&ana), count(&bo)), (2, 1));
    assert_eq!(
        (ana["messages"][0]["text"].as_str(), ana["messages"][1]["private"].as_bool()),
        (Some("a &lt; b &amp; c"), Some(true))
    );
    let panel = &ana["panel"];
    assert_eq!(panel["commits"][0]["subject"], "payments v5.1.0 to staging");
    assert_eq!(panel["running"].as_array().unwrap().len(), 8);
    assert!(panel["commits"][0]["changes"][0]["lines"][1].as_str().unwrap().contains("v5.1.0"));
}

#[tokio::test]
async fn a_waiting_page_hears_of_changes() {
    let world = World::start(WorldOptions { step: Duration::from_secs(60), ..WorldOptions::default() }).await.unwrap();
    let path = format!("/page/state?as=ana&after={}", world.pulse.revision());
    let says = async {
        tokio::task::yield_now().await;
        world.slack.says("bo", "deploys", "hello").await.unwrap();
    };
    let (response, ()) = tokio::join!(get(&world, &path, &[]), says);
    let state: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(state["messages"][0]["text"], "hello");
}

#[tokio::test]
async fn pages_of_elsewhere_are_refused_and_nothing_is_inline() {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    assert_eq!(get(&world, "/page/state?as=ana", &[("sec-fetch-site", "cross-site")]).await.status(), 403);
    assert_eq!(get(&world, "/page/state?as=nobody", &[]).await.status(), 400);
    let page = get(&world, "/", &[]).await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let html = String::from_utf8(page.body().to_vec()).unwrap();
    assert!(!html.contains("style=") && !html.contains("onclick") && !html.contains("https://"));
    for file in ["page.css", "page.js", "mrkdwn.js", "blocks.js"] {
        assert_eq!(get(&world, &format!("/page/{file}"), &[]).await.status(), 200, "{file}");
        assert!(html.contains(file));
    }
}

const SCRIPTS: [&str; 5] = [
    include_str!("../page/page.js"),
    include_str!("../page/mrkdwn.js"),
    include_str!("../page/blocks.js"),
    include_str!("../page/discord.js"),
    include_str!("../page/form.js"),
];

#[test]
fn the_scripts_never_parse_text_as_html() {
    for script in SCRIPTS {
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.contains(word), "{word}");
        }
    }
}

/// The scripts of a page share one scope: a name given twice is the later one's everywhere.
#[test]
fn no_two_scripts_give_a_name_twice() {
    let named = SCRIPTS.iter().flat_map(|script| script.lines()).filter_map(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let rest = ["function ", "const ", "let "].iter().find_map(|word| line.strip_prefix(word))?;
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
    });
    let mut names: Vec<&str> = named.collect();
    assert!(names.len() > 30, "{names:?}");
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
