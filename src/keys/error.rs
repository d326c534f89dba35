//! Errors about keys, which hold no character of the key.

use std::fmt;

use crate::crypto::random;

use super::id::KeyId;

/// Why a key, a key ring, or the purpose or context of a codec was refused.
///
/// The error holds no part of the refused text, which may be a key with one wrong character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text does not begin with the prefix of this kind of key (`stkey1_` or `stpurpose1_`).
    Prefix,
    /// The text, or the bytes, are not as long as a key of this kind.
    Length,
    /// The text is not canonical base64url: an invalid character, padding, or unused bits that are
    /// set.
    NotCanonical,
    /// The check at the end does not match: a character was mistyped or lost.
    Check,
    /// The purpose does not have 1 to 255 bytes of UTF-8.
    Purpose,
    /// The context of a codec, or a part of it, is empty; or its contexts have more than 65,536
    /// bytes together.
    Context,
    /// The keys of one ring of purpose keys are for different purposes.
    MixedPurposes,
    /// The ring's text holds no key.
    NoKey,
    /// A space is directly before a key of the ring, after another separator. Form decoding turns
    /// the `+` of a standby key into a space, and the key would count as retired.
    LostPlus,
    /// The first key of a ring seals, so it cannot be marked as standby with `+`.
    StandbyFirst,
    /// Two keys of the ring have this id: usually the same key twice.
    DuplicateId(KeyId),
    /// The operating system could not provide random bytes.
    Randomness,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix => f.write_str(
                "the key's text does not begin with the prefix of its kind \
                 (stkey1_ or stpurpose1_)",
            ),
            Self::Length => {
                f.write_str("the key has the wrong length: was it cut off when it was copied?")
            }
            Self::NotCanonical => f.write_str("the key's text is not canonical base64url"),
            Self::Check => {
                f.write_str("the key's check does not match: a character of it is wrong")
            }
            Self::Purpose => f.write_str("a purpose has 1 to 255 bytes"),
            Self::Context => f.write_str(
                "a context and its parts must not be empty (is the value that the token is bound \
                 to missing?), and several contexts have at most 65,536 bytes together (is one \
                 codec bound again and again?)",
            ),
            Self::MixedPurposes => f.write_str(
                "the purpose keys of one ring are for different purposes: use one ring for each \
                 purpose",
            ),
            Self::NoKey => {
                f.write_str("no key was given: give one as printed by `sealtoken key generate`")
            }
            Self::LostPlus => f.write_str(
                "a space before a key may have been a + (form decoding turns one into the other): \
                 put + directly before a standby key, and only a comma or a line break before a \
                 retired one",
            ),
            Self::StandbyFirst => f.write_str(
                "the first key seals and cannot be standby: put the current key before it",
            ),
            Self::DuplicateId(id) => write!(f, "two keys have the id {id}: remove one of them"),
            Self::Randomness => f.write_str("the operating system could not provide random bytes"),
        }
    }
}

impl std::error::Error for KeyError {}

impl From<random::Failed> for KeyError {
    fn from(_: random::Failed) -> Self {
        Self::Randomness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_random_bytes_is_no_fault_of_the_key() {
        assert_eq!(KeyError::from(random::Failed), KeyError::Randomness);
    }
}
