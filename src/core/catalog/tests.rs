//! The catalog, text in, rules or messages out.

mod mistakes;

use super::*;
use crate::core::names::CommandName;

const EVERYTHING: &str = r#"
environments:
  lab: { path: "k8s/{service}/lab", landing: commit, namespace: "lab-{service}", drift: ignore }
  live-north:
    path: "k8s/{service}/live-north"
    landing: pull_request
    merge: rebase
    cluster: north
    namespace: "{service}"
    drift: debt
    reconciler: { argocd: "{service}-north", namespace: argo }
    time_zone: America/Argentina/Ushuaia
    approvals:
      deploy: { count: 2, from: [team:shop, group:wardens, person:dan], expires: 4h }
      scale: { count: 1 }
      breakglass: { count: 1, from: [group:wardens, "oncall:opsgenie/S-1"] }
      during: { sev1: { deploy: { count: 1 }, scale: { count: 0, landing: commit } } }
  live-south:
    like: live-north
    path: "k8s/{service}/live-south"
    cluster: south
    reconciler: { flux: HelmRelease/all }
    approvals:
      scale: { count: 0 }
      during: { sev1: { scale: { expires: 5m } }, sev2: { deploy: { from: [group:wardens] } } }
  spare: { like: live-south, path: "k8s/{service}/spare", merge: by_hand, reconciler: none, repository: extra }
environment_groups: { live: [live-north, 90s, live-south] }
services:
  basket: { team: shop, image: registry.example.org:5000/shop/basket }
  books:
    team: money
    bindings:
      image_tag: { file: chart/values.yaml, path: "images[0].tag", document: Deployment/books }
      config.MODE: { file: cm.yaml, path: data.MODE, document: 2 }
discover: true
locked:
  - { environment: live, field: "config.DSN*", because: "the money team sets it" }
  - { service: books, path: k8s/books/lab/secret.yaml }
  - { path: k8s/frozen }
sensitive: ["config.*_TOKEN", env.PASSWORD]
limits: { replicas: { min: 1, max: 9 } }
people:
  ann: { name: Ann Lee, email: ann@example.org, slack: U0ANN, discord: "77", github: Ann-L, ssh: "ssh-ed25519 AAAAC3 ann@laptop", teams: [shop], groups: [wardens] }
  dan: { slack: W0DAN, groups: [wardens] }
  guest: { name: Guy Est, slack: U0GUY, guest_until: 2027-03-31, teams: [shop] }
  lone: {}
channels: { home: C0HOME, audit: audit-log, incident_prefix: fire- }
tickets: { webhook: "https://tickets.example.org/new?queue=drift", labels: [drift], priority: high }
commands: { name: lever, bare: [deploy, rollback] }
"#;

fn parsed(text: &str) -> Catalog {
    Catalog::parse(text, "catalog.yaml").unwrap_or_else(|problems| panic!("{problems}"))
}
fn environment(name: &str) -> Environment {
    Environment::parse(name).unwrap()
}
fn service(name: &str) -> Service {
    Service::parse(name).unwrap()
}
fn command(name: &str) -> CommandName {
    CommandName::parse(name).unwrap()
}
fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}
fn target(name: &str, place: &str) -> Target {
    Target { service: service(name), environment: environment(place) }
}

#[test]
fn environments_have_their_rules() {
    let catalog = parsed(EVERYTHING);
    let north = catalog.environment(&environment("live-north")).unwrap();
    assert_eq!(north.path_of(&service("basket")).unwrap().as_str(), "k8s/basket/live-north");
    assert_eq!((north.landing, north.merge, north.drift), (Landing::PullRequest, MergeMethod::Rebase, Drift::Debt));
    assert_eq!(north.cluster.as_ref().unwrap().as_str(), "north");
    assert_eq!(north.time_zone.as_ref().unwrap().as_str(), "America/Argentina/Ushuaia");
    let deploy = north.approvals_for(&command("deploy")).unwrap();
    assert_eq!((deploy.count, deploy.expires.to_string().as_str()), (2, "4h"));
    let from: Vec<String> = deploy.from.iter().map(Approvers::to_string).collect();
    assert_eq!(from, ["team:shop", "group:wardens", "person:dan"]);
    assert_eq!(north.approvals_for(&command("scale")).unwrap().expires.to_string(), "1h");
    assert!(north.approvals_for(&command("rollback")).is_none());
    let lab = catalog.environment(&environment("lab")).unwrap();
    assert_eq!((lab.landing, lab.namespace_of(&service("basket")).as_str()), (Landing::Commit, "lab-basket"));
    assert!(catalog.environment(&environment("live")).is_none());
    assert_eq!(catalog.groups()[0].steps[0].healthy_for.unwrap().to_string(), "90s");
}

#[test]
fn defaults_protect() {
    let catalog = parsed("environments: { prod: { path: \"apps/{service}\" } }");
    let rules = &catalog.environments()[0];
    assert_eq!((rules.landing, rules.merge, rules.drift), (Landing::PullRequest, MergeMethod::Squash, Drift::Report));
    assert_eq!((&rules.reconciler, &rules.cluster, &rules.time_zone), (&Reconciler::None, &None, &None));
    assert_eq!(rules.namespace_of(&service("a")), "a");
    assert_eq!(catalog.commands(), &CommandNames { name: command("lf"), bare: Vec::new() });
    assert_eq!(catalog.replica_limits(), ReplicaLimits { min: 0, max: None });
    assert!(catalog.not_supported_yet().is_empty() && catalog.warnings().is_empty());
    assert_eq!(catalog.discovered(&[path("apps/a/x.yaml")]).len(), 1);
}

#[test]
fn commands_are_spelled_as_they_are_registered() {
    let names = CommandNames { name: command("lf"), bare: vec![command("deploy")] };
    let known = |word: &str| matches!(word, "deploy" | "status" | "unfreeze");
    for (text, spelled) in [
        ("Type `/status` alone.", "Type `/lf status` alone."),
        ("`/deploy checkout`, then `/unfreeze prod`", "`/deploy checkout`, then `/lf unfreeze prod`"),
        ("`/lf status`, `/invite @bot`, `/dev/urandom`", "`/lf status`, `/invite @bot`, `/dev/urandom`"),
        ("/status without quotes, `x`", "/status without quotes, `x`"),
    ] {
        assert_eq!(names.spelled(known, text), spelled);
    }
}

#[test]
fn like_takes_over_key_by_key_and_approvals_command_by_command() {
    let catalog = parsed(EVERYTHING);
    let south = catalog.environment(&environment("live-south")).unwrap();
    assert_eq!((south.merge, south.drift), (MergeMethod::Rebase, Drift::Debt));
    assert_eq!(south.approvals_for(&command("deploy")).unwrap().count, 2);
    assert_eq!(south.approvals_for(&command("scale")).unwrap().count, 0);
    let during = |severity: &str| south.approvals.during.get(&Severity::parse(severity).unwrap()).unwrap();
    assert_eq!(during("sev1").get(&command("deploy")).unwrap().count, Some(1));
    let scale = during("sev1").get(&command("scale")).unwrap();
    assert_eq!((scale.count, scale.landing, scale.expires), (None, None, crate::core::span::Span::parse("5m").ok()));
    assert!(during("sev2").contains_key(&command("deploy")));
    let spare = catalog.environment(&environment("spare")).unwrap();
    assert_eq!((spare.merge, &spare.reconciler), (MergeMethod::ByHand, &Reconciler::None));
    assert_eq!(spare.approvals, south.approvals);
    assert_eq!(spare.cluster, south.cluster);
}

#[test]
fn people_are_found_by_account() {
    let catalog = parsed(EVERYTHING);
    let id = |person: Option<&Person>| person.map(|person| person.id.to_string());
    let ann = Some("ann".to_owned());
    assert_eq!(id(catalog.person_by_slack("U0ANN")), ann);
    assert_eq!(id(catalog.person_by_github("ann-l")), ann);
    assert_eq!(id(catalog.person_by(Platform::Discord, "77")), ann);
    assert_eq!(id(catalog.person_by(Platform::Ssh, "ssh-ed25519 AAAAC3 elsewhere")), ann);
    assert_eq!(id(catalog.person_by_slack("77")), None);
    assert_eq!(id(catalog.person_by_slack("")), None);
    assert_eq!(catalog.person(&PersonId::parse("lone").unwrap()).unwrap().name, "lone");
    assert_eq!(catalog.people().count(), 4);
}

#[test]
fn votes_count_by_team_role_and_person_and_for_guests_until_their_last_day() {
    let catalog = parsed(EVERYTHING);
    let rule = |from: &[&str]| ApprovalRule {
        count: 1,
        from: from.iter().map(|text| Approvers::parse(text).unwrap()).collect(),
        expires: crate::core::span::Span::HOUR,
        and: Vec::new(),
    };
    let voters_on = |from: &[&str], today: jiff::civil::Date| {
        let rule = rule(from);
        catalog
            .people()
            .filter(|person| catalog.may_vote(&rule, person, today))
            .map(|person| person.id.to_string())
            .collect::<Vec<_>>()
    };
    let voters = |from: &[&str]| voters_on(from, jiff::civil::date(2027, 4, 1));
    assert_eq!(voters_on(&["team:shop"], jiff::civil::date(2027, 3, 31)), ["ann", "guest"]);
    assert_eq!(voters(&[]), ["ann", "dan", "lone"]);
    assert_eq!(voters(&["team:shop"]), ["ann"]);
    assert_eq!(voters(&["group:wardens"]), ["ann", "dan"]);
    assert_eq!(voters(&["team:shop", "person:lone"]), ["ann", "lone"]);
    assert_eq!(voters(&["oncall:pagerduty/P1", "team:nobody"]), [""; 0]);
}

#[test]
fn several_rules_need_a_person_each() {
    let text = "
environments:
  prod:
    path: 'apps/{service}'
    approvals:
      deploy: [{ count: 2, from: [group:leads], expires: 2h }, { count: 1, from: [group:security], expires: 1h }]
people:
  a: { groups: [leads, security] }
  b: { groups: [leads] }
  c: { groups: [leads] }
  d: { groups: [security] }
";
    let catalog = parsed(text);
    let rule = catalog.environments()[0].approvals_for(&command("deploy")).unwrap();
    assert_eq!(rule.words(), "2 of group:leads and 1 of group:security");
    assert_eq!((rule.total(), rule.expires.to_string().as_str()), (3, "1h"));
    assert!(catalog.warnings().is_empty());
    let person = |id: &str| catalog.person(&crate::core::names::PersonId::parse(id).unwrap()).unwrap();
    let filled = |ids: &[&str]| rule.filled(&ids.iter().map(|id| person(id)).collect::<Vec<_>>());
    for (ids, places) in [
        ("", 0),
        ("a", 1),
        ("a b", 2),
        ("b c", 2),
        ("a b c", 3),
        ("b a c", 3),
        ("b c d", 3),
        ("a d", 2),
        ("a b c d", 3),
    ] {
        let ids: Vec<&str> = ids.split_whitespace().collect();
        assert_eq!(filled(&ids), places, "{ids:?}");
    }
    let alone = parsed(&text.replace("  c: { groups: [leads] }\n  d: { groups: [security] }\n", ""));
    assert_eq!(
        alone.warnings()[0].words,
        "It needs 3 approvals, and of `people` 2 could give one, so it can never be approved."
    );
}

#[test]
fn locks_hold_what_fits_all_that_they_name() {
    let catalog = parsed(EVERYTHING);
    let dsn = Field::parse("config.DSN_MAIN").unwrap();
    let locked = |name, place, field: &Field| catalog.is_locked(&target(name, place), field).is_some();
    let because = &catalog.is_locked(&target("basket", "live-south"), &dsn).unwrap().because;
    assert_eq!(because, "the money team sets it");
    assert!(!locked("basket", "lab", &dsn) && !locked("basket", "live-south", &Field::ImageTag));
    assert!(!locked("basket", "spare", &dsn), "the group does not hold `spare`");
    assert!(locked("frozen", "lab", &Field::Cpu), "all of its directory is locked");
    assert!(!locked("books", "lab", &Field::Cpu), "one file of it is locked");
    let held = |file: &str| catalog.is_locked_in(&target("books", "lab"), &Field::Cpu, &path(file)).is_some();
    assert!(held("k8s/books/lab/secret.yaml") && !held("k8s/books/lab/values.yaml"));
}

#[test]
fn small_sections_are_read() {
    let catalog = parsed(EVERYTHING);
    for (field, sensitive) in
        [("config.API_TOKEN", true), ("config._TOKENS", false), ("env.PASSWORD", true), ("cpu", false)]
    {
        assert_eq!(catalog.is_sensitive(&Field::parse(field).unwrap()), sensitive, "{field}");
    }
    let limits = catalog.replica_limits();
    assert_eq!([0, 1, 9, 10].map(|replicas| limits.allow(replicas)), [false, true, true, false]);
    assert_eq!(catalog.team_of(&service("books")).unwrap().as_str(), "money");
    let pin = catalog.pin(&service("books"), &Field::ImageTag).unwrap();
    assert_eq!((pin.file.as_str(), pin.path.as_str()), ("chart/values.yaml", "images[0].tag"));
    assert_eq!(pin.document.to_string(), "Deployment/books");
    assert_eq!(
        catalog.pin(&service("books"), &Field::Config("MODE".into())).unwrap().document,
        DocumentChoice::Number(2)
    );
    assert_eq!(
        catalog.service(&service("basket")).unwrap().image.as_ref().unwrap().as_str(),
        "registry.example.org:5000/shop/basket"
    );
    assert_eq!(catalog.channels().home.as_deref(), Some("C0HOME"));
    let tracker = Tracker::Webhook("https://tickets.example.org/new?queue=drift".into());
    assert_eq!(catalog.tickets().unwrap().tracker, tracker);
    assert_eq!(catalog.commands().bare.len(), 2);
}

#[test]
fn the_table_shows_the_merged_rules() {
    let catalog = parsed(EVERYTHING);
    let rows: Vec<String> = catalog
        .table()
        .iter()
        .map(|row| {
            let approvals: Vec<String> =
                row.approvals.iter().map(|(command, rule)| format!("{command} {}", rule.count)).collect();
            let merge = row.merge.map_or("-", |merge| merge.word());
            let cluster = row.cluster.as_ref().map_or("-", ConnectionName::as_str);
            format!(
                "{} {} {} {merge} {cluster} [{}]",
                row.environment,
                row.path,
                row.landing.word(),
                approvals.join(", ")
            )
        })
        .collect();
    let expected = [
        "lab k8s/{service}/lab commit - - []",
        "live-north k8s/{service}/live-north pull_request rebase north [breakglass 1, deploy 2, scale 1]",
        "live-south k8s/{service}/live-south pull_request rebase south [breakglass 1, deploy 2, scale 0]",
        "spare k8s/{service}/spare pull_request by_hand south [breakglass 1, deploy 2, scale 0]",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn services_are_discovered_by_their_directories() {
    let files = [
        "README.md",
        "k8s/basket/lab/kustomization.yaml",
        "k8s/basket/live-north/a/b/c.yaml",
        "k8s/new/spare/x",
        "k8s/Bad/lab/x",
        "k8s/lab/lab",
        "other/basket/live-south/x",
        "k8s/new/live-southern/x",
    ];
    let files: Vec<RepoPath> = files.iter().map(|file| path(file)).collect();
    let found = |text: &str| {
        let show = |(service, places): (&Service, &BTreeSet<Environment>)| {
            format!("{service}: {}", places.iter().map(Environment::as_str).collect::<Vec<_>>().join(" "))
        };
        parsed(text).discovered(&files).iter().map(show).collect::<Vec<_>>()
    };
    assert_eq!(found(EVERYTHING), ["basket: lab live-north", "books: ", "new: spare"]);
    assert_eq!(found(&EVERYTHING.replace("discover: true", "discover: false")), ["basket: lab live-north", "books: "]);
}

#[test]
fn templates_may_have_the_service_within_a_step_and_twice() {
    let catalog = parsed("environments: { a: { path: \"x/{service}-a/{service}\" }, b: { path: \"x/{service}\" } }");
    let files = ["x/shop-a/shop/f", "x/shop-a/other/f", "x/-a/f"].map(path);
    let found = catalog.discovered(&files);
    let found: Vec<String> = found.iter().map(|(service, places)| format!("{service} {}", places.len())).collect();
    assert_eq!(found, ["shop 1", "shop-a 1"]);
    assert_eq!(catalog.environments()[0].path_of(&service("shop")).unwrap().as_str(), "x/shop-a/shop");
}

#[test]
fn a_path_may_be_a_file_have_any_directory_and_name_its_environment() {
    let text = r#"
environments:
  prod: { path: "clusters/{environment}/{service}.yaml", namespace: "{environment}-{service}" }
  stage: { like: prod }
  home: { path: "k8s/*/{service}/app" }
"#;
    let catalog = parsed(text);
    let files = [
        "clusters/prod/shop.yaml",
        "clusters/prod/kustomization.yaml",
        "clusters/stage/shop.yaml",
        "clusters/stage/shop.yaml.txt",
        "clusters/stage/deep/shop.yaml",
        "k8s/media/plex/app/a.yaml",
        "k8s/media/plex/app/b/c.yaml",
        "k8s/media/loki/app/a.yaml",
        "k8s/logs/loki/app/a.yaml",
        "k8s/plex/app/a.yaml",
    ];
    let places = catalog.places(&files.map(path));
    let found: Vec<String> = places.found().map(|(target, place)| format!("{target}: {place}")).collect();
    assert_eq!(
        found,
        [
            "plex in home: k8s/media/plex/app",
            "shop in prod: clusters/prod/shop.yaml",
            "shop in stage: clusters/stage/shop.yaml"
        ]
    );
    let twice: Vec<String> = places.twice().iter().map(|(target, a, b)| format!("{target}: {a} {b}")).collect();
    assert_eq!(twice, ["loki in home: k8s/media/loki/app k8s/logs/loki/app"]);
    assert_eq!(catalog.environments()[1].namespace_of(&service("shop")), "stage-shop");
    assert_eq!(catalog.environments()[2].path_of(&service("plex")), None);
}

#[test]
fn a_hundred_thousand_files_are_one_pass() {
    let environments: String = (0..40).map(|n| format!("  e{n}: {{ path: \"apps/{{service}}/e{n}\" }}\n")).collect();
    let catalog = parsed(&format!("environments:\n{environments}"));
    let files: Vec<RepoPath> =
        (0..100_000).map(|n| path(&format!("apps/s{}/e{}/f{n}.yaml", n % 5000, n % 40))).collect();
    let found = catalog.discovered(&files);
    assert_eq!((found.len(), found.values().map(BTreeSet::len).sum::<usize>()), (5000, 5000));
}

#[test]
fn keys_without_effect_are_named() {
    let said: Vec<String> = parsed(EVERYTHING).not_supported_yet().iter().map(Notice::to_string).collect();
    let expected = [
        "line 27: `environment_groups.live`: Naming a group where an environment can stand",
        "line 43: `people.ann.ssh`: Pulling levers from a terminal",
        "line 47: `channels.incident_prefix`: Opening channels for incidents",
        "line 48: `tickets`: Opening tickets",
    ];
    assert_eq!(said, expected.map(|start| format!("{start} is not supported yet; this key has no effect.")));
}

#[test]
fn what_is_not_connected_is_named() {
    let name = |text: &str| ConnectionName::parse(text).unwrap();
    let said = |repositories: &[&str], clusters: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|text| name(text)).collect();
        let to = Connections { repositories: names(repositories), clusters: names(clusters) };
        parsed(EVERYTHING).unconnected(&to).iter().map(Notice::to_string).collect::<Vec<_>>()
    };
    let cluster = "line 8: `environments.live-north.cluster`: `leverframe.yaml` has no cluster `north`; add it under `clusters`. Until then what runs there cannot be seen.";
    let unknown = "line 26: `environments.spare.repository`: `leverframe.yaml` has no repository `extra`; add it under `repositories`. Until then this environment cannot be changed.";
    assert_eq!(said(&["main", "extra"], &["south"]), [cluster]);
    assert_eq!(said(&["main"], &["south", "north"]), [unknown]);
}

#[test]
fn approvals_that_nobody_can_give_are_named() {
    let text = r#"
environments:
  a:
    path: "{service}"
    approvals:
      deploy: { count: 2, from: [team:x, person:bob, person:eve] }
      during: { sev3: { scale: { from: [group:y] } } }
      rollback: { count: 9, from: ["oncall:pagerduty/P1"] }
  b: { like: a, path: "b/{service}" }
people: { bob: {}, eve: { guest_until: 2030-01-01 } }
"#;
    let said: Vec<String> = parsed(text).warnings().iter().map(Notice::to_string).collect();
    let expected = [
        "line 6: `environments.a.approvals.deploy`: It needs 2 approvals, and of `people` 1 could give one, so it can never be approved.",
        "line 6: `environments.a.approvals.deploy`: Nobody under `people` is `team:x`, so no vote counts by it.",
        "line 7: `environments.a.approvals.during.sev3.scale`: Nobody under `people` is `group:y`, so no vote counts by it.",
    ];
    assert_eq!(said, expected);
}
