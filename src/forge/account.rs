//! People's own accounts on GitHub, linked once by OAuth's device flow, so that an approval in chat is given as a review
//! in their name. The tokens lie in files of their own beside the ledger and never in it; unlinking removes them.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use reqwest::RequestBuilder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::{ForgeError, GitHub, sorting};
use crate::{
    clock,
    core::names::{CommitId, PersonId},
    net::{NetError, bearer, read},
    secret::Secret,
};

/// The grant that asks for a token by a device's code.
const BY_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The largest answer that is read.
const LONGEST: usize = 64 * 1024;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long before its end a token is renewed.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// Where accounts are linked, and what is linked.
#[derive(Debug)]
pub struct Accounts {
    client: reqwest::Client,
    api: Url,
    web: Url,
    client_id: String,
    folder: PathBuf,
}

/// A code that a person types on GitHub.
#[derive(Debug, Clone)]
pub struct Code {
    /// The code.
    pub user_code: String,
    /// The page where it is typed.
    pub page: String,
    /// How long to wait between two questions whether it was.
    pub interval: Duration,
    /// Until when it is good.
    pub until: Timestamp,
    device_code: Secret,
}

/// Whether a code was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Not yet; ask again after so long.
    NotYet(Duration),
    /// It will not be: too late, or refused.
    Never(String),
    /// It was.
    Granted(Grant),
}

/// What a person gave us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    token: Secret,
    renewal: Option<Secret>,
    until: Option<Timestamp>,
}

/// A linked account as its file holds it.
#[derive(Serialize, Deserialize)]
struct Kept {
    login: String,
    token: String,
    #[serde(default)]
    renewal: Option<String>,
    #[serde(default)]
    until: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Asked {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: i64,
    interval: u64,
}

#[derive(Deserialize)]
struct Answered {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    error: Option<String>,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl Accounts {
    /// Accounts of the GitHub below `api`, for the App with this client id. `folder` is ours alone.
    ///
    /// # Errors
    /// When the folder cannot be made or there is no page beside the API.
    pub fn new(client: reqwest::Client, api: &Url, client_id: String, folder: PathBuf) -> Result<Self, ForgeError> {
        let settings = |error: String| ForgeError::Settings(error);
        fs::create_dir_all(&folder).map_err(|error| settings(format!("{}: {error}", folder.display())))?;
        let mut web = api.clone();
        web.set_path("/");
        if web.host_str() == Some("api.github.com") {
            web.set_host(Some("github.com")).map_err(|error| settings(error.to_string()))?;
        }
        Ok(Self { client, api: api.clone(), web, client_id, folder })
    }

    /// Asks for a code that a person types on GitHub.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn begin(&self) -> Result<Code, ForgeError> {
        let body = self.form("login/device/code", &[("client_id", &self.client_id)]).await?;
        let asked: Asked = parsed(&body)?;
        let lasts = SignedDuration::from_secs(asked.expires_in.clamp(1, 3600));
        Ok(Code {
            user_code: asked.user_code,
            page: asked.verification_uri,
            interval: Duration::from_secs(asked.interval.min(60)),
            until: clock::now().saturating_add(lasts).unwrap_or(Timestamp::MAX),
            device_code: Secret::new(asked.device_code),
        })
    }

    /// Whether the code was typed.
    ///
    /// # Errors
    /// When GitHub cannot be asked.
    pub async fn typed(&self, code: &Code) -> Result<Typed, ForgeError> {
        let parts = [
            ("client_id", self.client_id.as_str()),
            ("device_code", code.device_code.reveal()),
            ("grant_type", BY_CODE),
        ];
        let answered: Answered = parsed(&self.form("login/oauth/access_token", &parts).await?)?;
        let wait = answered.interval.map_or(code.interval, Duration::from_secs);
        Ok(match (Grant::of(&answered), answered.error.as_deref()) {
            (Some(grant), _) => Typed::Granted(grant),
            (None, Some("authorization_pending" | "slow_down")) => Typed::NotYet(wait),
            (None, error) => Typed::Never(error.unwrap_or("no token").to_owned()),
        })
    }

    /// Whose token that is.
    ///
    /// # Errors
    /// When GitHub cannot be asked or refuses.
    pub async fn login(&self, grant: &Grant) -> Result<String, ForgeError> {
        let request = self.client.get(self.api_of("user")?).header(header::AUTHORIZATION, self.bearer(&grant.token)?);
        let (status, body) = self.send(request).await?;
        sorted(status, &body)?;
        Ok(parsed::<User>(&body)?.login)
    }

    /// The login of a person who is linked.
    pub fn linked(&self, person: &PersonId) -> Option<String> {
        self.kept(person).map(|kept| kept.login)
    }

    /// Keeps what a person gave, readable for nobody but us.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, person: &PersonId, login: &str, grant: &Grant) -> std::io::Result<()> {
        let reveal = |secret: &Secret| secret.reveal().to_owned();
        let (token, renewal) = (reveal(&grant.token), grant.renewal.as_ref().map(reveal));
        let kept = Kept { login: login.to_owned(), token, renewal, until: grant.until };
        let (place, fresh) = (self.place(person), self.place(person).with_extension("new"));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.sync_all()?;
        fs::rename(fresh, place)
    }

    /// Forgets what a person gave. Says whether there was anything.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget(&self, person: &PersonId) -> std::io::Result<bool> {
        match fs::remove_file(self.place(person)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Approves a commit of a pull request in a person's name.
    ///
    /// # Errors
    /// When the person is not linked any more, or GitHub cannot be asked or refuses.
    pub async fn approve(
        &self,
        person: &PersonId,
        (forge, number): (&GitHub, u64),
        head: &CommitId,
    ) -> Result<(), ForgeError> {
        let token = self.token(person).await?;
        let path = format!("{}/{number}/reviews", forge.pulls.trim_start_matches('/'));
        let body = json!({"event": "APPROVE", "commit_id": head, "body": "Approved in chat."});
        let request = self.client.post(self.api_of(&path)?).header(header::AUTHORIZATION, self.bearer(&token)?);
        let (status, body) = self.send(request.json(&body)).await?;
        sorted(status, &body)
    }

    /// A person's token, renewed where it ends soon.
    async fn token(&self, person: &PersonId) -> Result<Secret, ForgeError> {
        let kept = self.kept(person).ok_or(ForgeError::Unauthorized)?;
        let soon = clock::now().saturating_add(EARLY).unwrap_or(Timestamp::MAX);
        let (Some(renewal), true) = (&kept.renewal, kept.until.is_some_and(|until| until < soon)) else {
            return Ok(Secret::new(kept.token));
        };
        let parts =
            [("client_id", self.client_id.as_str()), ("grant_type", "refresh_token"), ("refresh_token", renewal)];
        let answered: Answered = parsed(&self.form("login/oauth/access_token", &parts).await?)?;
        let grant = Grant::of(&answered).ok_or(ForgeError::Unauthorized)?;
        let unwritten = |error: std::io::Error| ForgeError::Settings(format!("{}: {error}", self.folder.display()));
        self.keep(person, &kept.login, &grant).map_err(unwritten)?;
        Ok(grant.token)
    }

    fn kept(&self, person: &PersonId) -> Option<Kept> {
        serde_json::from_slice(&fs::read(self.place(person)).ok()?).ok()
    }

    fn place(&self, person: &PersonId) -> PathBuf {
        self.folder.join(Path::new(person.as_str()).with_extension("json"))
    }

    fn bearer(&self, token: &Secret) -> Result<http::HeaderValue, ForgeError> {
        bearer(token, &self.api).map_err(|error| sorting::of_net(&error))
    }

    fn api_of(&self, path: &str) -> Result<Url, ForgeError> {
        let base = self.api.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}")).map_err(|error| ForgeError::Settings(error.to_string()))
    }

    async fn form(&self, path: &str, parts: &[(&str, &str)]) -> Result<Vec<u8>, ForgeError> {
        let url = self.web.join(path).map_err(|error| ForgeError::Settings(error.to_string()))?;
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parts).finish();
        let kind = "application/x-www-form-urlencoded";
        let (status, body) = self.send(self.client.post(url).header(header::CONTENT_TYPE, kind).body(body)).await?;
        // What is wrong with a code is an answer, whatever its status.
        if status.is_client_error() && parsed::<Answered>(&body).is_ok_and(|answer| answer.error.is_some()) {
            return Ok(body);
        }
        sorted(status, &body).map(|()| body)
    }

    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), ForgeError> {
        let request = request.header(header::ACCEPT, "application/json").timeout(PATIENCE);
        let net = |error: &NetError| sorting::of_net(error);
        let answer = request.send().await.map_err(|error| net(&NetError::of(&error)))?;
        let status = answer.status();
        Ok((status, read(answer, LONGEST).await.map_err(|error| net(&error))?.to_vec()))
    }
}

impl Grant {
    fn of(answered: &Answered) -> Option<Self> {
        let until = answered.expires_in.map(|lasts| {
            let lasts = SignedDuration::from_secs(lasts.clamp(1, 366 * 86_400));
            clock::now().saturating_add(lasts).unwrap_or(Timestamp::MAX)
        });
        let token = Secret::new(answered.access_token.clone()?);
        Some(Self { token, renewal: answered.refresh_token.clone().map(Secret::new), until })
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, ForgeError> {
    serde_json::from_slice(body).map_err(|error| ForgeError::Garbage(error.to_string()))
}

fn sorted(status: StatusCode, body: &[u8]) -> Result<(), ForgeError> {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let words: String = said
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .chars()
        .take(200)
        .filter(|c| !c.is_control())
        .collect();
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED => Err(ForgeError::Unauthorized),
        StatusCode::FORBIDDEN => Err(ForgeError::Forbidden(words)),
        StatusCode::NOT_FOUND => Err(ForgeError::NotFound),
        status if status.is_server_error() => Err(ForgeError::Server(status.as_u16())),
        _ => Err(ForgeError::Invalid(words)),
    }
}
