//! Why a store did not do what it was asked.

mod record;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

pub use record::RecordError;

/// Whether a call that failed may have changed something: no, or perhaps.
///
/// There is no third answer, so callers match it exhaustively:
///
/// ```
/// use sealtoken_store::{Effect, StoreError};
///
/// fn can_be_repeated(error: &StoreError) -> bool {
///     match error {
///         StoreError::Unavailable { effect: Effect::None, .. } => true,
///         StoreError::Unavailable { effect: Effect::Unknown, .. } => false, // read first
///         _ => false, // it would fail again
///     }
/// }
/// # assert!(can_be_repeated(&StoreError::unavailable("overloaded")));
/// # assert!(!can_be_repeated(&StoreError::unknown("the connection was lost")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing was changed: the call can be repeated.
    None,
    /// The change may have been made: read before you decide.
    Unknown,
}

/// Why a store did not do what it was asked.
///
/// A message holds no byte of a record. The [`source`](Error::source) is the error of the driver or
/// of the operating system: it may quote ids, labels and sealed bodies as the server reports them,
/// but no password of a connection. Two errors are equal if they say the same, whatever their
/// sources.
///
/// An engine makes them from what its driver reports:
///
/// ```
/// use std::error::Error as _;
/// use std::io;
///
/// use sealtoken_store::StoreError;
///
/// let broken = io::Error::from(io::ErrorKind::BrokenPipe);
/// let error = StoreError::unknown("the connection was lost").with_source(broken);
/// assert!(error.to_string().contains("the change may have been made"));
/// assert!(error.source().is_some());
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum StoreError {
    /// The engine is unreachable, overloaded or full, or it failed.
    #[non_exhaustive]
    Unavailable {
        /// Whether the change may have been made.
        effect: Effect,
        /// The engine's code, or a few fixed words; never data.
        reason: String,
        /// The error of the driver or of the operating system.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The input is outside the limits of every store, or of this one.
    Invalid(RecordError),
    /// The cursor is not one of this store's.
    Cursor,
    /// The database itself is damaged: its pages, its tables or the number of its schema. A single
    /// damaged record is no error, but reads as a placeholder: see [`Store`](super::Store).
    Corrupt,
    /// The database has the schema of another version of this crate.
    Schema {
        /// The last migration that the database has had.
        found: u32,
        /// The last migration that this version has.
        known: u32,
    },
    /// The schema is incomplete: a table or its primary key is missing, or belongs to another
    /// program.
    BrokenSchema {
        /// The table that does not match.
        table: String,
    },
    /// The opened database was deleted or replaced. Nothing is written to it any more.
    Replaced,
    /// The store cannot be used like this: a path, an address or an option is wrong, or there is no
    /// tokio runtime.
    #[non_exhaustive]
    Configuration {
        /// What is wrong, and what to do about it.
        reason: String,
        /// The error of the driver or of the operating system.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The operating system could not provide random bytes.
    Randomness,
}

impl StoreError {
    /// The engine is unavailable, and nothing was changed.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            effect: Effect::None,
            reason: reason.into(),
            source: None,
        }
    }

    /// The engine is unavailable, and may have made the change.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::unavailable(reason).maybe_done(true)
    }

    /// The store cannot be used like this: see [`Configuration`](Self::Configuration).
    #[must_use]
    pub fn configuration(reason: impl Into<String>) -> Self {
        Self::Configuration {
            reason: reason.into(),
            source: None,
        }
    }

    /// The error with its cause: the error of a driver or of the operating system.
    ///
    /// Only [`Unavailable`](Self::Unavailable) and [`Configuration`](Self::Configuration) have one;
    /// the others stay as they are.
    ///
    /// # Security
    ///
    /// Give no error that quotes a password or a key, as one about a connection URL may.
    #[must_use]
    pub fn with_source(mut self, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        if let Self::Unavailable { source, .. } | Self::Configuration { source, .. } = &mut self {
            *source = Some(Arc::from(error.into()));
        }
        self
    }

    /// The same error, with an unknown effect if `maybe`: if this call, or an earlier part or
    /// attempt of it, may have changed something. Errors other than `Unavailable` carry no effect
    /// and stay as they are.
    ///
    /// ```
    /// use sealtoken_store::StoreError;
    ///
    /// let (removed, error) = (2, StoreError::unavailable("away"));
    /// assert_eq!(error.maybe_done(removed > 0), StoreError::unknown("away"));
    /// ```
    #[must_use]
    pub fn maybe_done(mut self, maybe: bool) -> Self {
        if let Self::Unavailable { effect, .. } = &mut self
            && maybe
        {
            *effect = Effect::Unknown;
        }
        self
    }
}

impl PartialEq for StoreError {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Unavailable { effect, reason, .. },
                Self::Unavailable {
                    effect: other_effect,
                    reason: other_reason,
                    ..
                },
            ) => effect == other_effect && reason == other_reason,
            (Self::Configuration { reason, .. }, Self::Configuration { reason: other, .. }) => {
                reason == other
            }
            (Self::Invalid(error), Self::Invalid(other)) => error == other,
            (
                Self::Schema { found, known },
                Self::Schema {
                    found: other_found,
                    known: other_known,
                },
            ) => found == other_found && known == other_known,
            (Self::BrokenSchema { table }, Self::BrokenSchema { table: other }) => table == other,
            (Self::Cursor, Self::Cursor)
            | (Self::Corrupt, Self::Corrupt)
            | (Self::Replaced, Self::Replaced)
            | (Self::Randomness, Self::Randomness) => true,
            _ => false,
        }
    }
}

impl Eq for StoreError {}

impl fmt::Debug for StoreError {
    /// Its message, without the source: that may quote sealed bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreError({self})")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable {
                effect: Effect::None,
                reason,
                ..
            } => write!(
                f,
                "the store is not available ({reason}); nothing was changed: try again"
            ),
            Self::Unavailable {
                effect: Effect::Unknown,
                reason,
                ..
            } => write!(
                f,
                "the store failed ({reason}), and the change may have been made: check before you \
                 repeat it"
            ),
            Self::Invalid(error) => error.fmt(f),
            Self::Cursor => f.write_str(
                "the cursor belongs to another store or query: start again without a cursor",
            ),
            Self::Corrupt => f.write_str("the database is damaged: restore it from a backup"),
            Self::Schema { found, known } if found > known => write!(
                f,
                "the database has schema {found}, but this version of sealtoken knows {known}: use \
                 a newer version"
            ),
            Self::Schema { found, known } => write!(
                f,
                "the database has schema {found}, but this version of sealtoken needs {known}: run \
                 the migrations with `sealtoken store create`, or open it with `migrate(true)`"
            ),
            Self::BrokenSchema { table } => write!(
                f,
                "the schema is incomplete: table {table} is missing or belongs to another program; \
                 restore the database from a backup, or use a separate one for sealtoken"
            ),
            Self::Replaced => {
                f.write_str("the database was deleted or replaced while it was open: open it again")
            }
            Self::Configuration { reason, .. } => {
                write!(f, "the store cannot be used: {reason}")
            }
            Self::Randomness => f.write_str("the operating system could not provide random bytes"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable { source, .. } | Self::Configuration { source, .. } => {
                source.as_deref().map(|source| source as _)
            }
            _ => None,
        }
    }
}

impl From<RecordError> for StoreError {
    fn from(error: RecordError) -> Self {
        Self::Invalid(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_says_what_to_do() {
        let known = 2;
        for (error, advice) in [
            (
                StoreError::Schema { found: 3, known },
                "use a newer version",
            ),
            (
                StoreError::Schema { found: 1, known },
                "run the migrations with `sealtoken store create`",
            ),
            (
                StoreError::BrokenSchema {
                    table: "sealtoken_label".into(),
                },
                "restore the database from a backup, or use a separate one for sealtoken",
            ),
            (
                StoreError::unavailable("away"),
                "nothing was changed: try again",
            ),
            (
                StoreError::unknown("away"),
                "the change may have been made: check before you repeat it",
            ),
            (
                StoreError::configuration("no such path"),
                "the store cannot be used: no such path",
            ),
        ] {
            let message = error.to_string();
            assert!(message.contains(advice), "{message}");
        }
    }

    #[test]
    fn a_source_is_kept_through_clones_and_parts_and_does_not_tell_errors_apart() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        for bare in [
            StoreError::unavailable("away"),
            StoreError::configuration("no such path"),
        ] {
            let error = bare.clone().with_source(refused());
            assert_eq!(error, bare);
            assert!(bare.source().is_none());
            let later = error.clone().maybe_done(true);
            let source = later.source().unwrap().downcast_ref::<io::Error>().unwrap();
            assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
        }
        let error = StoreError::unavailable("away").with_source(refused());
        assert_eq!(error.clone().maybe_done(false), error);
        assert_eq!(error.maybe_done(true), StoreError::unknown("away"));
        assert!(
            StoreError::Corrupt
                .with_source(refused())
                .source()
                .is_none()
        );
    }

    #[test]
    fn errors_that_say_something_else_differ() {
        let table = |table: &str| StoreError::BrokenSchema {
            table: table.into(),
        };
        let all = [
            StoreError::unavailable("a"),
            StoreError::unavailable("b"),
            StoreError::unknown("a"),
            StoreError::configuration("a"),
            StoreError::configuration("b"),
            StoreError::Invalid(RecordError::Id),
            StoreError::Invalid(RecordError::Name),
            StoreError::Cursor,
            StoreError::Corrupt,
            StoreError::Schema { found: 1, known: 2 },
            StoreError::Schema { found: 2, known: 2 },
            StoreError::Schema { found: 1, known: 3 },
            table("a"),
            table("b"),
            StoreError::Replaced,
            StoreError::Randomness,
        ];
        for (at, one) in all.iter().enumerate() {
            for (other_at, other) in all.iter().enumerate() {
                assert_eq!(one == other, at == other_at, "{one:?} {other:?}");
            }
        }
    }
}
