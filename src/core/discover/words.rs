//! Words that people name environments by, and words that name a kind of directory rather than what is in it.

use crate::core::catalog::Landing;

/// Where changes may be fast.
const FAST: [&str; 22] = [
    "dev",
    "develop",
    "development",
    "devel",
    "test",
    "testing",
    "tst",
    "qa",
    "sandbox",
    "sbx",
    "staging",
    "stage",
    "stg",
    "preview",
    "previews",
    "review",
    "ephemeral",
    "demo",
    "local",
    "playground",
    "integration",
    "int",
];

/// Where changes are reviewed.
const REVIEWED: [&str; 10] =
    ["prod", "production", "prd", "live", "preprod", "uat", "acceptance", "acc", "nonprod", "dr"];

/// Parts of a region, a cloud or a cluster's number beside an environment's word.
const REGIONS: [&str; 42] = [
    "eu",
    "us",
    "uk",
    "de",
    "fr",
    "nl",
    "ap",
    "apac",
    "emea",
    "sa",
    "ca",
    "me",
    "af",
    "cn",
    "jp",
    "in",
    "au",
    "asia",
    "europe",
    "america",
    "africa",
    "australia",
    "north",
    "south",
    "east",
    "west",
    "central",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
    "gcp",
    "aws",
    "azure",
    "gke",
    "eks",
    "aks",
    "blue",
    "green",
    "global",
    "k8s",
    "cluster",
];

/// Directories whose children are environments.
const CONTAINERS: [&str; 9] =
    ["overlays", "overlay", "environments", "environment", "envs", "env", "clusters", "stages", "variants"];

/// Directories that say what kind of thing is below, and name no service.
const GENERIC: [&str; 62] = [
    "app",
    "apps",
    "application",
    "applications",
    "services",
    "service",
    "svc",
    "workloads",
    "workload",
    "deploy",
    "deployment",
    "deployments",
    "deployed",
    "k8s",
    "kubernetes",
    "kube",
    "manifests",
    "manifest",
    "kustomize",
    "overlays",
    "overlay",
    "envs",
    "env",
    "environments",
    "environment",
    "clusters",
    "cluster",
    "base",
    "bases",
    "components",
    "charts",
    "chart",
    "helm",
    "releases",
    "release",
    "helmrelease",
    "gitops",
    "argocd",
    "argo-cd",
    "argo",
    "flux",
    "flux-system",
    "config",
    "configs",
    "conf",
    "infra",
    "infrastructure",
    "tenants",
    "teams",
    "projects",
    "values",
    "resources",
    "templates",
    "stacks",
    "src",
    "yaml",
    "yamls",
    "variants",
    "stages",
    "common",
    "shared",
    "default",
];

/// Directories beside environments that are none themselves.
const SHARED: [&str; 14] = [
    "base",
    "bases",
    "common",
    "shared",
    "components",
    "default",
    "defaults",
    "global",
    "templates",
    "lib",
    "library",
    "modules",
    "config",
    "flux-system",
];

/// Names of files that say what is in them and name no service.
const PLAIN_STEMS: [&str; 36] = [
    "kustomization",
    "kustomize",
    "release",
    "helmrelease",
    "helm-release",
    "hr",
    "values",
    "value",
    "deployment",
    "deploy",
    "statefulset",
    "daemonset",
    "cronjob",
    "rollout",
    "application",
    "applicationset",
    "app",
    "apps",
    "chart",
    "namespace",
    "service",
    "all",
    "manifest",
    "manifests",
    "patch",
    "patches",
    "install",
    "index",
    "config",
    "ks",
    "workload",
    "values-override",
    "overrides",
    "main",
    "base",
    "resources",
];

/// Directories that nothing is deployed from.
const NEVER_DEPLOYED: [&str; 12] = [
    "testdata",
    "node_modules",
    "vendor",
    "archive",
    "archived",
    "_archived",
    "_archive",
    "fixtures",
    "e2e",
    "tests",
    "unittests",
    "hack",
];

/// Directories that show how, and are looked into only when nothing else was found.
const SHOWN_ONLY: [&str; 8] = ["examples", "example", "docs", "doc", "samples", "sample", "test", "demo"];

/// The environment's word in a name that is one (`prod-eu`, `eu-prod`, `production-us-east-1`, `staging2`).
pub(super) fn environment_word(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace("pre-prod", "preprod").replace("non-prod", "nonprod");
    let tokens: Vec<&str> = name.split(['-', '_', '.']).filter(|token| !token.is_empty()).collect();
    let word = |token: &&str| {
        let bare = token.trim_end_matches(|c: char| c.is_ascii_digit());
        FAST.into_iter().chain(REVIEWED).find(|word| *word == bare)
    };
    let (first, last) = (tokens.first()?, tokens.last()?);
    let found = word(first).or_else(|| word(last))?;
    let others = tokens.iter().filter(|token| word(token) != Some(found));
    others.into_iter().all(|token| is_region(token)).then_some(found)
}

/// `eu`, `west2`, `euw1`, `1`, `a`.
fn is_region(token: &str) -> bool {
    let bare = token.trim_end_matches(|c: char| c.is_ascii_digit());
    bare.len() <= 1 || REGIONS.contains(&bare) || (bare.len() < token.len() && bare.len() <= 4)
}

/// `checkout-prod` in its parts, when the last one is an environment and the first is none.
pub(super) fn service_and_environment(name: &str) -> Option<(&str, &str)> {
    let cuts = name.char_indices().filter(|(_, c)| matches!(c, '-' | '.' | '_'));
    let parts = cuts.filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    parts.into_iter().find(|(service, rest)| {
        environment_word(rest).is_some() && environment_word(service).is_none() && !is_region(service)
    })
}

/// How changes enter an environment of that name.
pub(super) fn landing_of(name: &str) -> Landing {
    let joint = || service_and_environment(name).and_then(|(_, environment)| environment_word(environment));
    match environment_word(name).or_else(joint) {
        Some(word) if FAST.contains(&word) => Landing::Commit,
        Some(_) | None => Landing::PullRequest,
    }
}

/// Whether the children of a directory of that name are environments.
pub(super) fn is_container(name: &str) -> bool {
    CONTAINERS.contains(&name)
}

/// Whether a directory's name says only what kind of thing is below.
pub(super) fn is_generic(name: &str) -> bool {
    GENERIC.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a directory beside environments is shared by them.
pub(super) fn is_shared(name: &str) -> bool {
    SHARED.contains(&name) || name.starts_with(['_', '.'])
}

/// Whether a file's name says only what is in it.
pub(super) fn is_plain_stem(stem: &str) -> bool {
    PLAIN_STEMS.contains(&stem.to_ascii_lowercase().as_str())
}

/// Whether nothing is deployed from a directory of that name.
pub(super) fn is_never_deployed(name: &str) -> bool {
    NEVER_DEPLOYED.contains(&name) || name.starts_with('.')
}

/// Whether a directory of that name shows how, rather than being deployed.
pub(super) fn is_shown_only(name: &str) -> bool {
    SHOWN_ONLY.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_known_by_their_names() {
        for (name, word) in [
            ("prod", "prod"),
            ("prod-eu", "prod"),
            ("eu-prod", "prod"),
            ("production-us-east-1", "production"),
            ("us-east-1-production", "production"),
            ("staging2", "staging"),
            ("pre-prod", "preprod"),
            ("Prod_EU", "prod"),
            ("dev", "dev"),
            ("uat-euw1", "uat"),
        ] {
            assert_eq!(environment_word(name), Some(word), "{name}");
        }
        for name in
            ["checkout-prod", "producer", "device", "apps", "live-ops", "test-runner", "eu", "development-tools"]
        {
            assert_eq!(environment_word(name), None, "{name}");
        }
        assert_eq!(service_and_environment("checkout-api-prod-eu"), Some(("checkout-api", "prod-eu")));
        assert_eq!(service_and_environment("prod-eu"), None);
        assert_eq!(service_and_environment("values-staging"), Some(("values", "staging")));
        assert_eq!(landing_of("staging-eu"), Landing::Commit);
        assert_eq!(landing_of("engineering-dev"), Landing::Commit);
        assert_eq!(landing_of("engineering-prod"), Landing::PullRequest);
        assert_eq!(landing_of("homelab"), Landing::PullRequest);
        assert_eq!(landing_of("uat"), Landing::PullRequest);
    }
}
