//! A bucket with the S3 API: reading and writing one object at a time, each request signed (AWS Signature Version 4,
//! the payload's hash among what is signed). Addresses are path-style, which every such service takes.

use jiff::Timestamp;
use reqwest::{Client, Method, StatusCode};
use ring::hmac;
use sha2::{Digest, Sha256};
use url::Url;

use crate::{clock, core::names::hex, net::NetError, secret::Secret};

/// A bucket, who we are to it, and how it is reached.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    base: Url,
    region: String,
    login: Login,
}

/// Who we are to a bucket.
#[derive(Debug, Clone)]
pub struct Login {
    /// The id of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: Secret,
}

impl std::fmt::Display for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.base)
    }
}

impl Bucket {
    /// A bucket at an API's address, where our things begin with `prefix`. Bucket and prefix are of characters that
    /// need no escape in an address.
    pub fn new(client: Client, api: &Url, (bucket, prefix): (&str, &str), region: &str, login: Login) -> Self {
        let mut base = api.clone();
        let path = [api.path().trim_end_matches('/'), bucket, prefix.trim_matches('/')].join("/");
        base.set_path(&format!("{}/", path.trim_end_matches('/')));
        Self { client, base, region: region.to_owned(), login }
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let (status, bytes) = self.ask(Method::GET, name, Vec::new()).await?;
        match status {
            StatusCode::OK => Ok(Some(bytes)),
            StatusCode::NOT_FOUND => Ok(None),
            other => Err(refused(other, &bytes)),
        }
    }

    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), String> {
        let (status, bytes) = self.ask(Method::PUT, name, bytes).await?;
        if status.is_success() { Ok(()) } else { Err(refused(status, &bytes)) }
    }

    async fn ask(&self, method: Method, name: &str, body: Vec<u8>) -> Result<(StatusCode, Vec<u8>), String> {
        let url = self.base.join(name).map_err(|error| error.to_string())?;
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let (payload, date) = (hex(&Sha256::digest(&body)), written(clock::now()));
        let headers =
            [("host", host.as_str()), ("x-amz-content-sha256", payload.as_str()), ("x-amz-date", date.as_str())];
        let authorization = self.authorization(method.as_str(), url.path(), &headers);
        let mut request = self.client.request(method, url.clone()).body(body).header("authorization", authorization);
        for (header, value) in headers.iter().filter(|(header, _)| *header != "host") {
            request = request.header(*header, *value);
        }
        let answer = request.send().await.map_err(|error| NetError::of(&error).to_string())?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| NetError::of(&error).to_string())?;
        Ok((status, bytes.to_vec()))
    }

    /// The header that signs a request without a query. The headers are in the order of their names; the date and the
    /// payload's hash are among them.
    fn authorization(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let value = |wanted: &str| headers.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| *value);
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let (names, date) = (names.join(";"), value("x-amz-date"));
        let canonical = format!("{method}\n{path}\n\n{lines}\n{names}\n{}", value("x-amz-content-sha256"));
        let day = date.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let signed = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = format!("AWS4{}", self.login.secret_key.reveal()).into_bytes();
        for part in [day, &self.region, "s3", "aws4_request", &signed] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        let access_key = &self.login.access_key;
        format!("AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={}", hex(&key))
    }
}

/// What an answer that refuses says, as far as people need it.
fn refused(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let between = |open: &str, close: &str| Some(text.split_once(open)?.1.split_once(close)?.0.to_owned());
    let code = between("<Code>", "</Code>").filter(|code| code.chars().all(char::is_alphanumeric));
    code.map_or_else(|| format!("it answered {status}"), |code| format!("it answered {status} ({code})"))
}

/// `20130524T000000Z`
fn written(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Outgoing, Tls};

    /// The example of the vendor's manual for a signed `GET` of an object, with its published signature.
    #[test]
    fn a_request_is_signed_as_the_published_example_is() {
        let login = Login {
            access_key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        };
        let api = Url::parse("https://examplebucket.s3.amazonaws.com").unwrap();
        let client = Outgoing::new(&Tls::default()).unwrap().client().clone();
        let bucket = Bucket::new(client, &api, ("b", ""), "us-east-1", login);
        let nothing = hex(&Sha256::digest(""));
        let headers = [
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", &nothing),
            ("x-amz-date", "20130524T000000Z"),
        ];
        let header = bucket.authorization("GET", "/test.txt", &headers);
        assert!(
            header.ends_with("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
            "{header}"
        );
        assert_eq!(bucket.base.as_str(), "https://examplebucket.s3.amazonaws.com/b/");
        assert_eq!(
            refused(StatusCode::FORBIDDEN, b"<Code>AccessDenied</Code>"),
            "it answered 403 Forbidden (AccessDenied)"
        );
    }
}
