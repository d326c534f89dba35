//! What went wrong inside, and what it is to the caller.

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Error, ffi};
use sealtoken_store::{Effect, StoreError};

use super::migrate;

/// What kept a job from being done.
#[derive(Debug)]
pub(super) enum Fault {
    /// The engine refused a statement. Nothing is changed: a transaction is taken back.
    Engine(Error),
    /// The engine did not end a commit.
    Commit(Error),
    /// A row that this engine cannot have written.
    Corrupt,
    /// Another reason, which the caller is told as it is.
    Store(StoreError),
}

impl Fault {
    /// What the caller is told. The connection is asked for what the engine leaves open.
    pub(super) fn told(self, connection: &Connection) -> StoreError {
        if self.is_of_statement() {
            // The statements fit the tables that this engine makes.
            return match migrate::check_tables(connection) {
                Err(Self::Store(error)) => error,
                _ => StoreError::Corrupt,
            };
        }
        self.error()
    }

    /// What the caller is told where there is no connection.
    pub(super) fn error(self) -> StoreError {
        match self {
            Self::Engine(error) => of_engine(&error, Effect::None),
            Self::Commit(error) => {
                // A commit that had to wait was not made; after any other failure its last bytes may be on the disk.
                let waited = matches!(primary(&error), Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED));
                let effect = if waited {
                    Effect::None
                } else {
                    Effect::Unknown
                };
                of_engine(&error, effect)
            }
            Self::Corrupt => StoreError::Corrupt,
            Self::Store(error) => error,
        }
    }

    /// The same error, of a commit.
    pub(super) fn in_commit(self) -> Self {
        match self {
            Self::Engine(error) => Self::Commit(error),
            fault => fault,
        }
    }

    /// A statement that is not for these tables.
    pub(super) fn is_of_statement(&self) -> bool {
        self.primary() == Some(ffi::SQLITE_ERROR)
    }

    /// Another connection locks what this one needs.
    pub(super) fn is_busy(&self) -> bool {
        matches!(
            self.primary(),
            Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL)
        )
    }

    /// The same, where the file is opened: what is no database at all is a wrong path.
    pub(super) fn in_opening(self) -> Self {
        let what = match (&self, self.primary()) {
            (_, Some(ffi::SQLITE_NOTADB)) => "the file is no SQLite database".into(),
            (Self::Engine(error), Some(code @ ffi::SQLITE_CANTOPEN)) => {
                let reason = self::name(self::code(error).unwrap_or(code));
                format!("the file cannot be opened ({reason})")
            }
            _ => return self,
        };
        StoreError::Configuration(what).into()
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

fn of_engine(error: &Error, effect: Effect) -> StoreError {
    let Some(code) = code(error) else {
        // A value of another type or length, which this engine does not write.
        return StoreError::Corrupt;
    };
    match code & 0xff {
        // Pages or tables that are not as this engine left them.
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
    use std::time::Instant;

    use super::*;

    fn engine(code: i32) -> Fault {
        Fault::Engine(Error::SqliteFailure(
            ffi::Error::new(code),
            Some("data".into()),
        ))
    }

    fn told(fault: Fault) -> StoreError {
        let connection = Connection::open_in_memory().unwrap();
        migrate::migrate(&connection, Instant::now()).unwrap();
        fault.told(&connection)
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
            assert_eq!(told(engine(code)), StoreError::unavailable(&*reason));
            let committed = told(engine(code).in_commit());
            assert_eq!(committed, StoreError::unknown(&*reason));
        }
        let busy = StoreError::unavailable("SQLITE_BUSY");
        assert_eq!(told(engine(ffi::SQLITE_BUSY).in_commit()), busy);
    }

    #[test]
    fn what_is_broken_is_corrupt_and_stays_so() {
        for code in [
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_CORRUPT_VTAB,
            ffi::SQLITE_ERROR,
        ] {
            assert_eq!(told(engine(code)), StoreError::Corrupt);
            assert_eq!(told(engine(code).in_commit()), StoreError::Corrupt);
        }
        assert_eq!(told(Fault::Corrupt), StoreError::Corrupt);
        let of_another_type = Fault::Engine(Error::IntegralValueOutOfRange(1, 2));
        assert_eq!(told(of_another_type), StoreError::Corrupt);
    }

    #[test]
    fn a_statement_that_fits_no_table_names_the_table() {
        let connection = Connection::open_in_memory().unwrap();
        migrate::migrate(&connection, Instant::now()).unwrap();
        connection
            .execute_batch("DROP TABLE sealtoken_label")
            .unwrap();
        let table = "sealtoken_label".into();
        assert_eq!(
            engine(ffi::SQLITE_ERROR).told(&connection),
            StoreError::BrokenSchema { table }
        );
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
