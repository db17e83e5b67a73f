//! Whether Discord takes our token, whether the application is the one configured, and what its bot may do in the server.

use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use url::Url;

use super::client::{AGENT, VERSION};
use crate::{
    clock,
    core::checkup::Finding,
    net::{
        NetError, Outgoing,
        look::{Look, below},
    },
    secret::Secret,
};

const WHAT: &str = "discord";
/// Everything.
const ADMINISTRATOR: u64 = 1 << 3;
/// What the bot needs in the channels where people type, by bit and by the name that Discord shows.
const NEEDED: [(u64, &str); 4] = [
    (1 << 10, "View Channels"),
    (1 << 11, "Send Messages"),
    (1 << 14, "Embed Links"),
    (1 << 16, "Read Message History"),
];

/// The application, as the configuration has it.
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// Its id.
    pub id: &'a str,
    /// The server.
    pub guild: &'a str,
    /// The bot's token.
    pub token: &'a Secret,
    /// The key that its calls are checked with, where it calls us.
    pub public_key: Option<&'a str>,
}

/// Looks at Discord; the second is how far its clock is ahead, in seconds.
pub async fn look(net: &Outgoing, api: &Url, app: Application<'_>) -> (Vec<Finding>, Option<i64>) {
    let told = match ask(net, api, "applications/@me", app.token).await {
        Ok(told) => told,
        Err(error) => return (vec![Finding::red(WHAT, error.to_string(), error.remedy())], None),
    };
    let ahead = told.ahead(clock::now());
    if told.status != 200 {
        let seen = format!("Discord does not take the token (status {})", told.status);
        let remedy = "Reset the token on the application's Bot page and put it where `discord.bot_token` refers to.";
        return (vec![Finding::red(WHAT, seen, remedy)], ahead);
    }
    let mut found = application(&told, app);
    found.push(server(net, api, app).await);
    (found, ahead)
}

fn application(told: &Look, app: Application<'_>) -> Vec<Finding> {
    let id = told.text("/id").unwrap_or_default();
    let mut found = vec![if id == app.id {
        Finding::good(WHAT, format!("the token is good for application {id}"))
    } else {
        let remedy = format!("Set `discord.application_id: \"{id}\"`, or use the token of application {}.", app.id);
        Finding::red(WHAT, format!("the token is of application {id}, not {}", app.id), remedy)
    }];
    if let Some(key) = app.public_key {
        if told.text("/verify_key").is_some_and(|theirs| theirs != key) {
            let remedy = "Copy the Public Key from the application's General Information.";
            found.push(Finding::red(WHAT, "`discord.public_key` is not the application's", remedy));
        }
        if told.text("/interactions_endpoint_url").is_none() {
            let remedy = "Enter `<public_url>/discord/interactions` as Interactions Endpoint URL.";
            found.push(Finding::red(WHAT, "Discord does not know where to call us", remedy));
        }
    } else if let Some(url) = told.text("/interactions_endpoint_url") {
        let seen = format!("Discord calls {url}, so nothing comes over the connection that we keep open");
        found.push(Finding::red(WHAT, seen, "Remove the Interactions Endpoint URL, or use `transport: http`."));
    }
    if told.body.get("bot_public").and_then(Value::as_bool) == Some(true) {
        let remedy = "Switch Public Bot off on the application's Bot page.";
        found.push(Finding::note(
            WHAT,
            "anybody may add the bot to a server of theirs, where it refuses everything",
            remedy,
        ));
    }
    found
}

/// What the bot may do in the server.
async fn server(net: &Outgoing, api: &Url, app: Application<'_>) -> Finding {
    let looked = async {
        let me = ask(net, api, "users/@me", app.token).await?;
        let me = me.text("/id").unwrap_or(app.id).to_owned();
        let member = ask(net, api, &format!("guilds/{}/members/{me}", app.guild), app.token).await?;
        let roles = ask(net, api, &format!("guilds/{}/roles", app.guild), app.token).await?;
        Ok::<_, NetError>((member, roles))
    };
    let (member, roles) = match looked.await {
        Ok(looked) => looked,
        Err(error) => return Finding::red(WHAT, error.to_string(), error.remedy()),
    };
    if member.status != 200 {
        let remedy = "Add the bot to the server by the address that the OAuth2 URL Generator makes, with `bot` and `applications.commands`.";
        return Finding::red(
            WHAT,
            format!("the bot is not in server {} (status {})", app.guild, member.status),
            remedy,
        );
    }
    if roles.status != 200 {
        return Finding::note(WHAT, format!("the roles of server {} cannot be seen", app.guild), "Look at them there.");
    }
    may(app.guild, permissions(app.guild, &member.body, &roles.body))
}

/// The permissions of everybody and of the member's roles together.
fn permissions(guild: &str, member: &Value, roles: &Value) -> u64 {
    let own: Vec<&str> = member["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let counts = |role: &&Value| role["id"].as_str().is_some_and(|id| id == guild || own.contains(&id));
    let bits = |role: &Value| role["permissions"].as_str()?.parse::<u64>().ok();
    roles.as_array().into_iter().flatten().filter(counts).filter_map(bits).fold(0, |all, bits| all | bits)
}

fn may(guild: &str, permissions: u64) -> Finding {
    if permissions & ADMINISTRATOR != 0 {
        let remedy = "Give its role the four permissions that README.md names, and no more.";
        return Finding::note(WHAT, format!("the bot is an administrator of server {guild}"), remedy);
    }
    let lacks: Vec<&str> = NEEDED.iter().filter(|(bit, _)| permissions & bit == 0).map(|(_, name)| *name).collect();
    if lacks.is_empty() {
        return Finding::good(
            WHAT,
            format!("the bot may do in server {guild} what it must; a channel may still forbid it"),
        );
    }
    let seen = format!("the bot lacks in server {guild}: {}", lacks.join(", "));
    Finding::red(WHAT, seen, "Give these to the bot's role in the server's settings.")
}

async fn ask(net: &Outgoing, api: &Url, path: &str, token: &Secret) -> Result<Look, NetError> {
    let header = HeaderValue::try_from(format!("Bot {}", token.reveal()));
    let mut header = header.map_err(|_| NetError::BadToken { host: "discord.com".to_owned() })?;
    header.set_sensitive(true);
    let headers = [(header::AUTHORIZATION, header), (header::USER_AGENT, HeaderValue::from_static(AGENT))];
    net.look(&below(api, &format!("{VERSION}/{path}"))?, HeaderMap::from_iter(headers), None).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(everybody: u64, ours: u64, expected: &str) {
        let roles = json!([
            {"id": "9000", "permissions": everybody.to_string()},
            {"id": "1", "permissions": ours.to_string()},
            {"id": "2", "permissions": u64::MAX.to_string()},
        ]);
        let finding = may("9000", permissions("9000", &json!({"roles": ["1"]}), &roles));
        assert_eq!(finding.to_string(), expected);
    }

    #[test]
    fn permissions_of_everybody_and_of_the_bots_roles_count() {
        check(
            1 << 10 | 1 << 11,
            1 << 14 | 1 << 16,
            "ok   discord: the bot may do in server 9000 what it must; a channel may still forbid it.",
        );
        check(
            1 << 10,
            1 << 16,
            "RED  discord: the bot lacks in server 9000: Send Messages, Embed Links. Give these to the bot's role in the server's settings.",
        );
        check(
            0,
            1 << 3,
            "note discord: the bot is an administrator of server 9000. Give its role the four permissions that README.md names, and no more.",
        );
    }
}
