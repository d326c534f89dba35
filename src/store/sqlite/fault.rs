//! What went wrong inside, and what it is to the caller.

use rusqlite::types::FromSqlError;
use rusqlite::{Error, ffi};

use crate::store::error::{Effect, StoreError};

/// An error of the engine, or a row that it cannot have written.
#[derive(Debug)]
pub(super) enum Fault {
    Engine(Error),
    Corrupt,
}

impl Fault {
    /// Nothing is ever changed by a read.
    pub(super) fn of_read(self) -> StoreError {
        self.or(Effect::None)
    }

    /// Before the commit, nothing is changed: the transaction is taken back.
    pub(super) fn of_write(self) -> StoreError {
        self.or(Effect::None)
    }

    /// A commit that had to wait was not made; after any other failure its last bytes may be on the disk.
    pub(super) fn of_commit(self) -> StoreError {
        match self.primary() {
            Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => self.or(Effect::None),
            _ => self.or(Effect::Unknown),
        }
    }

    /// Another connection locks what this one needs.
    pub(super) fn is_busy(&self) -> bool {
        matches!(
            self.primary(),
            Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL)
        )
    }

    /// The file is of another kind, or encrypted.
    pub(super) fn is_no_database(&self) -> bool {
        self.primary() == Some(ffi::SQLITE_NOTADB)
    }

    fn code(&self) -> Option<i32> {
        match self {
            Self::Engine(Error::SqliteFailure(error, _)) => Some(error.extended_code),
            Self::Engine(Error::SqlInputError { error, .. }) => Some(error.extended_code),
            _ => None,
        }
    }

    fn primary(&self) -> Option<i32> {
        self.code().map(|code| code & 0xff)
    }

    fn or(self, effect: Effect) -> StoreError {
        let Some(code) = self.code() else {
            // A value of another type or length, which this engine does not write.
            return StoreError::Corrupt;
        };
        match code & 0xff {
            // Pages or tables that are not as this engine left them. A statement that does not fit the tables is
            // SQLITE_ERROR: the schema's number was looked at, so someone has changed them.
            ffi::SQLITE_CORRUPT
            | ffi::SQLITE_NOTADB
            | ffi::SQLITE_FORMAT
            | ffi::SQLITE_MISMATCH
            | ffi::SQLITE_CONSTRAINT
            | ffi::SQLITE_ERROR => StoreError::Corrupt,
            _ => StoreError::Unavailable {
                effect,
                reason: name(code),
            },
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<FromSqlError> for Fault {
    fn from(_: FromSqlError) -> Self {
        Self::Corrupt
    }
}

impl From<StoreError> for Fault {
    /// Labels that cannot be read, or a key that does not fit.
    fn from(_: StoreError) -> Self {
        Self::Corrupt
    }
}

/// What SQLite calls a code; its number, where it is a rare one.
fn name(code: i32) -> String {
    let known = match code {
        ffi::SQLITE_BUSY_RECOVERY => "SQLITE_BUSY_RECOVERY",
        ffi::SQLITE_BUSY_SNAPSHOT => "SQLITE_BUSY_SNAPSHOT",
        ffi::SQLITE_BUSY_TIMEOUT => "SQLITE_BUSY_TIMEOUT",
        ffi::SQLITE_IOERR_READ => "SQLITE_IOERR_READ",
        ffi::SQLITE_IOERR_SHORT_READ => "SQLITE_IOERR_SHORT_READ",
        ffi::SQLITE_IOERR_WRITE => "SQLITE_IOERR_WRITE",
        ffi::SQLITE_IOERR_FSYNC => "SQLITE_IOERR_FSYNC",
        ffi::SQLITE_IOERR_TRUNCATE => "SQLITE_IOERR_TRUNCATE",
        ffi::SQLITE_IOERR_LOCK => "SQLITE_IOERR_LOCK",
        ffi::SQLITE_IOERR_SHMOPEN => "SQLITE_IOERR_SHMOPEN",
        ffi::SQLITE_IOERR_SHMSIZE => "SQLITE_IOERR_SHMSIZE",
        ffi::SQLITE_IOERR_SHMMAP => "SQLITE_IOERR_SHMMAP",
        ffi::SQLITE_READONLY_DBMOVED => "SQLITE_READONLY_DBMOVED",
        ffi::SQLITE_READONLY_DIRECTORY => "SQLITE_READONLY_DIRECTORY",
        ffi::SQLITE_READONLY_CANTINIT => "SQLITE_READONLY_CANTINIT",
        ffi::SQLITE_CANTOPEN_ISDIR => "SQLITE_CANTOPEN_ISDIR",
        _ => match code & 0xff {
            ffi::SQLITE_BUSY => "SQLITE_BUSY",
            ffi::SQLITE_LOCKED => "SQLITE_LOCKED",
            ffi::SQLITE_NOMEM => "SQLITE_NOMEM",
            ffi::SQLITE_READONLY => "SQLITE_READONLY",
            ffi::SQLITE_INTERRUPT => "SQLITE_INTERRUPT",
            ffi::SQLITE_IOERR => "SQLITE_IOERR",
            ffi::SQLITE_FULL => "SQLITE_FULL",
            ffi::SQLITE_CANTOPEN => "SQLITE_CANTOPEN",
            ffi::SQLITE_PROTOCOL => "SQLITE_PROTOCOL",
            ffi::SQLITE_PERM => "SQLITE_PERM",
            _ => return format!("SQLite error {code}"),
        },
    };
    if code > 0xff && !known.contains("_RE") && known.matches('_').count() == 1 {
        return format!("{known} ({code})");
    }
    known.into()
}
