//! A connection of plain bytes, with TLS around it where that is wanted: for what speaks no HTTP. It trusts what our
//! client trusts. No proxy is used: those for HTTP carry nothing else.

use std::{io, sync::Arc, time::Duration};

use rustls::{
    ClientConfig,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection.
pub enum Connection {
    /// As it is.
    Plain(TcpStream),
    /// Within TLS.
    Sealed(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// Sends all of it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Sealed(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// Whether the other side has hung up by now.
    pub async fn is_over(&mut self) -> bool {
        let mut said = [0; 64];
        let read = async {
            match self {
                Self::Plain(stream) => stream.read(&mut said).await,
                Self::Sealed(stream) => stream.read(&mut said).await,
            }
        };
        matches!(tokio::time::timeout(Duration::ZERO, read).await, Ok(Ok(0) | Err(_)))
    }
}

/// Whether what is sent is sealed.
#[derive(Debug, Clone)]
pub enum Seal {
    /// It is not.
    None,
    /// With TLS; the certificates of `tls.ca_file` (PEM) are trusted beside the system's.
    Tls(Option<Vec<u8>>),
}

/// Connects to a host.
///
/// # Errors
/// In words: when the host cannot be reached in time, or is not who it should be.
pub async fn dial(host: &str, port: u16, seal: &Seal) -> Result<Connection, String> {
    let dialled = tokio::time::timeout(PATIENCE, async {
        let plain = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
        match seal {
            Seal::None => Ok(Connection::Plain(plain)),
            Seal::Tls(authorities) => {
                let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
                let sealed = connector(authorities.as_deref())?.connect(name, plain).await;
                sealed.map(|sealed| Connection::Sealed(Box::new(sealed))).map_err(|error| error.to_string())
            }
        }
    });
    dialled.await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
}

fn connector(authorities: Option<&[u8]>) -> Result<TlsConnector, String> {
    let provider = Arc::new(ring::default_provider());
    let extra: Vec<_> = CertificateDer::pem_slice_iter(authorities.unwrap_or_default()).flatten().collect();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|error| error.to_string())?;
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(|error| error.to_string())?.dangerous();
    let config = config.with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
