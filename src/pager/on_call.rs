//! Who is on call in a schedule now: PagerDuty's REST API, and Opsgenie's schedules. Both name people by e-mail.

use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, AUTHORIZATION},
};
use serde_json::Value;

use super::{Kind, Pager, PagerError, login, said};
use crate::net::{NetError, look::below};

/// How many a page holds, which is as many as PagerDuty gives.
const PAGE: usize = 100;
/// The most pages that are read of one schedule.
const PAGES: usize = 10;

impl Pager {
    /// The e-mail addresses of those who are on call in a schedule now.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn on_call(&self, schedule: &str) -> Result<Vec<String>, PagerError> {
        match self.kind {
            Kind::PagerDuty => self.by_pagerduty(schedule).await,
            Kind::Opsgenie => self.by_opsgenie(schedule).await,
        }
    }

    async fn by_pagerduty(&self, schedule: &str) -> Result<Vec<String>, PagerError> {
        let (api, token) = self.schedules.as_ref().ok_or(PagerError::Unasked)?;
        let accept = HeaderValue::from_static("application/vnd.pagerduty+json;version=2");
        let login = login(api, "Token token=", token).map_err(PagerError::Net)?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, login), (ACCEPT, accept)]);
        let mut found = Vec::new();
        for page in 0..PAGES {
            let path = format!(
                "oncalls?schedule_ids%5B%5D={schedule}&include%5B%5D=users&limit={PAGE}&offset={}",
                page * PAGE
            );
            let body = self.read(below(api, &path), headers.clone()).await?;
            let entries = body.get("oncalls").and_then(Value::as_array);
            let entries = entries.ok_or(PagerError::Garbage { pager: self.kind.called() })?;
            // Of a schedule that is not asked about nobody is taken, whatever the answer holds.
            let is_of_it = |entry: &&Value| entry.pointer("/schedule/id").and_then(Value::as_str) == Some(schedule);
            let emails = entries.iter().filter(is_of_it).filter_map(|entry| entry.pointer("/user/email")?.as_str());
            found.extend(emails.map(str::to_owned));
            if body.get("more").and_then(Value::as_bool) != Some(true) {
                break;
            }
        }
        Ok(found)
    }

    async fn by_opsgenie(&self, schedule: &str) -> Result<Vec<String>, PagerError> {
        let login = login(&self.api, "GenieKey ", &self.key).map_err(PagerError::Net)?;
        let path = format!("v2/schedules/{schedule}/on-calls?scheduleIdentifierType=id&flat=true");
        let body = self.read(below(&self.api, &path), HeaderMap::from_iter([(AUTHORIZATION, login)])).await?;
        let names = body.pointer("/data/onCallRecipients").and_then(Value::as_array);
        let names = names.ok_or(PagerError::Garbage { pager: self.kind.called() })?;
        Ok(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    async fn read(&self, address: Result<url::Url, NetError>, headers: HeaderMap) -> Result<Value, PagerError> {
        let address = address.map_err(PagerError::Net)?;
        let answer = self.net.look(&address, headers, None).await.map_err(PagerError::Net)?;
        let (pager, status) = (self.kind.called(), answer.status);
        match status {
            200..=299 => Ok(answer.body),
            408 | 425 | 429 | 500.. => Err(PagerError::Later { pager, status, wait: None }),
            _ => Err(PagerError::Unreadable { pager, status, says: said(&answer.body) }),
        }
    }
}
