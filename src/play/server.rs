//! One look-alike's HTTP server on loopback: serves a router, keeps the exchanges, applies the faults.
//! A request that was received is handled to its end even when the caller is gone, as it would be elsewhere.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};
use tower::ServiceExt;

use super::exchange::{Asked, Exchange, Exchanges, Fault, InForce, Reply};

/// Opens a loopback port; 0 takes a free one. The port is known before the routes are, which name it in their answers.
///
/// # Errors
/// When the port is taken.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// `http://127.0.0.1:PORT` of a listener.
///
/// # Errors
/// When the operating system does not tell the port.
pub fn url_of(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// A running server. Dropping it closes its port and its connections.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Mutex<JoinSet<()>>,
}

struct Shared {
    router: Router,
    exchanges: Exchanges,
    habits: Habits,
    handling: Mutex<JoinSet<()>>,
}

/// What differs between the look-alikes' servers.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// Only paths that start with one of these are kept as exchanges; an empty list keeps none.
    pub kept: &'static [&'static str],
    /// A prefix that may stand before every path and is taken off, as enterprise hosts have one.
    pub prefix: &'static str,
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut")]
struct Cut;

impl Server {
    /// Starts serving.
    ///
    /// # Errors
    /// When the operating system does not tell the port.
    pub fn serve(listener: TcpListener, router: Router, exchanges: Exchanges, habits: Habits) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { router, exchanges, habits, handling: Mutex::default() });
        let server = Self { shared, address, accepting: Mutex::default() };
        server.accept(listener);
        Ok(server)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked, and where faults are put.
    pub fn exchanges(&self) -> &Exchanges {
        &self.shared.exchanges
    }

    /// Closes the port and every connection, as if the machine were gone.
    pub async fn stop(&self) {
        let mut accepting = std::mem::take(&mut *lock(&self.accepting));
        accepting.shutdown().await;
    }

    /// Opens the same port again after [`Server::stop`].
    ///
    /// # Errors
    /// When somebody else has taken the port meanwhile.
    pub async fn start_again(&self) -> io::Result<()> {
        self.accept(listen(self.address.port()).await?);
        Ok(())
    }

    fn accept(&self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        lock(&self.accepting).spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(converse(stream, Arc::clone(&shared)));
            }
        });
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    // An error here is a caller who went away, or a connection that a rule cut.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Marks an answer that goes on for as long as the connection does. It is kept as an exchange without a body.
#[derive(Debug, Clone, Copy)]
pub struct GoesOn;

/// Handles a request in a task of its own, so that a caller who hangs up does not undo half of it.
async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<http::Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let (sender, receiver) = oneshot::channel();
    let task = Arc::clone(&shared);
    {
        let mut handling = lock(&shared.handling);
        while handling.try_join_next().is_some() {}
        handling.spawn(async move {
            let _ = sender.send(handle(&task, parts, body).await);
        });
    }
    receiver.await.map_err(|_| Cut)?
}

async fn handle(shared: &Shared, mut parts: Parts, body: Bytes) -> Result<http::Response<Body>, Cut> {
    strip(&mut parts, shared.habits.prefix);
    let asked =
        Asked { method: parts.method.to_string(), path: path_of(&parts), body: readable(&parts.headers, &body) };
    let rule = shared.exchanges.rule_for(&asked);
    if let Some(rule) = &rule
        && let Some(early) = before(rule, &asked).await
    {
        keep(shared, asked, None);
        return early.map(|early| early.map(Body::new));
    }
    let response = match shared.router.clone().oneshot(Request::from_parts(parts, Body::from(body))).await {
        Ok(response) if response.extensions().get::<GoesOn>().is_some() => {
            let mut begun = http::Response::new(Full::new(Bytes::new()));
            *begun.status_mut() = response.status();
            keep(shared, asked, Some(&begun));
            return Ok(response);
        }
        Ok(response) => whole(response).await?,
        Err(never) => match never {},
    };
    match rule.map(|rule| rule.fault()) {
        Some(Fault::AnswerAfter(reply)) => {
            keep(shared, asked, None);
            Ok(told(reply).map(Body::new))
        }
        Some(Fault::DropAfter) => {
            keep(shared, asked, None);
            Err(Cut)
        }
        Some(Fault::StopAfter(stop)) => {
            stop(&asked);
            keep(shared, asked, Some(&response));
            Ok(response.map(Body::new))
        }
        None | Some(Fault::Answer(_) | Fault::Hang | Fault::Drop | Fault::StopBefore(_)) => {
            keep(shared, asked, Some(&response));
            Ok(response.map(Body::new))
        }
    }
}

/// What a rule does before the request is handled; an answer when it is not to be handled at all.
async fn before(rule: &InForce, asked: &Asked) -> Option<Result<http::Response<Full<Bytes>>, Cut>> {
    match rule.fault() {
        Fault::Answer(reply) => Some(Ok(told(reply))),
        Fault::Drop => Some(Err(Cut)),
        Fault::Hang => {
            rule.released().await;
            None
        }
        Fault::StopBefore(stop) => {
            stop(asked);
            None
        }
        Fault::AnswerAfter(_) | Fault::DropAfter | Fault::StopAfter(_) => None,
    }
}

async fn whole(response: Response) -> Result<http::Response<Full<Bytes>>, Cut> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    Ok(http::Response::from_parts(parts, Full::new(body)))
}

fn told(reply: Reply) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn keep(shared: &Shared, asked: Asked, response: Option<&http::Response<Full<Bytes>>>) {
    if !shared.habits.kept.iter().any(|prefix| asked.path.starts_with(prefix)) {
        return;
    }
    let Asked { method, path, body } = asked;
    let status = response.map(|response| response.status().as_u16());
    let response = response.and_then(|response| {
        let bytes = response.body().clone();
        // A `Full` body is one frame, ready at once.
        let frame = futures::FutureExt::now_or_never(bytes.collect())?.ok()?.to_bytes();
        serde_json::from_slice(&frame).ok()
    });
    shared.exchanges.record(Exchange { method, path, body, status, response });
}

fn strip(parts: &mut Parts, prefix: &str) {
    let path = path_of(parts);
    let rest = path.strip_prefix(prefix).filter(|rest| !prefix.is_empty() && rest.starts_with('/'));
    if let Some(uri) = rest.and_then(|rest| rest.parse().ok()) {
        parts.uri = uri;
    }
}

fn path_of(parts: &Parts) -> String {
    parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// A JSON body as it is, a form as an object of texts, anything else as nothing.
fn readable(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body).ok()?;
        return Some(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    serde_json::from_slice(body).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
