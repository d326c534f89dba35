//! What is wrong with a record, a batch or a query.

use std::error::Error;
use std::fmt;

/// What is wrong with a record, a batch or a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The name of a collection or of a label.
    Name,
    /// The length of an id.
    Id,
    /// The length of a label's value.
    LabelValue,
    /// More than 16 labels.
    TooManyLabels,
    /// The record has the same label twice.
    DuplicateLabel,
    /// The body is longer than the engine accepts.
    BodyTooLong {
        /// The maximum length in bytes.
        limit: usize,
    },
    /// The batch weighs more than the engine accepts.
    BatchTooHeavy {
        /// The maximum weight.
        limit: usize,
    },
    /// The batch changes the same record twice.
    DuplicateKey,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("a name has 1 to 32 characters of a-z, 0-9 and _"),
            Self::Id => f.write_str("an id has 1 to 1024 bytes"),
            Self::LabelValue => f.write_str("a label's value has 1 to 512 bytes"),
            Self::TooManyLabels => f.write_str("a record has at most 16 labels"),
            Self::DuplicateLabel => f.write_str("a record has each label once"),
            Self::BodyTooLong { limit } => {
                write!(f, "the body exceeds this store's limit of {limit} bytes")
            }
            Self::BatchTooHeavy { limit } => write!(
                f,
                "the batch exceeds this store's limit of {limit} records and labels: split it"
            ),
            Self::DuplicateKey => f.write_str("a batch changes each record once"),
        }
    }
}

impl Error for RecordError {}
