//! One registry over HTTP: requests with whatever login it asks for, answers bounded and read. The login never goes
//! along to where an answer redirects.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Method, StatusCode,
    header::{ACCEPT, AUTHORIZATION, LINK, LOCATION, WWW_AUTHENTICATE},
};
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    Access, ImageName, Login, RegistryError,
    auth::{self, Challenge, Granted, Pass},
};
use crate::{
    clock,
    net::{self, NetError, Outgoing},
    secret::Secret,
};

/// How long one call may take, its answer read whole.
const LONGEST: Duration = Duration::from_secs(30);
/// The most bytes of a list of tags, which some registries send whole.
pub(super) const LIST: usize = 16 << 20;
/// The most bytes of anything else.
pub(super) const SMALL: usize = 4 << 20;
/// The kinds of manifests that are read.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// One registry.
#[derive(Clone)]
pub(super) struct Client {
    net: Outgoing,
    /// As images name it.
    host: String,
    access: Access,
    kept: Arc<Kept>,
}

/// What is remembered of who we are.
#[derive(Default)]
struct Kept {
    /// By repository.
    passes: Mutex<HashMap<String, Pass>>,
    /// The password that was read again.
    renewed: Mutex<Option<Secret>>,
}

/// What an answer said, besides its body.
pub(super) struct Answer {
    pub(super) body: Bytes,
    pub(super) digest: Option<String>,
    pub(super) next: Option<Url>,
}

impl Client {
    pub(super) fn new(net: Outgoing, host: String, access: Access) -> Self {
        Self { net, host, access, kept: Arc::default() }
    }

    /// Docker Hub's own API, where this is Docker Hub.
    pub(super) fn hub(&self) -> Option<&Url> {
        self.access.hub.as_ref()
    }

    /// Whether it takes our login.
    pub(super) async fn greet(&self) -> Result<(), RegistryError> {
        let answer = self.send(Method::GET, self.address("v2/")?, "").await?;
        self.judged(answer.status(), "").map(|_| ())
    }

    /// A page of an image's tags: the first, or the one that the last led to.
    pub(super) async fn page(&self, image: &ImageName, next: Option<Url>) -> Result<Answer, RegistryError> {
        let repository = image.repository();
        let first = || self.address(&format!("v2/{repository}/tags/list?n=1000"));
        let address = next.map_or_else(first, Ok)?;
        self.read(image, address, LIST).await
    }

    /// A manifest, by tag or digest.
    pub(super) async fn manifest(&self, image: &ImageName, reference: &str) -> Result<Answer, RegistryError> {
        let address = self.address(&format!("v2/{}/manifests/{reference}", image.repository()))?;
        self.read(image, address, SMALL).await
    }

    /// A small blob.
    pub(super) async fn blob(&self, image: &ImageName, digest: &str) -> Result<Answer, RegistryError> {
        let address = self.address(&format!("v2/{}/blobs/{digest}", image.repository()))?;
        self.read(image, address, SMALL).await
    }

    /// The digest that a tag stands for, where the registry has the tag; empty where it does not say.
    pub(super) async fn head(&self, image: &ImageName, tag: &str) -> Result<Option<String>, RegistryError> {
        let address = self.address(&format!("v2/{}/manifests/{tag}", image.repository()))?;
        let answer = self.send(Method::HEAD, address, image.repository()).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.judged(answer.status(), &image.to_string())?;
        Ok(Some(digest_of(&answer).unwrap_or_default()))
    }

    /// An answer in JSON from Docker Hub's own API.
    pub(super) async fn ask_hub<T: DeserializeOwned>(
        &self,
        address: Url,
        token: Option<&Secret>,
    ) -> Result<T, RegistryError> {
        let mut asked = self.net.to(&address).get(address.clone()).timeout(LONGEST);
        if let Some(token) = token {
            asked = asked.header(AUTHORIZATION, net::bearer(token, &address)?);
        }
        self.in_json(asked).await
    }

    /// Docker Hub's own API takes a token of its own.
    pub(super) async fn hub_token(&self, address: Url) -> Option<Secret> {
        #[derive(serde::Deserialize)]
        struct Given {
            access_token: String,
        }
        let (identifier, secret) = self.login()?;
        let asked = serde_json::json!({"identifier": identifier, "secret": secret.reveal()});
        let asked = self.net.to(&address).post(address.clone()).json(&asked).timeout(LONGEST);
        let given: Result<Given, RegistryError> = self.in_json(asked).await;
        given.ok().map(|given| Secret::new(given.access_token))
    }

    async fn in_json<T: DeserializeOwned>(&self, asked: reqwest::RequestBuilder) -> Result<T, RegistryError> {
        let answer = asked.send().await.map_err(|error| NetError::of(&error))?;
        self.judged(answer.status(), "the image")?;
        self.parsed(&net::read(answer, SMALL).await?)
    }

    /// JSON, read.
    pub(super) fn parsed<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, RegistryError> {
        serde_json::from_slice(body)
            .map_err(|error| RegistryError::Garbage { host: self.host.clone(), what: error.to_string() })
    }

    async fn read(&self, image: &ImageName, address: Url, limit: usize) -> Result<Answer, RegistryError> {
        let mut answer = self.send(Method::GET, address.clone(), image.repository()).await?;
        if answer.status().is_redirection() {
            answer = self.elsewhere(&address, &answer).await?;
        }
        self.judged(answer.status(), &image.to_string())?;
        let digest = digest_of(&answer);
        let link = answer.headers().get(LINK).and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| next(link, &address));
        Ok(Answer { body: net::read(answer, limit).await?, digest, next })
    }

    /// Blobs lie on other hosts, which get no login.
    async fn elsewhere(&self, from: &Url, answer: &reqwest::Response) -> Result<reqwest::Response, RegistryError> {
        let garbage = || RegistryError::Garbage { host: self.host.clone(), what: "a redirect to nowhere".to_owned() };
        let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let address = location.and_then(|location| from.join(location).ok()).ok_or_else(garbage)?;
        if address.scheme() != "https" && from.scheme() == "https" {
            return Err(garbage());
        }
        let asked = self.net.to(&address).get(address.clone()).timeout(LONGEST);
        Ok(asked.send().await.map_err(|error| NetError::of(&error))?)
    }

    /// Sends a request with what opened this repository last; where that is refused, with what is asked for.
    async fn send(&self, method: Method, address: Url, repository: &str) -> Result<reqwest::Response, RegistryError> {
        let kept = self.kept.passes.lock().unwrap_or_else(PoisonError::into_inner).get(repository).cloned();
        let kept = kept.filter(|pass| pass.holds(clock::now()));
        let answer = self.once(&method, &address, kept.as_ref()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(pass) = self.pass(&answer, repository).await? else { return Ok(answer) };
        let again = self.once(&method, &address, Some(&pass)).await?;
        if again.status() != StatusCode::UNAUTHORIZED {
            self.kept.passes.lock().unwrap_or_else(PoisonError::into_inner).insert(repository.to_owned(), pass);
            return Ok(again);
        }
        if !self.renew() {
            return Ok(again);
        }
        match self.pass(&again, repository).await? {
            Some(pass) => Ok(self.once(&method, &address, Some(&pass)).await?),
            None => Ok(again),
        }
    }

    async fn once(&self, method: &Method, address: &Url, pass: Option<&Pass>) -> Result<reqwest::Response, NetError> {
        let mut asked = self.net.to(address).request(method.clone(), address.clone()).timeout(LONGEST);
        if address.path().contains("/manifests/") {
            asked = asked.header(ACCEPT, MANIFESTS);
        }
        if let Some(pass) = pass {
            asked = asked.header(AUTHORIZATION, pass.header.clone());
        }
        asked.send().await.map_err(|error| NetError::of(&error))
    }

    /// What answers a refusal, where we have something.
    async fn pass(&self, refused: &reqwest::Response, repository: &str) -> Result<Option<Pass>, RegistryError> {
        let headers = refused.headers().get_all(WWW_AUTHENTICATE);
        let all: Vec<_> = headers.iter().filter_map(|header| Challenge::parse(header.to_str().ok()?)).collect();
        let bearer = all.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        match bearer.or(all.first()) {
            Some(Challenge::Bearer { realm, service, scope }) => {
                let scope = auth::scope(scope.as_deref(), repository);
                let at = (self.host.as_str(), &self.access.api);
                let address = auth::token_address(at, (realm, service.as_deref()), &scope)?;
                self.token(address).await.map(Some)
            }
            Some(Challenge::Basic) => {
                Ok(self.login().and_then(|(username, password)| Pass::basic(&username, &password)))
            }
            None => Ok(None),
        }
    }

    async fn token(&self, address: Url) -> Result<Pass, RegistryError> {
        let ask = || async {
            let mut asked = self.net.to(&address).get(address.clone()).timeout(LONGEST);
            if let Some(pass) = self.login().and_then(|(username, password)| Pass::basic(&username, &password)) {
                asked = asked.header(AUTHORIZATION, pass.header);
            }
            asked.send().await.map_err(|error| NetError::of(&error))
        };
        let mut answer = ask().await?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.renew() {
            answer = ask().await?;
        }
        self.judged(answer.status(), "the token")?;
        let granted: Granted = self.parsed(&net::read(answer, SMALL).await?)?;
        let nothing = || RegistryError::Garbage { host: self.host.clone(), what: "a grant without a token".to_owned() };
        Pass::bearer(&granted, clock::now()).ok_or_else(nothing)
    }

    /// Our login, with the newest password.
    fn login(&self) -> Option<(String, Secret)> {
        let Login::Password { username, password, .. } = &self.access.login else { return None };
        let renewed = self.kept.renewed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some((username.clone(), renewed.unwrap_or_else(|| password.clone())))
    }

    /// Reads the password again; whether it is another one.
    fn renew(&self) -> bool {
        let Login::Password { renewal: Some(renewal), .. } = &self.access.login else { return false };
        let before = self.login().map(|(_, password)| password);
        let read = renewal.read().filter(|read| before.as_ref() != Some(read));
        let is_new = read.is_some();
        if is_new {
            *self.kept.renewed.lock().unwrap_or_else(PoisonError::into_inner) = read;
        }
        is_new
    }

    fn judged(&self, status: StatusCode, image: &str) -> Result<(), RegistryError> {
        let host = self.host.clone();
        match status.as_u16() {
            200..=299 => Ok(()),
            401 => Err(RegistryError::Unauthorized { host }),
            403 => Err(RegistryError::Forbidden { host }),
            404 => Err(RegistryError::NoSuchImage { image: image.to_owned() }),
            429 => Err(RegistryError::RateLimited { host }),
            status @ 500.. => Err(RegistryError::Server { host, status }),
            status => Err(RegistryError::Garbage { host, what: format!("status {status}") }),
        }
    }

    /// An address below the registry's API.
    fn address(&self, path: &str) -> Result<Url, RegistryError> {
        let base = self.access.api.as_str().trim_end_matches('/');
        let garbage = || RegistryError::Garbage { host: self.host.clone(), what: format!("no address: {path}") };
        Url::parse(&format!("{base}/{path}")).map_err(|_| garbage())
    }
}

fn digest_of(answer: &reqwest::Response) -> Option<String> {
    answer.headers().get("docker-content-digest")?.to_str().ok().map(str::to_owned)
}

/// Where a `Link` header leads next, where that is the same registry: a login must not be led away.
pub(super) fn next(link: &str, from: &Url) -> Option<Url> {
    let mut rest = link;
    // A comma inside the brackets is part of the address.
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, open)| open.split_once('>')) {
        let (parameters, more) = after.split_once(", <").or_else(|| after.split_once(",<")).unwrap_or((after, ""));
        let is_next = parameters.split(';').filter_map(|one| one.trim().strip_prefix("rel="));
        if is_next.map(|rel| rel.trim_matches('"')).any(|rel| rel.eq_ignore_ascii_case("next")) {
            return from.join(target).ok().filter(|next| next.origin() == from.origin());
        }
        rest = after.get(after.len() - more.len() - usize::from(!more.is_empty())..)?;
    }
    None
}
