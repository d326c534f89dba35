//! Reads files.

use std::fs::File;
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::{Failure, shown};
use crate::notes::warn;

use super::bounded;
use super::text::{is_utf16, without_mark};

/// The maximum size of a file of secrets, in bytes.
const MAX_SECRETS: usize = 64 * 1024;

/// The maximum size of a file of declared tokens, in bytes: enough for a hundred thousand.
const MAX_DECLARED: usize = 32 * 1024 * 1024;

/// The text of a file of keys or passwords, which no other user should have access to.
pub(crate) fn private(path: &Path, doing: &str) -> Result<Zeroizing<String>, Failure> {
    let text = secrets(path, doing)?;
    if is_open_to_others(path) {
        let path = shown(path);
        warn(&format!(
            "other users have access to {path}: run `chmod 600 {path}`"
        ));
    }
    Ok(text)
}

/// Whether a regular file has any rights for other users. Pipes are not checked.
#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    let found = path.metadata();
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
const fn is_open_to_others(_: &Path) -> bool {
    false
}

/// The text of a file of secrets.
pub(crate) fn secrets(path: &Path, doing: &str) -> Result<Zeroizing<String>, Failure> {
    text_of(path, MAX_SECRETS, doing)
}

/// The text of a file of declared tokens.
pub(crate) fn declared(path: &Path) -> Result<Zeroizing<String>, Failure> {
    text_of(path, MAX_DECLARED, "read the file of tokens")
}

/// Opens a file.
pub(crate) fn open(path: &Path, doing: &str) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::file(doing, path, &error))
}

/// The text of a file, without a byte order mark.
fn text_of(path: &Path, max: usize, doing: &str) -> Result<Zeroizing<String>, Failure> {
    let file = open(path, doing)?;
    let (bytes, whole) = bounded(&file, max).map_err(|error| Failure::file(doing, path, &error))?;
    let wrong = |what: &str| Failure::in_file(doing, path, what);
    if !whole {
        return Err(wrong(&format!(
            "it is too long, at most {max} bytes are read"
        )));
    }
    if is_utf16(&bytes) {
        return Err(wrong("it is UTF-16: save it as UTF-8"));
    }
    let text = str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8 text"))?;
    Ok(Zeroizing::new(without_mark(text).into()))
}
