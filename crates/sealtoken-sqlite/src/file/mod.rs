//! The database's file, and those that SQLite puts beside it.
//!
//! One that is there is looked at and never opened: on Unix, closing a file ends all locks that the process has on it, and
//! so those of every other connection.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "other.rs")]
mod system;

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sealtoken_store::StoreError;

use super::fault::Fault;
use system::Identity;

/// What this process has open. It is held while a new file is open here: each opening passes by, so that none has a lock on
/// a file that is still to be closed.
static OPEN: Mutex<Open> = Mutex::new(Open {
    process: 0,
    stores: 0,
});

struct Open {
    process: u32,
    stores: usize,
}

/// So many symbolic links are followed.
const LINKS: usize = 40;

/// Longer than a tick of any file system's clock: FAT counts in twos.
const TICK: Duration = Duration::from_secs(3);

/// A file that is being opened, or is open.
pub(super) struct Opened {
    path: PathBuf,
    identity: Identity,
}

impl Opened {
    /// Creates the file where there is none, if that is wanted, and looks whether it can be a database.
    pub(super) fn new(path: &Path, create: bool) -> Result<Self, StoreError> {
        // An absolute path is a path: SQLite has names for databases that are no files.
        let path = std::path::absolute(path).map_err(|error| kind(&error))?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        // SQLite takes the locks of the parent, which stay there, for its own.
        if open.stores > 0 && open.process != process::id() {
            return Err(cannot(
                "stores from before a fork are open: drop them in this process first",
            ));
        }
        if create {
            create_new(&target(&path), &open).map_err(|error| kind(&error))?;
        }
        let found = fs::metadata(&path).map_err(|error| kind(&error))?;
        if !found.is_file() {
            return Err(cannot("it is no regular file"));
        }
        if system::names(&found) > 1 {
            // SQLite would keep a log for each name.
            return Err(cannot("it has several names: remove the other hard links"));
        }
        open.process = process::id();
        open.stores = open.stores.saturating_add(1);
        let identity = system::identity(&found);
        Ok(Self { path, identity })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn is_there(&self) -> bool {
        is_there(&self.path, self.identity)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.stores = open.stores.saturating_sub(1);
    }
}

/// Creates the file; another process may have done so.
fn create_new(path: &Path, _alone: &MutexGuard<'_, Open>) -> io::Result<()> {
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

fn cannot(why: impl Display) -> StoreError {
    StoreError::Configuration(format!("the file cannot be opened ({why})"))
}

fn kind(error: &io::Error) -> StoreError {
    cannot(error.kind())
}

/// The files of an open database, by which it is noticed that others lie in their place.
pub(super) struct Files {
    database: Opened,
    /// Where it lies in truth: SQLite puts the others beside it.
    folder: PathBuf,
    /// The log and its index.
    beside: [(PathBuf, Identity); 2],
    looked: Mutex<Looked>,
}

impl Files {
    /// The files of a database that is open now.
    pub(super) fn of(database: Opened) -> Result<Self, StoreError> {
        let look = || -> io::Result<_> {
            let real = fs::canonicalize(&database.path)?;
            let beside = |suffix| {
                let mut name = real.clone().into_os_string();
                name.push(suffix);
                let found = system::identity(&fs::metadata(&name)?);
                io::Result::Ok((name.into(), found))
            };
            let folder = real.parent().unwrap_or(&real).to_owned();
            Ok((folder, [beside("-wal")?, beside("-shm")?]))
        };
        let (folder, beside) = look().map_err(|_| StoreError::Replaced)?;
        if !database.is_there() {
            return Err(StoreError::Replaced);
        }
        Ok(Self {
            database,
            folder,
            beside,
            looked: Mutex::default(),
        })
    }

    /// That they still lie where they were: what is written to files without a name is gone with this process.
    pub(super) fn check(&self) -> Result<(), Fault> {
        // Who has looked at the times of a log makes the next write to it dearer, by a third of a commit on Linux 6.18. So
        // it is looked at where a name in its folder has changed, or may have.
        let now = SystemTime::now();
        let folder = fs::metadata(&self.folder);
        let changed = folder.ok().and_then(|folder| system::changed(&folder));
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = looked.is_after(changed);
        let mut beside = self.beside.iter();
        if self.database.is_there()
            && (is_same || beside.all(|(path, identity)| is_there(path, *identity)))
        {
            *looked = Looked::now(now, changed);
            Ok(())
        } else {
            *looked = Looked::default();
            Err(StoreError::Replaced.into())
        }
    }
}

fn is_there(path: &Path, identity: Identity) -> bool {
    fs::metadata(path).is_ok_and(|found| system::identity(&found) == identity)
}

/// The last change of the folder before the log and its index were looked at.
#[derive(Default)]
struct Looked(Option<SystemTime>);

impl Looked {
    /// A change counts once its tick is over: until then, another one would show the same time.
    fn now(now: SystemTime, changed: Option<SystemTime>) -> Self {
        let is_past =
            |changed: &SystemTime| now.duration_since(*changed).is_ok_and(|age| age > TICK);
        Self(changed.filter(is_past))
    }

    /// Whether this is still the last change.
    fn is_after(&self, changed: Option<SystemTime>) -> bool {
        changed.is_some() && self.0 == changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_the_clock_must_have_gone_on() {
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let is_after = |now| Looked::now(now, Some(changed)).is_after(Some(changed));
        assert!(is_after(changed + TICK + Duration::from_nanos(1)));
        assert!(!is_after(changed + TICK));
        assert!(!is_after(changed));
        // The clock was set back.
        assert!(!is_after(changed - Duration::from_secs(60)));
    }

    #[test]
    fn another_change_and_an_unknown_one_are_looked_into() {
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let looked = Looked::now(changed + 2 * TICK, Some(changed));
        assert!(!looked.is_after(Some(changed + Duration::from_nanos(1))));
        assert!(!looked.is_after(None));
        assert!(!Looked::default().is_after(None));
    }
}
