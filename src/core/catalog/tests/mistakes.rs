//! Mistakes in a catalog, each with all that it says.

use super::Catalog;

/// Two environments. Mistakes that start with `+` stand below them.
const LEAST: &str = "environments:
  prod: { path: \"apps/{service}/prod\" }
  lab: { path: \"apps/{service}/lab\" }
";

/// Checks all that is said of a text, line by line, each opened by the file's name.
fn check(text: &str, expected: &[&str]) {
    let text = text.strip_prefix('+').map_or(text.to_owned(), |more| format!("{LEAST}{more}"));
    let problems = Catalog::parse(&text, "catalog.yaml").expect_err(&text);
    let expected: Vec<String> = expected.iter().map(|line| format!("catalog.yaml:{line}")).collect();
    assert_eq!(problems.to_string(), expected.join("\n"), "{text}");
}

#[test]
fn at_least_one_environment_is_needed() {
    check(
        r"",
        &[
            r#"1:1: found no `environments`, expected the key `environments`. Add it, for example `environments: { prod: { path: "apps/{service}/prod" } }`."#,
        ],
    );
    check(
        r"environments: {}",
        &[
            r#"1:15: `environments`: found an empty map, expected at least one environment. Write one, for example `environments: { prod: { path: "apps/{service}/prod" } }`."#,
        ],
    );
    check(
        r"environments: { a: }",
        &[
            r#"1:17: `environments.a`: found no `path`, expected the key `path`. Add it, for example `path: "apps/{service}/prod"`."#,
        ],
    );
    check(
        r"environment: {}",
        &[
            r#"1:1: found no `environments`, expected the key `environments`. Add it, for example `environments: { prod: { path: "apps/{service}/prod" } }`."#,
            "1:1: `environment`: found an unknown key, expected `environments`, `environment_groups`, `services`, `discover`, `locked`, `freezes`, `sensitive`, `limits`, `people`, `groups`, `channels`, `reminders`, `tickets` or `commands`. Did you mean `environments`?",
        ],
    );
}

#[test]
fn environments_have_names_and_paths_of_their_own() {
    check(
        r#"+  Prod: { path: "x/{service}" }"#,
        &[
            "4:3: `environments.Prod`: found `Prod`, expected an environment: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `prod-eu`.",
        ],
    );
    check(
        r#"+  x: { path: "apps/{service}/values.yaml" }
  y: { path: "apps/{service}/values.yaml" }"#,
        &[
            "5:14: `environments.y.path`: found `apps/{service}/values.yaml`, which `x` has too, expected a path that no other environment has. Give `y` a path of its own.",
        ],
    );
}

#[test]
fn paths_are_templates_inside_the_repository() {
    check(
        r#"+  x: { path: apps/x }
  y: { path: "a/{service}/{env}" }
  z: { path: "/a/{service}" }
  w: { path: ".git{service}" }
  v: { path: "{service}-{service}" }
  u: { path: ".github/{service}" }
  t: { path: "a*/{service}" }"#,
        &[
            "4:14: `environments.x.path`: found `apps/x`, expected a path template: it has `{service}` where the service's name stands. Write it like `apps/{service}/prod`.",
            "5:14: `environments.y.path`: found `a/{service}/{env}`, expected a path template: `{service}` and `{environment}` are the only placeholders. Write it like `apps/{service}/prod`.",
            "6:14: `environments.z.path`: found `/a/{service}`, expected a path template: relative, with `/` between its steps, and no empty, `.`, `..` or `.git` step. Write it like `apps/{service}/prod`.",
            "7:14: `environments.w.path`: found `.git{service}`, expected a path template: a name with `{service}` in it does not start with a dot. Write it like `apps/{service}/prod`.",
            "8:14: `environments.v.path`: found `{service}-{service}`, expected a path template: `{service}` stands once between two slashes. Write it like `apps/{service}/prod`.",
            "9:14: `environments.u.path`: found `.github/{service}`, expected a path template: it lies outside `.leverframe`, `.github` and whatever begins with `.git`. Write it like `apps/{service}/prod`.",
            "10:14: `environments.t.path`: found `a*/{service}`, expected a path template: `*` stands for one whole directory between two slashes, and not at the end. Write it like `apps/{service}/prod`.",
        ],
    );
}

#[test]
fn like_leads_to_another_environment_and_not_in_circles() {
    check(
        r#"+  x: { like: prd, path: "x/{service}" }
  y: { like: 5, path: "y/{service}" }"#,
        &[
            "4:14: `environments.x.like`: found `prd`, expected an environment. Did you mean `prod`?",
            "5:14: `environments.y.like`: found the number `5`, expected text. Put it in quotes.",
        ],
    );
    check(
        r#"+  x: { like: y, path: "x/{service}" }
  y: { like: x, path: "y/{service}" }
  z: { like: z }"#,
        &[
            "4:14: `environments.x.like`: found a circle, `y` like `x` like `y`, expected an environment that is not like this one. Write all of one of them out, without `like`.",
            "5:14: `environments.y.like`: found a circle, `x` like `y` like `x`, expected an environment that is not like this one. Write all of one of them out, without `like`.",
            "6:14: `environments.z.like`: found a circle, `z` like `z`, expected an environment that is not like this one. Write all of one of them out, without `like`.",
        ],
    );
}

#[test]
fn the_rules_of_an_environment_are_checked_once_however_many_are_like_it() {
    check(
        r#"+  x: { path: "x/{service}", landing: pullrequest, merge: ff, drift: dept, cluster: A, namespace: "{svc}", time_zone: Madrid, repository: a/b, colour: red }
  y: { like: x, path: "y/{service}" }"#,
        &[
            "4:38: `environments.x.landing`: found `pullrequest`, expected `commit` or `pull_request`. Did you mean `pull_request`?",
            "4:58: `environments.x.merge`: found `ff`, expected `squash`, `merge`, `rebase` or `by_hand`. Write `squash`, `merge`, `rebase` or `by_hand`.",
            "4:69: `environments.x.drift`: found `dept`, expected `ignore`, `report` or `debt`. Did you mean `debt`?",
            "4:84: `environments.x.cluster`: found `A`, expected a connection name: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `deployments`.",
            "4:98: `environments.x.namespace`: found `{svc}`, expected a name in Kubernetes: lower-case letters, digits, dashes and `{service}`. Write it like `{service}`.",
            "4:118: `environments.x.time_zone`: found `Madrid`, expected a time zone: an IANA name, `UTC` or an area and a place. Write it like `Europe/Madrid`.",
            "4:138: `environments.x.repository`: found `a/b`, expected a connection name: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `deployments`.",
            "4:143: `environments.x.colour`: found an unknown key, expected `path`, `landing`, `merge`, `cluster`, `namespace`, `drift`, `reconciler`, `time_zone`, `approvals`, `repository` or `like`. Remove it, or move it to where it belongs.",
        ],
    );
}

#[test]
fn a_reconciler_is_one_of_two_or_none() {
    check(
        r#"+  x: { path: "x/{service}", reconciler: argo }
  y: { path: "y/{service}", reconciler: { argocd: a, flux: b } }
  z: { path: "z/{service}", reconciler: { flux: apps } }
  w: { path: "w/{service}", reconciler: {} }"#,
        &[
            "4:41: `environments.x.reconciler`: found `argo`, expected `none`, or a map with `argocd` or `flux`. Write `{ argocd: APPLICATION }`, `{ flux: Kustomization/NAME }` or `none`.",
            "5:41: `environments.y.reconciler`: found a map, expected one of `argocd` and `flux`. Write `{ argocd: APPLICATION }`, `{ flux: Kustomization/NAME }` or `none`.",
            "6:49: `environments.z.reconciler.flux`: found `apps`, expected `Kustomization/NAME` or `HelmRelease/NAME`. Write it like `Kustomization/apps`.",
            "7:41: `environments.w.reconciler`: found an empty map, expected one of `argocd` and `flux`. Write `{ argocd: APPLICATION }`, `{ flux: Kustomization/NAME }` or `none`.",
        ],
    );
}

#[test]
fn approvals_are_checked() {
    check(
        r#"+  x:
    path: "x/{service}"
    approvals:
      deploy: { from: [leads, team:Ä, "oncall:P1", person:A], expires: soon }
      Scale: { count: 1 }
      rollback: { count: -1 }
      during: { sev9: {}, sev1: { scale: { coun: 1, landing: push } } }"#,
        &[
            "7:7: `environments.x.approvals.deploy`: found no `count`, expected the key `count`. Add it, for example `count: 1`.",
            "7:24: `environments.x.approvals.deploy.from[0]`: found `leads`, expected who may approve: one of `team:NAME`, `group:NAME`, `person:NAME`, `oncall:PROVIDER/SCHEDULE`. Write it like `team:payments`.",
            "7:31: `environments.x.approvals.deploy.from[1]`: found `team:Ä`, expected a team: 1 to 63 letters, digits, `-` and `_`, starting with a letter or digit. Write it like `payments`.",
            "7:39: `environments.x.approvals.deploy.from[2]`: found `oncall:P1`, expected a schedule: `pagerduty`, `opsgenie` or `slack`, a slash and the id of the schedule or the user group. Write it like `oncall:pagerduty/PSCHED1`.",
            "7:52: `environments.x.approvals.deploy.from[3]`: found `person:A`, expected a person: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `alice`.",
            "7:72: `environments.x.approvals.deploy.expires`: found `soon`, expected a length of time: a number above zero and one of `s`, `m`, `h`, `d`, ten years at most. Write it like `15m`.",
            "8:7: `environments.x.approvals.Scale`: found `Scale`, expected a command: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `deploy`.",
            "9:26: `environments.x.approvals.rollback.count`: found the number `-1`, expected a whole number from 0 on. Write a number, without quotes.",
            "10:17: `environments.x.approvals.during.sev9`: found `sev9`, expected a severity: one of `sev1` to `sev5`. Write it like `sev1`.",
            "10:44: `environments.x.approvals.during.sev1.scale.coun`: found an unknown key, expected `count`, `from`, `expires` or `landing`. Did you mean `count`?",
            "10:62: `environments.x.approvals.during.sev1.scale.landing`: found `push`, expected `commit` or `pull_request`. Write `commit` or `pull_request`.",
        ],
    );
}

#[test]
fn groups_are_environments_with_times_between() {
    check(
        r"+environment_groups: { prod: [lab], a: [], b: [prod, labb], c: [5m, prod], d: [prod, 5m, 5m, lab], e: [prod, 5m], f: [prod, prod], G: [prod], h: [a, prod, everything] }",
        &[
            "4:23: `environment_groups.prod`: found a group with the name of an environment, expected a name that no environment has. Give the group a name of its own.",
            "4:39: `environment_groups.a`: found an empty list, expected at least one environment. Name the environments in order: `[prod-eu, 10m, prod-us]`.",
            "4:53: `environment_groups.b[1]`: found `labb`, expected an environment, or how long it must be healthy. Did you mean `lab`?",
            "4:64: `environment_groups.c[0]`: found `5m`, expected an environment before a length of time. Put it between two environments: `[prod-eu, 10m, prod-us]`.",
            "4:89: `environment_groups.d[2]`: found `5m`, expected an environment before a length of time. Put it between two environments: `[prod-eu, 10m, prod-us]`.",
            "4:102: `environment_groups.e`: found `5m` at the end, expected an environment after a length of time. Name the environments in order: `[prod-eu, 10m, prod-us]`.",
            "4:124: `environment_groups.f[1]`: found `prod`, expected each environment once. Remove one of the two.",
            "4:131: `environment_groups.G`: found `G`, expected an environment: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `prod-eu`.",
            "4:146: `environment_groups.h[0]`: found `a`, expected an environment, or how long it must be healthy. Write `prod` or `lab`, or a time like `10m`.",
            "4:155: `environment_groups.h[2]`: found `everything`, expected an environment, or how long it must be healthy. Write `prod` or `lab`, or a time like `10m`.",
        ],
    );
}

#[test]
fn services_and_their_pins_are_checked() {
    check(
        r#"+services:
  A: {}
  b: { team: "a b", image: ghcr.io/x:v1, bindings: { image: {}, cpu: { file: ../x }, env.X: { file: a, path: b, document: Deployment } } }
  c: []
  d: { bindings: { cpu: { file: a, path: b, document: -1 } } }
  e: { bindings: { cpu: { file: "values-{env}.yaml", path: b }, memory: { file: "{service}/{environment}.yaml", path: b } } }"#,
        &[
            "5:3: `services.A`: found `A`, expected a service: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `checkout`.",
            "6:14: `services.b.team`: found `a b`, expected a team: 1 to 63 letters, digits, `-` and `_`, starting with a letter or digit. Write it like `payments`.",
            "6:28: `services.b.image`: found `ghcr.io/x:v1`, expected an image: its name without tag or digest, in lower case. Write it like `ghcr.io/acme/checkout`.",
            "6:54: `services.b.bindings.image`: found `image`, expected a field: one of image_tag, image_digest, replicas, replicas_min, replicas_max, cpu, memory, env.NAME, config.KEY. Write it like `image_tag`.",
            "6:65: `services.b.bindings.cpu`: found no `path`, expected the key `path`. Add it, for example `path: app.image.tag`.",
            "6:78: `services.b.bindings.cpu.file`: found `../x`, expected a path in the repository: relative, with `/` between its steps, and no empty, `.`, `..` or `.git` step. Write it like `apps/checkout/prod/kustomization.yaml`.",
            r#"6:123: `services.b.bindings["env.X"].document`: found `Deployment`, expected a document: its number from 0, or its `Kind/name`. Write it like `Deployment/checkout`."#,
            "7:6: `services.c`: found an empty list, expected a map. Write `key: value` lines below it.",
            "8:55: `services.d.bindings.cpu.document`: found the number `-1`, expected a whole number from 0 on. Write a number, without quotes.",
            "9:33: `services.e.bindings.cpu.file`: found `values-{env}.yaml`, expected a file: `{service}` and `{environment}` are its only placeholders. Write it like `values-{environment}.yaml`.",
        ],
    );
}

#[test]
fn locks_lock_something_that_exists() {
    check(
        r"+locked:
  - { because: x }
  - { environment: prd, field: confg.X }
  - { service: A, path: /x, why: y }
  - x",
        &[
            "5:5: `locked[0]`: found a map, expected what is locked. Name at least one of `environment`, `service`, `field` and `path`.",
            "6:20: `locked[1].environment`: found `prd`, expected an environment or a group of them. Did you mean `prod`?",
            "6:32: `locked[1].field`: found `confg.X`, expected a field: a field's name, such as `image_tag`, `replicas`, `env.NAME` or `config.KEY`, with `*` for any text. Write it like `config.*_KEY`.",
            "7:16: `locked[2].service`: found `A`, expected a service: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `checkout`.",
            "7:25: `locked[2].path`: found `/x`, expected a path in the repository: relative, with `/` between its steps, and no empty, `.`, `..` or `.git` step. Write it like `apps/checkout/prod/kustomization.yaml`.",
            "7:29: `locked[2].why`: found an unknown key, expected `environment`, `service`, `field`, `path` or `because`. Remove it, or move it to where it belongs.",
            "8:5: `locked[3]`: found `x`, expected a map. Write `key: value` lines below it.",
        ],
    );
}

#[test]
fn small_sections_are_checked() {
    check(
        r"+locked: {}
sensitive: config.X
discover: maybe
limits: { replicas: { min: 5, max: 2 } }",
        &[
            "4:9: `locked`: found an empty map, expected a list. Put it in brackets: `[one, two]`.",
            "5:12: `sensitive`: found `config.X`, expected a list. Put it in brackets: `[one, two]`.",
            "6:11: `discover`: found `maybe`, expected `true` or `false`. Write one of the two, without quotes.",
            "7:21: `limits.replicas`: found `min: 5` above `max: 2`, expected `min` up to `max`. Swap the two.",
        ],
    );
    check(
        r#"+sensitive: ["con*fig", "x*", "cpu", "env.*", "*", image_tag*]
limits: { replicas: 5 }"#,
        &[
            "4:24: `sensitive[1]`: found `x*`, expected a field: a field's name, such as `image_tag`, `replicas`, `env.NAME` or `config.KEY`, with `*` for any text. Write it like `config.*_KEY`.",
            "5:21: `limits.replicas`: found the number `5`, expected a map. Write `key: value` lines below it.",
        ],
    );
    check(
        r##"+channels: { home: "#deploys", hom: x }
tickets: { labels: [x] }
commands: { name: LF, bare: ["/deploy"] }"##,
        &[
            "4:19: `channels.home`: found `#deploys`, expected a channel: its id or name, letters, digits, `-` and `_`, without `#`. Write it like `C0123456789`.",
            "4:31: `channels.hom`: found an unknown key, expected `home`, `audit` or `incident_prefix`. Did you mean `home`?",
            "5:1: `tickets`: found no `in`, expected the key `in`. Add it, for example `in: github`.",
            "6:19: `commands.name`: found `LF`, expected a command: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `deploy`.",
            "6:30: `commands.bare[0]`: found `/deploy`, expected a command: 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends. Write it like `deploy`.",
        ],
    );
}

#[test]
fn people_are_checked() {
    check(
        r#"+people:
  a: { slack: alice, discord: x, github: "@a", ssh: AAAA, email: x, guest_until: tomorrow, teams: x }
  b: { discord: 9111 }"#,
        &[
            "5:15: `people.a.slack`: found `alice`, expected a Slack user: the user's id, `U` or `W` and upper-case letters and digits, not a name. Write it like `U111`.",
            r#"5:31: `people.a.discord`: found `x`, expected a Discord user: the user's id, digits in quotes, not a name. Write it like `"9111"`."#,
            "5:42: `people.a.github`: found `@a`, expected a GitHub user: a login, letters, digits, `-` and `_`, without `@`. Write it like `alicem`.",
            "5:53: `people.a.ssh`: found `AAAA`, expected an SSH public key: a line as in a `.pub` file. Write it like `ssh-ed25519 AAAAC3Nz...`.",
            "5:66: `people.a.email`: found `x`, expected an e-mail address: a user, `@` and a host. Write it like `alice@example.com`.",
            "5:82: `people.a.guest_until`: found `tomorrow`, expected a day: year, month and day. Write it like `2027-03-31`.",
            "5:99: `people.a.teams`: found `x`, expected a list. Put it in brackets: `[one, two]`.",
            "6:17: `people.b.discord`: found the number `9111`, expected text. Put it in quotes.",
        ],
    );
}

#[test]
fn no_account_belongs_to_two_people() {
    check(
        r#"+people:
  a: { slack: U1, github: Al, ssh: "ssh-rsa AA a" }
  b: { slack: U1, github: aL, ssh: "ssh-rsa AA b" }"#,
        &[
            "6:15: `people.b.slack`: found `U1`, which `a` has too, expected an account that nobody else has. Give each person an account of their own: approvals count persons.",
            "6:27: `people.b.github`: found `aL`, which `a` has too, expected an account that nobody else has. Give each person an account of their own: approvals count persons.",
            "6:36: `people.b.ssh`: found `ssh-rsa AA b`, which `a` has too, expected an account that nobody else has. Give each person an account of their own: approvals count persons.",
        ],
    );
}

#[test]
fn tickets_go_to_one_place() {
    check(r"+tickets: { in: jira }", &["4:16: `tickets.in`: found `jira`, expected `github`. Write `github`."]);
    check(
        r#"+tickets: { in: github, webhook: "http://x" }"#,
        &["4:33: `tickets.webhook`: found `webhook` beside `in`, expected one of the two. Remove `in` or `webhook`."],
    );
    check(
        r"+tickets: { webhook: x }",
        &[
            "4:21: `tickets.webhook`: found `x`, expected a webhook: an `http://` or `https://` URL without a user or a password in it. Write it like `https://tickets.example.com/hook`.",
        ],
    );
}
