//! The file of a database, and those that SQLite puts beside it.
//!
//! An existing file is examined, but never opened here: on Unix, closing a file ends all locks that
//! the process holds on it, including those of other connections.

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

/// The stores that this process has open.
///
/// It stays locked while a new file is open here. Each opening takes the lock, so no store holds
/// locks on a file that is about to be closed.
static OPEN: Mutex<Open> = Mutex::new(Open {
    process: 0,
    stores: 0,
});

struct Open {
    process: u32,
    stores: usize,
}

/// How many symbolic links are followed.
const LINKS: usize = 40;

/// Longer than the resolution of any file system's clock: FAT counts in steps of two seconds.
const TICK: Duration = Duration::from_secs(3);

/// A file that is open, or being opened.
pub(super) struct Opened {
    path: PathBuf,
    identity: Identity,
}

impl Opened {
    /// Creates the file if it is missing and `create` is set, and checks that it can be a database.
    pub(super) fn new(path: &Path, create: bool) -> Result<Self, StoreError> {
        // Made absolute, since SQLite knows names such as `:memory:` that are not files.
        let path = std::path::absolute(path).map_err(|error| of_io(path, error))?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        // SQLite would take the locks of the parent process for its own.
        if open.stores > 0 && open.process != process::id() {
            return Err(StoreError::configuration(
                "stores from before a fork are open: drop them in this process first",
            ));
        }
        if create {
            create_new(&target(&path), &open).map_err(|error| of_io(&path, error))?;
        }
        let found = fs::metadata(&path).map_err(|error| of_io(&path, error))?;
        if !found.is_file() {
            return Err(cannot(&path, "it is not a regular file"));
        }
        if system::names(&found) > 1 {
            // SQLite would keep a log for each name.
            return Err(cannot(
                &path,
                "the file has several names: remove the other hard links",
            ));
        }
        open.process = process::id();
        open.stores = open.stores.saturating_add(1);
        let identity = system::identity(&found);
        Ok(Self { path, identity })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn is_unchanged(&self) -> bool {
        is_unchanged(&self.path, self.identity)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.stores = open.stores.saturating_sub(1);
    }
}

/// Creates the file, unless another process was faster.
fn create_new(path: &Path, _alone: &MutexGuard<'_, Open>) -> io::Result<()> {
    match system::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// The target of a symbolic link, which need not exist yet.
fn target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&path) else {
            break;
        };
        // An absolute target replaces the whole path.
        path = path
            .parent()
            .map_or_else(|| next.clone(), |folder| folder.join(&next));
    }
    path
}

fn cannot(path: &Path, why: impl Display) -> StoreError {
    StoreError::configuration(format!("{}: {why}", shown(path)))
}

/// The path as a message shows it. A URL is not a path, and may hold a password.
pub(super) fn shown(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains("://") {
        return "a URL in place of a path".into();
    }
    path
}

fn of_io(path: &Path, error: io::Error) -> StoreError {
    cannot(path, error.kind()).with_source(error)
}

/// The files of an open database, to notice when they are replaced.
pub(super) struct Files {
    database: Opened,
    /// The folder of the file behind all links: SQLite puts the others there.
    folder: PathBuf,
    /// The log and its index.
    beside: [(PathBuf, Identity); 2],
    seen: Mutex<Seen>,
}

impl Files {
    /// The files of a database that is open now.
    pub(super) fn of(database: Opened) -> Result<Self, StoreError> {
        let real =
            fs::canonicalize(&database.path).map_err(|error| unexamined(&database.path, error))?;
        let beside = |suffix| {
            let mut name = real.clone().into_os_string();
            name.push(suffix);
            let name = PathBuf::from(name);
            let found = fs::metadata(&name).map_err(|error| unexamined(&name, error))?;
            Ok::<_, StoreError>((name, system::identity(&found)))
        };
        let beside = [beside("-wal")?, beside("-shm")?];
        let folder = real.parent().unwrap_or(&real).to_owned();
        if !database.is_unchanged() {
            return Err(StoreError::Replaced);
        }
        Ok(Self {
            database,
            folder,
            beside,
            seen: Mutex::default(),
        })
    }

    /// Checks that the files are still in place: what is written to files without a name is lost
    /// when this process ends.
    pub(super) fn check(&self) -> Result<(), Fault> {
        // Reading the times of the log makes the next write to it slower, by a third of a commit on
        // Linux 6.18. So the log is examined only if a name in its folder may have changed.
        let now = SystemTime::now();
        let folder = fs::metadata(&self.folder);
        let changed = folder.ok().and_then(|folder| system::changed(&folder));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = seen.is_after(changed);
        let mut beside = self.beside.iter();
        if self.database.is_unchanged()
            && (is_same || beside.all(|(path, identity)| is_unchanged(path, *identity)))
        {
            *seen = Seen::now(now, changed);
            Ok(())
        } else {
            *seen = Seen::default();
            Err(StoreError::Replaced.into())
        }
    }
}

/// Why the files of a database that is open cannot be examined. A missing one was deleted.
fn unexamined(path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::Replaced,
        _ => of_io(path, error),
    }
}

fn is_unchanged(path: &Path, identity: Identity) -> bool {
    fs::metadata(path).is_ok_and(|found| system::identity(&found) == identity)
}

/// The last change of the folder when the log and its index were examined.
#[derive(Default)]
struct Seen(Option<SystemTime>);

impl Seen {
    /// A change counts once its tick is over: before that, another change could show the same time.
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
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_change_counts_once_the_clock_must_have_advanced() {
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let is_after = |now| Seen::now(now, Some(changed)).is_after(Some(changed));
        assert!(is_after(changed + TICK + Duration::from_nanos(1)));
        assert!(!is_after(changed + TICK));
        assert!(!is_after(changed));
        // The clock was set back.
        assert!(!is_after(changed - Duration::from_secs(60)));
    }

    #[test]
    fn only_a_missing_file_counts_as_replaced() {
        let path = Path::new("/data/tokens.db-wal");
        let missing = unexamined(path, io::ErrorKind::NotFound.into());
        assert_eq!(missing, StoreError::Replaced);
        let denied = unexamined(path, io::ErrorKind::PermissionDenied.into());
        assert!(
            denied.to_string().contains("/data/tokens.db-wal: "),
            "{denied}"
        );
        let source = denied.source().and_then(|source| source.downcast_ref());
        let kind = source.map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::PermissionDenied));
    }

    #[test]
    fn another_change_and_an_unknown_one_are_examined() {
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let seen = Seen::now(changed + 2 * TICK, Some(changed));
        assert!(!seen.is_after(Some(changed + Duration::from_nanos(1))));
        assert!(!seen.is_after(None));
        assert!(!Seen::default().is_after(None));
    }
}
