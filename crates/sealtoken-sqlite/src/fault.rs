//! Errors inside the engine, and the errors of calls that they become.

use std::fmt::Display;
use std::path::Path;

use rusqlite::types::FromSqlError;
use rusqlite::{Error, ffi};
use sealtoken_store::StoreError;

use crate::file::shown;

/// Why a job was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite refused a statement. Nothing was changed: the transaction rolls back.
    Engine(Error),
    /// SQLite did not complete a commit.
    Commit(Error),
    /// A row that this engine cannot have written.
    Corrupt,
    /// Any other reason, which the caller gets as it is.
    Store(StoreError),
}

impl Fault {
    /// The error of a call that ends with this fault.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Engine(error) => of_engine(error),
            Self::Commit(error) => {
                // A commit that had to wait was not made. After any other failure, its last bytes
                // may be on the disk.
                let waited = matches!(primary(&error), Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED));
                of_engine(error).maybe_done(!waited)
            }
            Self::Corrupt => StoreError::Corrupt,
            Self::Store(error) => error,
        }
    }

    /// The same fault, of a commit.
    pub(super) fn in_commit(self) -> Self {
        match self {
            Self::Engine(error) => Self::Commit(error),
            fault => fault,
        }
    }

    /// The same fault, of opening a file. A file that is not a database is a wrong path.
    pub(super) fn in_opening(self, path: &Path) -> Self {
        let cannot = |why: &dyn Display, error: Error| {
            let reason = format!("{}: {why}", shown(path));
            Self::Store(StoreError::configuration(reason).with_source(error))
        };
        match self {
            Self::Engine(error) if primary(&error) == Some(ffi::SQLITE_NOTADB) => {
                cannot(&"the file is not an SQLite database", error)
            }
            Self::Engine(error) if primary(&error) == Some(ffi::SQLITE_CANTOPEN) => {
                let code = code(&error).unwrap_or(ffi::SQLITE_CANTOPEN);
                let why = format!("the file cannot be opened ({})", name(code));
                cannot(&why, error)
            }
            fault => fault,
        }
    }

    /// Whether a statement does not fit its tables.
    pub(super) fn is_of_statement(&self) -> bool {
        self.primary() == Some(ffi::SQLITE_ERROR)
    }

    /// Whether another connection holds a lock that this one needs.
    pub(super) fn is_busy(&self) -> bool {
        matches!(
            self.primary(),
            Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL)
        )
    }

    fn primary(&self) -> Option<i32> {
        match self {
            Self::Engine(error) | Self::Commit(error) => primary(error),
            Self::Corrupt | Self::Store(_) => None,
        }
    }
}

fn code(error: &Error) -> Option<i32> {
    match error {
        Error::SqliteFailure(error, _) | Error::SqlInputError { error, .. } => {
            Some(error.extended_code)
        }
        _ => None,
    }
}

fn primary(error: &Error) -> Option<i32> {
    code(error).map(|code| code & 0xff)
}

fn of_engine(error: Error) -> StoreError {
    let Some(code) = code(&error) else {
        // A value of another type or length: this engine does not write such.
        return StoreError::Corrupt;
    };
    match code & 0xff {
        // Damaged pages, or tables that this engine did not leave like this.
        ffi::SQLITE_CORRUPT
        | ffi::SQLITE_NOTADB
        | ffi::SQLITE_FORMAT
        | ffi::SQLITE_MISMATCH
        | ffi::SQLITE_CONSTRAINT
        | ffi::SQLITE_ERROR => StoreError::Corrupt,
        _ => StoreError::unavailable(name(code)).with_source(error),
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
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt => Self::Corrupt,
            error => Self::Store(error),
        }
    }
}

/// SQLite's name of a code; for a rare code, the name of its family and the number.
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
    use std::error::Error as _;

    use super::*;

    fn engine(code: i32) -> Fault {
        let message = Some("message".into());
        Fault::Engine(Error::SqliteFailure(ffi::Error::new(code), message))
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
            assert_eq!(engine(code).into_error(), StoreError::unavailable(&*reason));
            let committed = engine(code).in_commit().into_error();
            assert_eq!(committed, StoreError::unknown(&*reason));
        }
        let busy = StoreError::unavailable("SQLITE_BUSY");
        assert_eq!(engine(ffi::SQLITE_BUSY).in_commit().into_error(), busy);
    }

    #[test]
    fn the_error_of_sqlite_is_the_source() {
        for fault in [
            engine(ffi::SQLITE_FULL),
            engine(ffi::SQLITE_FULL).in_commit(),
            engine(ffi::SQLITE_CANTOPEN).in_opening(Path::new("a.db")),
            engine(ffi::SQLITE_NOTADB).in_opening(Path::new("a.db")),
        ] {
            let error = fault.into_error();
            let source = error.source().unwrap().downcast_ref::<Error>();
            assert_eq!(source.unwrap().to_string(), "message", "{error}");
            assert!(!error.to_string().contains("message"), "{error}");
        }
    }

    #[test]
    fn a_damaged_database_is_corrupt_even_at_a_commit() {
        for code in [
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_CORRUPT_VTAB,
            ffi::SQLITE_ERROR,
        ] {
            assert_eq!(engine(code).into_error(), StoreError::Corrupt);
            assert_eq!(engine(code).in_commit().into_error(), StoreError::Corrupt);
        }
        assert_eq!(Fault::Corrupt.into_error(), StoreError::Corrupt);
        let of_another_type = Fault::Engine(Error::IntegralValueOutOfRange(1, 2));
        assert_eq!(of_another_type.into_error(), StoreError::Corrupt);
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
