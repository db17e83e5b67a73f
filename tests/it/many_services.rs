//! A repository of very many services, for the test and the bench of them.

use std::fmt::Write as _;

use leverframe::core::{
    change::SourceFile,
    names::{CommitId, RepoPath},
};

/// How many services.
pub(crate) const SERVICES: usize = 10_000;

/// The catalog, as a file of a commit, and the paths of all files: two environments for each service.
pub(crate) fn repository(services: usize) -> (CommitId, Vec<SourceFile>, Vec<RepoPath>) {
    let mut catalog = String::from("environments:\n");
    for environment in ["staging", "prod"] {
        writeln!(catalog, "  {environment}: {{ path: \"apps/{{service}}/{environment}\", landing: commit }}").unwrap();
    }
    catalog.push_str("services:\n");
    let mut paths = Vec::new();
    for service in (0..services).map(|number| format!("s{number:05}")) {
        writeln!(catalog, "  {service}: {{ team: t, image: registry.example.com/acme/{service} }}").unwrap();
        for place in ["prod/deployment", "prod/kustomization", "staging/deployment", "staging/kustomization"] {
            paths.push(RepoPath::parse(&format!("apps/{service}/{place}.yaml")).unwrap());
        }
    }
    let path = RepoPath::parse(".leverframe/catalog.yaml").unwrap();
    let catalog = SourceFile { path, text: catalog, blob: "b".repeat(40) };
    (CommitId::parse(&"a".repeat(40)).unwrap(), vec![catalog], paths)
}
