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

fn why(path: &Path, error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            folder(path).unwrap_or_else(|| "it does not exist".into())
        }
        ErrorKind::IsADirectory => "it is a folder".into(),
        ErrorKind::AlreadyExists => "it exists already".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
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
