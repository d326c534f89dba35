//! Reads files.

use std::fs::File;
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::{Failure, not_a_dash, shown};
use crate::notes::warn;

use super::bounded;
use super::text::{utf8, without_mark};

/// The maximum size of a file of secrets, in bytes.
const MAX_SECRETS: usize = 64 * 1024;

/// The maximum size of a file of declared tokens, in bytes: enough for a hundred thousand.
const MAX_DECLARED: usize = 32 * 1024 * 1024;

/// The text of a file of keys or passwords, which no other user should have access to.
pub(crate) fn private(path: &Path, doing: &str) -> Result<Zeroizing<String>, Failure> {
    let file = open(path, doing)?;
    let mode = mode_for_others(path, &file);
    let text = text_of(path, &file, MAX_SECRETS, doing)?;
    if let Some(mode) = mode {
        let path = shown(path);
        warn(&format!(
            "other users have access to {path} (mode {mode:04o}): restrict it to its owner"
        ));
    }
    Ok(text)
}

/// The mode of a regular file that gives other users any rights.
#[cfg(unix)]
fn mode_for_others(path: &Path, file: &File) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    // Such a name stands for a file that the shell opened, whose own name is not known.
    let descriptors = ["/dev/stdin", "/dev/fd", "/proc"];
    if descriptors.iter().any(|name| path.starts_with(name)) {
        return None;
    }
    let found = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mode = found.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
const fn mode_for_others(_: &Path, _: &File) -> Option<u32> {
    None
}

/// The text of a file of secrets.
pub(crate) fn secrets(path: &Path, doing: &str) -> Result<Zeroizing<String>, Failure> {
    text_of(path, &open(path, doing)?, MAX_SECRETS, doing)
}

/// The text of a file of declared tokens.
pub(crate) fn declared(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let doing = "read the file of tokens";
    not_a_dash(doing, path)?;
    text_of(path, &open(path, doing)?, MAX_DECLARED, doing)
}

/// Opens a file.
pub(crate) fn open(path: &Path, doing: &str) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::file(doing, path, &error))
}

/// The text of a file, without a byte order mark.
fn text_of(
    path: &Path,
    file: &File,
    max: usize,
    doing: &str,
) -> Result<Zeroizing<String>, Failure> {
    let wrong = |what: &str| Failure::in_file(doing, path, &format!("it {what}"));
    let (bytes, whole) = bounded(file, max).map_err(|error| Failure::file(doing, path, &error))?;
    if !whole {
        return Err(wrong(&format!("is longer than {max} bytes")));
    }
    let text = utf8(&bytes).map_err(wrong)?;
    Ok(Zeroizing::new(without_mark(text).into()))
}
