//! Every call to the forge's API passes here: it gets who we are, waits where GitHub asked us to, makes no more than
//! 80 new things a minute, and asks for what it has seen before only whether it changed, which costs no quota.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use jiff::{SignedDuration, Timestamp};
use tower::Service;
use url::Url;

use super::{ForgeError, Login, sorting};
use crate::{
    clock,
    net::{HttpService, bearer},
};

/// How many things may be made in a minute: above that GitHub answers with its secondary limit.
const MOST_WRITES: usize = 80;
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// How many answers are kept to be asked for conditionally, and how large each may be.
const KEPT: usize = 128;
const KEPT_BYTES: usize = 128 * 1024;
/// The largest answer that is read.
const LONGEST: usize = 16 * 1024 * 1024;

/// Our client with all that.
#[derive(Clone)]
pub(super) struct Calls {
    http: HttpService,
    api: Url,
    login: Login,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    limits: Mutex<Limits>,
    kept: Mutex<Kept>,
}

/// When GitHub wants to hear nothing, and what we made lately.
#[derive(Debug, Default)]
struct Limits {
    closed_until: Option<Timestamp>,
    made: VecDeque<Timestamp>,
}

impl Limits {
    /// Takes a place for a call, or says for how many seconds there is none.
    fn enter(&mut self, method: &Method, now: Timestamp) -> Result<(), u64> {
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Err(seconds(until.duration_since(now)));
        }
        if !is_write(method) {
            return Ok(());
        }
        while self.made.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
            self.made.pop_front();
        }
        match self.made.front() {
            Some(oldest) if self.made.len() >= MOST_WRITES => Err(seconds(MINUTE - now.duration_since(*oldest))),
            _ => {
                self.made.push_back(now);
                Ok(())
            }
        }
    }

    fn close(&mut self, wait: u64, now: Timestamp) {
        let wait = SignedDuration::from_secs(i64::try_from(wait).unwrap_or(i64::MAX));
        self.closed_until = now.checked_add(wait).ok();
    }
}

/// Rounded up, so that nobody comes back too early.
fn seconds(left: SignedDuration) -> u64 {
    u64::try_from((left.as_millis() + 999) / 1000).unwrap_or(1).max(1)
}

fn is_write(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PUT || *method == Method::PATCH || *method == Method::DELETE
}

/// Answers that came with an `ETag`, the oldest dropped first.
#[derive(Default)]
struct Kept {
    answers: HashMap<String, Answer>,
    order: VecDeque<String>,
}

#[derive(Clone)]
struct Answer {
    tag: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
}

impl Kept {
    fn keep(&mut self, path: String, answer: Answer) {
        if self.answers.insert(path.clone(), answer).is_none() {
            self.order.push_back(path);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.answers.remove(&oldest);
            }
        }
    }
}

impl Calls {
    pub(super) fn new(http: HttpService, api: Url, login: Login) -> Self {
        Self { http, api, login, shared: Arc::default() }
    }

    async fn send(self, parts: Parts, body: Bytes) -> Result<Response<reqwest::Body>, ForgeError> {
        self.limits(|limits| limits.enter(&parts.method, clock::now()))
            .map_err(|retry_after| ForgeError::RateLimited { retry_after })?;
        let path = parts.uri.to_string();
        let known = if parts.method == Method::GET { self.known(&path) } else { None };
        let (status, headers, body) = self.exchange(&parts, &body, known.as_ref()).await?;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (status, known) {
            return Ok(response(StatusCode::OK, known.headers, known.body));
        }
        self.note_limits(status, &headers, &body);
        if let (StatusCode::OK, &Method::GET, Some(tag)) = (status, &parts.method, headers.get(header::ETAG))
            && body.len() <= KEPT_BYTES
        {
            let answer = Answer { tag: tag.clone(), headers: headers.clone(), body: body.clone() };
            self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).keep(path, answer);
        }
        Ok(response(status, headers, body))
    }

    /// One exchange; again with another token where an App's has ended early: 401 means that nothing was done.
    async fn exchange(
        &self,
        parts: &Parts,
        body: &Bytes,
        known: Option<&Answer>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ForgeError> {
        let token = self.login.token().await?;
        let answer = self.once(parts, body, (known, &token)).await?;
        match &self.login {
            Login::App(app) if answer.0 == StatusCode::UNAUTHORIZED => {
                app.forget(&token);
                self.once(parts, body, (known, &app.token().await?)).await
            }
            Login::App(_) | Login::Token(_) => Ok(answer),
        }
    }

    async fn once(
        &self,
        parts: &Parts,
        body: &Bytes,
        (known, token): (Option<&Answer>, &crate::secret::Secret),
    ) -> Result<(StatusCode, HeaderMap, Bytes), ForgeError> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.headers_mut() = parts.headers.clone();
        let authorization = bearer(token, &self.api).map_err(|error| sorting::of_net(&error))?;
        request.headers_mut().insert(header::AUTHORIZATION, authorization);
        if let Some(known) = known {
            request.headers_mut().insert(header::IF_NONE_MATCH, known.tag.clone());
        }
        let answer = self.http.clone().call(request).await.map_err(|error| sorting::of_net(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| sorting::of_connection(&*error))?.to_bytes();
        Ok((parts.status, parts.headers, body))
    }

    fn known(&self, path: &str) -> Option<Answer> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).answers.get(path).cloned()
    }

    fn limits<T>(&self, act: impl FnOnce(&mut Limits) -> T) -> T {
        act(&mut self.shared.limits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A limit holds for every call, not only for the one that ran into it.
    fn note_limits(&self, status: StatusCode, headers: &HeaderMap, body: &Bytes) {
        if let Some(wait) = sorting::asked_to_wait(status, headers, body) {
            self.limits(|limits| limits.close(wait, clock::now()));
        }
    }
}

fn response(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Response<reqwest::Body> {
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    let mut response = Response::new(reqwest::Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl<B> Service<Request<B>> for Calls
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    type Response = Response<reqwest::Body>;
    type Error = ForgeError;
    type Future = BoxFuture<'static, Result<Self::Response, ForgeError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ForgeError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let calls = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let unreadable = |error: B::Error| ForgeError::Settings(error.into().to_string());
            let body = body.collect().await.map_err(unreadable)?.to_bytes();
            calls.send(parts, body).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eighty_first_thing_in_a_minute_waits_and_reading_does_not() {
        let start = Timestamp::from_second(1_795_248_000).unwrap();
        let at = |second: i64| start.checked_add(SignedDuration::from_secs(second)).unwrap();
        let mut limits = Limits::default();
        for place in 0..80 {
            assert_eq!(limits.enter(&Method::POST, at(place / 10)), Ok(()));
        }
        assert_eq!(limits.enter(&Method::PATCH, at(20)), Err(40));
        assert_eq!(limits.enter(&Method::GET, at(20)), Ok(()));
        assert_eq!(limits.enter(&Method::PUT, at(60)), Ok(()));
    }

    #[test]
    fn when_github_asks_us_to_wait_nobody_calls_until_then() {
        let start = Timestamp::from_second(1_795_248_000).unwrap();
        let at = |millis: i64| start.checked_add(SignedDuration::from_millis(millis)).unwrap();
        let mut limits = Limits::default();
        limits.close(4, start);
        assert_eq!(limits.enter(&Method::GET, at(1_500)), Err(3));
        assert_eq!(limits.enter(&Method::GET, at(4_000)), Ok(()));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut kept = Kept::default();
        for place in 0..KEPT + 5 {
            let answer =
                Answer { tag: HeaderValue::from_static("\"x\""), headers: HeaderMap::new(), body: Bytes::new() };
            kept.keep(format!("/{place}"), answer);
        }
        assert_eq!((kept.answers.len(), kept.order.len()), (KEPT, KEPT));
        assert!(!kept.answers.contains_key("/0"));
    }
}
