//! Every outgoing connection: one HTTP client with one TLS provider (ring), the system's roots beside the
//! company's own, and the proxy settings of the environment. [`HttpService`] lends that client to libraries
//! that bring their own requests (GitHub, Kubernetes), with the address and the token put in here.
//! It does not retry: what is safe to send twice is known only to the caller.

pub mod apart;
pub mod back_off;
pub mod dial;
pub mod look;
pub mod relay;
pub mod websocket;

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, header::AUTHORIZATION};
use http_body_util::BodyExt as _;
use reqwest::{
    ClientBuilder,
    redirect::{Attempt, Policy},
};
use url::{Host, Url};

use crate::secret::Secret;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may stay silent.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How many redirects on one host are followed.
const MAX_REDIRECTS: usize = 5;

/// Why something outside could not be asked. Addresses in it carry no path and no query.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// `tls.ca_file` holds no certificate that can be used.
    #[error("`tls.ca_file` holds no usable certificate: {0}")]
    BadAuthority(String),
    /// The client itself could not be made.
    #[error("no HTTP client can be made: {0}")]
    NoClient(String),
    /// A token that no HTTP header can carry.
    #[error("the token for `{host}` holds a character that no HTTP header may carry")]
    BadToken {
        /// Whose token it is.
        host: String,
    },
    /// A request without an address, or with one that cannot be asked over HTTP.
    #[error("`{0}` is not an address that can be asked over HTTP")]
    BadAddress(String),
    /// A request that would carry our token to another address than its own.
    #[error("an answer from `{base}` leads to `{found}`, where its token must not go")]
    Elsewhere {
        /// Where the token belongs.
        base: String,
        /// Where the request would have gone.
        found: String,
    },
    /// Nothing was heard in time.
    #[error("`{host}` did not answer in time")]
    TimedOut {
        /// Who was asked.
        host: String,
    },
    /// The connection could not be made, or broke.
    #[error("`{host}` cannot be reached: {cause}")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What the connection said.
        cause: String,
    },
    /// The answer broke the rules of HTTP, or led in circles.
    #[error("`{host}` gave an answer that is not HTTP as agreed: {cause}")]
    Garbage {
        /// Who was asked.
        host: String,
        /// What was wrong with it.
        cause: String,
    },
    /// More was sent than an answer of its kind can hold.
    #[error("`{host}` sent more than {limit} bytes")]
    TooLong {
        /// Who was asked.
        host: String,
        /// How many bytes would have been read.
        limit: usize,
    },
    /// The body of our own request could not be read.
    #[error("the request to `{host}` could not be written: {cause}")]
    Unwritable {
        /// Who was to be asked.
        host: String,
        /// Why.
        cause: String,
    },
}

impl NetError {
    /// Sorts what the HTTP client says by what can be done about it.
    pub fn of(error: &reqwest::Error) -> Self {
        let host = error.url().map(host_of).unwrap_or_else(|| "the server".to_owned());
        let cause = innermost(error);
        match () {
            () if error.is_timeout() => Self::TimedOut { host },
            () if error.is_redirect() || error.is_decode() => Self::Garbage { host, cause },
            () if error.is_builder() => Self::BadAddress(host),
            () => Self::Unreachable { host, cause },
        }
    }

    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::BadAuthority(_) => "Put the company's root certificates in PEM form into `tls.ca_file`.".into(),
            Self::NoClient(_) => "Install the system's root certificates (`ca-certificates`), then start again.".into(),
            Self::BadToken { host } => {
                format!("Put the token for `{host}` on one line, without spaces, then start again.")
            }
            Self::BadAddress(_) => "Write the address in `leverframe.yaml` with `https://` in front.".into(),
            Self::Elsewhere { base, .. } => {
                format!("Write the address that `{base}` itself uses into `leverframe.yaml`.")
            }
            Self::TimedOut { host } => format!("Look whether `{host}` is up; the request is safe to ask for again."),
            Self::Unreachable { host, .. } => {
                format!("Look whether `{host}` is up and whether `HTTPS_PROXY`, `NO_PROXY` and `tls.ca_file` fit it.")
            }
            Self::Garbage { host, .. } => {
                format!("Look whether the address of `{host}` in `leverframe.yaml` is its API's.")
            }
            Self::TooLong { host, .. } => {
                format!("Look whether the address of `{host}` in `leverframe.yaml` is its API's.")
            }
            Self::Unwritable { .. } => "Ask again; if it stays, report it with the request id.".into(),
        }
    }

    /// Whether asking again later may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Unreachable { .. } => true,
            Self::BadAuthority(_)
            | Self::NoClient(_)
            | Self::BadToken { .. }
            | Self::BadAddress(_)
            | Self::Elsewhere { .. }
            | Self::Garbage { .. }
            | Self::TooLong { .. }
            | Self::Unwritable { .. } => false,
        }
    }
}

/// What every connection shares: the `tls` section of the configuration, read.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The bytes of `tls.ca_file` (PEM, one certificate or several), trusted beside the system's roots.
    pub ca_file: Option<Vec<u8>>,
}

/// The way out. Made once at start; clones of its client share one pool of connections.
#[derive(Debug, Clone)]
pub struct Outgoing {
    client: reqwest::Client,
    direct: reqwest::Client,
}

impl Outgoing {
    /// Makes the client. A system without root certificates still reaches `http://` addresses, with a warning.
    ///
    /// # Errors
    /// When `ca_file` holds no certificate, or TLS cannot be set up.
    pub fn new(tls: &Tls) -> Result<Self, NetError> {
        use_ring();
        let client = made(tls, builder)?;
        let direct = made(tls, || builder().no_proxy())?;
        Ok(Self { client, direct })
    }

    /// The client for an address: on this machine nothing goes through the proxy, whatever `HTTP_PROXY` says.
    pub fn to(&self, address: &Url) -> &reqwest::Client {
        if is_loopback(address) { &self.direct } else { &self.client }
    }

    /// The client for the outside, which uses the proxy where one is set.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }
}

/// Ring is the one TLS provider of the process. A second call finds it installed, which is as good.
fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn made(tls: &Tls, builder: impl Fn() -> ClientBuilder) -> Result<reqwest::Client, NetError> {
    let Some(pem) = &tls.ca_file else { return builder().build().or_else(|error| without_roots(&error, builder())) };
    let bad = |error: reqwest::Error| NetError::BadAuthority(innermost(&error));
    builder().tls_certs_merge(authorities(pem)?).build().map_err(bad)
}

/// Whether an address is on this machine by its very name.
fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn builder() -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("leverframe/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(Policy::custom(redirect))
}

fn authorities(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, NetError> {
    let found = reqwest::Certificate::from_pem_bundle(pem).map_err(|e| NetError::BadAuthority(innermost(&e)))?;
    if found.is_empty() {
        return Err(NetError::BadAuthority("no `BEGIN CERTIFICATE` in it".to_owned()));
    }
    Ok(found)
}

/// Small containers have no root certificates. Everything on `http://` works there; `https://` says why not.
fn without_roots(error: &reqwest::Error, builder: ClientBuilder) -> Result<reqwest::Client, NetError> {
    tracing::warn!(cause = innermost(error), "no system root certificates: https:// addresses will not be trusted");
    builder.tls_certs_only([]).build().map_err(|error| NetError::NoClient(innermost(&error)))
}

/// Follows redirects on the same host only, never from `https` down to `http`. Another host's redirect is
/// handed to the caller as it is: a token or a commit must not go where nobody configured it to go.
fn redirect(attempt: Attempt) -> reqwest::redirect::Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("more than 5 redirects");
    }
    let stays = attempt.previous().last().is_some_and(|from| {
        from.host_str() == attempt.url().host_str()
            && (from.scheme() == attempt.url().scheme() || from.scheme() == "http")
    });
    if stays { attempt.follow() } else { attempt.stop() }
}

/// The body of an answer, when it is not longer than `limit` bytes.
///
/// # Errors
/// When it is longer, or the connection breaks or goes silent on the way.
pub async fn read(mut answer: reqwest::Response, limit: usize) -> Result<Bytes, NetError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| NetError::of(&error))? {
        if body.len() + part.len() > limit {
            return Err(NetError::TooLong { host: host_of(answer.url()), limit });
        }
        body.extend_from_slice(&part);
    }
    Ok(body.into())
}

/// The last cause of an error: the one that names what went wrong ("connection refused").
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// `host` or `host:port`.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Our client as a `tower` service. With a base address, requests that name only a path go there (the
/// base's own path in front), and requests that name another host or scheme are refused.
#[derive(Debug, Clone)]
pub struct HttpService {
    client: reqwest::Client,
    base: Option<Arc<Url>>,
    token: Option<HeaderValue>,
    renewed: Option<Arc<apart::Renewed>>,
}

impl HttpService {
    /// A service that sends requests where they say, with nothing added.
    pub fn new(client: reqwest::Client) -> Self {
        Self { client, base: None, token: None, renewed: None }
    }

    /// A service for the API at `base` (`https://api.github.com`, `https://git.example.com/api/v3`), with
    /// `token` as its bearer token.
    ///
    /// # Errors
    /// When `base` is not an HTTP address, or the token cannot stand in a header.
    pub fn at(client: reqwest::Client, base: &Url, token: Option<&Secret>) -> Result<Self, NetError> {
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(NetError::BadAddress(base.as_str().chars().take(80).collect()));
        }
        let token = token.map(|token| bearer(token, base)).transpose()?;
        Ok(Self { client, base: Some(Arc::new(base.clone())), token, renewed: None })
    }

    fn address(&self, found: &http::Uri) -> Result<Url, NetError> {
        match &self.base {
            Some(base) => within(base, found),
            None => Url::parse(&found.to_string()).map_err(|_| NetError::BadAddress(found.path().to_owned())),
        }
    }
}

/// A bearer token as a header that no log prints.
///
/// # Errors
/// When the token holds control characters.
pub fn bearer(token: &Secret, base: &Url) -> Result<HeaderValue, NetError> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.reveal()))
        .map_err(|_| NetError::BadToken { host: host_of(base) })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Where a request goes: below `base`, whether it names only a path or, as links to a next page do, all of it.
fn within(base: &Url, found: &http::Uri) -> Result<Url, NetError> {
    let elsewhere = || NetError::Elsewhere {
        base: host_of(base),
        found: found.authority().map_or_else(|| found.path().to_owned(), |authority| authority.host().to_owned()),
    };
    let prefix = base.path().trim_end_matches('/');
    let address = if found.authority().is_some() {
        found.to_string()
    } else {
        let asked = found.path_and_query().map_or("/", |path| path.as_str());
        format!("{}{prefix}{asked}", base.origin().ascii_serialization())
    };
    let address = Url::parse(&address).map_err(|_| NetError::BadAddress(found.path().to_owned()))?;
    let below = address.path().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    if address.origin() == base.origin() && below { Ok(address) } else { Err(elsewhere()) }
}

impl<B> tower::Service<http::Request<B>> for HttpService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    type Response = http::Response<reqwest::Body>;
    type Error = NetError;
    type Future = BoxFuture<'static, Result<Self::Response, NetError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { service.send(request).await })
    }
}

impl HttpService {
    /// Request bodies are small (a pull request, a patch) and are read whole before anything is sent.
    async fn send<B>(self, request: http::Request<B>) -> Result<http::Response<reqwest::Body>, NetError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<tower::BoxError>,
    {
        let (parts, body) = request.into_parts();
        let address = self.address(&parts.uri)?;
        let host = host_of(&address);
        let unwritable = |error: B::Error| NetError::Unwritable { host, cause: error.into().to_string() };
        let body = body.collect().await.map_err(unwritable)?.to_bytes();
        let mut sending = reqwest::Request::new(parts.method, address);
        *sending.headers_mut() = parts.headers;
        if let Some(token) = self.renewed.map(|renewed| renewed.header()).or(self.token) {
            sending.headers_mut().insert(AUTHORIZATION, token);
        }
        if !body.is_empty() {
            *sending.body_mut() = Some(body.into());
        }
        let answer = self.client.execute(sending).await.map_err(|error| NetError::of(&error))?;
        Ok(answer.into())
    }
}

#[cfg(test)]
pub(crate) mod tests;
