//! A way out of its own for one place: authorities that are trusted there alone, who we are to it, and a token that
//! somebody else renews.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use reqwest::{ClientBuilder, Identity};
use url::Url;

use super::{HttpService, NetError, Outgoing, Tls, bearer, builder, innermost, made, use_ring};
use crate::{
    clock,
    secret::{Renewal, Secret},
};

/// For how long a token that was read is used.
const READ_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What one place has of its own.
#[derive(Debug, Default)]
pub struct Own {
    /// Who vouches for it, in PEM, beside those that are trusted anyway.
    pub authorities: Option<Vec<u8>>,
    /// Our certificate there with its key, in PEM.
    pub identity: Option<Secret>,
}

impl Outgoing {
    /// The way to a place with something of its own; it leads nowhere else. No proxy is asked: who brings certificates of
    /// its own is not behind one.
    ///
    /// # Errors
    /// When a certificate or a key cannot be read.
    pub fn apart(tls: &Tls, own: &Own) -> Result<Self, NetError> {
        use_ring();
        let pem: Vec<u8> =
            [&tls.ca_file, &own.authorities].into_iter().flatten().flat_map(|pem| [pem, &b"\n"[..]].concat()).collect();
        let all = Tls { ca_file: (!pem.is_empty()).then_some(pem) };
        let identity = own.identity.as_ref().map(|pem| Identity::from_pem(pem.reveal().as_bytes())).transpose();
        let identity = identity.map_err(|error| NetError::NoClient(innermost(&error)))?;
        let with = || -> ClientBuilder {
            let direct = builder().no_proxy();
            match &identity {
                Some(identity) => direct.identity(identity.clone()),
                None => direct,
            }
        };
        let client = made(&all, with)?;
        Ok(Self { direct: client.clone(), client })
    }
}

/// A token that somebody else renews.
#[derive(Debug)]
pub(super) struct Renewed {
    renewal: Renewal,
    base: Url,
    last: Mutex<(Timestamp, HeaderValue)>,
}

impl Renewed {
    /// The header with it as it is now. Where it cannot be read the last one goes: the other side says whether it holds.
    pub(super) fn header(&self) -> HeaderValue {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        if now.duration_since(last.0) > READ_AGAIN {
            let read = self.renewal.read().and_then(|token| bearer(&token, &self.base).ok());
            let header = read.unwrap_or_else(|| last.1.clone());
            *last = (now, header);
        }
        last.1.clone()
    }
}

impl HttpService {
    /// As [`HttpService::at`], with a token that is read again now and then.
    ///
    /// # Errors
    /// As there.
    pub fn renewed(
        client: reqwest::Client,
        base: &Url,
        (token, renewal): (&Secret, Renewal),
    ) -> Result<Self, NetError> {
        let last = Mutex::new((clock::now(), bearer(token, base)?));
        let renewed = Renewed { renewal, base: base.clone(), last };
        Ok(Self { renewed: Some(Arc::new(renewed)), ..Self::at(client, base, None)? })
    }
}
