//! What a token is bound to besides its purpose.

use std::sync::Arc;

use crate::crypto::st1;
use crate::keys::KeyError;

/// A context of a token: one part, or an array of several.
///
/// Implemented for text and bytes (one part, bound as it is), and for arrays of them (several
/// parts, each prefixed with its length as eight bytes, big-endian).
pub trait Context: sealed::Context {}

/// The maximum of composed contexts in bytes: a codec that is bound again at every request must not
/// grow without end.
const MAX_COMPOSED: usize = 1 << 16;

/// What a codec is bound to.
#[derive(Clone, Default)]
pub(super) enum Bound {
    #[default]
    ToNothing,
    To(Arc<[u8]>),
    /// Two or more, each prefixed with its length.
    ToSeveral(Arc<[u8]>),
}

impl Bound {
    /// The same with this context added.
    pub(super) fn and(&self, context: Arc<[u8]>) -> Result<Self, KeyError> {
        let mut several = match self {
            Self::ToNothing => return Ok(Self::To(context)),
            Self::To(first) => with_length(first),
            Self::ToSeveral(several) => several.to_vec(),
        };
        several.extend(with_length(&context));
        if several.len() > MAX_COMPOSED {
            return Err(KeyError::Context);
        }
        Ok(Self::ToSeveral(several.into()))
    }

    pub(super) fn as_bytes(&self) -> st1::Bound<'_> {
        match self {
            Self::ToNothing => st1::Bound::To(&[]),
            Self::To(context) => st1::Bound::To(context),
            Self::ToSeveral(several) => st1::Bound::ToSeveral(several),
        }
    }

    pub(super) fn is_to_something(&self) -> bool {
        !matches!(self, Self::ToNothing)
    }
}

/// The bytes, prefixed with their length in eight bytes.
fn with_length(part: &[u8]) -> Vec<u8> {
    [(part.len() as u64).to_be_bytes().as_slice(), part].concat()
}

pub(super) mod sealed {
    use super::{Arc, KeyError};

    pub trait Context {
        fn into_bytes(self) -> Result<Arc<[u8]>, KeyError>;
    }
}

fn one(part: &[u8]) -> Result<Arc<[u8]>, KeyError> {
    if part.is_empty() {
        return Err(KeyError::Context);
    }
    Ok(part.into())
}

fn several<P: AsRef<[u8]>>(parts: &[P]) -> Result<Arc<[u8]>, KeyError> {
    let mut bytes = Vec::new();
    for part in parts {
        let part = part.as_ref();
        if part.is_empty() {
            return Err(KeyError::Context);
        }
        bytes.extend(with_length(part));
    }
    one(&bytes)
}

macro_rules! single {
    ($($type:ty),*) => {$(
        impl sealed::Context for $type {
            fn into_bytes(self) -> Result<Arc<[u8]>, KeyError> {
                one(self.as_ref())
            }
        }

        impl Context for $type {}
    )*};
}

single!(&str, &String, String, &[u8], &Vec<u8>, Vec<u8>);

impl<P: AsRef<[u8]>, const N: usize> sealed::Context for [P; N] {
    fn into_bytes(self) -> Result<Arc<[u8]>, KeyError> {
        several(&self)
    }
}

impl<P: AsRef<[u8]>, const N: usize> Context for [P; N] {}

impl<P: AsRef<[u8]>, const N: usize> sealed::Context for &[P; N] {
    fn into_bytes(self) -> Result<Arc<[u8]>, KeyError> {
        several(self)
    }
}

impl<P: AsRef<[u8]>, const N: usize> Context for &[P; N] {}

#[cfg(test)]
mod tests {
    use super::sealed::Context as _;
    use super::*;

    #[test]
    fn one_part_is_bound_as_it_is_and_several_with_their_lengths() {
        assert_eq!("ab".into_bytes().as_deref(), Ok(b"ab".as_slice()));
        assert_eq!(
            b"ab".as_slice().into_bytes().as_deref(),
            Ok(b"ab".as_slice())
        );
        let expected = b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x01c".as_slice();
        assert_eq!(["ab", "c"].into_bytes().as_deref(), Ok(expected));
        assert_ne!(["ab", "c"].into_bytes(), ["a", "bc"].into_bytes());
        assert_ne!(["ab"].into_bytes(), "ab".into_bytes());
    }

    #[test]
    fn what_is_empty_is_an_error() {
        assert_eq!("".into_bytes(), Err(KeyError::Context));
        assert_eq!((&String::new()).into_bytes(), Err(KeyError::Context));
        assert_eq!(["a", ""].into_bytes(), Err(KeyError::Context));
        assert_eq!([""; 0].into_bytes(), Err(KeyError::Context));
    }
}
