//! Where the configuration has the ledger shipped to, as the ledger's own parts need it: git and connections are put in
//! here, which the ledger does not know.

use futures::FutureExt as _;

use crate::{
    config::{Config, Over, ShipTo},
    core::names::RepoPath,
    engine::side,
    git::{GitError, Mirror},
    ledger::ship::{Branch, Bucket, Carrier, Collector, Login, Place, Route, Shipper},
    net::{Outgoing, dial::Seal},
};

/// A place of the configuration from which a ledger can be brought back; `None` where it gives nothing back.
///
/// # Errors
/// In words, when its repository cannot be opened.
pub(super) fn place(
    ship_to: &ShipTo,
    net: &Outgoing,
    repository: impl Fn() -> Result<Mirror, String>,
) -> Result<Option<Place>, String> {
    Ok(Some(match ship_to {
        ShipTo::Directory(path) => Place::Folder(path.clone()),
        ShipTo::S3 { api, region, bucket, prefix, access_key, secret_key } => {
            let login = Login { access_key: access_key.clone(), secret_key: secret_key.clone() };
            Place::Bucket(Bucket::new(net.to(api).clone(), api, (bucket, prefix), region, login))
        }
        ShipTo::Branch(name) => Place::Branch(branch(name, &repository()?)),
        ShipTo::Syslog { .. } => return Ok(None),
    }))
}

/// Whoever carries the ledger there.
///
/// # Errors
/// As [`place`].
pub(super) fn carrier(ship_to: &ShipTo, config: &Config, net: &Outgoing, mirror: &Mirror) -> Result<Carrier, String> {
    if let ShipTo::Syslog { host, port, over } = ship_to {
        let authorities = config.authorities.as_ref().map(|authorities| authorities.pem.clone().into_bytes());
        let route = match over {
            Over::Udp => Route::Datagrams,
            Over::Tcp => Route::Stream(Seal::None),
            Over::Tls => Route::Stream(Seal::Tls(authorities)),
        };
        return Ok(Carrier::Collector(Box::new(Collector::new(host, *port, route, &config.ledger().origin))));
    }
    let place = place(ship_to, net, || Ok(mirror.clone()))?.ok_or("nothing can be shipped there")?;
    Ok(Carrier::Place(Box::new(Shipper::new(config.data.join("ledger"), place))))
}

fn branch(name: &str, mirror: &Mirror) -> Branch {
    let told = |error: GitError| format!("{error}. {}", error.remedy());
    let (reader, writer) = (mirror.clone(), mirror.clone());
    let (from, to) = (name.to_owned(), name.to_owned());
    let get = move |thing: String| {
        let (mirror, branch) = (reader.clone(), from.clone());
        let read = async move { mirror.read_aside(&branch, path(&thing)?).await.map_err(told) };
        read.boxed()
    };
    let put = move |things: Vec<(String, Vec<u8>)>| {
        let (mirror, branch) = (writer.clone(), to.clone());
        let kept = async move {
            let files =
                things.into_iter().map(|(name, bytes)| Ok((path(&name)?, bytes))).collect::<Result<_, String>>()?;
            mirror.keep_aside(side(&branch, files, "The ledger as it grows\n".to_owned())).await.map_err(told)
        };
        kept.boxed()
    };
    Branch::new(name.to_owned(), get, put)
}

fn path(name: &str) -> Result<RepoPath, String> {
    RepoPath::parse(name).map_err(|error| error.to_string())
}
