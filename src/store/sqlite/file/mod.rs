//! The database's file, and those that SQLite puts beside it.
//!
//! One that is there is looked at and never opened: on Unix, closing a file ends all locks that the process has on it, and
//! so those of every other connection.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "other.rs")]
mod system;

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::error::StoreError;

use super::fault::Fault;
use system::Identity;

/// Held while a new file is open here. Every opening passes by, so that none has a lock on a file that is still to be closed.
static CREATING: Mutex<()> = Mutex::new(());

/// So many symbolic links are followed.
const LINKS: usize = 40;

/// Creates the file where there is none, if that is wanted, and looks whether it can be a database.
pub(super) fn prepare(path: &Path, create: bool) -> Result<Identity, StoreError> {
    let alone = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    if create {
        create_new(&target(path), &alone).map_err(cannot)?;
    }
    let found = fs::metadata(path).map_err(cannot)?;
    let what = if !found.is_file() {
        "it is no regular file"
    } else if system::names(&found) > 1 {
        // SQLite would keep a log for each name.
        "it has several names: remove the other hard links"
    } else {
        return Ok(system::identity(&found));
    };
    Err(StoreError::Configuration(format!(
        "the file cannot be opened ({what})"
    )))
}

/// Creates the file; another process may have done so.
fn create_new(path: &Path, _alone: &MutexGuard<'_, ()>) -> io::Result<()> {
    match system::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// Where a symbolic link leads, though there may be nothing yet.
fn target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&path) else {
            break;
        };
        // One that is absolute takes the place of the whole path.
        path = path
            .parent()
            .map_or_else(|| next.clone(), |folder| folder.join(&next));
    }
    path
}

pub(super) fn cannot(error: io::Error) -> StoreError {
    StoreError::Configuration(format!("the file cannot be opened ({})", error.kind()))
}

/// The files of an open database, by which it is noticed that others lie in their place.
pub(super) struct Files([(PathBuf, Identity); 3]);

impl Files {
    /// The files of a database that is open, and was this one before.
    pub(super) fn of(path: &Path, before: Identity) -> Result<Self, StoreError> {
        let look = || -> io::Result<_> {
            // SQLite puts the others beside the file itself, wherever links to it are.
            let real = fs::canonicalize(path)?;
            let beside = |suffix| {
                let mut name = real.clone().into_os_string();
                name.push(suffix);
                let found = system::identity(&fs::metadata(&name)?);
                io::Result::Ok((name.into(), found))
            };
            let found = system::identity(&fs::metadata(path)?);
            Ok([(path.to_owned(), found), beside("-wal")?, beside("-shm")?])
        };
        let files = look().map_err(|_| StoreError::Replaced)?;
        let [(_, found), ..] = &files;
        if *found == before {
            Ok(Self(files))
        } else {
            Err(StoreError::Replaced)
        }
    }

    /// That they still lie where they were. What is written to others' would be gone with this process.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let is_there = |(path, identity): &(PathBuf, Identity)| {
            fs::metadata(path).is_ok_and(|found: Metadata| system::identity(&found) == *identity)
        };
        if self.0.iter().all(is_there) {
            Ok(())
        } else {
            Err(StoreError::Replaced.into())
        }
    }
}
