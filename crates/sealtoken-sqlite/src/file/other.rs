//! Files with the rights that the system gives them. Nobody can replace one that is open.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Nothing by which one file is told from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity;

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(super) fn identity(_: &Metadata) -> Identity {
    Identity
}

/// How many names the file has, as far as can be told.
pub(super) fn names(_: &Metadata) -> u64 {
    1
}

/// When a name in a folder changed last.
pub(super) fn changed(folder: &Metadata) -> Option<SystemTime> {
    folder.modified().ok()
}
