//! What is wrong with a key, by name, without a character of it.

use std::fmt;

use crate::crypto::random;

use super::key::KeyId;

/// Why a key, a key ring or a purpose was refused.
///
/// Nothing of the refused text is in the error: it may be a key with one character wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text does not begin as a key of this kind does (`stkey1_`, or `stpurpose1_`).
    Prefix,
    /// The text, or the bytes, are not as long as a key of this kind.
    Length,
    /// The text is not canonical base64url: a foreign character, padding, or unused bits that are set.
    Spelling,
    /// The check at the end does not fit: a character was mistyped or lost.
    Check,
    /// A purpose has 1 to 255 bytes of UTF-8.
    Purpose,
    /// The keys of one ring of purpose keys are for different purposes.
    MixedPurposes,
    /// The ring's text holds no key.
    NoKey,
    /// A blank stands directly before a key of the ring, behind another separator. A form decoder makes a blank of the `+`
    /// of a standby key, and the key would be a retired one.
    LostPlus,
    /// The first key of a ring seals, so it cannot be marked as standby with `+`.
    StandbyFirst,
    /// Two keys of the ring have this id: the same key twice, as a rule.
    DuplicateId(KeyId),
    /// The operating system gave no random bytes.
    Randomness,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix => f.write_str("the key's text does not begin with the prefix of its kind (stkey1_ or stpurpose1_)"),
            Self::Length => f.write_str("the key has the wrong length: was it cut off when it was copied?"),
            Self::Spelling => f.write_str("the key's text is not canonical base64url"),
            Self::Check => f.write_str("the key's check does not fit: a character of it is wrong"),
            Self::Purpose => f.write_str("a purpose has 1 to 255 bytes"),
            Self::MixedPurposes => f.write_str("the purpose keys of one ring are for different purposes"),
            Self::NoKey => f.write_str("there is no key: give one as printed by `sealtoken key generate`"),
            Self::LostPlus => f.write_str("a blank before a key may have been a + (form decoding turns one into the other): put + directly before a standby key, and nothing but a comma or a line break before a retired one"),
            Self::StandbyFirst => f.write_str("the first key seals and cannot be standby: put the key that is current before it"),
            Self::DuplicateId(id) => write!(f, "two keys have the id {id}: remove one of them"),
            Self::Randomness => f.write_str("the operating system gave no random bytes"),
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
