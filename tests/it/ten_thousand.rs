//! Ten thousand services: their rules load, and names are offered while somebody types. How fast is for
//! `cargo bench --bench catalog`; here it only must come to an end.

use std::time::Duration;

use leverframe::{
    chat::discord::suggest::{self, Draft},
    clock,
    core::rules::Rules,
};

use crate::many_services::{SERVICES, repository};

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
