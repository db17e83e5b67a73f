//! One look, one verdict.

use super::*;

const OLD: &str = "ghcr.io/acme/checkout:v1.2.4";
const NEW: &str = "ghcr.io/acme/checkout:v1.2.5";

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn pod(name: &str, image: &str) -> Pod {
    let image = PodImage { image: image.into(), image_id: format!("ghcr.io/acme/checkout@{}", digest('a')) };
    let images = [("app".to_owned(), image)].into();
    Pod { name: name.into(), images, ready: true, trouble: None, phase: "Running".into() }
}

/// Two pods of v1.2.5, all well.
fn live() -> Workload {
    Workload {
        images: [("app".to_owned(), NEW.to_owned())].into(),
        desired: 2,
        updated: 2,
        ready: 2,
        available: 2,
        total: 2,
        generation: 7,
        observed_generation: 7,
        pods: vec![pod("p1", NEW), pod("p2", NEW)],
        ..Workload::default()
    }
}

#[test]
fn a_variable_is_there_when_a_container_of_the_template_has_its_value() {
    let wanted = Wanted { variables: [("MODE".to_owned(), "fast".to_owned())].into(), ..Wanted::default() };
    let set = |value: &'static str| {
        move |w: &mut Workload| drop(w.variables.insert("MODE".to_owned(), [value.to_owned()].into()))
    };
    assert_eq!(check(|_| (), &wanted), Verdict::NotYet { running: "without the new MODE".into() });
    assert_eq!(check(set("slow"), &wanted), Verdict::NotYet { running: "without the new MODE".into() });
    assert_eq!(check(set("fast"), &wanted), Verdict::Live);
    let one_of_two = |w: &mut Workload| {
        set("fast")(w);
        w.updated = 1;
    };
    assert_eq!(check(one_of_two, &wanted), Verdict::Progressing { ready: 2, desired: 2 });
}

#[test]
fn names_that_say_what_a_config_map_holds_are_known() {
    let named = ["flags-7h2k5m9t4b", "flags", "flags-production", "checkout-flags-7h2k5m9t4", "flags-7H2K5M9T4B"];
    assert_eq!(named.map(is_named_by_content), [true, false, false, false, false]);
}

#[test]
fn the_digest_that_runs_is_the_one_that_all_pods_were_found_with() {
    let both = |one: &str, other: &str| {
        let mut workload = live();
        for (pod, digest) in workload.pods.iter_mut().zip([one, other]) {
            pod.images.values_mut().for_each(|image| image.image_id = format!("acme/app@sha256:{digest}"));
        }
        running_digest(&workload, &version("v1.2.5"))
    };
    assert_eq!(both("aa", "aa").as_deref(), Some("sha256:aa"));
    assert_eq!(both("aa", "bb"), None);
}

fn version(tag: &str) -> Wanted {
    Wanted { tag: Some(ImageTag::parse(tag).unwrap()), ..Wanted::default() }
}

/// The verdict on `live()` after one change to it.
fn check(change: impl FnOnce(&mut Workload), wanted: &Wanted) -> Verdict {
    let mut workload = live();
    change(&mut workload);
    verdict(&workload, wanted)
}

fn progressing(ready: u32, desired: u32) -> Verdict {
    Verdict::Progressing { ready, desired }
}

fn failed(reason: &str) -> Verdict {
    Verdict::Failed { reason: reason.into() }
}

fn not_yet(running: &str) -> Verdict {
    Verdict::NotYet { running: running.into() }
}

#[test]
fn all_well_is_live() {
    assert_eq!(check(|_| (), &version("v1.2.5")), Verdict::Live);
    assert_eq!(check(|_| (), &Wanted::default()), Verdict::Live);
    assert_eq!(check(|_| (), &Wanted { replicas: Some(2), ..version("v1.2.5") }), Verdict::Live);
}

#[test]
fn a_cluster_that_was_not_told_says_what_it_runs() {
    assert_eq!(check(|_| (), &version("v1.2.6")), not_yet("v1.2.5"));
    assert_eq!(check(|_| (), &Wanted { replicas: Some(3), ..version("v1.2.5") }), not_yet("2 replicas"));
    assert_eq!(check(|w| w.desired = 1, &Wanted { replicas: Some(3), ..Wanted::default() }), not_yet("1 replica"));
    assert_eq!(check(|w| w.images.clear(), &version("v1.2.5")), not_yet("nothing"));
    let untagged = |w: &mut Workload| _ = w.images.insert("app".into(), "reg:5000/checkout".into());
    assert_eq!(check(untagged, &version("v1.2.5")), not_yet("latest"));
    let pinned = |w: &mut Workload| _ = w.images.insert("app".into(), format!("checkout@{}", digest('a')));
    assert_eq!(check(pinned, &version("v1.2.5")), not_yet("sha256:aaaaaaaaaaaa"));
}

#[test]
fn counters_that_are_behind_are_never_live() {
    let five = version("v1.2.5");
    assert_eq!(check(|w| w.observed_generation = 6, &five), progressing(2, 2));
    assert_eq!(check(|w| w.updated = 1, &five), progressing(2, 2));
    assert_eq!(check(|w| w.total = 3, &five), progressing(2, 2));
    assert_eq!(check(|w| w.available = 1, &five), progressing(2, 2));
    assert_eq!(check(|w| w.paused = true, &five), progressing(2, 2));
}

#[test]
fn pods_have_the_last_word() {
    let five = version("v1.2.5");
    assert_eq!(check(|w| w.pods.clear(), &five), progressing(0, 2));
    assert_eq!(check(|w| w.pods[1].ready = false, &five), progressing(1, 2));
    assert_eq!(check(|w| w.pods[1] = pod("p2", OLD), &five), progressing(1, 2));
    assert_eq!(check(|w| w.pods.push(pod("p0", OLD)), &five), progressing(2, 2));
    let going = |w: &mut Workload| w.pods.push(Pod { phase: "Terminating".into(), ..pod("p0", OLD) });
    assert_eq!(check(going, &five), progressing(2, 2));
    let evicted = |w: &mut Workload| w.pods.push(Pod { phase: "Failed".into(), ready: false, ..pod("p0", OLD) });
    assert_eq!(check(evicted, &five), Verdict::Live);
    assert_eq!(check(|w| w.pods[1].phase = "Terminating".into(), &five), progressing(1, 2));
    assert_eq!(check(|w| w.pods.push(pod("p3", NEW)), &five), Verdict::Live);
}

#[test]
fn old_pods_count_as_old_also_where_only_replicas_changed() {
    let three = Wanted { replicas: Some(2), ..Wanted::default() };
    assert_eq!(check(|w| w.pods[0] = pod("p0", OLD), &three), progressing(1, 2));
}

#[test]
fn nothing_wanted_and_nothing_left_is_live() {
    let none = Wanted { replicas: Some(0), ..Wanted::default() };
    let stopped = |w: &mut Workload| {
        *w = Workload { desired: 0, updated: 0, ready: 0, available: 0, total: 0, ..live() };
        w.pods.clear();
    };
    assert_eq!(check(stopped, &none), Verdict::Live);
    let stopping = |w: &mut Workload| *w = Workload { desired: 0, updated: 0, total: 2, ..live() };
    assert_eq!(check(stopping, &none), progressing(0, 0));
}

#[test]
fn what_is_stuck_says_why() {
    let five = version("v1.2.5");
    let slow = |w: &mut Workload| w.progress_deadline_exceeded = Some("ReplicaSet has timed out".into());
    assert_eq!(check(slow, &five), failed("ReplicaSet has timed out"));
    let trouble = |reason: &str, image: &str| {
        let pod = Pod { ready: false, trouble: Some(reason.into()), ..pod("p2", image) };
        move |w: &mut Workload| w.pods[1] = pod
    };
    assert_eq!(check(trouble("ImagePullBackOff", NEW), &five), failed("p2: ImagePullBackOff"));
    assert_eq!(check(trouble("ContainerCreating", NEW), &five), progressing(1, 2));
    assert_eq!(check(trouble("ErrImagePull", NEW), &five), progressing(1, 2));
    let both = |w: &mut Workload| {
        slow(w);
        trouble("CrashLoopBackOff", NEW)(w);
    };
    assert_eq!(check(both, &five), failed("ReplicaSet has timed out (p2: CrashLoopBackOff)"));
    let full = |w: &mut Workload| {
        slow(w);
        trouble("Unschedulable", NEW)(w);
    };
    assert_eq!(check(full, &five), failed("ReplicaSet has timed out (p2: Unschedulable)"));
    assert_eq!(check(trouble("Unschedulable", NEW), &five), progressing(1, 2));
    let stale = |w: &mut Workload| {
        slow(w);
        w.generation = 8;
    };
    assert_eq!(check(stale, &five), progressing(2, 2));
}

#[test]
fn an_old_pod_in_trouble_is_what_is_being_mended() {
    let crashing = Pod { ready: false, trouble: Some("CrashLoopBackOff".into()), ..pod("p0", OLD) };
    assert_eq!(check(|w| w.pods.push(crashing), &version("v1.2.5")), progressing(2, 2));
}

#[test]
fn sidecars_do_not_decide() {
    let with_proxy = |w: &mut Workload| {
        w.images.insert("proxy".into(), "envoy:1.30".into());
        for pod in &mut w.pods {
            pod.images.insert("proxy".into(), PodImage { image: "envoy:1.30".into(), image_id: String::new() });
            pod.images.insert("injected".into(), PodImage { image: "mesh:9".into(), image_id: String::new() });
        }
    };
    let of = |image: &str, tag: &str| Wanted { image: Some(image.into()), ..version(tag) };
    assert_eq!(check(with_proxy, &version("v1.2.5")), Verdict::Live);
    assert_eq!(check(with_proxy, &of("ghcr.io/acme/checkout", "v1.2.5")), Verdict::Live);
    assert_eq!(check(with_proxy, &of("ghcr.io/acme/checkout", "1.30")), not_yet("v1.2.5"));
    assert_eq!(check(with_proxy, &of("mirror.local/checkout", "v1.2.5")), Verdict::Live);
    assert_eq!(check(with_proxy, &version("v1.2.6")), not_yet("app v1.2.5, proxy 1.30"));
    let half = |w: &mut Workload| {
        with_proxy(w);
        w.pods[0].images.insert("proxy".into(), PodImage { image: "envoy:1.29".into(), image_id: String::new() });
    };
    assert_eq!(check(half, &version("v1.2.5")), progressing(1, 2));
}

#[test]
fn a_digest_is_proven_by_what_the_nodes_pulled() {
    let with = |digit: char| Wanted { digest: Some(ImageDigest::parse(&digest(digit)).unwrap()), ..Wanted::default() };
    let beside_tag = |digit: char| Wanted { tag: version("v1.2.5").tag, ..with(digit) };
    assert_eq!(check(|_| (), &with('a')), not_yet("v1.2.5"));
    assert_eq!(check(|_| (), &beside_tag('a')), Verdict::Live);
    assert_eq!(check(|_| (), &beside_tag('b')), progressing(0, 2));
    let pin = |w: &mut Workload, digit: char| {
        let image = format!("{NEW}@{}", digest(digit));
        w.pods = vec![pod("p1", &image), pod("p2", &image)];
        w.images.insert("app".into(), image);
    };
    assert_eq!(check(|w| pin(w, 'a'), &with('a')), Verdict::Live);
    assert_eq!(check(|w| pin(w, 'a'), &version("v1.2.5")), Verdict::Live);
    assert_eq!(check(|w| pin(w, 'b'), &with('a')), not_yet("v1.2.5"));
    let admitted = |w: &mut Workload| w.pods = vec![pod("p1", &format!("{NEW}@{}", digest('a'))), pod("p2", NEW)];
    assert_eq!(check(admitted, &version("v1.2.5")), Verdict::Live);
}
