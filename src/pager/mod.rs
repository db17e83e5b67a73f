//! Who wakes people: PagerDuty's Events API v2, and the alert API of Opsgenie, which Jira Service Management serves at
//! another address. Both take an event under a key of ours, so that one told twice is one.

use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, RETRY_AFTER},
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    core::paging::{Alert, Telling, Urgency},
    net::{NetError, Outgoing, look::below},
    secret::Secret,
};

/// How long a summary may be with each, in characters.
const PAGERDUTY_SUMMARY: usize = 1024;
const OPSGENIE_MESSAGE: usize = 130;

/// One of them.
#[derive(Debug, Clone)]
pub struct Pager {
    net: Outgoing,
    kind: Kind,
    /// The base of its API.
    api: Url,
    key: Secret,
}

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PagerDuty: its key is an integration's routing key.
    PagerDuty,
    /// Opsgenie or Jira Service Management: its key is an API integration's.
    Opsgenie,
}

impl Kind {
    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::PagerDuty => "pagerduty",
            Self::Opsgenie => "opsgenie",
        }
    }

    /// Its name for people.
    pub fn called(self) -> &'static str {
        match self {
            Self::PagerDuty => "PagerDuty",
            Self::Opsgenie => "Opsgenie",
        }
    }
}

/// Where to, as whom, and what.
type Asked = Result<(Url, HeaderMap, Value), NetError>;

/// Why one could not be told.
#[derive(Debug, thiserror::Error)]
pub enum PagerError {
    /// No answer came.
    #[error("{0}")]
    Net(NetError),
    /// It answered, and will have us wait.
    #[error("it takes no more just now ({status})")]
    Later {
        /// Which.
        pager: &'static str,
        /// The status of HTTP.
        status: u16,
        /// For how many seconds, where it says so.
        wait: Option<u64>,
    },
    /// What answers is not it.
    #[error("what answers there is not {pager}")]
    Garbage {
        /// Which was meant.
        pager: &'static str,
    },
    /// It does not take what was sent, and will not.
    #[error("it refused the page ({status}): {says}")]
    Refused {
        /// Which.
        pager: &'static str,
        /// The status of HTTP.
        status: u16,
        /// Its words.
        says: String,
    },
}

impl PagerError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Net(error) => error.remedy(),
            Self::Later { .. } => "It is tried again by itself.".to_owned(),
            Self::Garbage { .. } => "Look at the address under `pager` in `leverframe.yaml`.".to_owned(),
            Self::Refused { pager, .. } => {
                format!("Look at the key and the address under `pager` in `leverframe.yaml`, and at {pager}.")
            }
        }
    }
}

impl Pager {
    /// One, reached at the base of its API.
    pub fn new(kind: Kind, (api, key): (Url, Secret), net: &Outgoing) -> Self {
        Self { net: net.clone(), kind, api, key }
    }

    /// Which it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Calls on-call, or says that nobody is needed any more. Told twice is told once.
    ///
    /// # Errors
    /// When it did not take it.
    pub async fn tell(&self, telling: &Telling) -> Result<(), PagerError> {
        let asked = match self.kind {
            Kind::PagerDuty => self.to_pagerduty(telling),
            Kind::Opsgenie => self.to_opsgenie(telling),
        };
        let (address, headers, body) = asked.map_err(PagerError::Net)?;
        let answer = self.net.look(&address, headers, Some(&body)).await.map_err(PagerError::Net)?;
        let (pager, status) = (self.kind.called(), answer.status);
        match status {
            200..=299 if answer.body.is_object() => Ok(()),
            200..=299 => Err(PagerError::Garbage { pager }),
            408 | 425 | 429 | 500.. => {
                let wait = answer.header(RETRY_AFTER.as_str()).and_then(|wait| wait.parse().ok());
                Err(PagerError::Later { pager, status, wait })
            }
            // An alert that it does not have, or has closed, calls nobody.
            404 if matches!(telling, Telling::Over { .. }) => Ok(()),
            _ => Err(PagerError::Refused { pager, status, says: said(&answer.body) }),
        }
    }

    /// Whether it is reached and takes the key: tells it that something is over of which it never heard, which both drop.
    ///
    /// # Errors
    /// When it did not take it.
    pub async fn greet(&self) -> Result<(), PagerError> {
        self.tell(&Telling::Over { key: "leverframe-doctor".to_owned(), incident: None }).await
    }

    fn to_pagerduty(&self, telling: &Telling) -> Asked {
        let key = self.key.reveal();
        let body = match telling {
            Telling::Call(alert) => json!({
                "routing_key": key,
                "event_action": "trigger",
                "dedup_key": alert.key,
                "client": "Leverframe",
                "payload": {
                    "summary": cut(&alert.summary, PAGERDUTY_SUMMARY),
                    "source": "leverframe",
                    "severity": match alert.urgency { Urgency::Critical => "critical", Urgency::Error => "error" },
                    "component": alert.service,
                    "group": alert.environment,
                    "class": alert.class,
                    "custom_details": details(alert),
                },
            }),
            Telling::Over { key: over, .. } => {
                json!({ "routing_key": key, "event_action": "resolve", "dedup_key": over })
            }
        };
        Ok((below(&self.api, "v2/enqueue")?, HeaderMap::new(), body))
    }

    fn to_opsgenie(&self, telling: &Telling) -> Asked {
        let bad = |_| NetError::BadToken { host: self.api.host_str().unwrap_or_default().to_owned() };
        let mut login = HeaderValue::from_str(&format!("GenieKey {}", self.key.reveal())).map_err(bad)?;
        login.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, login)]);
        let (path, body) = match telling {
            Telling::Call(alert) => {
                let body = json!({
                    "message": cut(&alert.summary, OPSGENIE_MESSAGE),
                    "alias": alert.key,
                    "description": alert.summary,
                    "entity": alert.service.clone().unwrap_or_default(),
                    "source": "Leverframe",
                    "tags": [alert.class],
                    "priority": match alert.urgency { Urgency::Critical => "P1", Urgency::Error => "P2" },
                    "details": details(alert),
                });
                ("v2/alerts".to_owned(), body)
            }
            // Keys are of letters, digits and dashes.
            Telling::Over { key, .. } => {
                (format!("v2/alerts/{key}/close?identifierType=alias"), json!({ "source": "Leverframe" }))
            }
        };
        Ok((below(&self.api, &path)?, headers, body))
    }
}

fn details(alert: &Alert) -> Value {
    let pairs = [
        ("incident", alert.incident.as_ref().map(ToString::to_string)),
        ("service", alert.service.clone()),
        ("environment", alert.environment.clone()),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))).collect()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// What an answer says, in its words, shortly.
fn said(body: &Value) -> String {
    let message = body.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
    let errors: Vec<&str> =
        body.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let whole = if errors.is_empty() { message.to_owned() } else { format!("{message}: {}", errors.join(", ")) };
    cut(&whole, 300)
}
