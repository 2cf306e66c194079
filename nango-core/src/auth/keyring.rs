//! The key that seals what the database must not show.
//!
//! A sealed blob is `version (1) · key id (4) · nonce (12) · AES-256-GCM ciphertext and tag`. The key's id, the first
//! bytes of its hash, lets a wrong key say which one is needed, and leaves room for several keys at once: a ring has one
//! for now. Head and context (the row, for instance) are authenticated, so that a blob does not open elsewhere.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const ID: usize = 4;
const NONCE: usize = 12;
const HEAD: usize = 1 + ID;
/// A file that is longer than this holds something else.
const LONGEST_FILE: u64 = 1024;

/// Seals and opens. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRing {
    key: Zeroizing<[u8; 32]>,
    id: [u8; ID],
}

/// Why something cannot be sealed or opened. No text holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A text is no key.
    #[error("the encryption key must be 32 bytes in base64, and {0}: make one with `openssl rand -base64 32`")]
    NoKey(String),
    /// The key file cannot be read or made.
    #[error("the encryption key file {path}: {reason}")]
    File {
        /// Its path.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// It was sealed with another key.
    #[error(
        "this was sealed with the encryption key {needed}, and the one in use is {have}: set NANGO_ENCRYPTION_KEY to that \
         key or put its key file back; without it, add the connection again"
    )]
    OtherKey {
        /// The id of the key that is needed.
        needed: String,
        /// The id of the key in use.
        have: String,
    },
    /// The blob is cut short, changed, or belongs elsewhere.
    #[error("the sealed data is damaged, or was sealed for another place: add the connection again")]
    Damaged,
    /// A newer version of this program sealed it.
    #[error("the sealed data has the form {0}, which this version does not know: use a newer one")]
    Newer(u8),
    /// The system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    NoRandomness(String),
}

impl KeyRing {
    /// A ring of a key that is written as 32 bytes in base64.
    ///
    /// # Errors
    ///
    /// The text is something else.
    pub fn from_key(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD
            .decode(text.trim())
            .map(Zeroizing::new)
            .map_err(|_| KeyError::NoKey("this is not base64".to_owned()))?;
        let key: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| KeyError::NoKey(format!("these are {}", bytes.len())))?;
        Ok(Self::of(Zeroizing::new(key)))
    }

    /// The ring of a key file, and whether the file was made just now: with a new key, readable by its owner only. Two
    /// processes that start at once end with the same key.
    ///
    /// # Errors
    ///
    /// The file holds something else, or cannot be read or made.
    pub fn from_file(path: &Path) -> Result<(Self, bool), KeyError> {
        let wrong = |reason: String| KeyError::File { path: path.display().to_string(), reason };
        let read = || -> Result<Option<Self>, KeyError> {
            let file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other.map_err(|error| wrong(error.to_string()))?,
            };
            let mut text = Zeroizing::new(String::new());
            file.take(LONGEST_FILE).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
            Self::from_key(&text).map(Some).map_err(|error| wrong(error.to_string()))
        };
        if let Some(ring) = read()? {
            return Ok((ring, false));
        }
        let ring = Self::ephemeral()?;
        if ring.write(path).map_err(|error| wrong(error.to_string()))? {
            return Ok((ring, true));
        }
        let other = read()?.ok_or_else(|| wrong("it appeared and vanished again".to_owned()))?;
        Ok((other, false))
    }

    /// A ring of a new key that lives as long as this process.
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn ephemeral() -> Result<Self, KeyError> {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key)?;
        Ok(Self::of(key))
    }

    fn of(key: Zeroizing<[u8; 32]>) -> Self {
        let mut id = [0; ID];
        id.copy_from_slice(&blake3::hash(&*key).as_bytes()[..ID]);
        Self { key, id }
    }

    /// Writes the key beside `path` and links it into place, so that nobody ever reads a half-written key and the first
    /// of two writers wins. `false`: the other one did.
    fn write(&self, path: &Path) -> io::Result<bool> {
        let mut suffix = [0; 8];
        random(&mut suffix).map_err(io::Error::other)?;
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{:016x}.new", u64::from_be_bytes(suffix)));
        let new = Path::new(&name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(new)?;
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*self.key)));
        let linked =
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(new, path));
        fs::remove_file(new)?;
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// The name of the key, which tells nothing about it: eight hexadecimal digits.
    pub fn id(&self) -> String {
        hex(self.id)
    }

    /// Seals. The same `context` must be given to [`KeyRing::open`].
    ///
    /// # Errors
    ///
    /// The system gives no randomness.
    pub fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let mut blob = Vec::with_capacity(HEAD + NONCE + plain.len() + 16);
        blob.push(VERSION);
        blob.extend_from_slice(&self.id);
        let payload = Payload { msg: plain, aad: &[&blob, context].concat() };
        // Fails only for texts of 64 GiB, which no caller can hold.
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| KeyError::Damaged)?;
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    /// Opens what [`KeyRing::seal`] made.
    ///
    /// # Errors
    ///
    /// It was sealed with another key or context, or is damaged.
    pub fn open(&self, blob: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (head, rest) = blob.split_at_checked(HEAD).ok_or(KeyError::Damaged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(KeyError::Damaged)?;
        let id: [u8; ID] = head[1..].try_into().map_err(|_| KeyError::Damaged)?;
        if head[0] != VERSION {
            return Err(KeyError::Newer(head[0]));
        }
        if id != self.id {
            return Err(KeyError::OtherKey { needed: hex(id), have: self.id() });
        }
        let payload = Payload { msg: sealed, aad: &[head, context].concat() };
        self.cipher().decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| KeyError::Damaged)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.key).into())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({})", self.id())
    }
}

fn random(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(|error| KeyError::NoRandomness(error.to_string()))
}

fn hex(id: [u8; ID]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn what_is_sealed_opens_again_and_nothing_else_does() {
        let ring = KeyRing::from_key(KEY).unwrap();
        let blob = ring.seal(b"hush", b"row 1").unwrap();
        assert_ne!(blob, ring.seal(b"hush", b"row 1").unwrap());
        assert_eq!(ring.open(&blob, b"row 1").as_deref(), Ok(&b"hush".to_vec()));
        assert_eq!(ring.open(&blob, b"row 2"), Err(KeyError::Damaged));
        for length in 0..blob.len() {
            assert_eq!(ring.open(&blob[..length], b"row 1"), Err(KeyError::Damaged));
        }
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert!(ring.open(&changed, b"row 1").is_err(), "{at}");
        }
    }

    #[test]
    fn a_wrong_key_says_which_one_is_needed() {
        let blob = KeyRing::from_key(KEY).unwrap().seal(b"hush", b"").unwrap();
        let other = KeyRing::ephemeral().unwrap();
        let error = other.open(&blob, b"").unwrap_err();
        let needed = KeyRing::from_key(KEY).unwrap().id();
        assert_eq!(error, KeyError::OtherKey { needed: needed.clone(), have: other.id() });
        assert!(error.to_string().contains(&needed) && !format!("{error} {other:?}").contains("AAEC"));
        let mut newer = blob;
        newer[0] = 2;
        assert_eq!(other.open(&newer, b""), Err(KeyError::Newer(2)));
    }

    #[test]
    fn a_key_is_32_bytes() {
        assert_eq!(KeyRing::from_key("AAEC").unwrap_err(), KeyError::NoKey("these are 3".to_owned()));
        assert_eq!(KeyRing::from_key("hush!").unwrap_err(), KeyError::NoKey("this is not base64".to_owned()));
        assert!(KeyRing::from_key(&format!(" {KEY}\n")).is_ok());
    }

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nango.key");
        let made: Vec<_> = std::thread::scope(|scope| {
            let start = || scope.spawn(|| KeyRing::from_file(&path).unwrap());
            let threads: Vec<_> = (0..8).map(|_| start()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.iter().filter(|(_, new)| *new).count(), 1);
        assert!(made.iter().all(|(ring, _)| *ring == made[0].0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&path, "hush").unwrap();
        let error = KeyRing::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("nango.key") && error.contains("32 bytes") && !error.contains("hush"), "{error}");
    }
}
