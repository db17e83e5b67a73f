//! How each cluster of the configuration is spoken to.

use url::Url;

use crate::{
    cluster::{Cluster, ClusterError},
    config::{self, ClusterAccess, ClusterLogin, Config},
    net::{NetError, Outgoing, Tls, apart::Own},
    secret::{Renewal, Secret},
};

/// The way into one.
pub(super) struct Entrance {
    pub(super) net: Outgoing,
    pub(super) api: Url,
    pub(super) token: Option<Secret>,
    renewal: Option<Renewal>,
}

impl Entrance {
    /// `None` where that way is not supported yet.
    ///
    /// # Errors
    /// When a certificate or a key cannot be read.
    pub(super) fn of(access: &ClusterAccess, (config, net): (&Config, &Outgoing)) -> Result<Option<Self>, NetError> {
        let ca_file = config.authorities.as_ref().map(|authorities| authorities.pem.clone().into_bytes());
        let apart = |own: Own| Outgoing::apart(&Tls { ca_file }, &own);
        Ok(Some(match access {
            ClusterAccess::Kubeconfig { .. } => return Ok(None),
            ClusterAccess::InCluster { url, authority, token, file } => {
                let own = Own { authorities: Some(authority.clone().into_bytes()), identity: None };
                let file = file.clone();
                let renewal = Some(Renewal::new(move || config::read_again(&file)));
                Self { net: apart(own)?, api: url.clone(), token: Some(token.clone()), renewal }
            }
            ClusterAccess::Api { url, login: ClusterLogin::Certificate { certificate, key } } => {
                let identity = Secret::new(format!("{}\n{}\n", certificate.reveal(), key.reveal()));
                let own = Own { authorities: None, identity: Some(identity) };
                Self { net: apart(own)?, api: url.clone(), token: None, renewal: None }
            }
            ClusterAccess::Api { url, login: ClusterLogin::Token(token) } => {
                Self { net: net.clone(), api: url.clone(), token: Some(token.clone()), renewal: None }
            }
            ClusterAccess::Api { url, login: ClusterLogin::None } => {
                Self { net: net.clone(), api: url.clone(), token: None, renewal: None }
            }
        }))
    }

    /// The cluster behind it.
    ///
    /// # Errors
    /// When the address or the token cannot be used.
    pub(super) fn cluster(self) -> Result<Cluster, ClusterError> {
        let http = self.net.to(&self.api).clone();
        match (&self.token, self.renewal) {
            (Some(token), Some(renewal)) => Cluster::renewed(http, &self.api, (token, renewal)),
            (token, _) => Cluster::new(http, &self.api, token.as_ref()),
        }
    }
}
