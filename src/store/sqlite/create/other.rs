//! A new file, with the rights that the system gives it.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Makes the file where there is none. Another process may do so at the same time.
pub(super) fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options.open(path).map(drop)
}
