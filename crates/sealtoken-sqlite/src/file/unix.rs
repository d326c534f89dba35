//! Files that only their owner can read and write. SQLite gives those beside them the same mode.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The device and the inode number of a file.
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

/// When anything about a folder changed last. No tool can reset this time, as `rsync -a` resets the
/// time of the last modification.
pub(super) fn changed(folder: &Metadata) -> Option<SystemTime> {
    let seconds = u64::try_from(folder.ctime()).ok()?;
    let nanoseconds = u32::try_from(folder.ctime_nsec()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}
