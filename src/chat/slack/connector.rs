//! slack-morphism's way to the network: its requests and models over our HTTP client.
//! One request, one answer: it neither waits nor retries, because only the engine knows what may be sent twice.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use http::{StatusCode, header::RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use slack_morphism::{
    ClientResult, SlackApiToken, SlackClientApiCallContext, SlackClientHttpConnector, SlackClientId, SlackClientSecret,
    errors::{
        SlackClientApiError, SlackClientError, SlackClientHttpError, SlackClientHttpProtocolError,
        SlackClientSystemError, SlackRateLimitError, map_serde_error,
    },
    multipart_form::FileMultipartData,
};
use url::Url;

use crate::net::{self, NetError};

/// How long Slack may take for one call, from the first byte out to the last byte in.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer: a page of 200 messages with their blocks stays well below.
const LONGEST: usize = 16 * 1024 * 1024;

/// Our HTTP client and where Slack's Web API is (`https://slack.com/api`).
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) http: reqwest::Client,
    pub(super) api: Url,
}

/// What every answer of Slack begins with.
#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    error: Option<String>,
}

impl Connector {
    async fn send<RS: DeserializeOwned>(
        &self,
        asked: RequestBuilder,
        token: Option<&SlackApiToken>,
    ) -> ClientResult<RS> {
        let asked = match token {
            Some(token) => asked.bearer_auth(&token.token_value.0),
            None => asked,
        };
        let answer = asked.timeout(PATIENCE).send().await.map_err(|error| lost(NetError::of(&error)))?;
        let (status, wait) = (answer.status(), retry_after(&answer));
        let body = net::read(answer, LONGEST).await.map_err(lost)?;
        match status {
            StatusCode::TOO_MANY_REQUESTS => {
                Err(SlackClientError::RateLimitError(SlackRateLimitError::new().opt_retry_after(wait)))
            }
            status if status.is_success() => read(&body),
            status => Err(SlackClientError::HttpError(SlackClientHttpError::new(status))),
        }
    }
}

/// Slack says how long to wait in whole seconds.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn read<RS: DeserializeOwned>(body: &Bytes) -> ClientResult<RS> {
    let garbage = |error| map_serde_error(error, None);
    let envelope: Envelope = serde_json::from_slice(body).map_err(garbage)?;
    if envelope.ok {
        return serde_json::from_slice(body).map_err(garbage);
    }
    let code = envelope.error.unwrap_or_else(|| "unknown_error".to_owned());
    let body = String::from_utf8_lossy(body).into_owned();
    Err(SlackClientError::ApiError(SlackClientApiError::new(code).with_http_response_body(body)))
}

fn lost(error: NetError) -> SlackClientError {
    SlackClientError::HttpProtocolError(SlackClientHttpProtocolError::new().with_cause(Box::new(error)))
}

/// slack-morphism writes `auth.test?` where a method has no parameters.
fn without_empty_query(mut uri: Url) -> Url {
    if uri.query() == Some("") {
        uri.set_query(None);
    }
    uri
}

fn unused<'a, RS: Send + 'a>(what: &str) -> BoxFuture<'a, ClientResult<RS>> {
    let said = SlackClientSystemError::new().with_message(format!("{what} is not used here"));
    std::future::ready(Err(SlackClientError::SystemError(said))).boxed()
}

impl SlackClientHttpConnector for Connector {
    fn create_method_uri_path(&self, method: &str) -> ClientResult<Url> {
        Ok(format!("{}/{method}", self.api.as_str().trim_end_matches('/')).parse()?)
    }

    fn http_get_uri<'a, RS>(
        &'a self,
        uri: Url,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        self.send(self.http.get(without_empty_query(uri)), context.token).boxed()
    }

    fn http_get_with_client_secret<'a, RS>(
        &'a self,
        _: Url,
        _: &'a SlackClientId,
        _: &'a SlackClientSecret,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        unused("signing in with a client secret")
    }

    fn http_post_uri<'a, RQ, RS>(
        &'a self,
        uri: Url,
        body: &'a RQ,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RQ: Serialize + Send + Sync,
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        self.send(self.http.post(uri).json(body), context.token).boxed()
    }

    fn http_post_uri_multipart_form<'a, 'p, RS, PT, TS>(
        &'a self,
        _: Url,
        _: Option<FileMultipartData<'p>>,
        _: &'p PT,
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
        PT: IntoIterator<Item = (&'p str, Option<TS>)> + Clone,
        TS: AsRef<str> + 'p + Send,
    {
        unused("a multipart form")
    }

    fn http_post_uri_binary<'a, 'p, RS>(
        &'a self,
        _: Url,
        _: String,
        _: &'a [u8],
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        unused("an upload")
    }
}
