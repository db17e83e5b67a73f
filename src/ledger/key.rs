//! The key file that is made at the first start where the configuration names none: beside the data directory, never
//! in it, so that who can write the ledger's files need not be able to sign.

use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{
    checkpoints,
    note::{NotAKey, Origin, SigningKey},
};
use crate::{clock, secret::Secret};

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be made or read.
    #[error("the key that signs the ledger cannot be kept in `{}`: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The key that signed this ledger so far is not there any more.
    #[error("`{}`, the key that signed this ledger so far, is gone", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// What is there is no key.
    #[error("`{place}` cannot sign the ledger: {why}")]
    Unfit {
        /// The file, or the setting.
        place: String,
        /// Why.
        why: NotAKey,
    },
    /// The name that checkpoints would carry is none.
    #[error("`{0}` cannot be the name of checkpoints")]
    Origin(String),
}

impl KeyError {
    /// One sentence that names what to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::File { path, .. } => format!(
                "Let this user write in `{}`, or make a key with `openssl genpkey -algorithm ed25519` and name it as `ledger.signing_key`.",
                path.parent().unwrap_or(Path::new(".")).display()
            ),
            Self::Gone { path } => format!(
                "Restore `{}`, or make a new key with `openssl genpkey -algorithm ed25519`, name it as `ledger.signing_key`, and keep the old public key for `audit verify --key`.",
                path.display()
            ),
            Self::Unfit { why, .. } => why.remedy(),
            Self::Origin(_) => "Set `public_url` to the address people reach Leverframe at.".into(),
        }
    }
}

/// The key file of a data directory: `<data>.key`.
pub fn file(data: &Path) -> PathBuf {
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    data.with_file_name(format!("{name}.key"))
}

/// The key of the configuration, or the one of the key file; `None` where neither is.
///
/// # Errors
/// When there is one that is none, or it cannot be read.
pub fn load(data: &Path, setting: Option<&Secret>, origin: &str) -> Result<Option<SigningKey>, KeyError> {
    let origin = Origin::parse(origin).ok_or_else(|| KeyError::Origin(origin.to_owned()))?;
    let path = file(data);
    let (place, text) = match setting {
        Some(text) => ("ledger.signing_key".to_owned(), text.clone()),
        None => match std::fs::read_to_string(&path) {
            Ok(text) => (path.display().to_string(), Secret::new(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KeyError::File { path, cause: error.to_string() }),
        },
    };
    SigningKey::parse(&text, origin).map(Some).map_err(|why| KeyError::Unfit { place, why })
}

/// The key to sign with: that of the configuration, or that of the key file, which is made where the ledger was never
/// signed.
///
/// # Errors
/// As [`load`]; when the file cannot be written, or is gone.
pub fn load_or_make(data: &Path, setting: Option<&Secret>, origin: &str) -> Result<SigningKey, KeyError> {
    if let Some(key) = load(data, setting, origin)? {
        return Ok(key);
    }
    let path = file(data);
    if checkpoints::path(&data.join("ledger")).exists() {
        return Err(KeyError::Gone { path });
    }
    make(&path).map_err(|error| KeyError::File { path: path.clone(), cause: error.to_string() })?;
    load(data, None, origin)?.ok_or(KeyError::Gone { path })
}

fn make(path: &Path) -> Result<(), Error> {
    let salt = || clock::salt().map_err(|_| Error::other("the operating system gave no randomness"));
    let mut seed = [0; 32];
    for half in seed.chunks_exact_mut(16) {
        half.copy_from_slice(&salt()?);
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(SigningKey::pem(&seed).reveal().as_bytes())?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_never_again() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data/");
        let made = load_or_make(&data, None, "bot").unwrap().public();
        let path = folder.path().join("data.key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_make(&data, None, "bot").unwrap().public(), made);
        std::fs::create_dir_all(data.join("ledger")).unwrap();
        std::fs::write(data.join("ledger/checkpoints"), "").unwrap();
        std::fs::remove_file(&path).unwrap();
        let gone = load_or_make(&data, None, "bot").err().unwrap();
        assert!(matches!(&gone, KeyError::Gone { .. }) && gone.remedy().ends_with('.'), "{gone}");
        let unfit = load(&data, Some(&Secret::new("x")), "bot").err().unwrap();
        assert!(unfit.to_string().starts_with("`ledger.signing_key` cannot sign"), "{unfit}");
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(load_or_make(&data, None, "bot"), Err(KeyError::File { .. })));
    }
}
