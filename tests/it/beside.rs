//! What is shipped beside the code is true: the example configuration, the README's files, the Slack manifest, the
//! commands that README and `.ci/run` name.

use std::{fs, path::Path};

use leverframe::{
    config::{Config, Exposed, Reference, Resolved, Unresolved},
    core::{catalog::Catalog, command::Definition},
};
use serde_yaml::Value;

fn shipped(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every variable of an example has a value, save the proxy's, which no example names.
fn any(reference: &Reference) -> Result<Resolved, Unresolved> {
    match reference {
        Reference::Env(name) if !name.to_lowercase().ends_with("_proxy") => {
            Ok(Resolved { text: "a-value".to_owned(), exposed: Exposed::No })
        }
        Reference::File(_) => Ok(Resolved { text: "a-value".to_owned(), exposed: Exposed::No }),
        Reference::Env(_) => Err(Unresolved::Missing),
    }
}

/// A configuration that is read, has no effectless key and gives no warning.
fn check_configuration(text: &str) -> Config {
    let config = Config::parse(text, Path::new("leverframe.yaml"), &any).unwrap_or_else(|wrong| panic!("{wrong}"));
    let notices: Vec<String> =
        config.not_supported_yet().iter().chain(config.warnings()).map(ToString::to_string).collect();
    assert!(notices.is_empty(), "{notices:?}");
    config
}

/// The YAML blocks of the README, without their indentation.
fn readme_blocks() -> Vec<String> {
    let readme = shipped("README.md");
    let blocks = readme.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let indented = if block.starts_with("   ") { "   " } else { "" };
            block.lines().map(|line| format!("{}\n", line.strip_prefix(indented).unwrap_or(line))).collect()
        })
        .collect()
}

#[test]
fn the_example_configuration_is_read_and_has_only_keys_with_an_effect() {
    let config = check_configuration(&shipped("deploy/leverframe.example.yaml"));
    assert!(
        config.github.is_some()
            && config.slack.is_some()
            && config.discord.is_some()
            && !config.clusters.is_empty()
            && !config.registries.is_empty()
    );
}

#[test]
fn the_readmes_configuration_and_catalog_are_read() {
    let [_lever, configuration, catalog, discord, registries, _policy_tests, freezes, ledger, lane, pagers] =
        readme_blocks().try_into().unwrap();
    let readme = shipped("README.md");
    let lever = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(Definition::parse(lever, "nightly.yaml").is_ok());
    check_configuration(&configuration);
    assert!(check_configuration(&format!("{configuration}{discord}")).discord.is_some());
    assert_eq!(check_configuration(&format!("{configuration}{registries}")).registries.len(), 4);
    assert!(check_configuration(&format!("{configuration}{ledger}")).ship_to.len() == 1);
    let paged = check_configuration(&format!("{configuration}{pagers}")).pagers;
    assert!(paged.pagerduty.is_some() && paged.opsgenie.is_some());
    let catalog = Catalog::parse(&catalog, "catalog.yaml").unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(catalog.not_supported_yet().is_empty() && catalog.warnings().is_empty());
    let frozen = readme_blocks()[2].clone() + &freezes;
    assert!(Catalog::parse(&frozen, "catalog.yaml").is_ok());
    let lane: String = lane.lines().map(|line| format!("    {line}\n")).collect();
    let laned = readme_blocks()[2].replace("    approvals: { deploy: { count: 1, from: [group:leads] } }\n", &lane);
    assert!(laned.contains("sev1") && Catalog::parse(&laned, "catalog.yaml").is_ok());
}

#[test]
fn the_readmes_commands_are_the_ones_that_ci_runs() {
    let (readme, ci) = (shipped("README.md"), shipped(".ci/run"));
    assert!(readme.contains("\ncargo run -- play\n") && readme.contains("\ncargo test\n"));
    assert!(ci.contains(" cargo test 2>&1 |"), "CI runs another test command than the README's");
}

/// Runs the binary in a folder without a configuration.
fn leverframe(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_leverframe"));
    let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn slacks_manifest_is_what_the_command_prints() {
    let arguments = ["manifest", "slack", "--bare", "deploy,rollback,scale"];
    let (code, text) = leverframe(&arguments);
    assert_eq!(
        (code, text),
        (Some(0), shipped("deploy/slack-manifest.yaml")),
        "run `leverframe {}`",
        arguments.join(" ")
    );
    let manifest: Value = serde_yaml::from_str(&shipped("deploy/slack-manifest.yaml")).unwrap();
    assert_eq!(manifest["settings"]["socket_mode_enabled"], true);
    for command in manifest["features"]["slash_commands"].as_sequence().unwrap() {
        assert!(command["url"].is_null());
    }
}

#[test]
fn slacks_manifest_over_http_leads_to_addresses_that_we_serve() {
    let url = "https://levers.example.com/base/";
    let (code, text) = leverframe(&["manifest", "slack", "--public-url", url, "--bare", "status,deploy"]);
    assert_eq!(code, Some(0), "{text}");
    let manifest: Value = serde_yaml::from_str(&text).unwrap();
    let base = "https://levers.example.com/base/slack";
    let commands = manifest["features"]["slash_commands"].as_sequence().unwrap();
    let names: Vec<_> = commands.iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert_eq!(names, ["/lf", "/deploy"]);
    assert!(text.contains("    # Slack keeps /status for itself: type `/lf status`.\n"));
    assert!(commands.iter().all(|command| command["url"].as_str().unwrap() == format!("{base}/commands")));
    let settings = &manifest["settings"];
    assert_eq!(settings["interactivity"]["request_url"].as_str().unwrap(), format!("{base}/interactions"));
    assert_eq!(settings["event_subscriptions"]["request_url"].as_str().unwrap(), format!("{base}/events"));
    assert_eq!(settings["socket_mode_enabled"], false);
    let (code, text) = leverframe(&["manifest", "slack", "--bare", "deplyo"]);
    assert_eq!(code, Some(1));
    assert!(
        text.starts_with("There is no command `deplyo`.\nThere are `app-new`, `audit`, `breakglass`, `database-add`, "),
        "{text}"
    );
}

#[test]
fn githubs_manifest_asks_for_what_the_readme_explains() {
    let (code, page) =
        leverframe(&["manifest", "github", "--organization", "acme", "--public-url", "https://a.example.com"]);
    assert_eq!(code, Some(0), "{page}");
    assert!(page.contains("action=\"https://github.com/organizations/acme/settings/apps/new\""), "{page}");
    let value = page.split("name=manifest value=\"").nth(1).unwrap().split('"').next().unwrap();
    let manifest: serde_json::Value =
        serde_json::from_str(&value.replace("&quot;", "\"").replace("&amp;", "&")).unwrap();
    assert_eq!(manifest["hook_attributes"]["url"], "https://a.example.com/github/webhooks");
    let readme = shipped("README.md").to_lowercase();
    for (name, access) in manifest["default_permissions"].as_object().unwrap() {
        let access = if access == "write" { "read and write" } else { "read" };
        let name = name.replace("statuses", "commit_statuses").replace('_', " ");
        assert!(name == "metadata" || readme.contains(&format!("| {name}: {access} |")), "{name}: {access}");
    }
    assert_eq!(manifest["public"], false);
}
