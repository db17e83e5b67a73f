//! Every card in every state, as the pages of the playground draw it, in both looks: `cargo run --example gallery`. It reads
//! the snapshots of the tests, so that a card that was changed there is seen here. Nothing can be pressed: no bot is there.

use std::{error::Error, path::Path};

use leverframe::{
    net::{Outgoing, Tls},
    play::{World, WorldOptions},
    secret::Secret,
};
use serde_json::{Value, json};

/// Where the snapshots are.
const SNAPSHOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::start(WorldOptions::default()).await?;
    let (slack, discord) = (world.slack.url().to_owned(), world.discord.url().to_owned());
    world.write_config("127.0.0.1:0")?;
    let token = |file: &str| std::fs::read_to_string(world.folder().join("secrets").join(file));
    let (in_slack, in_discord) = (Secret::new(token("slack")?), Secret::new(token("discord")?));
    let out = Outgoing::new(&Tls::default())?;
    for (name, card) in cards("card-")? {
        let called = json!({"channel": "C0DEPLOYS", "text": name});
        let message = json!({"channel": "C0DEPLOYS", "text": card.get("text"), "blocks": card.get("blocks")});
        for body in [called, message] {
            said(&out, &format!("{slack}/api/chat.postMessage"), &format!("Bearer {}", in_slack.reveal()), &body)
                .await?;
        }
    }
    let channel = leverframe::play::discord::guild::channel("deploys")?.id;
    for (name, card) in cards("discord-card-")? {
        for body in [json!({"content": name}), card] {
            let address = format!("{}/v10/channels/{channel}/messages", world.discord.api());
            said(&out, &address, &format!("Bot {}", in_discord.reveal()), &body).await?;
        }
    }
    #[expect(clippy::print_stdout, reason = "this is what it is for")]
    {
        println!("As Slack shows them:   {slack}/\nAs Discord shows them: {discord}/\nStop it with Ctrl-C.");
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// The snapshots whose names begin so, by name, in order.
fn cards(prefix: &str) -> Result<Vec<(String, Value)>, Box<dyn Error>> {
    let mut files: Vec<_> = std::fs::read_dir(Path::new(SNAPSHOTS))?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut found = Vec::new();
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".snap")) else { continue };
        let text = std::fs::read_to_string(file.path())?;
        let body = text.splitn(3, "---\n").nth(2).unwrap_or_default();
        found.push((name.to_owned(), serde_json::from_str(body)?));
    }
    Ok(found)
}

async fn said(out: &Outgoing, address: &str, who: &str, body: &Value) -> Result<(), Box<dyn Error>> {
    let address = address.parse()?;
    let asked = out.to(&address).post(address.clone()).header("authorization", who);
    // Discord takes no call without the name of its kind of program.
    let answer = asked.header("user-agent", "DiscordBot (gallery, 1)").json(body).send().await?;
    let text = answer.text().await?;
    match text.contains("\"ok\":false") || text.contains("\"code\":") {
        true => Err(format!("{address} did not take {body}: {text}").into()),
        false => Ok(()),
    }
}
