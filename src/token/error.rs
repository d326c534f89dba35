//! Why a token is not sealed or opened. No variant holds a token, a key or a cargo value.

use std::fmt;

use crate::crypto::clock::{ExpiryError, UnixTime};
use crate::crypto::random;
use crate::crypto::st1;
use crate::crypto::xaes;

/// Why a token was refused.
///
/// [`code`](OpenError::code) is the stable name that logs and other implementations share. The
/// first three depend only on public bytes and on authentication; the others concern only authentic
/// tokens.
///
/// ```
/// use sealtoken::{Key, KeyRing, OpenError};
///
/// # fn main() -> Result<(), sealtoken::KeyError> {
/// let codec = KeyRing::new(Key::generate()).codec("session")?;
/// let error = codec.open("no token").err();
/// assert_eq!(error, Some(OpenError::Malformed));
/// assert_eq!(OpenError::Malformed.code(), "malformed");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// Not an st1 token: too long, too short, with another prefix, or not canonical base64url.
    Malformed,
    /// No key of the ring has the id that the token names.
    UnknownKey,
    /// The token was changed, or sealed for another purpose or context, or with another key of the
    /// same id.
    Forged,
    /// The token is authentic, but its content breaks the format's rules or is not what the
    /// caller's type expects.
    Payload,
    /// The token is not valid before this moment.
    NotYetValid {
        /// When it becomes valid.
        from: UnixTime,
    },
    /// The token has expired.
    Expired {
        /// When it expired.
        at: UnixTime,
    },
}

impl OpenError {
    /// The name of the refusal in `docs/format.md`: `malformed`, `unknown_key`, `forged`,
    /// `payload`, `not_yet_valid` or `expired`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::Forged => "forged",
            Self::Payload => "payload",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Expired { .. } => "expired",
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("not a token: it may have been cut off or changed in transit")
            }
            Self::UnknownKey => f.write_str("sealed with a key that is not in this ring"),
            Self::Forged => f.write_str("not authentic for this purpose and context"),
            Self::Payload => f.write_str("authentic, but its content is not what is expected here"),
            Self::NotYetValid { from } => write!(f, "not valid before {from}"),
            Self::Expired { at } => write!(f, "expired at {at}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<st1::Refused> for OpenError {
    fn from(refused: st1::Refused) -> Self {
        match refused {
            st1::Refused::Malformed => Self::Malformed,
            st1::Refused::Forged => Self::Forged,
        }
    }
}

/// Why a token was not sealed, or not made from that of another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// The operating system could not provide random bytes.
    Randomness,
    /// The token would be longer than the codec's maximum.
    TooLong {
        /// The characters that it would have.
        length: usize,
        /// The characters that [`Codec::with_max_len`](crate::Codec::with_max_len) allows.
        max: usize,
    },
    /// There is no memory for a token of this length.
    Memory,
    /// The lifetime is less than a second, or too long.
    Lifetime(ExpiryError),
    /// A number of the cargo is NaN or infinite, which JSON cannot hold.
    NotFinite,
    /// The cargo cannot be written as JSON: a map has keys that are neither text, numbers nor
    /// booleans, the type's own `Serialize` failed or went on after a part had failed, or it embeds
    /// JSON that no opener accepts.
    Cargo,
    /// The cargo is nested more deeply than an opener accepts.
    TooDeep,
    /// A cargo of the caller's own type holds an integer of 128 bits. serde cannot read one back
    /// under `flatten`, `tag` or `untagged`, and does not say whether they are in use. Or embedded
    /// JSON has an integer beyond 64 bits whose value a float of the cargo has, too: a
    /// [`Value`](crate::Value) would confuse them.
    WideInteger,
    /// A map in a cargo of the caller's own type has a number or a boolean for a key, which serde
    /// cannot read back under `flatten`, `tag` or `untagged`.
    KeyNotText,
    /// An object of the cargo has a name twice, as when a flattened map repeats the name of a
    /// field, or a struct behind a `tag` that of the tag. Or it has a name that serde_json reserves
    /// (`$serde_json::private::…`).
    NameConflict,
    /// The cargo holds a `Some` around `None`, `()` or another `null`: it would come back as
    /// `None`.
    SomeNull,
    /// A [`Cargo`](crate::Cargo) in the caller's own type has an entry that expires, and the token
    /// does not know of it, or the entry is inside another: it would never expire.
    NestedExpiry,
    /// An entry of the token has expired since the token was opened, and the value of the caller's
    /// own type still has it. No opener would see it: the type would not open without it, or would
    /// come back as another value. This applies even if the type can do without the entry, as an
    /// `Option` or a map can.
    ///
    /// Take the entry out of the value so that it is not written at all (a `None` is written as
    /// null unless its field is skipped), or open the token again: it comes without the entry.
    EntryExpired {
        /// When the entry expired.
        at: UnixTime,
    },
    /// The token to be sealed again was issued further in the future than openers accept
    /// ([`Codec::with_future_skew`](crate::Codec::with_future_skew)).
    FromTheFuture {
        /// When it was issued.
        issued_at: UnixTime,
    },
    /// The token would expire before it becomes valid.
    NeverValid {
        /// When it would become valid.
        from: UnixTime,
        /// When it would expire.
        expires_at: UnixTime,
    },
    /// The token to be sealed again was never sealed, or is invalid since a failed load.
    NotSealed,
    /// The token to be sealed again has expired: issue a new one.
    Expired {
        /// When it expired.
        at: UnixTime,
    },
    /// The clock shows a moment before 1970 or after 9999.
    Clock,
    /// The [`ForeignToken`](crate::ForeignToken) was issued before 1970 or after 9999.
    IssuedAt,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Randomness => f.write_str("the operating system could not provide random bytes"),
            Self::TooLong { length, max } => write!(
                f,
                "the token would have {length} characters, but at most {max} are allowed: \
                 put less into it, or raise the codec's max_len"
            ),
            Self::Memory => f.write_str("no memory for a token of this length"),
            Self::Lifetime(error) => error.fmt(f),
            Self::NotFinite => f.write_str(
                "a number of the cargo is NaN or infinite: leave it out, or write it as text",
            ),
            Self::Cargo => f.write_str(
                "the cargo cannot be written, or embeds JSON that no opener accepts: \
                 does every map have text for keys?",
            ),
            Self::TooDeep => f.write_str(
                "the cargo is nested too deeply: at most 128 levels, or 64 in a map, \
                 counting the token's own",
            ),
            Self::WideInteger => f.write_str(
                "an integer of the cargo has more than 64 bits: \
                 use a smaller one, or write it as text",
            ),
            Self::KeyNotText => {
                f.write_str("a map of the cargo has keys that are not text: write them as text")
            }
            Self::NameConflict => f.write_str(
                "an object of the cargo has a name twice, or one that serde_json reserves: \
                 rename it",
            ),
            Self::SomeNull => f.write_str(
                "a `Some` of the cargo holds a null, and would come back as `None`: \
                 use one `Option`",
            ),
            Self::NestedExpiry => f.write_str(
                "a map in the cargo has an entry that expires, \
                 but a token keeps the expiries of its own entries only: seal the map itself",
            ),
            Self::EntryExpired { at } => write!(
                f,
                "an entry of the token expired at {at}, but the value still has it: \
                 take it out of the value (a None must be skipped, not written as null), \
                 or open the token again"
            ),
            Self::FromTheFuture { issued_at } => write!(
                f,
                "the token was issued at {issued_at}, further ahead than future_skew allows: \
                 check the clock, or issue a new one"
            ),
            Self::NeverValid { from, expires_at } => write!(
                f,
                "the token would be valid from {from}, but expires at {expires_at}: \
                 give it a longer lifetime or an earlier not_before"
            ),
            Self::NotSealed => {
                f.write_str("the token was never sealed: seal it with a lifetime first")
            }
            Self::Expired { at } => write!(f, "the token expired at {at}: seal a new one"),
            Self::Clock => f.write_str("the clock shows a moment before 1970 or after 9999"),
            Self::IssuedAt => f.write_str(
                "the token was issued before 1970 or after 9999: is the time in seconds?",
            ),
        }
    }
}

impl std::error::Error for SealError {}

impl From<ExpiryError> for SealError {
    fn from(error: ExpiryError) -> Self {
        Self::Lifetime(error)
    }
}

impl From<random::Failed> for SealError {
    fn from(_: random::Failed) -> Self {
        Self::Randomness
    }
}

impl From<xaes::Oversize> for SealError {
    /// Beyond the cipher's 64 GiB, or the memory for the text.
    fn from(_: xaes::Oversize) -> Self {
        Self::Memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oversized_message_is_reported_as_memory_and_an_expiry_as_its_moment() {
        assert_eq!(SealError::from(xaes::Oversize), SealError::Memory);
        let at = UnixTime::from_secs(1_763_755_200);
        let message = SealError::Expired { at }.to_string();
        assert!(message.contains("2025-11-21T20:00:00Z"), "{message}");
    }
}
