//! What is wrong with the path of a file.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::output::printable;

use super::Failure;
use super::secrets::is_secret;

impl Failure {
    /// Turns an error at a file into a failure that names the part of the path that is wrong.
    /// `doing` says what was attempted, such as `read the key file`.
    pub(crate) fn file(doing: &str, path: &Path, error: &Error) -> Self {
        Self::in_file(doing, path, &why(path, error))
    }

    /// A failure with this reason, which is in the file itself.
    pub(crate) fn in_file(doing: &str, path: &Path, why: &str) -> Self {
        Self::Problem(format!("cannot {doing} {}: {why}", shown(path)))
    }
}

/// The path, unless it may be a key or a token that was given by mistake.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if is_secret(&text) {
        "(its name looks like a secret, so it is not shown)".into()
    } else {
        printable(&text)
    }
}

/// Refuses `-`, which other programs take for stdin or stdout.
pub(crate) fn not_a_dash(doing: &str, path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        let why = "- is not a file here; if you mean one, give ./-";
        return Err(Failure::in_file(doing, path, why));
    }
    Ok(())
}

fn why(path: &Path, error: &Error) -> String {
    match error.kind() {
        _ if path.is_dir() => "it is a folder".into(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
            folder(path).unwrap_or_else(|| no_file(path).into())
        }
        ErrorKind::AlreadyExists => "it exists already".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// What is wrong with a path whose folder exists.
fn no_file(path: &Path) -> &'static str {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        "a file name does not end in /"
    } else {
        "it does not exist"
    }
}

/// What is wrong with the first folder of a path that is not one.
fn folder(path: &Path) -> Option<String> {
    let folders = path.ancestors().skip(1);
    let mut folders: Vec<&Path> = folders.filter(|folder| *folder != Path::new("")).collect();
    folders.reverse();
    let wrong = folders.into_iter().find(|folder| !folder.is_dir())?;
    Some(if wrong.exists() {
        format!("{} is not a folder", shown(wrong))
    } else {
        format!("the folder {} does not exist", shown(wrong))
    })
}
