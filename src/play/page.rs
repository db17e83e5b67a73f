//! The files of the browser page, which both looks share. They answer only pages of their own: a request that a
//! browser says comes from elsewhere is refused.

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The commands that the welcome offers to try.
pub(super) const TRY: &[&str] =
    &["/deploy checkout staging v1.2.5", "/deploy checkout prod v1.2.5", "/status checkout"];

/// The files, whatever the state of their server.
pub(super) fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    const HTML: &str = "text/html; charset=utf-8";
    const CSS: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", get(|| file(HTML, include_str!("page/index.html"))))
        .route("/archives/{channel}/{message}", get(|| file(HTML, include_str!("page/index.html"))))
        .route("/page/page.css", get(|| file(CSS, include_str!("page/page.css"))))
        .route("/page/discord.css", get(|| file(CSS, include_str!("page/discord.css"))))
        .route("/page/page.js", get(|| file(SCRIPT, include_str!("page/page.js"))))
        .route("/page/mrkdwn.js", get(|| file(SCRIPT, include_str!("page/mrkdwn.js"))))
        .route("/page/blocks.js", get(|| file(SCRIPT, include_str!("page/blocks.js"))))
        .route("/page/form.js", get(|| file(SCRIPT, include_str!("page/form.js"))))
        .route("/page/discord.js", get(|| file(SCRIPT, include_str!("page/discord.js"))))
}

async fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

/// Refuses what another site's page asks for, and names that only pretend to be this machine.
pub(super) async fn own_pages_only(headers: HeaderMap, request: Request, next: Next) -> Response {
    let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = word("host").unwrap_or_default();
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&host.rsplit_once(':').map_or(host, |(name, _)| name));
    let foreign = word("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
    let navigates = word("sec-fetch-mode") == Some("navigate") && request.method() == http::Method::GET;
    if !local || (foreign && !navigates) {
        return (StatusCode::FORBIDDEN, "This page answers only itself.").into_response();
    }
    next.run(request).await
}
