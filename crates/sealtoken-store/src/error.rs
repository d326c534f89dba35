//! Why a store did not do what it was asked. No error holds a byte of a record.

use std::fmt;

/// Whether a call that failed may have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing was changed: the call can be repeated.
    None,
    /// It was done, or not: read again before you decide.
    Unknown,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The engine is away, overloaded, full, or did not answer.
    Unavailable {
        /// Whether it may have done it nevertheless.
        effect: Effect,
        /// What the engine calls it: a code or a few fixed words, never data.
        reason: String,
    },
    /// What was asked for cannot be kept by any store, or not by this one.
    Invalid(RecordError),
    /// A cursor that this store did not give.
    Cursor,
    /// The database itself is not as this engine left it: its pages, its tables or a number that it keeps. A single record that was changed is no error,
    /// but comes as one that nothing can open: see [`Store`](super::Store).
    Corrupt,
    /// The database's schema is not the one that this version of the crate works with.
    Schema {
        /// The number of the last migration that the database has had.
        found: u32,
        /// The number of the last migration that this version has.
        known: u32,
    },
    /// The schema is not whole, or not ours: a table or its primary key is missing, or a table of that name is somebody else's.
    BrokenSchema {
        /// The table that does not fit.
        table: String,
    },
    /// What the store was opened on has been deleted or replaced since: nothing is written to it any more.
    Replaced,
    /// The engine cannot be opened like this: a path, an address or an option is wrong.
    Configuration(String),
    /// The operating system gave no random bytes.
    Randomness,
}

/// What is wrong with a record, a batch or a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The name of a collection or label.
    Name,
    /// The length of an id.
    Id,
    /// The length of a label's value.
    LabelValue,
    /// More than 16 labels.
    TooManyLabels,
    /// A label with the same name and value stands in the record twice.
    DuplicateLabel,
    /// The body is longer than the engine takes.
    BodyTooLong {
        /// The most bytes.
        limit: usize,
    },
    /// The batch weighs more than the engine takes.
    BatchTooHeavy {
        /// The most that it may weigh.
        limit: usize,
    },
    /// Two changes of the batch are about one record.
    DuplicateKey,
}

impl StoreError {
    /// The engine is away, and nothing was changed.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            effect: Effect::None,
            reason: reason.into(),
        }
    }

    /// The engine is away, and may have done what it was asked.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            effect: Effect::Unknown,
            reason: reason.into(),
        }
    }

    /// Whether a batch was refused for its weight: several smaller ones may be taken.
    #[must_use]
    pub const fn is_too_heavy(&self) -> bool {
        matches!(self, Self::Invalid(RecordError::BatchTooHeavy { .. }))
    }

    /// The error of work in several parts, some of which were done: what is away now has changed something before.
    #[must_use]
    pub fn after_some(self) -> Self {
        match self {
            Self::Unavailable { reason, .. } => Self::unknown(reason),
            error => error,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable {
                effect: Effect::None,
                reason,
            } => {
                write!(
                    f,
                    "the store is not available ({reason}); nothing was changed: try again"
                )
            }
            Self::Unavailable {
                effect: Effect::Unknown,
                reason,
            } => write!(
                f,
                "the store did not answer ({reason}); read again to see whether the change was made"
            ),
            Self::Invalid(error) => error.fmt(f),
            Self::Cursor => f.write_str("the cursor is not one of this store: begin without one"),
            Self::Corrupt => f.write_str(
                "the database holds what this store did not write: restore it from a backup",
            ),
            Self::Schema { found, known } if found > known => write!(
                f,
                "the database has schema {found}, this version knows {known}: use a newer version of sealtoken"
            ),
            Self::Schema { found, known } => write!(
                f,
                "the database has schema {found}, this version needs {known}: run the migrations, by \
                 `sealtoken store create` or by opening it with `migrate(true)`"
            ),
            Self::BrokenSchema { table } => write!(
                f,
                "the schema is not whole, or not ours: table {table} is missing, or is another program's: \
                 restore the database from a backup, or give sealtoken one of its own"
            ),
            Self::Replaced => f.write_str(
                "the database was deleted or replaced since it was opened: open it again",
            ),
            Self::Configuration(what) => write!(f, "the store cannot be opened: {what}"),
            Self::Randomness => f.write_str("the operating system gave no random bytes"),
        }
    }
}

impl std::error::Error for StoreError {}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("a name has 1 to 32 characters of a-z, 0-9 and _"),
            Self::Id => f.write_str("an id has 1 to 1024 bytes"),
            Self::LabelValue => f.write_str("a label's value has 1 to 512 bytes"),
            Self::TooManyLabels => f.write_str("a record has at most 16 labels"),
            Self::DuplicateLabel => f.write_str("a record has each label once"),
            Self::BodyTooLong { limit } => write!(
                f,
                "the body is longer than the {limit} bytes that this store takes"
            ),
            Self::BatchTooHeavy { limit } => write!(
                f,
                "the batch has more than the {limit} records and labels that this store takes: split it"
            ),
            Self::DuplicateKey => f.write_str("a batch changes each record once"),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<RecordError> for StoreError {
    fn from(error: RecordError) -> Self {
        Self::Invalid(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_is_to_be_done() {
        let known = 2;
        for (error, advice) in [
            (
                StoreError::Schema { found: 3, known },
                "use a newer version",
            ),
            (
                StoreError::Schema { found: 1, known },
                "run the migrations, by `sealtoken store create`",
            ),
            (
                StoreError::BrokenSchema {
                    table: "sealtoken_label".into(),
                },
                "restore the database from a backup, or give sealtoken one of its own",
            ),
            (
                StoreError::unavailable("away"),
                "nothing was changed: try again",
            ),
            (StoreError::unknown("away"), "read again"),
        ] {
            let said = error.to_string();
            assert!(said.contains(advice), "{said}");
        }
    }
}
