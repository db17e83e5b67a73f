//! Apps: an App signs who it is, and gets a token of its installation for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::json;

use super::{Shared, api::failure};
use crate::clock;

/// How long a token is good for.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The Apps that may ask, and the tokens that they were given.
#[derive(Default)]
pub(super) struct Apps(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    installed: Vec<Installed>,
    tokens: Vec<String>,
    given: u64,
}

struct Installed {
    id: u32,
    installation: u32,
    public_key: Vec<u8>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
    exp: i64,
}

impl Apps {
    pub(super) fn install(&self, id: u32, installation: u32, public_key: Vec<u8>) {
        self.kept().installed.push(Installed { id, installation, public_key });
    }

    pub(super) fn takes(&self, token: &str) -> bool {
        self.kept().tokens.iter().any(|given| given == token)
    }

    pub(super) fn revoke(&self) {
        self.kept().tokens.clear();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token for a signature that is good.
    fn give(&self, installation: u32, jwt: &str) -> Result<String, Box<Response>> {
        let refused = || Box::new(failure(401, "A JSON web token could not be decoded", &[]));
        let mut kept = self.kept();
        let found = kept.installed.iter().find(|app| app.installation == installation);
        let app = found.ok_or_else(|| Box::new(failure(404, "Not Found", &[])))?;
        let claims = claims(jwt, &app.public_key).ok_or_else(refused)?;
        let now = clock::now().as_second();
        let in_time = claims.iat <= now && claims.exp > now && claims.exp - claims.iat <= 660;
        if claims.iss != app.id.to_string() || !in_time {
            return Err(refused());
        }
        kept.given += 1;
        let token = format!("ghs_installation_{}", kept.given);
        kept.tokens.push(token.clone());
        Ok(token)
    }
}

fn claims(jwt: &str, public_key: &[u8]) -> Option<Claims> {
    let (message, signature) = jwt.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key);
    key.verify(message.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(message.split_once('.')?.1).ok()?).ok()
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/app/installations/{installation}/access_tokens", post(token))
}

async fn token(State(shared): State<Arc<Shared>>, Path(installation): Path<u32>, headers: HeaderMap) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let jwt = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match shared.apps.give(installation, jwt) {
        Ok(token) => {
            let until = clock::now().saturating_add(GOOD_FOR).unwrap_or_default();
            let body = json!({"token": token, "expires_at": format!("{until:.0}"), "permissions": {"contents": "write"},
                "repository_selection": "all"});
            (StatusCode::CREATED, Json(body)).into_response()
        }
        Err(refused) => *refused,
    }
}
