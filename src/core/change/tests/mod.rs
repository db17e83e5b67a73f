//! Where fields are found, what is planned, and what is refused.

mod table;

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::core::names::{Environment, Service};

const KUSTOMIZATION: &str = "\
resources: [deployment.yaml]   # keep
images:
- name: app            # the image in deployment.yaml
  newName: registry.example.com/shop/checkout
  newTag: v1.2.4       # bumped by hand
replicas:
- name: checkout
  count: 3
";
const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: app
        image: \"registry.example.com:5000/shop/checkout:v1.2.4\"
      - name: proxy
        image: envoy:1.30
";

fn planned(files: &[(&str, &str)], set: &[(&str, Value)]) -> Result<Planned, PlanRefusal> {
    let target =
        Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() };
    let directory = RepoPath::parse("apps/checkout/prod").unwrap();
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile {
            path: RepoPath::parse(&format!("{directory}/{path}")).unwrap(),
            text: (*text).to_owned(),
            blob: String::new(),
        })
        .collect();
    let set: BTreeMap<Field, Value> =
        set.iter().map(|(field, value)| (Field::parse(field).unwrap(), value.clone())).collect();
    let (repository, command) = (ConnectionName::parse("deployments").unwrap(), CommandName::parse("deploy").unwrap());
    let (base, policy) = (CommitId::parse(&"0".repeat(40)).unwrap(), Digest::of(b""));
    let wanted = plan::Wanted {
        repository: &repository,
        command: &command,
        target: &target,
        set: &set,
        base: &base,
        policy: &policy,
    };
    let locator = |_: &Field| Locator {
        service: target.service.clone(),
        environment: target.environment.clone(),
        directory: Some(directory.clone()),
        image: Some("registry.example.com/shop/checkout".to_owned()),
        pin: None,
    };
    plan(&wanted, &locator, &files)
}

/// The lines that would change, or why none would.
fn check(files: &[(&str, &str)], set: &[(&str, Value)]) -> String {
    match planned(files, set) {
        Ok(planned) => planned
            .plan
            .diff
            .lines()
            .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---"))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(refusal) => format!("{refusal}. {}", refusal.remedy()),
    }
}

#[test]
fn a_kustomization_has_the_last_word() {
    let deployment = DEPLOYMENT.replace("registry.example.com:5000/shop/checkout", "app");
    let files = [("kustomization.yaml", KUSTOMIZATION), ("deployment.yaml", &deployment)];
    assert_eq!(
        check(&files, &[("image_tag", json!("v1.2.5")), ("replicas", json!(5))]),
        "-  newTag: v1.2.4       # bumped by hand\n+  newTag: v1.2.5       # bumped by hand\n-  count: 3\n+  count: 5"
    );
}

#[test]
fn a_plain_manifest_keeps_registry_port_and_quotes() {
    assert_eq!(
        check(&[("deployment.yaml", DEPLOYMENT)], &[("image_tag", json!("v1.2.5"))]),
        "-        image: \"registry.example.com:5000/shop/checkout:v1.2.4\"\n+        image: \"registry.example.com:5000/shop/checkout:v1.2.5\""
    );
}

#[test]
fn helm_values_in_both_forms() {
    let map = "image:\n  repository: registry.example.com/shop/checkout\n  tag: \"1.9\"\nreplicaCount: 2\n";
    assert_eq!(
        check(&[("values.yaml", map), ("Chart.yaml", "name: x\n")], &[("image_tag", json!("1.10"))]),
        "-  tag: \"1.9\"\n+  tag: \"1.10\""
    );
    assert_eq!(
        check(&[("values.yaml", "image: shop/checkout:v1\n")], &[("image_tag", json!("v2"))]),
        "-image: shop/checkout:v1\n+image: shop/checkout:v2"
    );
}

#[test]
fn what_is_so_already_is_no_change() {
    let files = [("kustomization.yaml", KUSTOMIZATION)];
    assert_eq!(
        check(&files, &[("image_tag", json!("v1.2.4"))]),
        "`checkout` in `prod` is already at `v1.2.4`. Nothing to do."
    );
    assert_eq!(
        check(&files, &[("image_tag", json!("v1.2.4")), ("replicas", json!(3))]),
        "`checkout` in `prod` is already at `v1.2.4` and 3 replicas. Nothing to do."
    );
}

#[test]
fn two_places_are_no_place() {
    let two = "kind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: x, image: \"r/x:1\"}\n      - {name: y, image: \"r/y:1\"}\n";
    assert_eq!(
        check(&[("d.yaml", two)], &[("image_tag", json!("v2"))]),
        "`image_tag` could be `apps/checkout/prod/d.yaml` at `spec.template.spec.containers[name=x].image` or \
         `apps/checkout/prod/d.yaml` at `spec.template.spec.containers[name=y].image`. \
         Pin it in the catalog: `bindings: { image_tag: { file: <file>, path: <yaml path> } }` under the service."
    );
}

#[test]
fn an_image_listed_twice_is_told_apart_by_its_place() {
    let twice = "images:\n- {name: checkout, newTag: v1}\n- {name: checkout, newTag: v2}\n";
    assert!(check(&[("kustomization.yaml", twice)], &[("image_tag", json!("v3"))]).starts_with(
        "`image_tag` could be `apps/checkout/prod/kustomization.yaml` at `images[0].newTag` or \
         `apps/checkout/prod/kustomization.yaml` at `images[1].newTag`."
    ));
}

#[test]
fn a_version_that_yaml_takes_for_a_number_or_for_nothing_can_be_changed_and_recorded() {
    let tag = |tag: &str| format!("images:\n- name: checkout\n  newTag: {tag}\n");
    for (before, old) in [
        ("1.10", Some("1.10")),
        ("1e3", Some("1e3")),
        ("99999999999999999", Some("99999999999999999")),
        ("~", None),
        ("", None),
    ] {
        let plan = planned(&[("kustomization.yaml", &tag(before))], &[("image_tag", json!("v2"))]).unwrap().plan;
        assert_eq!(plan.edits[0].old, old.map(Value::from), "{before}");
        assert_eq!(plan.lines[0].old.as_deref(), old, "{before}");
    }
    let quoted = check(&[("kustomization.yaml", &tag("1.10"))], &[("image_tag", json!("1.10"))]);
    assert_eq!(quoted, "-  newTag: 1.10\n+  newTag: \"1.10\"");
}

#[test]
fn digests_templates_and_nothing_are_refused() {
    let pinned = "images:\n- name: checkout\n  newTag: v1\n  digest: sha256:abc\n";
    assert!(check(&[("kustomization.yaml", pinned)], &[("image_tag", json!("v2"))]).contains("pinned by digest"));
    let template = "images:\n- name: checkout\n  newTag: {{ .Values.tag }}\n";
    let refused = check(&[("kustomization.yaml", template)], &[("image_tag", json!("v2"))]);
    assert!(refused.contains("template"), "{refused}");
    assert!(check(&[], &[("image_tag", json!("v2"))]).starts_with("there are no files under `apps/checkout/prod`"));
}

#[test]
fn the_digest_does_not_depend_on_the_base_but_on_every_value() {
    let target =
        Target { service: Service::parse("checkout").unwrap(), environment: Environment::parse("prod").unwrap() };
    let command = CommandName::parse("deploy").unwrap();
    let edit = |new: &str| Edit {
        repository: ConnectionName::parse("deployments").unwrap(),
        path: RepoPath::parse("a.yaml").unwrap(),
        document: yaml::Document::Index(0),
        yaml_path: yaml::Path::root().key("a"),
        old: Some(json!("v1")),
        new: json!(new),
    };
    let one = digest(&command, &target, &[edit("v2"), edit("v3")]).unwrap();
    assert_eq!(one, digest(&command, &target, &[edit("v3"), edit("v2")]).unwrap());
    assert_ne!(one, digest(&command, &target, &[edit("v2"), edit("v4")]).unwrap());
    let canonical = r#"{"command":"deploy","edits":[{"document":0,"new":"v2","old":"v1","path":"a.yaml","repository":"deployments","yaml_path":"a"}],"environment":"prod","service":"checkout","v":1}"#;
    assert_eq!(digest(&command, &target, &[edit("v2")]).unwrap(), Digest::of(canonical.as_bytes()));
}
