//! A door on this machine to a WebSocket elsewhere, for a library that brings its own WebSocket and knows nothing of
//! our certificates and proxies: it connects to the door without TLS, and the handshake and every byte after it go
//! out through our one client.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::{NetError, Outgoing};
use crate::tasks::Tasks;

/// The headers of a handshake that go through as they are, one way or the other.
const HANDSHAKE: [HeaderName; 6] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_PROTOCOL,
];

/// The door. It is open until the bot stops.
#[derive(Debug, Clone)]
pub struct Relay {
    address: SocketAddr,
    target: Arc<Mutex<Option<Url>>>,
}

impl Relay {
    /// Opens a door that leads nowhere yet.
    ///
    /// # Errors
    /// When no port of this machine can be listened on.
    pub async fn open(out: Outgoing, tasks: &Tasks) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let relay = Self { address: listener.local_addr()?, target: Arc::default() };
        let (target, all) = (Arc::clone(&relay.target), tasks.clone());
        tasks.start(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = all.stopping() => return,
                };
                if let Ok((stream, _)) = accepted {
                    let target = target.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    all.start(through(stream, target, out.clone(), all.clone()));
                }
            }
        });
        Ok(relay)
    }

    /// Where it is: `ws://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Where connections made from now on lead: `wss://gateway.example.com`.
    pub fn lead_to(&self, target: Url) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }
}

/// One connection, until either side ends it or the bot stops.
async fn through(stream: TcpStream, target: Option<Url>, out: Outgoing, tasks: Tasks) {
    let (stop, inner) = (tasks.clone(), tasks);
    let service = service_fn(move |request| {
        let (target, out, tasks) = (target.clone(), out.clone(), inner.clone());
        async move { Ok::<_, std::convert::Infallible>(shake(request, target, &out, &tasks).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::select! {
        // Whoever knocked sees that it broke.
        _ = connection => {}
        () = stop.stopping() => {}
    }
}

/// Shakes hands with the target in the name of whoever knocked, and joins both connections.
async fn shake(
    mut request: Request<Incoming>,
    target: Option<Url>,
    out: &Outgoing,
    tasks: &Tasks,
) -> Response<Empty<Bytes>> {
    let refused = || {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    };
    let Some(address) = target.and_then(|target| address(&target, request.uri())) else { return refused() };
    let mut asked = out.to(&address).get(address.clone());
    for name in &HANDSHAKE {
        if let Some(value) = request.headers().get(name) {
            asked = asked.header(name, value);
        }
    }
    let answer = match asked.send().await {
        Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => answer,
        Ok(answer) => {
            tracing::warn!(status = %answer.status(), "the other side wants no WebSocket");
            return refused();
        }
        Err(error) => {
            let error = NetError::of(&error);
            tracing::warn!(%error, remedy = error.remedy(), "a WebSocket cannot be opened");
            return refused();
        }
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for name in &HANDSHAKE {
        if let Some(value) = answer.headers().get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    let (near, stop) = (hyper::upgrade::on(&mut request), tasks.clone());
    tasks.start(async move {
        let (Ok(near), Ok(mut far)) = tokio::join!(near, answer.upgrade()) else { return };
        let mut near = TokioIo::new(near);
        tokio::select! {
            // Either side ended it.
            _ = copy_bidirectional(&mut near, &mut far) => {}
            () = stop.stopping() => {}
        }
    });
    response
}

/// The target with the path and the query that were asked for, as an address of HTTP.
fn address(target: &Url, asked: &http::Uri) -> Option<Url> {
    let scheme = match target.scheme() {
        "wss" | "https" => "https",
        "ws" | "http" => "http",
        _ => return None,
    };
    let rest = target.as_str().split_once("://")?.1;
    let mut address = Url::parse(&format!("{scheme}://{rest}")).ok()?;
    address.set_query(asked.query());
    Some(address)
}
