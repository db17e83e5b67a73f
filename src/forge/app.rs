//! Who we are to GitHub: a token, or an App that signs for itself (RS256 by ring) and gets a token of its installation,
//! kept until a minute before it expires. The same token opens git over HTTP.

use std::sync::{Arc, Mutex, PoisonError};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, Full};
use jiff::{SignedDuration, Timestamp};
use ring::{rand::SystemRandom, signature::RsaKeyPair};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde::Deserialize;
use tower::Service as _;
use url::Url;

use super::{ForgeError, sorting};
use crate::{
    clock,
    net::{HttpService, bearer},
    secret::Secret,
};

/// How long before its end a token is no longer used.
const SPARE: SignedDuration = SignedDuration::from_secs(60);
/// How far back a signature is dated, for clocks differ.
const BACK: i64 = 60;
/// How long a signature is good for, in seconds from now; GitHub takes at most ten minutes.
const GOOD_FOR: i64 = 540;
/// How much of an answer is read.
const LONGEST: usize = 256 * 1024;

/// Who we are.
#[derive(Clone)]
pub enum Login {
    /// A token, as it is.
    Token(Secret),
    /// A GitHub App.
    App(Arc<App>),
}

/// A GitHub App at one installation.
pub struct App {
    id: u32,
    installation: u32,
    key: RsaKeyPair,
    api: Url,
    http: HttpService,
    held: Mutex<Option<Held>>,
    /// The last one that [`App::another_token`] gave.
    given: Mutex<Option<Secret>>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Held {
    token: Secret,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Given {
    token: String,
    expires_at: Timestamp,
}

impl App {
    /// An App with its private key in PEM (PKCS#1, as GitHub gives it, or PKCS#8); asks nobody.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn new(
        client: reqwest::Client,
        api: &Url,
        (id, installation): (u32, u32),
        private_key: &Secret,
    ) -> Result<Self, ForgeError> {
        let http = HttpService::at(client, api, None).map_err(|error| ForgeError::Settings(error.to_string()))?;
        let key = key(private_key)?;
        Ok(Self {
            id,
            installation,
            key,
            api: api.clone(),
            http,
            held: Mutex::default(),
            given: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// A token of the installation, good for another minute at least. Whoever asks at the same time gets the same one.
    ///
    /// # Errors
    /// When GitHub cannot be asked, or does not know the App or the installation.
    pub async fn token(&self) -> Result<Secret, ForgeError> {
        let _one_asks = self.asking.lock().await;
        if let Some(held) = self.held() {
            return Ok(held.token);
        }
        let given = self.ask().await?;
        let held = Held { token: Secret::new(given.token), until: given.expires_at };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
        Ok(held.token)
    }

    /// A token for somebody whose last one was refused: the one that is held, unless that was the one just given out.
    ///
    /// # Errors
    /// As [`App::token`].
    pub async fn another_token(&self) -> Result<Secret, ForgeError> {
        let token = self.token().await?;
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner).replace(token.clone());
        if given.as_ref() != Some(&token) {
            return Ok(token);
        }
        self.forget(&token);
        let token = self.token().await?;
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    fn held(&self) -> Option<Held> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        held.filter(|held| held.until.duration_since(clock::now()) > SPARE)
    }

    /// GitHub did not accept this token, whatever its date says: the next call gets another.
    pub fn forget(&self, token: &Secret) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| held.token == *token) {
            *held = None;
        }
    }

    async fn ask(&self) -> Result<Given, ForgeError> {
        let settings = |error: String| ForgeError::Settings(error);
        let signed = Secret::new(jwt(&self.key, self.id, clock::now())?);
        let mut authorization = bearer(&signed, &self.api).map_err(|error| settings(error.to_string()))?;
        authorization.set_sensitive(true);
        let request = http::Request::post(format!("/app/installations/{}/access_tokens", self.installation))
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
            .body(Full::new(Bytes::new()))
            .map_err(|error| settings(error.to_string()))?;
        let answer = self.http.clone().call(request).await.map_err(|error| sorting::of_net(&error))?;
        let (parts, body) = answer.into_parts();
        let body = http_body_util::Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| ForgeError::Unreachable(error.to_string()))?.to_bytes();
        if !parts.status.is_success() {
            return Err(sorting::of_app(parts.status, &parts.headers, &body));
        }
        serde_json::from_slice(&body).map_err(|error| ForgeError::Garbage(error.to_string()))
    }
}

impl Login {
    /// The token of now.
    ///
    /// # Errors
    /// As [`App::token`].
    pub async fn token(&self) -> Result<Secret, ForgeError> {
        match self {
            Self::Token(token) => Ok(token.clone()),
            Self::App(app) => app.token().await,
        }
    }
}

fn key(pem: &Secret) -> Result<RsaKeyPair, ForgeError> {
    let wrong = |why: &str| ForgeError::Settings(format!("`github.app.private_key` {why}"));
    let key = PrivateKeyDer::from_pem_slice(pem.reveal().as_bytes()).map_err(|_| wrong("is no private key in PEM"))?;
    let key = match &key {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(_) | _ => return Err(wrong("is no RSA key")),
    };
    key.map_err(|_| wrong("is no RSA key of 2048 bits or more"))
}

/// What an App says of itself, signed.
fn jwt(key: &RsaKeyPair, id: u32, now: Timestamp) -> Result<String, ForgeError> {
    let now = now.as_second();
    let claims = serde_json::json!({ "iat": now - BACK, "exp": now + GOOD_FOR, "iss": id.to_string() });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(r#"{"alg":"RS256","typ":"JWT"}"#), part(&claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&ring::signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
        .map_err(|_| ForgeError::Settings("`github.app.private_key` does not sign".to_owned()))?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
