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
            Self::Engine(Error::SqliteFailure(error, _) | Error::SqlInputError { error, .. }) => {
                Some(error.extended_code)
            }
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

/// What SQLite calls a code; and its number, where it is a rare one.
fn name(code: i32) -> String {
    let exact = match code {
        ffi::SQLITE_BUSY => "SQLITE_BUSY",
        ffi::SQLITE_BUSY_RECOVERY => "SQLITE_BUSY_RECOVERY",
        ffi::SQLITE_BUSY_SNAPSHOT => "SQLITE_BUSY_SNAPSHOT",
        ffi::SQLITE_LOCKED => "SQLITE_LOCKED",
        ffi::SQLITE_NOMEM => "SQLITE_NOMEM",
        ffi::SQLITE_FULL => "SQLITE_FULL",
        ffi::SQLITE_PROTOCOL => "SQLITE_PROTOCOL",
        ffi::SQLITE_IOERR_READ => "SQLITE_IOERR_READ",
        ffi::SQLITE_IOERR_SHORT_READ => "SQLITE_IOERR_SHORT_READ",
        ffi::SQLITE_IOERR_WRITE => "SQLITE_IOERR_WRITE",
        ffi::SQLITE_IOERR_FSYNC => "SQLITE_IOERR_FSYNC",
        ffi::SQLITE_IOERR_LOCK => "SQLITE_IOERR_LOCK",
        ffi::SQLITE_READONLY => "SQLITE_READONLY",
        ffi::SQLITE_READONLY_DBMOVED => "SQLITE_READONLY_DBMOVED",
        ffi::SQLITE_READONLY_DIRECTORY => "SQLITE_READONLY_DIRECTORY",
        ffi::SQLITE_CANTOPEN => "SQLITE_CANTOPEN",
        _ => "",
    };
    if !exact.is_empty() {
        return exact.into();
    }
    let family = match code & 0xff {
        ffi::SQLITE_BUSY => "SQLITE_BUSY",
        ffi::SQLITE_IOERR => "SQLITE_IOERR",
        ffi::SQLITE_READONLY => "SQLITE_READONLY",
        ffi::SQLITE_CANTOPEN => "SQLITE_CANTOPEN",
        _ => "SQLITE",
    };
    format!("{family} {code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(code: i32) -> Fault {
        Fault::Engine(Error::SqliteFailure(
            ffi::Error::new(code),
            Some("data".into()),
        ))
    }

    #[test]
    fn only_a_failed_commit_leaves_doubt() {
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_NOMEM,
        ] {
            let reason = name(code);
            assert_eq!(engine(code).of_read(), StoreError::unavailable(&*reason));
            assert_eq!(engine(code).of_write(), StoreError::unavailable(&*reason));
            assert_eq!(engine(code).of_commit(), StoreError::unknown(&*reason));
        }
        let busy = StoreError::unavailable("SQLITE_BUSY");
        assert_eq!(engine(ffi::SQLITE_BUSY).of_commit(), busy);
    }

    #[test]
    fn what_is_broken_is_corrupt_and_stays_so() {
        for code in [
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_CORRUPT_VTAB,
            ffi::SQLITE_ERROR,
        ] {
            assert_eq!(engine(code).of_read(), StoreError::Corrupt);
            assert_eq!(engine(code).of_commit(), StoreError::Corrupt);
        }
        assert_eq!(Fault::Corrupt.of_write(), StoreError::Corrupt);
        let of_another_type = Fault::Engine(Error::IntegralValueOutOfRange(1, 2));
        assert_eq!(of_another_type.of_read(), StoreError::Corrupt);
    }

    #[test]
    fn reasons_are_names_and_hold_no_data() {
        assert_eq!(
            name(ffi::SQLITE_IOERR_SHORT_READ),
            "SQLITE_IOERR_SHORT_READ"
        );
        assert_eq!(
            name(ffi::SQLITE_IOERR_MMAP),
            format!("SQLITE_IOERR {}", ffi::SQLITE_IOERR_MMAP)
        );
        assert_eq!(name(ffi::SQLITE_AUTH), "SQLITE 23");
    }
}
