//! `/help` lists what whoever asks may do, whatever the hour, and says how much more there is.

use crate::together::{Chat, within};

const POLICY: &str = r#"@id("leads-scale") @reason("only leads scale")
forbid (principal, action == Action::"scale", resource) unless { principal in Group::"leads" };
@id("prod-is-for-leads") forbid (principal, action == Action::"deploy", resource)
when { resource.environment == "prod" } unless { principal in Group::"leads" };
@id("never-now") @reason("not at this hour") forbid (principal, action == Action::"restart", resource)
when { context.local_hour >= 0 };
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_lists_only_what_the_person_who_asks_may_do() {
    let chat = Chat::with(&[(".leverframe/policy.cedar", POLICY)]).await;
    let lead = chat.says("bo", "/help").await;
    assert!(lead.contains("scale`:") && !lead.contains("for others here"), "{lead}");
    let other = chat.says("dan", "/help").await;
    assert!(!other.contains("scale`:") && other.contains("\n1 more is for others here"), "{other}");
    // In staging he deploys, and at another hour he could restart.
    assert!(other.contains("/lf deploy`:") && other.contains("/lf restart`:"), "{other}");
    // Whoever is unknown may look, and no more.
    let unknown = chat.says("zed", "/help").await;
    assert!(unknown.contains("/lf status`:") && !unknown.contains("deploy`:"), "{unknown}");
    assert!(unknown.contains(" more are for others here"), "{unknown}");
    within("the commands to be registered", chat.world.commands_are_known()).await;
    let answered = chat.world.discord.says("dan", crate::together::DEPLOYS, "/help").await.unwrap().unwrap();
    assert!(answered.shown.unwrap_or_default().contains("1 more is for others here"));
}
