//! How long what Slack said of an account counts where it cannot be asked: ten minutes as what it says, twelve hours as what
//! it said, and no longer.

use std::time::Duration;

use axum::response::IntoResponse as _;
use serde_json::json;
use tokio::time::Instant;

use super::{
    accounts::{Accounts, Seen},
    calls::{api, says},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn what_slack_said_of_an_account_counts_for_twelve_hours() {
    let member = json!({"ok": true, "user": {"id": "U1", "team_id": "T1"}});
    let gone = json!({"ok": true, "user": {"id": "U1", "team_id": "T1", "deleted": true}});
    let down = || http::StatusCode::SERVICE_UNAVAILABLE.into_response();
    let answers = vec![says(member.clone()), down(), down(), down(), says(gone)];
    let (_server, slack, asked) = api(answers).await;
    let (accounts, began) = (Accounts::patient(HOUR), Instant::now());
    let seen = async |after: Duration| accounts.seen(&slack, "U1", began + after).await;
    let Seen::Now(account) = seen(Duration::ZERO).await else { panic!("Slack said it") };
    assert!(!account.deleted);
    assert_eq!(seen(MINUTE * 10 - Duration::from_secs(1)).await, Seen::Now(account.clone()));
    assert_eq!(asked.lock().unwrap().len(), 1, "nobody was asked again");
    let earlier = |age: Duration| Seen::Earlier { account: account.clone(), age };
    assert_eq!(seen(MINUTE * 10).await, earlier(MINUTE * 10));
    assert_eq!(seen(HOUR * 12 - MINUTE).await, earlier(HOUR * 12 - MINUTE));
    assert_eq!(seen(HOUR * 12).await, Seen::Never);
    // Once it can be asked again, it is.
    assert!(matches!(seen(HOUR * 13).await, Seen::Now(account) if account.deleted));
    // Somebody of whom it never said anything is unknown at once.
    let (_server, slack, _) = api(vec![down()]).await;
    assert_eq!(accounts.seen(&slack, "U2", began).await, Seen::Never);
}
