//! What is shipped beside the code is true: the example configuration, the README's files, the Slack manifest, the
//! commands that README and `.ci/run` name.

use std::{fs, path::Path};

use leverframe::{
    config::{Config, Exposed, Reference, Resolved, Unresolved},
    core::catalog::Catalog,
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
        Reference::Env(_) | Reference::File(_) => Err(Unresolved::Missing),
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
        .map(|block| block.lines().map(|line| format!("{}\n", line.strip_prefix("   ").unwrap_or(line))).collect())
        .collect()
}

#[test]
fn the_example_configuration_is_read_and_has_only_keys_with_an_effect() {
    let config = check_configuration(&shipped("deploy/leverframe.example.yaml"));
    assert!(
        config.github.is_some() && config.slack.is_some() && config.discord.is_some() && !config.clusters.is_empty()
    );
}

#[test]
fn the_readmes_configuration_and_catalog_are_read() {
    let [configuration, catalog, discord] = readme_blocks().try_into().unwrap();
    check_configuration(&configuration);
    assert!(check_configuration(&format!("{configuration}{discord}")).discord.is_some());
    let catalog = Catalog::parse(&catalog, "catalog.yaml").unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(catalog.not_supported_yet().is_empty() && catalog.warnings().is_empty());
}

#[test]
fn the_readmes_commands_are_the_ones_that_ci_runs() {
    let (readme, ci) = (shipped("README.md"), shipped(".ci/run"));
    assert!(readme.contains("\ncargo run -- play\n") && readme.contains("\ncargo test\n"));
    assert!(ci.contains(" cargo test 2>&1 |"), "CI runs another test command than the README's");
}

#[test]
fn slacks_manifest_asks_for_commands_that_exist_at_addresses_that_we_serve() {
    // Names that Slack keeps for itself; one of them and the whole manifest is refused.
    let reserved = ["status", "help", "me", "join", "leave", "open", "remind", "search", "topic", "who"];
    let manifest: Value = serde_yaml::from_str(&shipped("deploy/slack-manifest.yaml")).unwrap();
    let base = "https://levers.example.com/slack";
    for command in manifest["features"]["slash_commands"].as_sequence().unwrap() {
        let name = command["command"].as_str().unwrap().trim_start_matches('/');
        assert!(name == "lf" || !shipped(&format!("commands/{name}.yaml")).is_empty(), "there is no command `{name}`");
        assert!(!reserved.contains(&name), "Slack refuses `/{name}`");
        assert_eq!(command["url"].as_str().unwrap(), format!("{base}/commands"));
    }
    let clicks = &manifest["settings"]["interactivity"];
    assert_eq!(clicks["request_url"].as_str().unwrap(), format!("{base}/interactions"));
}
