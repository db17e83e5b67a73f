//! The configuration, text in, values or messages out. References come from a table, so no environment is needed;
//! one test reads real files.

mod mistakes;

use std::path::Path;

use super::*;

/// What references stand for in these tests.
fn known(reference: &Reference) -> Result<Resolved, Unresolved> {
    let (text, exposed) = match reference {
        Reference::Env(name) if name == "GITHUB_TOKEN" => ("ghp_secret", Exposed::No),
        Reference::Env(name) if name == "HOST" => ("git.example.org", Exposed::No),
        Reference::Env(name) if name == "EMPTY" => ("", Exposed::No),
        Reference::Env(name) if name == "PUBLIC_KEY" => {
            ("ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789", Exposed::No)
        }
        Reference::Env(name) if name == "HTTPS_PROXY" || name == "NO_PROXY" => return Err(Unresolved::Missing),
        Reference::Env(name) if name == "https_proxy" => ("http://proxy.example.org:3128", Exposed::No),
        Reference::Env(name) if name == "no_proxy" => ("localhost, .example.org,", Exposed::No),
        Reference::Env(name) if name == "KUBERNETES_SERVICE_HOST" => ("fd00::1", Exposed::No),
        Reference::Env(name) if name == "KUBERNETES_SERVICE_PORT" => ("443", Exposed::No),
        Reference::File(path) if path.ends_with("serviceaccount/token") => ("t0ken\n", Exposed::No),
        Reference::File(path) if path.ends_with("serviceaccount/ca.crt") => ("-----BEGIN", Exposed::No),
        Reference::Env(name) if name.ends_with("_SET") => ("xyz-secret", Exposed::No),
        Reference::File(path) if path.ends_with("open.key") => ("key-in-a-file\r\n\n", Exposed::ToOthers),
        Reference::File(path) if path.ends_with("closed.key") => ("key-in-a-file\n", Exposed::No),
        Reference::File(path) if path.ends_with("ca.pem") => ("-----BEGIN CERTIFICATE-----\nMA==\n", Exposed::No),
        Reference::File(path) if path.ends_with("locked.key") => {
            return Err(Unresolved::Unreadable("permission denied".into()));
        }
        Reference::Env(_) | Reference::File(_) => return Err(Unresolved::Missing),
    };
    Ok(Resolved { text: text.to_owned(), exposed })
}

fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse(text, Path::new("etc/leverframe.yaml"), &known)
}

const EVERYTHING: &str = r#"
listen: "[::1]:9000"
public_url: https://levers.example.org/base
tls: { ca_file: ca.pem }
data: state
ledger: { signing_key: "${file:/keys/closed.key}" }
repositories:
  fleet:
    url: https://${env:HOST}/infra/fleet.git
    branch: release/live
    username: robot
    password: "${env:GITHUB_TOKEN}"
    github: { owner: infra, name: fleet }
    catalog: true
  extra: { url: "ssh://git@git.example.org/infra/extra.git", branch: main }
  local: { url: "file:///srv/git/local.git", branch: main }
github:
  api: https://github.example.org/api/v3
  app: { id: 12, installation: 34, private_key: "${file:open.key}" }
  webhook_secret: "${env:HOOK_SET}"
slack:
  transport: socket
  team: T0AB
  bot_token: "${env:BOT_SET}"
  app_token: "${env:APP_SET}"
  signing_secret: "${env:SIGN_SET}"
discord:
  transport: http
  guild: "81"
  application_id: "82"
  public_key: "${env:PUBLIC_KEY}"
  bot_token: "${env:BOT_SET}"
clusters:
  one: { api: "https://10.1.1.1:6443", token: "${env:ONE_SET}" }
  two: { kubeconfig: kube/config, context: two }
  three: { in_cluster: true }
  four: { api: "http://127.0.0.1:8001" }
  five: { api: "https://10.1.1.5", certificate: "${file:closed.key}", key: "${file:closed.key}" }
registries:
  localhost:5000: { api: "http://localhost:5000" }
  ghcr.io: { username: bot, password: "${env:REG_SET}" }
pager:
  pagerduty: { routing_key: "${env:PD_SET}", schedules: { token: "${env:PD_SET}" } }
  opsgenie: { api: "https://jsm.example.org", key: "${env:OG_SET}" }
"#;

#[test]
fn every_key_is_read() {
    let config = parse(EVERYTHING).unwrap();
    assert_eq!(config.listen.to_string(), "[::1]:9000");
    assert_eq!(config.public_url.as_ref().unwrap().as_str(), "https://levers.example.org/base");
    assert_eq!(config.data, Path::new("etc/state"));
    assert_eq!(config.authorities.as_ref().unwrap().path, Path::new("etc/ca.pem"));
    assert_eq!(config.signing_key.as_ref().unwrap().reveal(), "key-in-a-file");
    assert_eq!(config.proxy.url.as_ref().unwrap().reveal(), "http://proxy.example.org:3128");
    assert_eq!(config.proxy.exceptions, ["localhost", ".example.org"]);

    let (name, fleet) = &config.repositories.catalog;
    assert_eq!((name.as_str(), fleet.branch.as_str()), ("fleet", "release/live"));
    assert_eq!(fleet.url.as_str(), "https://git.example.org/infra/fleet.git");
    let login = RepositoryLogin::Password { username: "robot".into(), password: Secret::new("ghp_secret"), from: None };
    assert_eq!(fleet.login, login);
    assert_eq!(config.repositories.iter().count(), 3);
    assert!(config.repositories.named(&ConnectionName::parse("local").unwrap()).is_some());

    let github = config.github.as_ref().unwrap();
    let private_key = Secret::new("key-in-a-file");
    assert_eq!(github.auth, GitHubAuth::App { id: 12, installation: 34, private_key });
    let slack = config.slack.as_ref().unwrap();
    assert_eq!(slack.transport, SlackTransport::Socket { app_token: Secret::new("xyz-secret") });
    assert_eq!(slack.api.as_str(), "https://slack.com/api");
    let discord = config.discord.as_ref().unwrap();
    assert!(matches!(&discord.transport, DiscordTransport::Http { public_key } if public_key.starts_with("abcdef")));
    assert_eq!(config.clusters.len(), 5);
    assert_eq!(config.registries.keys().map(RegistryHost::as_str).collect::<Vec<_>>(), ["ghcr.io", "localhost:5000"]);
    assert_eq!(config.pagers.pagerduty.as_ref().unwrap().api.as_str(), "https://events.pagerduty.com/");
    let schedules = config.pagers.pagerduty.as_ref().unwrap().schedules.as_ref().unwrap();
    assert_eq!(schedules.api.as_str(), "https://api.pagerduty.com/");
    assert_eq!(config.connections().clusters.len(), 5);
}

#[test]
fn clusters_are_reached_one_way() {
    let config = parse(EVERYTHING).unwrap();
    let cluster = |name: &str| config.clusters.get(name).unwrap();
    assert!(matches!(cluster("one"), ClusterAccess::Api { login: ClusterLogin::Token(_), .. }));
    assert!(
        matches!(cluster("two"), ClusterAccess::Kubeconfig { path, context: Some(_) } if path.ends_with("kube/config"))
    );
    let ClusterAccess::InCluster { url, token, file, .. } = cluster("three") else { panic!("{:?}", cluster("three")) };
    assert_eq!((url.as_str(), token.reveal()), ("https://[fd00::1]/", "t0ken"));
    assert_eq!(file, Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token"));
    assert!(matches!(cluster("four"), ClusterAccess::Api { login: ClusterLogin::None, .. }));
    assert!(matches!(cluster("five"), ClusterAccess::Api { login: ClusterLogin::Certificate { .. }, .. }));
}

#[test]
fn no_secret_is_ever_printed() {
    let shown = format!("{:?}", parse(EVERYTHING).unwrap());
    for secret in ["ghp_secret", "xyz-secret", "key-in-a-file", "proxy.example.org"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn keys_without_effect_are_named() {
    let said: Vec<String> = parse(EVERYTHING).unwrap().not_supported_yet().iter().map(Notice::to_string).collect();
    let expected = [
        "line 35: `clusters.two.kubeconfig`: Reaching a cluster by a kubeconfig is not supported yet; this key has no effect.",
    ];
    assert_eq!(said, expected);
}

#[test]
fn risks_are_named() {
    let said: Vec<String> = parse(EVERYTHING).unwrap().warnings().iter().map(Notice::to_string).collect();
    let expected = [
        "line 19: `github.app.private_key`: Others than its owner can read this secret's file; run `chmod 600` on it.",
        "line 26: `slack.signing_secret`: It is not used with `transport: socket`.",
    ];
    assert_eq!(said, expected);
}

#[test]
fn real_files_are_read_beside_the_configuration() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let (file, secret) = (directory.path().join("leverframe.yaml"), directory.path().join("bot.token"));
    let text = "listen: 127.0.0.1:1\ndata: d\nrepositories:\n  a: { url: file:///a, branch: main }\n\
                slack: { transport: http, team: T1, bot_token: \"${file:bot.token}\", signing_secret: \"${file:bot.token}\" }\n";
    std::fs::write(&file, text).unwrap();
    let missing = Config::load(&file).unwrap_err();
    assert_eq!(missing.to_string().lines().count(), 2, "{missing}");
    assert!(missing.to_string().contains("Write the file, or correct its path"), "{missing}");
    assert_eq!(missing.remedy(), "Correct the file; `leverframe check` reads it without starting anything.");

    std::fs::write(&secret, "xoxb-1\n").unwrap();
    for (mode, warnings) in [(0o600, 0), (0o640, 2)] {
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        let config = Config::load(&file).unwrap();
        assert_eq!(config.slack.as_ref().unwrap().bot_token.reveal(), "xoxb-1");
        assert_eq!(config.warnings().len(), warnings, "{mode:o}");
    }
    let gone = Config::load(&directory.path().join("gone.yaml")).unwrap_err();
    assert!(gone.to_string().contains("gone.yaml: cannot be read: No such file"), "{gone}");
    assert_eq!(gone.remedy(), "Write the file, or name another with `--config FILE`.");
}

#[test]
fn a_proxy_may_leave_out_its_scheme() {
    let with_proxy = |value: &'static str| {
        Config::parse(mistakes::LEAST, Path::new("leverframe.yaml"), &move |reference| match reference {
            Reference::Env(name) if name == "HTTPS_PROXY" => Ok(Resolved { text: value.into(), exposed: Exposed::No }),
            Reference::Env(_) | Reference::File(_) => Err(Unresolved::Missing),
        })
    };
    let url = |value| with_proxy(value).unwrap().proxy.url.unwrap().reveal().to_owned();
    assert_eq!(url("proxy.example.org:3128"), "http://proxy.example.org:3128");
    assert_eq!(url("socks5://u:p@h:1"), "socks5://u:p@h:1");
    let said = with_proxy("ftp://u:secret@h").unwrap_err().to_string();
    assert_eq!(
        said,
        "leverframe.yaml:1:1: `HTTPS_PROXY`: found a variable of the environment that is no proxy's URL, expected a URL \
         that begins with `http://`, `https://` or `socks5://`. Write it like `http://proxy.example.com:3128`, or unset it."
    );
}

#[test]
fn branches_follow_gits_rules() {
    for good in ["main", "release/2026.11", "@live", "größe"] {
        assert_eq!(BranchName::parse(good).unwrap().as_str(), good);
    }
    for bad in
        ["", "@", "-b", "a..b", "a//b", "/a", "a/", "a.lock", ".a", "a b", "a~1", "a@{0}", "a.", "refs/heads/a", "a\\b"]
    {
        assert!(BranchName::parse(bad).is_err(), "{bad:?}");
    }
}
