use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::spawn_blocking;
use xorf::Filter;

use super::{REASON, sha1};
use crate::{BoxError, Context, Hooks, Profile, password::fuse};

/// What a file begins with.
pub(super) const MAGIC: [u8; 16] = *b"axum-users pwnd1";

/// The file is divided by the first twelve bits of the SHA-1, so that a look-up reads one four-thousandth of it.
pub(super) const PARTS: usize = 1 << 12;

/// Where the parts begin: after the magic and as many offsets as there are parts, and one for the end.
pub(super) const HEAD_BYTES: usize = MAGIC.len() + (PARTS + 1) * 8;

/// More than a part of the whole list of Have I Been Pwned has, ten times over.
const PART_MAX_BYTES: u64 = 8 << 20;

/// Refuses new passwords that are known from data breaches: hooks that look them up in a file on this machine, which
/// [`build_breach_filter`](super::build_breach_filter), or `axum-users breach-filter` of the server, makes from the list of
/// [Have I Been Pwned](https://haveibeenpwned.com/Passwords).
///
/// Nothing leaves the machine. One look-up reads up to half a megabyte of the file, off the async runtime. One of 65,536 passwords
/// that are not in the list is refused with them. When the file cannot be read the password is accepted, and an error logged.
///
/// ```no_run
/// use axum_users::{Users, MemoryStore, password::BreachFilter};
///
/// let users: Users = Users::builder(MemoryStore::new(), "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
///     .hooks(BreachFilter::open("/var/lib/axum-users/breached.filter")?)
///     .build()?;
/// # Ok::<(), axum_users::BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BreachFilter(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    file: Mutex<File>,
    offsets: Vec<u64>,
}

/// Why a filter of breached passwords cannot be used or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BreachFilterError {
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no filter, or was cut.
    #[error("{} is not a whole filter of breached passwords", path.display())]
    NotAFilter {
        /// The file.
        path: PathBuf,
    },
    /// The list has another form.
    #[error("line {line} of the list: {reason}")]
    List {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl BreachFilter {
    /// Opens a file; what it holds is read when it is asked.
    ///
    /// # Errors
    /// When it cannot be read, or is no whole filter.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BreachFilterError> {
        let path = path.as_ref();
        let not_a_filter = || BreachFilterError::NotAFilter { path: path.to_owned() };
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => not_a_filter(),
            _ => BreachFilterError::File { path: path.to_owned(), source },
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut head = vec![0; HEAD_BYTES];
        file.read_exact(&mut head).map_err(unreadable)?;
        let (magic, offsets) = head.split_at(MAGIC.len());
        let (offsets, _) = offsets.as_chunks();
        let offsets: Vec<u64> = offsets.iter().copied().map(u64::from_le_bytes).collect();
        let length = file.metadata().map_err(unreadable)?.len();
        let are_in_order = offsets.is_sorted_by(|one, next| one <= next && next - one <= PART_MAX_BYTES);
        let begin_and_end = offsets.first() == Some(&(HEAD_BYTES as u64)) && offsets.last() == Some(&length);
        if magic != MAGIC || !are_in_order || !begin_and_end {
            return Err(not_a_filter());
        }
        Ok(Self(Arc::new(Parts { file: Mutex::new(file), offsets })))
    }
}

impl Parts {
    fn holds(&self, password: &str) -> Result<bool, BoxError> {
        let (part, key) = place(sha1(password).as_ref()).ok_or("a digest is too short")?;
        let (Some(&begin), Some(&end)) = (self.offsets.get(part), self.offsets.get(part + 1)) else {
            return Err("there is no such part".into());
        };
        if begin == end {
            return Ok(false);
        }
        let mut bytes = vec![0; usize::try_from(end - begin)?];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(begin))?;
            file.read_exact(&mut bytes)?;
        }
        Ok(fuse::read(&bytes).ok_or("a part is damaged")?.contains(&key))
    }
}

/// In which part the digest of a password is, and by which key.
pub(super) fn place(digest: &[u8]) -> Option<(usize, u64)> {
    let [first, second, ..] = *digest else { return None };
    let key = u64::from_be_bytes(*digest.get(2..)?.first_chunk()?);
    Some((usize::from(first) << 4 | usize::from(second >> 4), key))
}

impl<P: Profile> Hooks<P> for BreachFilter {
    async fn validate_password(&self, password: &str, _email: &str, _: &Context) -> Result<(), String> {
        let (parts, password) = (Arc::clone(&self.0), zeroize::Zeroizing::new(password.to_owned()));
        let looked_up = spawn_blocking(move || parts.holds(&password)).await;
        match looked_up.map_err(BoxError::from).and_then(|found| found) {
            Ok(true) => Err(REASON.to_owned()),
            Ok(false) => Ok(()),
            Err(error) => {
                tracing::error!(
                    error = &*error,
                    "whether a password is known from data breaches was not found out"
                );
                Ok(())
            }
        }
    }
}
