//! Where a ledger is kept beside its box: a folder, a bucket with the S3 API, or a branch of a repository. Things in it
//! have names; one is written whole or not at all.

use std::{
    io::{Error, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::BoxFuture;

use super::{ShipError, bucket::Bucket};
use crate::ledger::segments::sync_folder;

/// A place that keeps things by name.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder on this machine, or mounted there.
    Folder(PathBuf),
    /// A bucket.
    Bucket(Bucket),
    /// A branch.
    Branch(Branch),
}

type Reading = BoxFuture<'static, Result<Option<Vec<u8>>, String>>;
type Keeping = BoxFuture<'static, Result<(), String>>;
/// Things by their names.
type Things = Vec<(String, Vec<u8>)>;

/// A branch of a repository, reached by whoever knows git.
#[derive(Clone)]
pub struct Branch {
    name: String,
    get: Arc<dyn Fn(String) -> Reading + Send + Sync>,
    put: Arc<dyn Fn(Things) -> Keeping + Send + Sync>,
}

impl Branch {
    /// A branch by its name, by how a thing on it is read, and how things are kept on it together.
    pub fn new(
        name: String,
        get: impl Fn(String) -> Reading + Send + Sync + 'static,
        put: impl Fn(Things) -> Keeping + Send + Sync + 'static,
    ) -> Self {
        Self { name, get: Arc::new(get), put: Arc::new(put) }
    }
}

impl std::fmt::Debug for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Branch").field(&self.name).finish()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "`{}`", path.display()),
            Self::Bucket(bucket) => bucket.fmt(f),
            Self::Branch(branch) => write!(f, "the branch `{}`", branch.name),
        }
    }
}

impl Place {
    /// What is kept under a name.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ShipError> {
        match self {
            Self::Folder(path) => match tokio::fs::read(path.join(name)).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(self.unreachable(error)),
            },
            Self::Bucket(bucket) => bucket.get(name).await.map_err(|why| self.unreachable(why)),
            Self::Branch(branch) => (branch.get)(name.to_owned()).await.map_err(|why| self.unreachable(why)),
        }
    }

    /// Keeps something under a name, in place of what was there.
    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), ShipError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let written = tokio::task::spawn_blocking(move || replace(&path, &bytes)).await;
                written.map_err(Error::other).and_then(|written| written).map_err(|error| self.unreachable(error))
            }
            Self::Bucket(bucket) => bucket.put(name, bytes).await.map_err(|why| self.unreachable(why)),
            Self::Branch(branch) => {
                (branch.put)(vec![(name.to_owned(), bytes)]).await.map_err(|why| self.unreachable(why))
            }
        }
    }

    /// Keeps things in order; on a branch together.
    pub(super) async fn put_all(&self, things: Things) -> Result<(), ShipError> {
        if let Self::Branch(branch) = self {
            return (branch.put)(things).await.map_err(|why| self.unreachable(why));
        }
        for (name, bytes) in things {
            self.put(&name, bytes).await?;
        }
        Ok(())
    }

    /// Whether it is better not asked every moment.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self, Self::Branch(_))
    }

    pub(super) fn unreachable(&self, cause: impl std::fmt::Display) -> ShipError {
        ShipError::Unreachable { place: self.to_string(), cause: cause.to_string() }
    }
}

/// Writes a file that is there as it was or as it shall be, whatever happens in between.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}
