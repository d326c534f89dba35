//! Files that their owner alone may read and write. SQLite gives those beside them the same mode.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The device and the number of a file.
pub(super) type Identity = (u64, u64);

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

pub(super) fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino())
}

/// How many names the file has.
pub(super) fn names(file: &Metadata) -> u64 {
    file.nlink()
}
