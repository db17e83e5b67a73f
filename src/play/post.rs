//! A plain HTTP request to loopback, as the platforms send theirs to the bot. No proxy, no TLS, no redirects.

use std::io;

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

/// An answer.
pub(super) struct Posted {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// Posts `body` and reads the whole answer.
pub(super) async fn post(url: &str, headers: &[(&str, String)], body: String) -> io::Result<Posted> {
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = send(request.body(Full::new(Bytes::from(body))).map_err(io::Error::other)?).await?;
    Ok(Posted { status: response.status().as_u16(), body: response.into_body() })
}

/// Sends a request whose address is absolute, and reads the whole answer.
pub(super) async fn send(mut request: Request<Full<Bytes>>) -> io::Result<Response<Bytes>> {
    let authority = request.uri().authority().ok_or_else(|| io::Error::other("the address names no host"))?.clone();
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    *request.uri_mut() = path.parse::<Uri>().map_err(io::Error::other)?;
    let host = header::HeaderValue::try_from(authority.as_str()).map_err(io::Error::other)?;
    request.headers_mut().insert(header::HOST, host);
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // The connection needs driving; the set ends it when this function returns.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let (parts, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Response::from_parts(parts, body))
}
