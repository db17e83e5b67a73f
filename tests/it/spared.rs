//! Targets that share a value: a change of one that would change another is refused before anybody is asked to
//! approve it, and `check` says so before anybody asks.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

fn leverframe(arguments: &[&str]) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_leverframe")).args(arguments).output().unwrap();
    let text = format!("{}{}", String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    (out.status.code().unwrap(), text)
}

fn repository(catalog: &str, files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".leverframe/catalog.yaml", catalog);
    files.iter().for_each(|(path, text)| write(path, text));
    root
}

fn plan(root: &Path, words: &[&str]) -> (i32, String) {
    leverframe(&[&["plan", "--repo", root.to_str().unwrap(), "--"], words].concat())
}

const ONE_PLACE: &str =
    "environments:\n  staging: { path: \"apps/{service}\", landing: commit }\n  prod: { path: \"apps/{service}\" }\n";

#[test]
fn a_value_that_two_environments_share_changes_in_neither_alone() {
    let root =
        repository(ONE_PLACE, &[("apps/checkout/kustomization.yaml", "images:\n- {name: checkout, newTag: v1}\n")]);
    let refused =
        "`image_tag` of checkout in staging would change, too: it reads `apps/checkout/kustomization.yaml` as well.";
    let (code, said) = plan(root.path(), &["deploy", "checkout", "prod", "v2"]);
    assert_eq!((code, said.lines().next()), (1, Some(refused)), "{said}");
    let (code, said) = leverframe(&["check", "--repo", root.path().to_str().unwrap()]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("RED: checkout in prod, `image_tag`: `image_tag` of checkout in staging would change, too"));
}

#[test]
fn values_of_the_chart_on_which_another_environment_builds_are_not_changed_for_one() {
    let (values, staging) = ("image: {repository: shop/checkout, tag: v1}\nreplicaCount: 2\n", "replicaCount: 1\n");
    let files = [
        ("apps/checkout/Chart.yaml", "name: checkout\n"),
        ("apps/checkout/values.yaml", values),
        ("apps/checkout/values-staging.yaml", staging),
    ];
    let root = repository(ONE_PLACE, &files);
    // `prod` has no values of its own, and `staging` takes the version from those of all, but not the count.
    let (code, said) = plan(root.path(), &["deploy", "checkout", "prod", "v2"]);
    assert!(code == 1 && said.contains("`image_tag` of checkout in staging would change, too"), "{said}");
    let (code, said) = plan(root.path(), &["scale", "checkout", "prod", "3"]);
    assert!(code == 0 && said.contains("+replicaCount: 3"), "{said}");
    let (code, said) = plan(root.path(), &["deploy", "checkout", "staging", "v2"]);
    assert!(code == 0 && said.contains("+++ b/apps/checkout/values-staging.yaml"), "{said}");
}

#[test]
fn an_overlay_on_which_another_environment_builds_is_not_changed_for_one() {
    let catalog =
        "environments:\n  staging: { path: \"apps/{service}/staging\" }\n  prod: { path: \"apps/{service}/prod\" }\n";
    let files = [
        ("apps/checkout/prod/kustomization.yaml", "images:\n- {name: checkout, newTag: v1}\n"),
        ("apps/checkout/staging/kustomization.yaml", "resources: [../prod]\n"),
    ];
    let root = repository(catalog, &files);
    let (code, said) = plan(root.path(), &["deploy", "checkout", "prod", "v2"]);
    assert!(code == 1 && said.contains("`image_tag` of checkout in staging would change, too"), "{said}");
}
