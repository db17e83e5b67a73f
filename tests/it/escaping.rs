//! Whatever people, hosts and files write, a card shows it and does nothing else with it: no mention, no link, no
//! markup of theirs, nothing hidden or turned around, on either platform, within the limits of both.

use leverframe::{
    chat::{
        card::{Button, Card, Look, Mark, Span},
        discord, slack,
    },
    core::{
        change::Line,
        decide::Words,
        entry::Actor,
        names::{Field, RequestId},
    },
    play::{discord::check, slack::limits},
};
use proptest::{prelude::*, sample::select, test_runner::RngAlgorithm};
use serde_json::Value;

/// What has been tried on chat bots, and the letters it is made of.
const NASTY: &[&str] = &[
    "<!channel>",
    "<!here|here>",
    "<@U0ANA>",
    "<@400000000000000001>",
    "<@&1>",
    "@everyone",
    "@here",
    "<#C1>",
    "<!date^1^{time}|x>",
    "*b*",
    "_i_",
    "~s~",
    "**b**",
    "||spoiler||",
    "`c`",
    "```",
    "~~~",
    "[a](http://evil.example)",
    "<http://evil.example|ok>",
    "http://evil.example",
    "https://a.b/?c=1&d=2",
    "javascript:x",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}",
    "\u{ad}",
    "\u{3164}",
    "\u{1b}[31m",
    "&amp;",
    "&lt;",
    "&",
    "<",
    ">",
    "|",
    ":x:",
    "\n",
    "\r\n",
    "> ",
    ">>> ",
    "# ",
    "-# ",
    "- ",
    "\\",
    "\\\\",
    "<t:1:R>",
    "<a:x:1>",
    "</deploy:1>",
    "é",
    "漢",
    "🚀",
    "👩\u{200d}🚀",
    "deploy",
    " ",
    "\t",
    "v1.2.5",
    "$(id)",
    "%00",
];

fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => select(NASTY).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    let many = prop_oneof![8 => 0..12_usize, 1 => 200..400_usize];
    many.prop_flat_map(move |count| proptest::collection::vec(piece.clone(), count)).prop_map(|pieces| pieces.concat())
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        nasty().prop_map(Span::Text),
        nasty().prop_map(Span::Code),
        nasty().prop_map(|account| Span::Somebody(Actor {
            person: None,
            account: Some(account),
            via: "slack".to_owned()
        })),
        (nasty(), nasty()).prop_map(|(url, text)| Span::Link { url: format!("https://h.example/{url}"), text }),
        (nasty(), nasty()).prop_map(|(url, text)| Span::Link { url, text }),
    ]
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    proptest::collection::vec(span(), 0..4)
}

fn line() -> impl Strategy<Value = Line> {
    (proptest::option::of(nasty()), nasty()).prop_map(|(old, new)| Line { field: Field::ImageTag, old, new })
}

fn any_card() -> impl Strategy<Value = Card> {
    let words = (nasty(), proptest::option::of(nasty()), proptest::option::of(nasty()), nasty());
    let lists = (spans(), proptest::collection::vec(line(), 0..5), proptest::collection::vec(spans(), 1..5));
    (words, lists).prop_map(|((title, remedy, reason, diff), (status, lines, notes))| Card {
        title: format!("deploy {title}"),
        mark: Mark::Failed,
        status,
        remedy,
        lines,
        rows: Vec::new(),
        reason,
        diff,
        // The last note is a request's id, as on every card.
        notes: notes.into_iter().chain([vec![Span::Text("Request ".to_owned())]]).collect(),
        timeline: vec![],
        values: Vec::new(),
        buttons: vec![Button {
            action: "approve".into(),
            label: "Approve".into(),
            look: Look::Primary,
            value: "01J:abc".to_owned(),
        }],
    })
}

fn hidden(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{3164}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}')
    })
}

/// Every text in a message.
fn texts(json: &Value) -> Vec<&str> {
    match json {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Texts that Slack reads as markup.
fn marked_up<'a>(json: &'a Value, found: &mut Vec<&'a str>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| marked_up(item, found)),
        Value::Object(members) if members.get("type").is_some_and(|kind| kind == "mrkdwn") => {
            found.extend(members["text"].as_str());
        }
        Value::Object(members) => members.values().for_each(|member| marked_up(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// In angle brackets stand only links to pages, with words; every ampersand begins an entity.
fn is_safe_for_slack(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inside, after)) = after.split_once('>') else { return Err(format!("half of a link in {text:?}")) };
        let is_link = inside.starts_with("https://") || inside.starts_with("http://");
        if !is_link || inside.matches('|').count() != 1 || before.contains('>') {
            return Err(format!("<{inside}> in {text:?}"));
        }
        rest = after;
    }
    let entities: usize = ["&amp;", "&lt;", "&gt;"].iter().map(|entity| text.matches(entity).count()).sum();
    if rest.contains('>') || text.matches('&').count() != entities { Err(format!("bare in {text:?}")) } else { Ok(()) }
}

/// What Discord would act on: outside of code and of links' addresses, without a backslash before it.
fn acts_in_discord(text: &str) -> Option<String> {
    let (mut bare, mut rest) = (String::new(), text);
    while let Some(letter) = rest.chars().next() {
        let after = rest.strip_prefix(letter).unwrap();
        // What stands for itself, or is set apart, keeps its neighbours apart.
        if matches!(letter, '\\' | '`' | ']') {
            bare.push('·');
        }
        rest = match letter {
            '\\' => {
                let mut letters = after.chars();
                letters.next();
                letters.as_str()
            }
            '`' if after.starts_with("``") => {
                let fenced = after.strip_prefix("``").unwrap();
                fenced.split_once("```").map_or("", |(_, rest)| rest)
            }
            '`' => after.split_once('`').map_or("", |(_, rest)| rest),
            ']' if after.starts_with("(<http") => after.split_once(">)").map_or("", |(_, rest)| rest),
            letter => {
                bare.push(letter);
                after
            }
        };
    }
    let signs = ["@", "<", "](", "||", "~~", "__"];
    signs.iter().find(|sign| bare.contains(**sign)).map(|sign| format!("{sign} in {bare:?}"))
}

fn config() -> ProptestConfig {
    ProptestConfig { rng_algorithm: RngAlgorithm::ChaCha, failure_persistence: None, ..ProptestConfig::with_cases(200) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_card_in_slack_does_nothing_but_show(card in any_card()) {
        let drawn = slack::render::card(&card);
        let blocks = serde_json::to_value(&drawn.blocks).unwrap();
        prop_assert_eq!(limits::complaints(blocks.as_array().unwrap()), Vec::<String>::new());
        for text in texts(&blocks).into_iter().chain([drawn.text.as_str()]) {
            prop_assert_eq!(hidden(text), None, "{:?}", text);
        }
        let mut found = vec![drawn.text.as_str()];
        marked_up(&blocks, &mut found);
        for text in found {
            prop_assert_eq!(is_safe_for_slack(text), Ok(()));
        }
    }

    #[test]
    fn a_card_in_discord_does_nothing_but_show(card in any_card()) {
        let request = RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7A").unwrap();
        let post = discord::render::post(&card, &request);
        prop_assert_eq!(check::message(&post).into_json(), None);
        prop_assert_eq!(&post["allowed_mentions"], &serde_json::json!({"parse": []}));
        for text in texts(&post) {
            prop_assert_eq!(hidden(text), None, "{:?}", text);
        }
        for text in [&post["content"], &post["embeds"][0]["description"]] {
            prop_assert_eq!(acts_in_discord(text.as_str().unwrap_or_default()), None);
        }
    }

    #[test]
    fn an_answer_does_nothing_but_show(text in nasty(), remedy in nasty()) {
        let words = Words::new(text, remedy);
        let slack = slack::render::words(&words);
        prop_assert_eq!(hidden(&slack), None);
        prop_assert_eq!(is_safe_for_slack(&slack), Ok(()));
        let discord = discord::render::words(&words);
        prop_assert_eq!(hidden(&discord), None);
        prop_assert_eq!(acts_in_discord(&discord), None);
    }
}
