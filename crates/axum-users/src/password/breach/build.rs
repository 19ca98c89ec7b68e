use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

use xorf::BinaryFuse16;

use super::{
    BreachFilterError,
    filter::{HEAD_BYTES, MAGIC, PARTS, place},
};
use crate::password::fuse;

/// The hexadecimal digits of a SHA-1.
const DIGITS: usize = 40;

/// A longer line is none of the list.
const LINE_MAX_BYTES: u64 = 128;

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuiltFilter {
    /// How many passwords it holds.
    pub passwords: u64,
    /// How large it is.
    pub bytes: u64,
}

/// Makes the file of a [`BreachFilter`](super::BreachFilter) from a list of lines `SHA1:COUNT` in the order of the hashes, as the
/// [downloader of Have I Been Pwned](https://github.com/HaveIBeenPwned/PwnedPasswordsDownloader) writes it. Takes passwords that
/// were seen at least `min_count` times; `progress` is told how much of the list is done, from 0 to 1.
///
/// Needs a few megabytes of memory whatever the size of the list, and two and a quarter bytes on the disk for each password. The
/// file appears under its name when it is whole.
///
/// # Errors
/// When a file cannot be read or written, or the list has another form or order.
pub fn build_breach_filter(
    mut list: impl BufRead,
    target: &Path,
    min_count: u64,
    mut progress: impl FnMut(f32),
) -> Result<BuiltFilter, BreachFilterError> {
    let mut unfinished = OsString::from(target);
    unfinished.push(".unfinished");
    let mut builder = Builder::create(Path::new(&unfinished))?;
    let (mut line, mut text, mut earlier) = (0, String::new(), String::new());
    loop {
        text.clear();
        line += 1;
        let wrong = |reason| BreachFilterError::List { line, reason };
        match Read::take(&mut list, LINE_MAX_BYTES).read_line(&mut text) {
            Ok(0) => break,
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::InvalidData => {
                return Err(wrong("it is not text"));
            }
            Err(source) => return Err(BreachFilterError::File { path: "the list".into(), source }),
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let (hash, count) = text.split_once(':').unwrap_or((text, "1"));
        let hash = hash.to_ascii_uppercase();
        let digest = digest(&hash).ok_or_else(|| wrong("it does not begin with 40 hexadecimal digits"))?;
        if hash < earlier {
            return Err(wrong("the hashes are not in order: download the list ordered by hash"));
        }
        let is_again = hash == earlier;
        earlier = hash;
        let count = count.trim().parse::<u64>().map_err(|_| wrong("there is no count behind the colon"))?;
        if count >= min_count && !is_again {
            let (part, key) = place(&digest).ok_or_else(|| wrong("it is too short"))?;
            while builder.part() < part {
                builder.end_part()?;
                progress(builder.part() as f32 / PARTS as f32);
            }
            builder.keys.push(key);
        }
    }
    while builder.part() < PARTS {
        builder.end_part()?;
    }
    let built = builder.finish()?;
    progress(1.0);
    let renamed = fs::rename(&unfinished, target);
    renamed.map_err(|source| BreachFilterError::File { path: target.to_owned(), source })?;
    Ok(built)
}

struct Builder<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    /// Where the parts that are written begin, and where the next one does.
    offsets: Vec<u64>,
    keys: Vec<u64>,
    passwords: u64,
}

impl<'a> Builder<'a> {
    fn create(path: &'a Path) -> Result<Self, BreachFilterError> {
        let create = || {
            let mut file = BufWriter::new(File::create(path)?);
            file.write_all(&vec![0; HEAD_BYTES])?;
            Ok(file)
        };
        let file = create().map_err(|source| BreachFilterError::File { path: path.to_owned(), source })?;
        Ok(Self { path, file, offsets: vec![HEAD_BYTES as u64], keys: Vec::new(), passwords: 0 })
    }

    /// The part that is being filled.
    const fn part(&self) -> usize {
        self.offsets.len() - 1
    }

    fn end_part(&mut self) -> Result<(), BreachFilterError> {
        let unwritten = |source| BreachFilterError::File { path: self.path.to_owned(), source };
        // Two hashes may share a key, which a filter takes once.
        self.keys.sort_unstable();
        self.keys.dedup();
        let mut end = self.offsets.last().copied().unwrap_or_default();
        if !self.keys.is_empty() {
            let filter = BinaryFuse16::try_from(&self.keys);
            let bytes = fuse::write(&filter.map_err(|reason| unwritten(io::Error::other(reason)))?);
            self.file.write_all(&bytes).map_err(unwritten)?;
            end += bytes.len() as u64;
        }
        self.passwords += self.keys.len() as u64;
        self.offsets.push(end);
        self.keys.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<BuiltFilter, BreachFilterError> {
        let written = self.write_head();
        written.map_err(|source| BreachFilterError::File { path: self.path.to_owned(), source })?;
        let bytes = self.offsets.last().copied().unwrap_or_default();
        Ok(BuiltFilter { passwords: self.passwords, bytes })
    }

    fn write_head(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&MAGIC)?;
        for offset in &self.offsets {
            self.file.write_all(&offset.to_le_bytes())?;
        }
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}

fn digest(hash: &str) -> Option<[u8; DIGITS / 2]> {
    let digits = hash.as_bytes();
    if digits.len() != DIGITS || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut digest = [0; DIGITS / 2];
    for (byte, pair) in digest.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}
