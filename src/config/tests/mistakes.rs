//! Mistakes in the configuration, each with all that it says.

use super::parse;

/// The least that a configuration needs. Mistakes that start with `+` stand below it.
pub(super) const LEAST: &str = "listen: 127.0.0.1:8080
data: ./data
repositories:
  fleet:
    url: https://git.example.org/fleet.git
    branch: main
";

/// Checks all that is said of a text, line by line, each opened by the file's name.
fn check(text: &str, expected: &[&str]) {
    let text = text.strip_prefix('+').map_or(text.to_owned(), |more| format!("{LEAST}{more}"));
    let problems = parse(&text).expect_err(&text);
    let expected: Vec<String> = expected.iter().map(|line| format!("etc/leverframe.yaml:{line}")).collect();
    assert_eq!(problems.to_string(), expected.join("\n"), "{text}");
    assert!(problems.to_string().lines().next().is_some_and(|first| first.ends_with(&problems.remedy())));
}

#[test]
fn what_is_required_is_asked_for() {
    check(
        r"",
        &[
            "1:1: found no `data`, expected the key `data`. Add it, for example `data: ./data`.",
            "1:1: found no `listen`, expected the key `listen`. Add it, for example `listen: 127.0.0.1:8080`.",
            "1:1: found no `repositories`, expected the key `repositories`. Add it, for example `repositories: { deployments: { url: https://github.com/acme/deployments.git, branch: main } }`.",
        ],
    );
    check(
        r"listen: 8080
data: 5
repositories: {}",
        &[
            "1:9: `listen`: found the number `8080`, expected text. Put it in quotes.",
            "2:7: `data`: found the number `5`, expected text. Put it in quotes.",
            "3:1: `repositories`: found no repository, expected exactly one repository with the catalog. Add one with `url` and `branch`.",
        ],
    );
}

#[test]
fn what_is_no_map_is_refused() {
    check(
        r"listen: x
  y: [",
        &[
            "2:4: found what is not YAML (mapping values are not allowed in this context), expected YAML. Correct the YAML there, or on the line before it.",
        ],
    );
    check(r"- a", &["1:1: found a list, expected a map. Write `key: value` lines below it."]);
    check(r"+tls: ca.pem", &["7:6: `tls`: found `ca.pem`, expected a map. Write `key: value` lines below it."]);
}

#[test]
fn unknown_keys_get_the_nearest_known() {
    check(
        r"+slak: {}",
        &[
            "7:1: `slak`: found an unknown key, expected `listen`, `public_url`, `tls`, `data`, `ledger`, `repositories`, `github`, `slack`, `discord`, `clusters`, `registries` or `pager`. Did you mean `slack`?",
        ],
    );
    check(
        r"+slack:
  transport: sokcet",
        &[
            r#"7:1: `slack`: found no `bot_token`, expected the key `bot_token`. Add it, for example `bot_token: "${env:BOT_TOKEN}"`."#,
            "7:1: `slack`: found no `team`, expected the key `team`. Add it, for example `team: T0123`.",
            "8:14: `slack.transport`: found `sokcet`, expected `http` or `socket`. Did you mean `socket`?",
        ],
    );
    check(
        r"+pager: { pagerduty: {}, opsgeni: {} }",
        &[
            r#"7:10: `pager.pagerduty`: found no `routing_key`, expected the key `routing_key`. Add it, for example `routing_key: "${env:ROUTING_KEY}"`."#,
            "7:25: `pager.opsgeni`: found an unknown key, expected `pagerduty` or `opsgenie`. Did you mean `opsgenie`?",
        ],
    );
}

#[test]
fn a_transport_needs_its_secret() {
    check(
        r#"+slack: { transport: http, team: T1, bot_token: "${env:BOT_SET}" }"#,
        &[
            r#"7:1: `slack`: found no `signing_secret`, expected the key `signing_secret`. Add it, for example `signing_secret: "${env:SIGNING_SECRET}"`."#,
        ],
    );
    check(
        r"+discord: { transport: http, guild: 9000, application_id: x, bot_token: [1] }",
        &[
            r#"7:1: `discord`: found no `public_key`, expected the key `public_key`. Add it, for example `public_key: "${env:DISCORD_PUBLIC_KEY}"`."#,
            "7:36: `discord.guild`: found the number `9000`, expected text. Put it in quotes.",
            r#"7:58: `discord.application_id`: found `x`, expected a Discord id: digits, in quotes. Write it like `"9000"`."#,
            r#"7:72: `discord.bot_token`: found a secret written into the file, expected a reference to a secret. Put the secret into a variable or file of its own and write `"${env:NAME}"` or `"${file:PATH}"` here."#,
        ],
    );
    check(
        r#"+discord: { transport: http, guild: "9000", application_id: "1", bot_token: "${env:A_SET}", public_key: abc }"#,
        &[
            r#"7:104: `discord.public_key`: found `abc`, expected a Discord public key: 64 hexadecimal digits, from the application's page. Write it like `"${env:DISCORD_PUBLIC_KEY}"`."#,
        ],
    );
}

#[test]
fn secrets_are_references() {
    check(
        r#"+slack: { transport: socket, team: acme, bot_token: xoxb-123, app_token: "a${env:BOT_SET}" }"#,
        &[
            "7:35: `slack.team`: found `acme`, expected a Slack workspace: its id, `T` and upper-case letters and digits, not its name. Write it like `T0123`.",
            r#"7:52: `slack.bot_token`: found a secret written into the file, expected a reference to a secret. Put the secret into a variable or file of its own and write `"${env:NAME}"` or `"${file:PATH}"` here."#,
            r#"7:73: `slack.app_token`: found a reference with text beside it, expected a reference to a secret. Put the secret into a variable or file of its own and write `"${env:NAME}"` or `"${file:PATH}"` here."#,
        ],
    );
    check(
        r#"+slack: { transport: http, team: T1, bot_token: "${env:EMPTY}", signing_secret: "${file:locked.key}" }"#,
        &[
            r#"7:48: `slack.bot_token`: found a reference to an empty text, expected a reference to a secret. Put the secret into a variable or file of its own and write `"${env:NAME}"` or `"${file:PATH}"` here."#,
            "7:80: `slack.signing_secret`: found a reference to `etc/locked.key`, a file that cannot be read: permission denied, expected a file that Leverframe can read. Write the file, or correct its path (relative ones start where this configuration lies).",
        ],
    );
    check(
        r"+github: { token: abc }",
        &[
            r#"7:18: `github.token`: found a secret written into the file, expected a reference to a secret. Put the secret into a variable or file of its own and write `"${env:NAME}"` or `"${file:PATH}"` here."#,
        ],
    );
}

#[test]
fn references_lead_somewhere() {
    check(
        r#"+slack: { transport: http, team: T1, bot_token: "${env:NOPE}", signing_secret: "${file:nope.key}" }"#,
        &[
            "7:48: `slack.bot_token`: found `${env:NOPE}`, a variable that is not there, expected a variable of the environment. Set `NOPE` where Leverframe is started.",
            "7:79: `slack.signing_secret`: found a reference to `etc/nope.key`, a file that is not there, expected a file that Leverframe can read. Write the file, or correct its path (relative ones start where this configuration lies).",
        ],
    );
    check(
        r#"+slack: { transport: http, team: T1, bot_token: "${var:X}", signing_secret: "${env:X" }"#,
        &[
            "7:48: `slack.bot_token`: found `${var:X}`, expected a reference to a variable or a file. Write it like `${env:NAME}` or `${file:PATH}`.",
            "7:76: `slack.signing_secret`: found a `${` that is not closed, expected a reference. Close it with `}`.",
        ],
    );
}

#[test]
fn a_user_and_a_password_go_together() {
    check(
        r"+    username: x",
        &[
            r#"4:3: `repositories.fleet`: found no `password`, expected the key `password`. Add it, for example `password: "${env:GITHUB_TOKEN}"`."#,
        ],
    );
    check(
        r#"+    password: "${env:GITHUB_TOKEN}""#,
        &[
            "4:3: `repositories.fleet`: found no `username`, expected the key `username`. Add it, for example `username: x-access-token`.",
        ],
    );
    check(
        r#"+registries: { "https://x": {}, ghcr.io: {username: x} , b: {password: "${env:A_SET}"}}"#,
        &[
            r#"7:15: `registries["https://x"]`: found `https://x`, expected a registry: its host as images name it, with a port if it has one. Write it like `ghcr.io`."#,
            r#"7:32: `registries["ghcr.io"]`: found no `password`, expected the key `password`. Add it, for example `password: "${env:REGISTRY_TOKEN}"`."#,
            "7:57: `registries.b`: found no `username`, expected the key `username`. Add it, for example `username: bot`.",
        ],
    );
}

#[test]
fn names_on_github_are_checked() {
    check(
        r"+    github: { owner: a/b, name: c.git }",
        &[
            r#"7:13: `repositories.fleet.github`: found it without a `github` section at the top, expected a way to ask GitHub. Add `github: { token: "${env:GITHUB_TOKEN}" }` at the top of the file."#,
            "7:22: `repositories.fleet.github.owner`: found `a/b`, expected a name on GitHub: letters, digits, `-`, `_` and `.`, without `.git` at the end. Write it like `deployments`.",
            "7:33: `repositories.fleet.github.name`: found `c.git`, expected a name on GitHub: letters, digits, `-`, `_` and `.`, without `.git` at the end. Write it like `deployments`.",
        ],
    );
}

#[test]
fn exactly_one_repository_has_the_catalog() {
    check(
        r"+    catalog: false",
        &[
            "3:1: `repositories`: found one repository, with `catalog: false`, expected exactly one repository with the catalog. Remove `catalog: false`.",
        ],
    );
    check(
        r#"+  other: { url: "http://h/x", branch: main }"#,
        &[
            "3:1: `repositories`: found 2 repositories, none with `catalog: true`, expected exactly one repository with the catalog. Write `catalog: true` in the one that holds `.leverframe/catalog.yaml`.",
        ],
    );
    check(
        r#"+    catalog: true
  other: { url: "http://h/x", branch: main, catalog: true }"#,
        &[
            "3:1: `repositories`: found `catalog: true` in 2 repositories, expected exactly one repository with the catalog. Keep it in the one that holds `.leverframe/catalog.yaml`.",
        ],
    );
}

#[test]
fn urls_are_checked_and_hold_no_password() {
    check(
        r#"+  other: { url: "https://user:pw@h/x", branch: "a..b" }"#,
        &[
            "3:1: `repositories`: found 2 repositories, none with `catalog: true`, expected exactly one repository with the catalog. Write `catalog: true` in the one that holds `.leverframe/catalog.yaml`.",
            "7:17: `repositories.other.url`: found a URL with a user or a password in it, expected a URL without them. Take the user and password out of the URL and write them as `username` and `password`, the password as a reference.",
            "7:48: `repositories.other.branch`: found `a..b`, expected a branch: a branch as git names it, without `refs/heads/`. Write it like `main`.",
        ],
    );
    check(
        r"+  other: { url: git@github.com, branch: main }", // no path: not git's short form of SSH
        &[
            "3:1: `repositories`: found 2 repositories, none with `catalog: true`, expected exactly one repository with the catalog. Write `catalog: true` in the one that holds `.leverframe/catalog.yaml`.",
            "7:17: `repositories.other.url`: found a text that is no URL, expected a URL that begins with `https://`, `http://`, `ssh://` or `file://`. Write it like `https://host/path`.",
        ],
    );
    check(
        r"+  other: { url: ftp://h/x, branch: 1.0 }",
        &[
            "3:1: `repositories`: found 2 repositories, none with `catalog: true`, expected exactly one repository with the catalog. Write `catalog: true` in the one that holds `.leverframe/catalog.yaml`.",
            "7:17: `repositories.other.url`: found `ftp://h/x`, expected a URL that begins with `https://`, `http://`, `ssh://` or `file://`. Correct what stands before `://`.",
            "7:36: `repositories.other.branch`: found the number `1.0`, expected text. Put it in quotes.",
        ],
    );
    check(
        r#"+  other: { url: "file://host/x", branch: main, username: x }"#,
        &[
            "3:1: `repositories`: found 2 repositories, none with `catalog: true`, expected exactly one repository with the catalog. Write `catalog: true` in the one that holds `.leverframe/catalog.yaml`.",
            r#"7:3: `repositories.other`: found no `password`, expected the key `password`. Add it, for example `password: "${env:GITHUB_TOKEN}"`."#,
            "7:17: `repositories.other.url`: found `file://host/x`, expected a path on this machine. Write all of its path: `file:///srv/git/deployments.git`.",
        ],
    );
    check(
        r#"+  Other: { url: "https://u:p w@h:x" }"#,
        &[
            "7:3: `repositories.Other`: found `Other`, expected a connection name: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `deployments`.",
        ],
    );
    check(
        r"+ledger: {}
public_url: levers.example.org",
        &[
            "8:13: `public_url`: found `levers.example.org`, expected a URL that begins with `https://` or `http://`. Write it like `https://host/path`.",
        ],
    );
}

#[test]
fn github_needs_a_token_or_an_app() {
    check(
        r"+github: {}",
        &[
            r#"7:1: `github`: found no `token`, expected the key `token`. Add it, for example `token: "${env:GITHUB_TOKEN}"`."#,
        ],
    );
    check(
        r#"+github: { token: "${env:GITHUB_TOKEN}", app: { id: x } }"#,
        &["7:46: `github.app`: found `app` beside `token`, expected one of the two. Remove `token` or `app`."],
    );
    check(
        r"+github: { app: { id: x } }",
        &[
            "7:11: `github.app`: found no `installation`, expected the key `installation`. Add it, for example `installation: 2`.",
            r#"7:11: `github.app`: found no `private_key`, expected the key `private_key`. Add it, for example `private_key: "${env:PRIVATE_KEY}"`."#,
            "7:22: `github.app.id`: found `x`, expected a whole number from 0 on. Write a number, without quotes.",
        ],
    );
}

#[test]
fn a_cluster_is_reached_one_way() {
    check(
        r#"+clusters: { a: {}, b: { api: "https://h", in_cluster: true }, c: { token: "${env:A_SET}" }, d: { api: "https://h", certificate: "${env:A_SET}" }, e: {kubeconfig: x, key: "${env:A_SET}"}, f: {in_cluster: maybe} }"#,
        &[
            "7:13: `clusters.a`: found no `api`, expected the key `api`. Add it, for example `api: https://10.0.0.1:6443`.",
            "7:23: `clusters.b`: found several ways to one cluster, expected one way. Keep one of `api`, `kubeconfig` and `in_cluster: true`.",
            "7:63: `clusters.c`: found no `api`, expected the key `api`. Add it, for example `api: https://10.0.0.1:6443`.",
            "7:75: `clusters.c.token`: found it without `api`, expected it beside `api`. Add `api`, or remove this key.",
            r#"7:93: `clusters.d`: found no `key`, expected the key `key`. Add it, for example `key: "${file:./client.key}"`."#,
            "7:171: `clusters.e.key`: found it without `api`, expected it beside `api`. Add `api`, or remove this key.",
            "7:204: `clusters.f.in_cluster`: found `maybe`, expected `true` or `false`. Write one of the two, without quotes.",
        ],
    );
    check(
        r#"+clusters: { a: {api: "https://h", token: "${env:A_SET}", key: "${env:A_SET}" }, b: {api: "https://h", key: "${env:A_SET}" }}"#,
        &[
            "7:16: `clusters.a`: found a token beside a certificate, expected one of the two. Remove `token`, or `certificate` and `key`.",
            r#"7:81: `clusters.b`: found no `certificate`, expected the key `certificate`. Add it, for example `certificate: "${file:./client.pem}"`."#,
        ],
    );
}

#[test]
fn authorities_are_certificates() {
    check(
        r"+tls: { ca_file: nope }",
        &[
            "7:17: `tls.ca_file`: found `etc/nope`, a file that is not there, expected a file of certificates in PEM. Write one or more certificates into that file, each between `BEGIN CERTIFICATE` and `END CERTIFICATE` lines.",
        ],
    );
    check(
        r"+tls: { ca_file: closed.key }",
        &[
            "7:17: `tls.ca_file`: found a file without a certificate, expected a file of certificates in PEM. Write one or more certificates into that file, each between `BEGIN CERTIFICATE` and `END CERTIFICATE` lines.",
        ],
    );
}
