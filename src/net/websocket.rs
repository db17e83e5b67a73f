//! A WebSocket to the outside over our one client, so that its certificates and proxies hold there too. The client
//! makes the connection and shakes hands; the frames after that are tokio-websockets'.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{StatusCode, header};
use ring::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, digest},
    rand::{SecureRandom as _, SystemRandom},
};
pub use tokio_websockets::Message;
use tokio_websockets::{ClientBuilder, Limits, WebSocketStream};
use url::Url;

use super::{NetError, Outgoing, host_of};

/// What RFC 6455 has a server add to the client's key.
const FIXED: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The longest message that is read.
const LONGEST: usize = 4 * 1024 * 1024;

/// An open WebSocket.
pub type WebSocket = WebSocketStream<reqwest::Upgraded>;

/// Opens a WebSocket at `target` (`wss://...`, or `ws://` on a network that one trusts). The path and the query may hold
/// a ticket, so errors name the host alone.
///
/// # Errors
/// When it cannot be reached, or the other side wants no WebSocket.
pub async fn open(out: &Outgoing, target: &Url) -> Result<WebSocket, NetError> {
    let address = over_http(target).ok_or_else(|| NetError::BadAddress(host_of(target)))?;
    let garbage = |cause: &str| NetError::Garbage { host: host_of(target), cause: cause.to_owned() };
    let mut key = [0_u8; 16];
    SystemRandom::new().fill(&mut key).map_err(|_| garbage("no randomness on this machine"))?;
    let key = STANDARD.encode(key);
    let asked = out
        .to(&address)
        .get(address)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key);
    let answer = asked.send().await.map_err(|error| NetError::of(&error))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(garbage(&format!("{} where a WebSocket was asked for", answer.status())));
    }
    let proof = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{FIXED}").as_bytes()));
    if answer.headers().get(header::SEC_WEBSOCKET_ACCEPT).is_none_or(|said| said.as_bytes() != proof.as_bytes()) {
        return Err(garbage("its handshake does not fit ours"));
    }
    let stream = answer.upgrade().await.map_err(|error| NetError::of(&error))?;
    Ok(ClientBuilder::new().limits(Limits::default().max_payload_len(Some(LONGEST))).take_over(stream))
}

/// The same address as HTTP has it.
fn over_http(target: &Url) -> Option<Url> {
    let scheme = match target.scheme() {
        "wss" | "https" => "https",
        "ws" | "http" => "http",
        _ => return None,
    };
    Url::parse(&format!("{scheme}://{}", target.as_str().split_once("://")?.1)).ok()
}
