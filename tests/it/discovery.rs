//! `init` and `check` on the ways that people lay out repositories: small ones written here, and the corpora beside
//! the project where they are. What is proposed is compared with what a person reads in the files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Instant,
};

use serde_json::Value;
use tempfile::TempDir;

fn leverframe(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_leverframe")).args(arguments).output().unwrap()
}

fn laid_out(files: &[(&str, String)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

/// What `init --json` says: environments, services with images, bindings, and what was left, one a line.
fn said(root: &Path) -> (Vec<String>, Value) {
    let out = leverframe(&["init", root.to_str().unwrap(), "--json"]);
    let found: Value = serde_json::from_slice(&out.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut lines = Vec::new();
    for environment in found["environments"].as_array().unwrap() {
        let mut line =
            format!("{} {} {}", text(&environment["name"]), text(&environment["path"]), text(&environment["landing"]));
        for key in ["cluster", "namespace", "reconciler"] {
            if let Some(value) = environment[key].as_str() {
                line.push_str(&format!(" {key}={value}"));
            }
        }
        lines.push(line);
    }
    for binding in found["bindings"].as_array().unwrap() {
        lines.push(format!(
            "{}/{} {} {} {}#{}",
            text(&binding["service"]),
            text(&binding["environment"]),
            text(&binding["field"]),
            text(&binding["value"]),
            text(&binding["file"]),
            text(&binding["path"])
        ));
    }
    (lines, found)
}

/// Proposes, writes and checks: what is proposed is exactly that, the catalog loads, and nothing in it is red.
fn check(files: &[(&str, String)], expected: &[&str]) -> Value {
    let root = laid_out(files);
    let (lines, found) = said(root.path());
    assert_eq!(lines, expected, "{}", found["not_placed"]);
    let path = root.path().to_str().unwrap();
    let written = leverframe(&["init", path]);
    assert_eq!(written.status.code(), Some(i32::from(expected.is_empty())), "{written:?}");
    if !expected.is_empty() {
        let checked = leverframe(&["check", "--repo", path]);
        assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));
        let again = leverframe(&["init", path]);
        let words = String::from_utf8(again.stderr).unwrap();
        assert!(again.status.code() == Some(1) && words.contains("is there already"), "{words}");
    }
    found
}

fn left(found: &Value) -> Vec<String> {
    let line = |left: &Value| format!("{}: {}", left["what"].as_str().unwrap(), left["why"].as_str().unwrap());
    found["not_placed"].as_array().unwrap().iter().map(line).collect()
}

fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 2\n  selector: {{ matchLabels: {{ app: {name} }} }}\n  template:\n    spec:\n      containers:\n        - name: {name}\n          image: {image}\n"
    )
}

fn overlay(base: &str, image: &str, tag: &str) -> String {
    format!("resources:\n  - {base}\nimages:\n  - name: {image}\n    newTag: {tag}\n")
}

fn flux(name: &str, path: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n  namespace: flux-system\nspec:\n  path: ./{path}\n"
    )
}

fn application(name: &str, path: &str, (cluster, namespace): (&str, &str)) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\nspec:\n  source:\n    repoURL: https://git.example.com/shop.git\n    path: {path}\n  destination:\n    name: {cluster}\n    namespace: {namespace}\n"
    )
}

#[test]
fn a_directory_for_each_service_and_in_it_one_for_each_environment() {
    let mut files = Vec::new();
    for (service, image) in [("cart", "ghcr.io/acme/cart"), ("search", "ghcr.io/acme/search")] {
        for (environment, tag) in [("dev", "v3"), ("prod-eu", "v1"), ("prod-us", "v2")] {
            let directory = format!("apps/{service}/{environment}");
            files.push((format!("{directory}/kustomization.yaml"), overlay("../base", image, tag)));
        }
        files.push((format!("apps/{service}/base/deployment.yaml"), deployment(service, image)));
    }
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let found = check(
        &files,
        &[
            "dev apps/{service}/dev commit",
            "prod-eu apps/{service}/prod-eu pull_request",
            "prod-us apps/{service}/prod-us pull_request",
            "cart/dev image_tag v3 apps/cart/dev/kustomization.yaml#images[name=ghcr.io/acme/cart].newTag",
            "cart/prod-eu image_tag v1 apps/cart/prod-eu/kustomization.yaml#images[name=ghcr.io/acme/cart].newTag",
            "cart/prod-us image_tag v2 apps/cart/prod-us/kustomization.yaml#images[name=ghcr.io/acme/cart].newTag",
            "search/dev image_tag v3 apps/search/dev/kustomization.yaml#images[name=ghcr.io/acme/search].newTag",
            "search/prod-eu image_tag v1 apps/search/prod-eu/kustomization.yaml#images[name=ghcr.io/acme/search].newTag",
            "search/prod-us image_tag v2 apps/search/prod-us/kustomization.yaml#images[name=ghcr.io/acme/search].newTag",
        ],
    );
    assert_eq!(found["services"]["cart"]["image"], "ghcr.io/acme/cart");
    let catalog = found["catalog"].as_str().unwrap();
    assert!(catalog.contains("environment_groups:\n  prod: [prod-eu, prod-us]\n"), "{catalog}");
    assert!(!catalog.contains("discover"), "{catalog}");
    let shared = "every environment that includes it shares it, so a change there is a change everywhere";
    assert_eq!(left(&found), [format!("`apps/cart/base`: {shared}"), format!("`apps/search/base`: {shared}")]);
}

#[test]
fn a_directory_for_each_cluster_that_flux_follows() {
    let files = [
        ("clusters/staging/cart/deployment.yaml", deployment("cart", "ghcr.io/acme/cart:v2")),
        ("clusters/production/cart/deployment.yaml", deployment("cart", "ghcr.io/acme/cart:v1")),
        ("clusters/staging/apps.yaml", flux("apps", "clusters/staging")),
        ("clusters/production/apps.yaml", flux("apps", "clusters/production")),
    ];
    let reconciler = "reconciler={ flux: \"Kustomization/apps\" }";
    check(
        &files,
        &[
            &format!("production clusters/production/{{service}} pull_request cluster=production {reconciler}"),
            &format!("staging clusters/staging/{{service}} commit cluster=staging {reconciler}"),
            "cart/production image_tag v1 clusters/production/cart/deployment.yaml#spec.template.spec.containers[name=cart].image",
            "cart/production replicas 2 clusters/production/cart/deployment.yaml#spec.replicas",
            "cart/staging image_tag v2 clusters/staging/cart/deployment.yaml#spec.template.spec.containers[name=cart].image",
            "cart/staging replicas 2 clusters/staging/cart/deployment.yaml#spec.replicas",
        ],
    );
}

#[test]
fn an_environment_at_the_top_with_a_directory_or_a_file_for_each_service() {
    let image = "#spec.template.spec.containers[name=cart].image";
    let files = [
        ("uat/cart/all.yaml", deployment("cart", "ghcr.io/acme/cart:v2")),
        ("prod/cart/all.yaml", deployment("cart", "ghcr.io/acme/cart:v1")),
        ("docs/prod/cart.yaml", deployment("cart", "ghcr.io/acme/cart:v0")),
    ];
    check(
        &files,
        &[
            "prod prod/{service} pull_request",
            "uat uat/{service} pull_request",
            &format!("cart/prod image_tag v1 prod/cart/all.yaml{image}"),
            "cart/prod replicas 2 prod/cart/all.yaml#spec.replicas",
            &format!("cart/uat image_tag v2 uat/cart/all.yaml{image}"),
            "cart/uat replicas 2 uat/cart/all.yaml#spec.replicas",
        ],
    );
    let files = [
        ("apps/sandbox/cart.yaml", deployment("cart", "ghcr.io/acme/cart:v2")),
        ("apps/live/cart.yaml", deployment("cart", "ghcr.io/acme/cart:v1")),
        ("apps/live/kustomization.yaml", "resources: [cart.yaml]\n".to_owned()),
    ];
    check(
        &files,
        &[
            "live apps/live/{service}.yaml pull_request",
            "sandbox apps/sandbox/{service}.yaml commit",
            &format!("cart/live image_tag v1 apps/live/cart.yaml{image}"),
            "cart/live replicas 2 apps/live/cart.yaml#spec.replicas",
            &format!("cart/sandbox image_tag v2 apps/sandbox/cart.yaml{image}"),
            "cart/sandbox replicas 2 apps/sandbox/cart.yaml#spec.replicas",
        ],
    );
}

#[test]
fn bases_with_overlays() {
    let files = [
        ("services/cart/base/deployment.yaml", deployment("cart", "cart")),
        ("services/cart/base/kustomization.yaml", "resources: [deployment.yaml]\n".to_owned()),
        ("services/cart/overlays/staging/kustomization.yaml", overlay("../../base", "cart", "v2")),
        ("services/cart/overlays/production/kustomization.yaml", overlay("../../base", "cart", "v1")),
    ];
    check(
        &files,
        &[
            "production services/{service}/overlays/production pull_request",
            "staging services/{service}/overlays/staging commit",
            "cart/production image_tag v1 services/cart/overlays/production/kustomization.yaml#images[name=cart].newTag",
            "cart/production replicas 2 services/cart/overlays/production/kustomization.yaml#replicas[name=cart].count",
            "cart/staging image_tag v2 services/cart/overlays/staging/kustomization.yaml#images[name=cart].newTag",
            "cart/staging replicas 2 services/cart/overlays/staging/kustomization.yaml#replicas[name=cart].count",
        ],
    );
}

#[test]
fn a_name_and_an_environment_in_one_directory() {
    let mut files = Vec::new();
    for (directory, tag) in [("cart-dev", "v3"), ("cart-prod", "v2"), ("search-dev", "v9"), ("search-prod", "v8")] {
        let name = directory.split('-').next().unwrap();
        files.push((format!("k8s/{directory}/app.yaml"), deployment(name, &format!("acme/{name}:{tag}"))));
    }
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let found = check(
        &files,
        &[
            "dev k8s/{service}-dev commit",
            "prod k8s/{service}-prod pull_request",
            "cart/dev image_tag v3 k8s/cart-dev/app.yaml#spec.template.spec.containers[name=cart].image",
            "cart/dev replicas 2 k8s/cart-dev/app.yaml#spec.replicas",
            "cart/prod image_tag v2 k8s/cart-prod/app.yaml#spec.template.spec.containers[name=cart].image",
            "cart/prod replicas 2 k8s/cart-prod/app.yaml#spec.replicas",
            "search/dev image_tag v9 k8s/search-dev/app.yaml#spec.template.spec.containers[name=search].image",
            "search/dev replicas 2 k8s/search-dev/app.yaml#spec.replicas",
            "search/prod image_tag v8 k8s/search-prod/app.yaml#spec.template.spec.containers[name=search].image",
            "search/prod replicas 2 k8s/search-prod/app.yaml#spec.replicas",
        ],
    );
    assert_eq!(left(&found), [""; 0]);
}

#[test]
fn applications_say_cluster_namespace_and_reconciler() {
    let mut files = Vec::new();
    for service in ["cart", "search"] {
        for environment in ["staging", "prod"] {
            let path = format!("manifests/{service}/{environment}");
            let name = format!("{service}-{environment}");
            files.push((format!("{path}/deployment.yaml"), deployment(service, &format!("acme/{service}:v1"))));
            let at = (&*format!("{environment}-eu"), service);
            files.push((format!("argocd/{environment}/{service}.yaml"), application(&name, &path, at)));
        }
    }
    files.push(("argocd/root.yaml".to_owned(), application("root", "argocd/prod", ("in-cluster", "argocd"))));
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let root = laid_out(&files);
    let (lines, _) = said(root.path());
    assert_eq!(
        &lines[..2],
        [
            "prod manifests/{service}/prod pull_request cluster=prod-eu reconciler={ argocd: \"{service}-prod\" }",
            "staging manifests/{service}/staging commit cluster=staging-eu reconciler={ argocd: \"{service}-staging\" }",
        ]
    );
    assert_eq!(lines.len(), 2 + 8);
}

#[test]
fn an_application_set_names_environments_that_look_like_services() {
    let set = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata:\n  name: shop\nspec:\n  generators:\n    - list:\n        elements:\n          - cluster: engineering-dev\n          - cluster: engineering-prod\n  template:\n    metadata:\n      name: '{{.cluster}}-shop'\n    spec:\n      source:\n        path: shop/{{.cluster}}\n      destination:\n        name: '{{.cluster}}'\n        namespace: web\n";
    let files = [
        ("set.yaml", set.to_owned()),
        ("shop/engineering-dev/app.yaml", deployment("shop", "acme/shop:v2")),
        ("shop/engineering-prod/app.yaml", deployment("shop", "acme/shop:v1")),
    ];
    let root = laid_out(&files);
    let (lines, _) = said(root.path());
    let after = "namespace=web reconciler={ argocd: \"engineering";
    assert_eq!(
        &lines[..2],
        [
            format!(
                "engineering-dev {{service}}/engineering-dev commit cluster=engineering-dev {after}-dev-{{service}}\" }}"
            ),
            format!(
                "engineering-prod {{service}}/engineering-prod pull_request cluster=engineering-prod {after}-prod-{{service}}\" }}"
            ),
        ]
    );
}

#[test]
fn a_home_without_environments() {
    let mut files = Vec::new();
    for (namespace, app) in [("media", "plex"), ("media", "radarr"), ("dev", "gitea"), ("network", "coredns")] {
        let directory = format!("kubernetes/apps/{namespace}/{app}");
        files.push((format!("{directory}/ks.yaml"), flux(app, &format!("{directory}/app"))));
        files.push((format!("{directory}/app/deployment.yaml"), deployment(app, &format!("ghcr.io/home/{app}:1.0"))));
        files.push((format!("{directory}/app/kustomization.yaml"), "resources: [deployment.yaml]\n".to_owned()));
    }
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let root = laid_out(&files);
    let (lines, found) = said(root.path());
    let reconciler = "reconciler={ flux: \"Kustomization/{service}\" }";
    assert_eq!(lines[0], format!("default kubernetes/apps/*/{{service}} pull_request {reconciler}"));
    assert_eq!(lines.len(), 1 + 8, "{lines:?}");
    assert_eq!(found["not_placed"].as_array().unwrap().len(), 0);
}

#[test]
fn one_chart_with_values_for_each_environment() {
    let values = |tag: &str| format!("image:\n  repository: ghcr.io/acme/cart\n  tag: {tag}\n");
    let files = [
        ("charts/cart/Chart.yaml", "apiVersion: v2\nname: cart\nversion: 0.1.0\n".to_owned()),
        ("charts/cart/values.yaml", format!("replicaCount: 1\n{}", values("v0"))),
        ("charts/cart/values-staging.yaml", values("v2")),
        ("charts/cart/values-prod.yaml", format!("replicaCount: 3\n{}", values("v1"))),
        ("charts/cart/templates/deployment.yaml", "kind: Deployment\nspec: {{ .Values }}\n".to_owned()),
    ];
    let found = check(
        &files,
        &[
            "prod charts/{service}/values-prod.yaml pull_request",
            "staging charts/{service}/values-staging.yaml commit",
            "cart/prod image_tag v1 charts/cart/values-prod.yaml#image.tag",
            "cart/prod replicas 3 charts/cart/values-prod.yaml#replicaCount",
            "cart/staging image_tag v2 charts/cart/values-staging.yaml#image.tag",
            "cart/staging replicas 1 charts/cart/values-staging.yaml#replicaCount",
        ],
    );
    assert_eq!(found["bindings"][3]["there"], false);
    assert_eq!(found["services"]["cart"]["image"], "ghcr.io/acme/cart");
}

#[test]
fn a_release_whose_chart_keeps_its_image_deep_is_pinned() {
    let release = |name: &str, container: &str, beside: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: {name}\nspec:\n  values:\n    stack:\n      parts:\n        first:\n          containers:\n            {container}:\n              image: {{ repository: quay.io/x/{name}-server, tag: v1 }}\n{beside}"
        )
    };
    let vpn = "            vpn:\n              image: { repository: quay.io/x/vpn, tag: v9 }\n";
    let files = [
        ("k8s/apps/media/plex/helmrelease.yaml", release("plex", "app", "")),
        ("k8s/apps/media/radarr/helmrelease.yaml", release("radarr", "main", vpn)),
        ("k8s/apps/web/odd/helmrelease.yaml", release("odd", "x", vpn)),
    ];
    let found = check(
        &files,
        &[
            "default k8s/apps/*/{service} pull_request",
            "plex/default image_tag v1 k8s/apps/media/plex/helmrelease.yaml#spec.values.stack.parts.first.containers.app.image.tag",
            "radarr/default image_tag v1 k8s/apps/media/radarr/helmrelease.yaml#spec.values.stack.parts.first.containers.main.image.tag",
        ],
    );
    let why = "no version and no replica count of its own is written there";
    assert_eq!(left(&found), [format!("odd in default (`k8s/apps/web/odd`): {why}")]);
}

#[test]
fn a_part_of_a_chart_is_not_taken_for_the_whole() {
    let release = |values: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: x\nspec:\n  values:\n{values}"
        )
    };
    let two = "    controllers:\n      connect:\n        containers:\n          api:\n            image: { repository: x/connect-api-1, tag: v1 }\n          sync:\n            image: { repository: x/sync, tag: v1 }\n";
    let counts = "    backend:\n      replicas: 0\n    read:\n      replicas: 0\n";
    let files = [
        ("apps/prod/vault/release.yaml", release(two)),
        ("apps/prod/loki/release.yaml", release(counts)),
        ("apps/prod/cart/app.yaml", deployment("cart", "acme/cart:v1")),
    ];
    let found = check(
        &files,
        &[
            "prod apps/prod/{service} pull_request",
            "cart/prod image_tag v1 apps/prod/cart/app.yaml#spec.template.spec.containers[name=cart].image",
            "cart/prod replicas 2 apps/prod/cart/app.yaml#spec.replicas",
        ],
    );
    assert_eq!(left(&found).len(), 2, "{:?}", left(&found));
}

#[test]
fn what_may_be_anothers_version_is_left_out_with_the_reason() {
    let two = deployment("cart", "acme/shop:v1") + "        - name: proxy\n          image: acme/proxy:v7\n";
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\nspec:\n  template:\n    spec:\n      containers:\n        - name: proxy\n          image: acme/proxy:v8\n";
    let files = [
        ("apps/cart/base/deployment.yaml", two.clone()),
        ("apps/cart/base/kustomization.yaml", "resources: [deployment.yaml]\n".to_owned()),
        ("apps/cart/prod/kustomization.yaml", overlay("../base", "acme/proxy", "v8")),
        ("apps/side/prod/kustomization.yaml", "resources: [../base]\npatches: [{ path: patch.yaml }]\n".to_owned()),
        ("apps/side/prod/patch.yaml", patch.to_owned()),
        ("apps/both/prod/all.yaml", two.replace("name: cart", "name: x")),
        ("apps/good/prod/all.yaml", deployment("good", "acme/good:v1")),
    ];
    let found = check(
        &files,
        &[
            "prod apps/{service}/prod pull_request",
            "good/prod image_tag v1 apps/good/prod/all.yaml#spec.template.spec.containers[name=good].image",
            "good/prod replicas 2 apps/good/prod/all.yaml#spec.replicas",
        ],
    );
    let left = left(&found);
    let why = |name: &str| left.iter().find(|left| left.starts_with(name)).unwrap_or_else(|| panic!("{left:?}"));
    assert!(why("cart in prod").contains("one of 2 images"), "{left:?}");
    assert!(why("side in prod").contains("its only version is that of `acme/proxy`, which a patch adds or changes"));
    assert!(why("both in prod").contains("`image_tag` could be"));
    assert!(found["catalog"].as_str().unwrap().contains("discover: false\n"));
}

#[test]
fn a_kustomization_above_has_the_last_word() {
    let files = [
        ("prod/cart/deployment.yaml", deployment("cart", "acme/cart:v1")),
        ("prod/search/deployment.yaml", deployment("search", "acme/search:v1")),
        (
            "prod/kustomization.yaml",
            "resources: [cart, search]\nimages: [{ name: acme/cart, newTag: v2 }]\n".to_owned(),
        ),
    ];
    let found = check(
        &files,
        &[
            "prod prod/{service} pull_request",
            "search/prod image_tag v1 prod/search/deployment.yaml#spec.template.spec.containers[name=search].image",
            "search/prod replicas 2 prod/search/deployment.yaml#spec.replicas",
        ],
    );
    let why = "cart in prod (`prod/cart`): `prod/kustomization.yaml` sets the version of that image over it";
    assert!(left(&found).contains(&why.to_owned()), "{:?}", left(&found));
}

#[test]
fn a_repository_at_a_url_is_read_and_only_printed() {
    let folder = tempfile::tempdir().unwrap();
    let repository =
        git2::Repository::init_opts(folder.path(), git2::RepositoryInitOptions::new().bare(true).initial_head("trunk"))
            .unwrap();
    let mut tree = git2::build::TreeUpdateBuilder::new();
    for (path, tag) in [("prod/cart/app.yaml", "v1"), ("dev/cart/app.yaml", "v2")] {
        let blob = repository.blob(deployment("cart", &format!("acme/cart:{tag}")).as_bytes()).unwrap();
        tree.upsert(path, blob, git2::FileMode::Blob);
    }
    let empty = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let tree = repository.find_tree(tree.create_updated(&repository, &empty).unwrap()).unwrap();
    let who = git2::Signature::new("Ana", "ana@example.com", &git2::Time::new(0, 0)).unwrap();
    repository.commit(Some("refs/heads/trunk"), &who, &who, "all", &tree, &[]).unwrap();
    let url = format!("file://{}", folder.path().display());
    let out = leverframe(&["init", &url]);
    let (catalog, table) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert_eq!(out.status.code(), Some(0), "{table}");
    assert!(catalog.contains("path: \"prod/{service}\"") && catalog.contains("path: \"dev/{service}\""), "{catalog}");
    assert!(table.starts_with("2 files: 2 environments, 1 services, 2 targets, 4 fields found."), "{table}");
    let out = leverframe(&["init", &url, "--branch", "main"]);
    let words = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.code() == Some(1) && words.contains("`main`"), "{words}");
    let out = leverframe(&["init", &format!("{url}-not-there")]);
    assert_eq!((out.status.code(), out.stdout.is_empty()), (Some(1), true));
}

#[test]
fn two_environments_with_one_value_are_red() {
    let files = [
        ("apps/cart/values.yaml", "image: { repository: acme/cart, tag: v1 }\n".to_owned()),
        (
            ".leverframe/catalog.yaml",
            "environments:\n  dev: { path: \"apps/{service}\", landing: commit }\n  prod: { path: \"apps/{service}\" }\n".to_owned(),
        ),
    ];
    let root = laid_out(&files);
    let out = leverframe(&["check", "--repo", root.path().to_str().unwrap()]);
    let text = String::from_utf8(out.stdout).unwrap();
    let red = "RED: cart in dev, `image_tag`: `image_tag` of cart in prod would change, too: it reads `apps/cart/values.yaml` as well.";
    assert!(out.status.code() == Some(1) && text.contains(red), "{text}");
}

#[test]
fn a_repository_that_deploys_nothing_gets_no_catalog() {
    let files = [("README.md", "# Nothing\n".to_owned()), ("config/a.yaml", "a: 1\n".to_owned())];
    let found = check(&files, &[]);
    assert_eq!(found["catalog"], Value::Null);
    let files = [("overlays/prod/kustomization.yaml", overlay("../../base", "acme/cart", "v1"))];
    let found = check(&files, &[]);
    let why = "`overlays/prod`: no step of its path names one service; an environment's path needs `{service}` in it";
    assert_eq!(left(&found), [why]);
}

/// The repositories that people wrote, where they lie beside the project.
fn repositories() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where the reading material lies is for tests alone to know")]
    let folder = std::env::var("LEVERFRAME_SHARED").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let Ok(entries) = fs::read_dir(folder.join("corpora/gitops")) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir() && path.file_name().is_some_and(|name| name != "licences"));
    found.sort();
    found
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn the_repositories_of_others() {
    let repositories = repositories();
    if repositories.is_empty() {
        println!("SKIPPED: the corpora are not beside the project");
    }
    let mut table =
        vec![["repository", "files", "envs", "services", "targets", "fields", "not placed", "ms"].map(str::to_owned)];
    for repository in repositories {
        let root = tempfile::tempdir().unwrap();
        copied(&repository, root.path());
        let path = root.path().to_str().unwrap();
        #[expect(clippy::disallowed_methods, reason = "how long it took is told, and nothing depends on it")]
        let started = Instant::now();
        let (_, found) = said(root.path());
        let took = started.elapsed().as_millis();
        let name = repository.file_name().unwrap().to_str().unwrap().to_owned();
        let proposed = !found["environments"].as_array().unwrap().is_empty();
        assert_eq!(leverframe(&["init", path]).status.code(), Some(i32::from(!proposed)), "{name}");
        if proposed {
            let checked = leverframe(&["check", "--repo", path]);
            assert_eq!(checked.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&checked.stdout));
        }
        for binding in found["bindings"].as_array().unwrap() {
            let text = fs::read_to_string(root.path().join(binding["file"].as_str().unwrap())).unwrap();
            let value = binding["value"].as_str().unwrap_or_default();
            assert!(text.contains(value) || binding["there"] == false, "{name}: {binding}");
        }
        let count = |key: &str| match &found[key] {
            Value::Array(list) => list.len().to_string(),
            Value::Object(map) => map.len().to_string(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found[key].to_string(),
        };
        let counts = ["files", "environments", "services", "targets", "bindings", "not_placed"].map(count);
        let [files, environments, services, targets, fields, left] = counts;
        table.push([name, files, environments, services, targets, fields, left, took.to_string()]);
    }
    for row in table {
        println!("{}", row.join(" | "));
    }
}
