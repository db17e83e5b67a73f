//! A repository of very many services: its rules load, and names are offered while somebody types. How fast is for
//! `cargo bench --bench catalog`; here it only must come to an end.

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use leverframe::{
        chat::discord::suggest::{self, Draft},
        clock,
        core::rules::Rules,
    };

    use super::{SERVICES, repository};

    #[test]
    fn ten_thousand_services_load_and_are_offered() {
        let began = clock::now();
        let (commit, files, paths) = repository(SERVICES);
        let rules = Rules::read(commit, &files, &paths).unwrap();
        assert_eq!(rules.services.len(), SERVICES);
        let offered =
            |text: &str| suggest::choices(&rules, Draft { command: "deploy", option: "service", text, others: &[] });
        assert_eq!(offered("s0999").first().map(String::as_str), Some("s09990"));
        assert_eq!(offered("").len(), 25);
        assert!(offered("nothing-like-it").is_empty());
        // Far beyond what an unoptimised build takes on a busy machine; quadratic work would take longer still.
        let took = Duration::try_from(clock::now().duration_since(began)).unwrap();
        assert!(took < Duration::from_secs(120), "{took:?}");
    }
}
