use std::fmt;

/// Why a cargo did not take or give a value. Neither the value nor the entry's name is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CargoError {
    /// There is no such entry, or it has ended.
    Missing,
    /// The entry is not of the type that was asked for, or not a list to push to.
    WrongType,
    /// The number is NaN or infinite, which JSON cannot hold.
    NotFinite,
    /// The value cannot be a cargo entry: an integer outside `i64::MIN..=u64::MAX`, a map whose keys are neither text nor
    /// numbers nor truth values, JSON of its own that is not sound, or its own `Serialize` failed.
    Unsupported,
    /// A name is there twice in one object.
    Name,
    /// The value holds a [`Cargo`](crate::Cargo) with entries that end: inside of another entry they would be there for ever.
    Ends,
    /// The end lies before 1970 or after 9999.
    End,
    /// The value is nested more than 64 levels deep, the token and the cargo counted.
    TooDeep,
    /// The text is not the JSON of an object as a cargo holds it.
    Json,
}

impl fmt::Display for CargoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the cargo has no such entry",
            Self::WrongType => "the cargo entry is of another type than was asked for",
            Self::NotFinite => "the number is NaN or infinite: leave it out, or write it as text",
            Self::Unsupported => "the value cannot be held by a cargo, or its own Serialize failed: integers have 64 bits, and maps have plain keys",
            Self::Name => "a name is there twice in one object",
            Self::Ends => "the value holds a cargo with an entry that ends, and inside of another entry it would not",
            Self::End => "the end of an entry lies before 1970 or after 9999",
            Self::TooDeep => "the value is nested more than 64 levels deep",
            Self::Json => "the text is not a JSON object with distinct names, 64-bit integers and at most 64 levels",
        })
    }
}

impl std::error::Error for CargoError {}
