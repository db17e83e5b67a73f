//! What can go wrong with a registry, by what can be done about it.

use crate::net::NetError;

/// Why a registry did not say what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The configuration does not name it.
    #[error("the registry `{host}` is not in the configuration")]
    NotConfigured {
        /// Its host.
        host: String,
    },
    /// It does not take our login.
    #[error("`{host}` does not accept our login")]
    Unauthorized {
        /// Its host.
        host: String,
    },
    /// It knows us and does not let us read.
    #[error("`{host}` does not let us read it")]
    Forbidden {
        /// Its host.
        host: String,
    },
    /// It does not have the image, or hides it.
    #[error("`{image}` is not in its registry, or hidden from us")]
    NoSuchImage {
        /// The image.
        image: String,
    },
    /// Too many requests.
    #[error("`{host}` asks us to wait: too many requests")]
    RateLimited {
        /// Its host.
        host: String,
    },
    /// It has trouble of its own.
    #[error("`{host}` answered with error {status}")]
    Server {
        /// Its host.
        host: String,
        /// The status of HTTP.
        status: u16,
    },
    /// An answer that is not as the OCI distribution specification has it.
    #[error("`{host}` gave an answer that is not a registry's: {what}")]
    Garbage {
        /// Its host.
        host: String,
        /// What was wrong with it.
        what: String,
    },
    /// It would have our password where it must not go.
    #[error("`{host}` sends us for a token to `{found}`, where our login must not go")]
    Elsewhere {
        /// Its host.
        host: String,
        /// Where it sends us.
        found: String,
    },
    /// Nothing was heard in time; it is asked again behind.
    #[error("`{host}` has not answered yet")]
    Slow {
        /// Its host.
        host: String,
    },
    /// It cannot be reached.
    #[error("{0}")]
    Net(String, String),
}

impl From<NetError> for RegistryError {
    fn from(error: NetError) -> Self {
        Self::Net(error.to_string(), error.remedy())
    }
}

impl RegistryError {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotConfigured { host } => format!("Add `{host}` to `registries` in `leverframe.yaml`."),
            Self::Unauthorized { host } => {
                format!("Put a valid `username` and `password` for `{host}` into `registries`.")
            }
            Self::Forbidden { host } => format!("Let the login for `{host}` pull from it."),
            Self::NoSuchImage { .. } => {
                "Correct the image's name in git or in the catalog, or let our login pull it.".to_owned()
            }
            Self::RateLimited { .. } | Self::Slow { .. } => "Wait: it is asked again by itself.".to_owned(),
            Self::Server { host, .. } => format!("Look at the status page of `{host}`; it is asked again by itself."),
            Self::Garbage { host, .. } => format!("Look whether the address of `{host}` in `registries` is its API's."),
            Self::Elsewhere { host, .. } => {
                format!("Write the address of `{host}` with `https://` into `registries`, or ask who runs it.")
            }
            Self::Net(_, remedy) => remedy.clone(),
        }
    }
}
