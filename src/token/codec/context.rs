//! What a token is bound to beside its purpose.

use std::fmt;
use std::sync::Arc;

/// A context of a token: one part, or an array of several.
///
/// Implemented for text and bytes (one part, taken as they are), and for arrays of them
/// (several parts, each with its length before it as eight bytes, big-endian).
pub trait Context: sealed::Context {}

/// The context, or a part of it, is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextError;

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a context, and each part of it, must not be empty: is the value that the token is bound to missing?")
    }
}

impl std::error::Error for ContextError {}

pub(super) mod sealed {
    use super::{Arc, ContextError};

    pub trait Context {
        fn into_bytes(self) -> Result<Arc<[u8]>, ContextError>;
    }
}

fn one(part: &[u8]) -> Result<Arc<[u8]>, ContextError> {
    if part.is_empty() {
        return Err(ContextError);
    }
    Ok(part.into())
}

fn several<P: AsRef<[u8]>>(parts: &[P]) -> Result<Arc<[u8]>, ContextError> {
    let mut bytes = Vec::new();
    for part in parts {
        let part = part.as_ref();
        if part.is_empty() {
            return Err(ContextError);
        }
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    one(&bytes)
}

macro_rules! single {
    ($($type:ty),*) => {$(
        impl sealed::Context for $type {
            fn into_bytes(self) -> Result<Arc<[u8]>, ContextError> {
                one(self.as_ref())
            }
        }

        impl Context for $type {}
    )*};
}

single!(&str, &String, String, &[u8], &Vec<u8>, Vec<u8>);

impl<P: AsRef<[u8]>, const N: usize> sealed::Context for [P; N] {
    fn into_bytes(self) -> Result<Arc<[u8]>, ContextError> {
        several(&self)
    }
}

impl<P: AsRef<[u8]>, const N: usize> Context for [P; N] {}

impl<P: AsRef<[u8]>, const N: usize> sealed::Context for &[P; N] {
    fn into_bytes(self) -> Result<Arc<[u8]>, ContextError> {
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
        assert_eq!("".into_bytes(), Err(ContextError));
        assert_eq!((&String::new()).into_bytes(), Err(ContextError));
        assert_eq!(["a", ""].into_bytes(), Err(ContextError));
        assert_eq!([""; 0].into_bytes(), Err(ContextError));
    }
}
