//! One look at a reconciler, one verdict.

use super::{
    argocd::{Application, Hydrator, Operation, Resource, Source},
    flux::{Condition, Flux, HelmRelease, Kustomization, Object},
    *,
};

/// The commit that landed, the one before it and the one after.
const LANDED: &str = "4f2a1c04f2a1c04f2a1c04f2a1c04f2a1c04f2a1";
const BEFORE: &str = "1111111111111111111111111111111111111111";
const AFTER: &str = "9999999999999999999999999999999999999999";
const RENDERED: &str = "abababababababababababababababababababab";

/// The verdict and what the reconciler is to be told, where [`AFTER`] contains the commit and [`BEFORE`] does not.
fn judge(seen: &Seen) -> (Verdict, Want) {
    let of = |revision: &str| match revision {
        _ if revision.ends_with(AFTER) || revision.ends_with(LANDED) => Ancestry::Contains,
        _ if revision.ends_with(BEFORE) => Ancestry::Behind,
        _ => Ancestry::Unknown,
    };
    let commit = CommitId::parse(LANDED).unwrap();
    let ancestry = seen.revisions().into_iter().map(|revision| (revision.to_owned(), of(revision))).collect();
    let sight = Sight {
        commit: &commit,
        branch: "main",
        repository: "https://github.com/acme/deployments.git",
        ancestry: &ancestry,
        namespace: "shop",
        name: "checkout",
    };
    (seen.verdict(&sight), seen.wants(&sight))
}

fn not_yet(words: &str) -> Verdict {
    Verdict::NotYet(words.into())
}

fn held(words: &str) -> Verdict {
    Verdict::Held(words.into())
}

fn progressing(words: &str) -> Verdict {
    Verdict::Progressing(words.into())
}

fn failed(words: &str) -> Verdict {
    Verdict::Failed(words.into())
}

fn cannot_see(words: &str) -> Verdict {
    Verdict::CannotSee(words.into())
}

fn source(url: &str, path: &str, revision: &str) -> Source {
    Source { url: url.into(), path: path.into(), revision: revision.into(), chart: String::new() }
}

fn resource(kind: &str, name: &str) -> Resource {
    let [sync, health] = ["Synced", "Healthy"].map(String::from);
    Resource { kind: kind.into(), namespace: "shop".into(), name: name.into(), sync, health }
}

/// An Application that has it live and healthy.
fn application() -> Application {
    let sources = vec![source("https://github.com/acme/deployments", "apps/checkout", "main")];
    Application {
        name: "checkout-prod".into(),
        version: "7".into(),
        compared: sources.clone(),
        sources,
        revisions: vec![LANDED.into()],
        sync: "Synced".into(),
        is_automated: true,
        operation: Some(Operation {
            phase: "Succeeded".into(),
            message: "successfully synced (all tasks run)".into(),
            revisions: vec![LANDED.into()],
            finished_at: Some("2026-11-21T12:00:05Z".parse().unwrap()),
        }),
        health: "Healthy".into(),
        reconciled_at: Some("2026-11-21T12:00:06Z".parse().unwrap()),
        resources: vec![resource("Service", "checkout"), resource("Deployment", "checkout")],
        ..Application::default()
    }
}

/// What comes of the Application after a change to it.
fn argo(change: impl FnOnce(&mut Application)) -> (Verdict, Want) {
    let mut application = application();
    change(&mut application);
    judge(&Seen::ArgoCd(Box::new(application)))
}

fn operation(change: impl FnOnce(&mut Operation)) -> impl FnOnce(&mut Application) {
    |application| change(application.operation.as_mut().unwrap())
}

#[test]
fn a_sync_of_the_commit_or_of_a_later_one_is_proof() {
    assert_eq!(argo(|_| ()), (Verdict::Synced, Want::Nothing));
    let later = |app: &mut Application| {
        app.revisions = vec![AFTER.into()];
        app.operation.as_mut().unwrap().revisions = vec![AFTER.into()];
    };
    assert_eq!(argo(later).0, Verdict::Synced);
    assert_eq!(argo(|app| app.revisions = vec![AFTER.into()]).0, Verdict::Synced, "the later one changed nothing");
}

#[test]
fn a_commit_that_changes_nothing_has_no_sync() {
    assert_eq!(argo(operation(|done| done.revisions = vec![BEFORE.into()])).0, Verdict::NoChangeNeeded);
    assert_eq!(argo(|app| app.operation = None).0, Verdict::NoChangeNeeded);
    let old_failure = operation(|done| {
        done.phase = "Failed".into();
        done.revisions = vec![BEFORE.into()];
    });
    assert_eq!(argo(old_failure).0, Verdict::NoChangeNeeded, "what failed was an earlier commit");
}

#[test]
fn equal_to_git_is_no_proof_where_git_is_an_older_one() {
    assert_eq!(argo(|app| app.revisions = vec![BEFORE.into()]).0, not_yet("Argo CD is still at 1111111"));
    assert_eq!(argo(|app| app.revisions.clear()).0, not_yet("Argo CD has not looked at the repository yet"));
    let unknown = cannot_see("Argo CD is at abababa, which this repository does not have");
    assert_eq!(argo(|app| app.revisions = vec![RENDERED.into()]).0, unknown);
}

#[test]
fn what_is_about_to_be_looked_at_again_is_no_proof() {
    assert_eq!(argo(|app| app.is_refreshing = true).0, not_yet("Argo CD is looking at the repository"));
    let words = not_yet("Argo CD has not looked since its Application was changed");
    assert_eq!(argo(|app| app.compared[0].path = "elsewhere".into()).0, words);
    assert_eq!(argo(|app| app.compared.clear()).0, words);
}

#[test]
fn health_from_before_the_sync_is_stale() {
    let words = not_yet("Argo CD has synced 4f2a1c0 and has not looked at the result yet");
    let stale = |app: &mut Application| app.reconciled_at = Some("2026-11-21T12:00:04Z".parse().unwrap());
    assert_eq!(argo(stale), (words.clone(), Want::Look));
    assert_eq!(argo(|app| app.reconciled_at = None), (words, Want::Look));
    let asked = |app: &mut Application| {
        stale(app);
        app.is_refreshing = true;
    };
    assert_eq!(argo(asked).1, Want::Nothing);
}

#[test]
fn a_sync_says_how_it_goes() {
    let running = |phase: &'static str| operation(move |run| run.phase = phase.into());
    assert_eq!(argo(running("Running")).0, progressing("Argo CD: syncing 4f2a1c0"));
    assert_eq!(argo(running("Terminating")).0, progressing("Argo CD: syncing 4f2a1c0"));
    assert_eq!(argo(|app| app.is_asked = true).0, progressing("Argo CD: syncing 4f2a1c0"));
    let broken = operation(|run| {
        run.phase = "Failed".into();
        run.message = "one or more objects failed to apply, reason: exceeded quota.\nmore".into();
    });
    let words = "Argo CD could not sync 4f2a1c0: one or more objects failed to apply, reason: exceeded quota";
    assert_eq!(argo(broken).0, failed(words));
    let closed = operation(|run| {
        run.phase = "Running".into();
        run.message = "operation is blocked by sync window".into();
    });
    let words = "Argo CD does not sync outside its sync window (operation is blocked by sync window)";
    assert_eq!(argo(closed).0, held(words));
}

#[test]
fn conditions_that_keep_it_from_git_are_failures() {
    let with =
        |kind: &'static str| move |app: &mut Application| app.conditions = vec![(kind.into(), "no such file.".into())];
    assert_eq!(argo(with("ComparisonError")).0, failed("Argo CD cannot read the change: no such file"));
    assert_eq!(argo(with("InvalidSpecError")).0, failed("Argo CD cannot read the change: no such file"));
    assert_eq!(argo(with("SyncError")).0, failed("Argo CD could not sync 4f2a1c0: no such file"));
    assert_eq!(argo(with("OrphanedResourceWarning")).0, Verdict::Synced);
    let older = |app: &mut Application| {
        with("SyncError")(app);
        app.revisions = vec![BEFORE.into()];
    };
    assert_eq!(argo(older).0, not_yet("Argo CD is still at 1111111"), "that error is about an earlier commit");
}

#[test]
fn health_is_told_with_its_object() {
    let ill = |health: &'static str| {
        move |app: &mut Application| {
            app.health = health.into();
            app.resources[1].health = health.into();
        }
    };
    assert_eq!(argo(ill("Progressing")).0, progressing("Argo CD: Deployment `checkout` is coming up"));
    assert_eq!(argo(ill("Degraded")).0, failed("Argo CD finds Deployment `checkout` degraded"));
    let words = "Argo CD finds Deployment `checkout` suspended until somebody resumes it";
    assert_eq!(argo(ill("Suspended")).0, held(words));
    assert_eq!(argo(ill("Missing")).0, not_yet("Argo CD does not find Deployment `checkout` in the cluster yet"));
    assert_eq!(argo(ill("Unknown")).0, cannot_see("Argo CD does not know how Deployment `checkout` is"));
    assert_eq!(argo(|app| app.health = "Degraded".into()).0, failed("Argo CD finds `checkout-prod` degraded"));
}

#[test]
fn an_application_of_something_else_proves_nothing() {
    let words = cannot_see("the Application `checkout-prod` does not manage a workload `checkout`");
    assert_eq!(argo(|app| app.resources.clear()).0, words);
    assert_eq!(argo(|app| app.resources[1].namespace = "other".into()).0, words);
    let partly = |app: &mut Application| app.resources[1].sync = "OutOfSync".into();
    assert_eq!(argo(partly).0, not_yet("Argo CD has not synced Deployment `checkout`"));
    let words = cannot_see("the Application `checkout-prod` does not follow the branch `main` of this repository");
    for (url, revision) in [("https://github.com/acme/other", "main"), ("https://github.com/acme/deployments", "v1")] {
        assert_eq!(argo(|app| app.sources = vec![source(url, "apps", revision)]).0, words);
    }
    let written = ["git@github.com:acme/deployments.git", "ssh://git@git.internal/Acme/deployments/"];
    for (url, revision) in written.into_iter().flat_map(|url| ["HEAD", "", "refs/heads/main"].map(|at| (url, at))) {
        let follow = |app: &mut Application| {
            app.sources = vec![source(url, "apps", revision)];
            app.compared.clone_from(&app.sources);
        };
        assert_eq!(argo(follow).0, Verdict::Synced, "{url} {revision}");
    }
    let words = held("Argo CD leaves `checkout-prod` alone (`skip-reconcile`) until somebody takes that off");
    assert_eq!(argo(|app| app.is_skipped = true).0, words);
}

#[test]
fn of_several_sources_ours_decides() {
    let several = |revisions: [&'static str; 2]| {
        move |app: &mut Application| {
            let chart =
                Source { chart: "web".into(), ..source("https://charts.example.com/acme/deployments", "", "1.0") };
            app.sources.insert(0, chart);
            app.compared.clone_from(&app.sources);
            app.revisions = revisions.map(String::from).to_vec();
            app.operation.as_mut().unwrap().revisions = revisions.map(String::from).to_vec();
        }
    };
    assert_eq!(argo(several(["1.0.3", LANDED])).0, Verdict::Synced);
    assert_eq!(argo(several(["1.0.3", AFTER])).0, Verdict::Synced);
    assert_eq!(argo(several([LANDED, BEFORE])).0, not_yet("Argo CD is still at 1111111"));
}

/// The Application, rendered into a branch of its own.
fn hydrated(change: impl FnOnce(&mut Application, &mut Hydrator)) -> Verdict {
    argo(|app| {
        let mut hydrator =
            Hydrator { source: app.sources[0].clone(), rendered: Some((LANDED.into(), RENDERED.into())), failed: None };
        app.sources[0].revision = "env/prod".into();
        app.compared.clone_from(&app.sources);
        app.revisions = vec![RENDERED.into()];
        app.operation.as_mut().unwrap().revisions = vec![RENDERED.into()];
        change(app, &mut hydrator);
        app.hydrator = Some(hydrator);
    })
    .0
}

#[test]
fn what_is_rendered_is_known_by_what_it_was_rendered_from() {
    assert_eq!(hydrated(|_, _| ()), Verdict::Synced);
    let old = hydrated(|_, hydrator| hydrator.rendered = Some((BEFORE.into(), RENDERED.into())));
    assert_eq!(old, not_yet("Argo CD has rendered only 1111111"));
    assert_eq!(hydrated(|_, hydrator| hydrator.rendered = None), not_yet("Argo CD has not rendered anything yet"));
    let unread = hydrated(|app, _| app.revisions = vec![AFTER.into()]);
    assert_eq!(unread, not_yet("Argo CD has rendered the change and has not read the result yet"));
    let broken = hydrated(|_, hydrator| hydrator.failed = Some((LANDED.into(), "cannot push".into())));
    assert_eq!(broken, failed("Argo CD cannot render the change: cannot push"));
}

/// The Application without auto-sync, its workload apart from git.
fn by_hand(change: impl FnOnce(&mut Application)) -> (Verdict, Want) {
    argo(|app| {
        app.is_automated = false;
        app.sync = "OutOfSync".into();
        app.resources[1].sync = "OutOfSync".into();
        app.operation.as_mut().unwrap().revisions = vec![BEFORE.into()];
        change(app);
    })
}

#[test]
fn a_sync_is_started_only_where_it_brings_the_approved_change_alone() {
    assert_eq!(by_hand(|_| ()), (not_yet("Argo CD has 4f2a1c0 and is told to sync it"), Want::Sync));
    assert_eq!(by_hand(|app| app.operation = None).1, Want::Sync);
    let barred = |bar: &str| held(&format!("Argo CD waits for a person to sync `checkout-prod`: {bar}"));
    let nothing = |bar: &str| (barred(bar), Want::Nothing);
    let words = "other commits came after this change, and a sync would bring them along";
    assert_eq!(by_hand(|app| app.revisions = vec![AFTER.into()]), nothing(words));
    let words = "a sync would also change Service `checkout`";
    assert_eq!(by_hand(|app| app.resources[0].sync = "OutOfSync".into()), nothing(words));
    assert_eq!(by_hand(|app| app.is_of_a_set = true), nothing("an ApplicationSet may decide when it syncs"));
    let again = |app: &mut Application| app.operation.as_mut().unwrap().revisions = vec![LANDED.into()];
    assert_eq!(by_hand(again), nothing("it was synced, and live differs from git again"));
    assert_eq!(by_hand(|app| app.resources[1].sync = "Synced".into()), nothing("it does not say what differs"));
    let automated = by_hand(|app| app.is_automated = true);
    assert_eq!(automated, (not_yet("Argo CD has 4f2a1c0 and has not begun to sync it"), Want::Nothing));
    let busy: [fn(&mut Application); 3] =
        [|app| app.is_skipped = true, |app| app.is_refreshing = true, |app| app.is_asked = true];
    for before in busy {
        assert_eq!(by_hand(before).1, Want::Nothing);
    }
    assert_eq!(by_hand(|app| app.revisions = vec![BEFORE.into()]).1, Want::Nothing);
}

#[test]
fn what_argo_cannot_compare_is_not_seen() {
    let words = cannot_see("Argo CD cannot tell whether live equals git");
    assert_eq!(argo(|app| app.sync = "Unknown".into()).0, words);
    let gone = Seen::Missing("there is no Argo CD Application `x` in the namespace `argocd`".into());
    assert_eq!(
        judge(&gone),
        (cannot_see("there is no Argo CD Application `x` in the namespace `argocd`"), Want::Nothing)
    );
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition { kind: kind.into(), status: status.into(), reason: reason.into(), message: message.into() }
}

fn object(kind: &str, name: &str, ready: &str) -> Object {
    Object {
        kind: kind.into(),
        namespace: "flux-system".into(),
        name: name.into(),
        generation: 2,
        observed_generation: 2,
        requested: Some("a".into()),
        handled: Some("a".into()),
        conditions: vec![condition("Ready", "True", ready, "fine")],
        ..Object::default()
    }
}

fn at(commit: &str) -> String {
    format!("main@sha1:{commit}")
}

/// Flux with the commit applied.
fn flux() -> Flux {
    Flux {
        source: Some(Object { revision: at(LANDED), ..object("GitRepository", "deployments", "Succeeded") }),
        kustomization: Some(Kustomization {
            object: object("Kustomization", "apps", "ReconciliationSucceeded"),
            applied: at(LANDED),
            attempted: at(LANDED),
            source_revisions: (at(LANDED), at(LANDED)),
            inventory: vec!["shop_checkout_apps_Deployment".into(), "shop_checkout__Service".into()],
        }),
        release: None,
    }
}

/// What comes of a Kustomization and its source after a change to them.
fn kustomized(change: impl FnOnce(&mut Kustomization, &mut Object)) -> Verdict {
    let mut flux = flux();
    change(flux.kustomization.as_mut().unwrap(), flux.source.as_mut().unwrap());
    judge(&Seen::Flux(Box::new(flux))).0
}

/// The Kustomization has tried and applied this.
fn is_at(own: &mut Kustomization, commit: &str) {
    (own.applied, own.attempted, own.source_revisions) = (at(commit), at(commit), (at(commit), at(commit)));
}

fn ready(own: &mut Kustomization, reason: &str, message: &str) {
    own.object.conditions = vec![condition("Ready", "False", reason, message)];
}

#[test]
fn a_kustomization_at_the_commit_or_a_later_one_is_proof() {
    assert_eq!(kustomized(|_, _| ()), Verdict::Synced);
    assert_eq!(kustomized(|own, _| is_at(own, AFTER)), Verdict::Synced);
    assert_eq!(kustomized(|_, source| source.revision = "latest@sha256:00".into()), Verdict::Synced, "of an OCI image");
}

#[test]
fn flux_says_where_it_stands() {
    let unfetched = |_: &mut Kustomization, source: &mut Object| source.revision = at(BEFORE);
    assert_eq!(kustomized(unfetched), not_yet("Flux has fetched only 1111111"));
    let dark = |own: &mut Kustomization, source: &mut Object| {
        unfetched(own, source);
        source.conditions = vec![condition("Ready", "False", "GitOperationFailed", "authentication required")];
    };
    assert_eq!(kustomized(dark), failed("Flux cannot fetch the repository: authentication required"));
    assert_eq!(kustomized(|own, _| is_at(own, BEFORE)), not_yet("Flux is still at 1111111"));
    assert_eq!(kustomized(|own, _| own.attempted.clear()), not_yet("Flux has not applied anything yet"));
    let unknown = cannot_see("Flux is at abababa, which this repository does not have");
    assert_eq!(kustomized(|own, _| is_at(own, RENDERED)), unknown);
    let waits = not_yet("Flux has not looked at Kustomization `apps` yet");
    assert_eq!(kustomized(|own, _| own.object.requested = Some("b".into())), waits);
    assert_eq!(kustomized(|own, _| own.object.observed_generation = 1), waits);
    let busy = |own: &mut Kustomization, _: &mut Object| {
        own.object.conditions = vec![
            condition("Reconciling", "True", "Progressing", "Building manifests"),
            condition("Ready", "Unknown", "Progressing", "Reconciliation in progress"),
        ];
    };
    assert_eq!(kustomized(busy), progressing("Flux: applying 4f2a1c0"));
    assert_eq!(kustomized(|own, _| own.applied = at(BEFORE)), not_yet("Flux is still at 1111111"));
    let half = |own: &mut Kustomization, _: &mut Object| own.source_revisions.0 = at(AFTER);
    assert_eq!(kustomized(half), progressing("Flux: applying 4f2a1c0"));
}

#[test]
fn what_flux_cannot_do_is_said_in_its_words() {
    for reason in ["PruneFailed", "BuildFailed", "HealthCheckFailed", "ReconciliationFailed"] {
        let words = failed("Flux: Kustomization `apps` failed: timeout waiting for Deployment/shop/checkout");
        let why = "timeout waiting for Deployment/shop/checkout\nand more";
        assert_eq!(kustomized(|own, _| ready(own, reason, why)), words, "{reason}");
        let old = |own: &mut Kustomization, _: &mut Object| {
            is_at(own, BEFORE);
            ready(own, reason, why);
        };
        assert_eq!(kustomized(old), not_yet("Flux is still at 1111111"), "{reason} was about an earlier commit");
    }
    for reason in ["ArtifactFailed", "DependencyNotReady"] {
        let blocked = |own: &mut Kustomization, _: &mut Object| {
            is_at(own, BEFORE);
            ready(own, reason, "dependency 'flux-system/infra' is not ready");
        };
        let words = "Flux cannot begin with Kustomization `apps`: dependency 'flux-system/infra' is not ready";
        assert_eq!(kustomized(blocked), failed(words), "{reason}");
    }
    let stalled = |own: &mut Kustomization, _: &mut Object| {
        own.object.conditions = vec![condition("Stalled", "True", "InvalidPath", "path not found")];
    };
    assert_eq!(kustomized(stalled), failed("Flux has given up on Kustomization `apps`: path not found"));
}

#[test]
fn what_is_suspended_keeps_an_old_ready() {
    let words = |what: &str| held(&format!("Flux does nothing while {what} is suspended"));
    assert_eq!(kustomized(|own, _| own.object.is_suspended = true), words("Kustomization `apps`"));
    assert_eq!(kustomized(|_, source| source.is_suspended = true), words("GitRepository `deployments`"));
}

#[test]
fn a_kustomization_of_something_else_proves_nothing() {
    let words = cannot_see("Kustomization `apps` of Flux does not apply `checkout`");
    assert_eq!(kustomized(|own, _| own.inventory.clear()), words);
    let elsewhere = |own: &mut Kustomization, _: &mut Object| {
        own.inventory = vec!["other_checkout_apps_Deployment".into(), "shop_checkout__Service".into()];
    };
    assert_eq!(kustomized(elsewhere), words);
}

/// What comes of a HelmRelease that the Kustomization applies, after a change to it.
fn helm(change: impl FnOnce(&mut HelmRelease)) -> (Verdict, Want) {
    let mut flux = flux();
    flux.kustomization.as_mut().unwrap().inventory = vec!["flux-system_shop_helm.toolkit.fluxcd.io_HelmRelease".into()];
    let mut object = object("HelmRelease", "shop", "UpgradeSucceeded");
    object.conditions.push(condition("Released", "True", "UpgradeSucceeded", "fine"));
    let [released, attempted] = ["sha256:1", "sha256:1"].map(String::from);
    let mut release = HelmRelease { object, status: "deployed".into(), released, attempted };
    change(&mut release);
    flux.release = Some(release);
    judge(&Seen::Flux(Box::new(flux)))
}

#[test]
fn a_release_is_proven_in_two_hops() {
    assert_eq!(helm(|_| ()), (Verdict::Synced, Want::Look));
    assert_eq!(
        helm(|own| own.object.is_suspended = true).0,
        held("Flux does nothing while HelmRelease `shop` is suspended")
    );
    let waits = not_yet("Flux has not looked at HelmRelease `shop` yet");
    assert_eq!(helm(|own| own.object.observed_generation = 1), (waits, Want::Nothing));
    let releasing = progressing("Flux: releasing `shop` with Helm");
    assert_eq!(helm(|own| own.status = "pending-upgrade".into()).0, releasing);
    assert_eq!(helm(|own| own.attempted = "sha256:2".into()).0, releasing);
    assert_eq!(helm(|own| own.object.conditions.truncate(1)).0, releasing);
    let mut alone = flux();
    alone.kustomization = None;
    alone.release =
        Some(HelmRelease { object: object("HelmRelease", "shop", "UpgradeSucceeded"), ..HelmRelease::default() });
    let words = "no Kustomization of Flux applies HelmRelease `shop`, so nothing tells its commit";
    assert_eq!(judge(&Seen::Flux(Box::new(alone))).0, cannot_see(words));
}

#[test]
fn a_release_that_helm_took_back_is_no_success() {
    let remediated = |own: &mut HelmRelease| {
        own.object.conditions = vec![
            condition("Ready", "True", "UpgradeSucceeded", "fine"),
            condition("Released", "False", "UpgradeFailed", "Helm upgrade failed: timed out waiting"),
            condition("Remediated", "True", "RollbackSucceeded", "Helm rollback succeeded"),
        ];
    };
    assert_eq!(
        helm(remediated).0,
        failed("Helm went back to the release before: Helm upgrade failed: timed out waiting")
    );
    let drifted = |own: &mut HelmRelease| {
        own.object.conditions.push(condition("Drifted", "True", "DriftDetected", "Deployment/shop/web changed"));
    };
    assert_eq!(helm(drifted).0, not_yet("Flux finds live changed by hand: Deployment/shop/web changed"));
}

#[test]
fn commits_are_found_in_every_form_of_a_revision() {
    for revision in [LANDED.to_owned(), at(LANDED), format!("main/{LANDED}"), format!("sha1:{LANDED}")] {
        assert_eq!(commit_of(&revision).unwrap().as_str(), LANDED, "{revision}");
    }
    for revision in ["", "main", "1.0.3", "latest@sha256:00"] {
        assert_eq!(commit_of(revision), None, "{revision}");
    }
}
