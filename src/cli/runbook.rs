//! `leverframe runbook ENVIRONMENT`: one page to print, of how to do all this by hand when the bot is away: hold off what
//! follows git, change one thing, write it down, make git say so, let it go on. Read from a checkout; nothing is asked.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;

use super::{Ended, Failure, checkout::Checkout, plan::place, say};
use crate::core::{
    catalog::{EnvironmentRules, FluxKind, Reconciler},
    names::{Environment, Field, Service, Target},
    rules::Rules,
};

/// Of which environment.
#[derive(Debug, Args)]
pub(super) struct Runbook {
    /// The environment
    environment: String,
    /// The checkout of the GitOps repository
    #[arg(long, value_name = "PATH", default_value = ".")]
    repo: PathBuf,
}

impl Runbook {
    pub(super) fn run(self) -> Result<Ended, Failure> {
        let checkout = Checkout::open(&self.repo)?;
        let rules = checkout.rules()?;
        let named = Environment::parse(&self.environment).ok().and_then(|name| rules.catalog.environment(&name));
        let Some(at) = named else {
            let names: Vec<String> = rules.catalog.environments().iter().map(|at| format!("`{}`", at.name)).collect();
            let what = format!("There is no environment `{}` in the catalog.", self.environment);
            return Err(Failure::new(what, format!("Name one of {}.", names.join(", "))));
        };
        let mut rows = Vec::new();
        for (service, places) in rules.services.iter() {
            if places.contains(&at.name) {
                rows.push(row(&checkout, &rules, at, service)?);
            }
        }
        say(page(at, &rows).trim_end())?;
        Ok(Ended::Well)
    }
}

/// A service: its name, namespace, what follows git, where its count and version are.
type Row = [String; 5];

fn row(checkout: &Checkout, rules: &Rules, at: &EnvironmentRules, service: &Service) -> Result<Row, Failure> {
    let target = Target { service: service.clone(), environment: at.name.clone() };
    let files = checkout.target(rules, &target)?;
    let of = |field: Field| match place(rules, &target, &field, &files) {
        Ok((binding, value)) => format!("{value}: {binding}"),
        Err(_) => "-".to_owned(),
    };
    let follows = match &at.reconciler {
        Reconciler::None => "-".to_owned(),
        Reconciler::ArgoCd { application, namespace } => {
            format!("{}/{}", namespace.name_of(service), application.name_of(service))
        }
        Reconciler::Flux { name, namespace, .. } => format!("{}/{}", namespace.name_of(service), name.name_of(service)),
    };
    Ok([service.to_string(), at.namespace_of(service), follows, of(Field::Replicas), of(Field::ImageTag)])
}

/// What is typed to hold it off, to read that back, and to let it go on; `OWNS` stands for what follows git.
struct Orders {
    kind: &'static str,
    hold: &'static str,
    read: &'static str,
    expected: &'static str,
    go_on: &'static str,
    remark: &'static str,
}

fn orders(of: &Reconciler) -> Option<Orders> {
    let flux = |kind| Orders {
        kind,
        hold: r#"{"spec":{"suspend":true}}"#,
        read: "{.spec.suspend}",
        expected: "true",
        go_on: r#"{"spec":{"suspend":null}}"#,
        remark: "Where a Kustomization applies it and git says `suspend` of it, this is put back: suspend that one, too.",
    };
    match of {
        Reconciler::None => None,
        Reconciler::ArgoCd { .. } => Some(Orders {
            kind: "application",
            hold: r#"{"spec":{"syncPolicy":{"automated":{"enabled":false}}}}"#,
            read: "{.spec.syncPolicy.automated.enabled}",
            expected: "false",
            go_on: r#"{"spec":{"syncPolicy":{"automated":{"enabled":null}}}}"#,
            remark: "Where nothing is printed, this Argo CD is older than 3.1 or does not sync by itself: keep what \
                     `-o jsonpath='{.spec.syncPolicy}'` prints, patch `\"automated\":null` instead, and put it back in step 6. \
                     An ApplicationSet or a parent Application may put it back at once: hold that off, too.",
        }),
        Reconciler::Flux { kind: FluxKind::Kustomization, .. } => Some(flux("kustomization")),
        Reconciler::Flux { kind: FluxKind::HelmRelease, .. } => Some(flux("helmrelease")),
    }
}

fn page(at: &EnvironmentRules, rows: &[Row]) -> String {
    let cluster = at.cluster.as_ref().map_or_else(|| "(none named)".to_owned(), ToString::to_string);
    let mut page = format!(
        "# By hand in {}\n\nHow to break glass without Leverframe. Cluster: {cluster}. Two people: one types, one reads along \
         and says yes.\nSet `NS`, `SVC` and `OWNS` (in `OWNS_NS`) from the table at the end.\n\n",
        at.name
    );
    let mut step = 1..;
    let mut head = |page: &mut String, title: &str| {
        let _ = writeln!(page, "## {}. {title}\n", step.next().unwrap_or_default());
    };
    let orders = orders(&at.reconciler);
    if let Some(orders) = &orders {
        head(&mut page, "Hold off what follows git, and read that back");
        let Orders { kind, hold, read, expected, remark, .. } = orders;
        let _ = writeln!(page, "    kubectl -n $OWNS_NS patch {kind} $OWNS --type merge -p '{hold}'");
        let _ =
            writeln!(page, "    kubectl -n $OWNS_NS get {kind} $OWNS -o jsonpath='{read}'   # must print {expected}\n");
        let _ = writeln!(page, "{remark}\n");
        head(&mut page, "Mark it, so that whoever finds it knows, and the watchdog pages when it is forgotten");
        let _ = writeln!(
            page,
            "    kubectl -n $OWNS_NS annotate {kind} $OWNS leverframe.dev/paused-by=\"$USER\" \
             leverframe.dev/paused-owner=\"$USER\" \\\n      leverframe.dev/paused-until=\"$(date -u -d '+1 hour' \
             +%Y-%m-%dT%H:%M:%SZ)\"\n"
        );
    }
    head(&mut page, "Change one thing, and only if it is still what you think");
    page.push_str(
        "    kubectl -n $NS get hpa                  # a count that an autoscaler has is raised there: minReplicas\n    \
         kubectl -n $NS scale deployment/$SVC --current-replicas=OLD --replicas=NEW\n    \
         kubectl -n $NS set image deployment/$SVC CONTAINER=IMAGE:TAG\n    kubectl -n $NS rollout status deployment/$SVC\n\n",
    );
    head(&mut page, "Write it down");
    page.push_str(
        "Who, who said yes, when, what it was, what it is, why. In the incident's channel, or on this page. When the bot is \
         back, tell it in place of the next steps:\n\n    /debt record SERVICE ENVIRONMENT replicas|version VALUE \"what was done\"\n\n",
    );
    head(&mut page, "Make git say it");
    page.push_str(
        "Edit the value where the table says, open a pull request, have it reviewed and merged as always.\n\n",
    );
    if let Some(orders) = &orders {
        head(&mut page, "Only when git says what is live, let it go on");
        let Orders { kind, go_on, .. } = orders;
        let _ = writeln!(page, "    kubectl -n $OWNS_NS patch {kind} $OWNS --type merge -p '{go_on}'");
        let _ = writeln!(
            page,
            "    kubectl -n $OWNS_NS annotate {kind} $OWNS leverframe.dev/paused-by- leverframe.dev/paused-owner- \
             leverframe.dev/paused-until-\n\nLook for five minutes whether the value stays.\n"
        );
    }
    page.push_str("| SVC | NS | OWNS_NS/OWNS | replicas in git | version in git |\n| --- | --- | --- | --- | --- |\n");
    for row in rows {
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
    page
}
