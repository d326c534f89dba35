//! Secret bytes: wiped when dropped, compared in constant time, never printed.

use std::fmt;

use ctutils::CtEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing, optimization_barrier};

/// `N` secret bytes. They live on the heap so that moving the owner leaves no copy behind.
#[derive(Clone)]
pub(crate) struct Secret<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> Secret<N> {
    pub(crate) fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; N])))
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self::zeroed();
        if bytes.len() != N {
            return None;
        }
        secret.expose_mut().copy_from_slice(bytes);
        Some(secret)
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

/// Copies an array that the caller keeps.
impl<const N: usize> From<[u8; N]> for Secret<N> {
    fn from(bytes: [u8; N]) -> Self {
        let mut secret = Self::zeroed();
        secret.expose_mut().copy_from_slice(&bytes);
        secret
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        equal(self.expose(), other.expose())
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Compares in time that depends only on the lengths.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).to_bool()
}

/// Overwrites the bytes, and keeps the compiler from removing that.
///
/// `Zeroize` writes byte by byte, which for whole buffers takes a seventh of the time of a token.
/// This is a `memset`.
#[inline]
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// More bytes of stack than a derivation or a cipher uses.
pub(crate) const SHALLOW: usize = 8 << 10;
/// More bytes of stack than a whole operation uses before its future moves to the heap.
#[cfg_attr(not(any(feature = "pat", feature = "vault")), allow(dead_code))]
pub(crate) const DEEP: usize = 64 << 10;

/// Overwrites `N` bytes of the stack below the caller, where its earlier calls left their values:
/// nobody wipes them on return.
#[inline(never)]
pub(crate) fn overwrite_stack<const N: usize>() {
    let stack = [0_u8; N];
    optimization_barrier(&stack);
}

/// Compiles only for types that wipe themselves. Those of dependencies do so only with a feature
/// enabled.
pub(crate) const fn wipes_itself<T: ZeroizeOnDrop>() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_compare_by_content_and_print_nothing() {
        let secret = Secret::from([9; 32]);
        assert!(secret == Secret::from([9; 32]));
        let mut other = [9; 32];
        other[31] ^= 1;
        assert!(secret != Secret::from(other));
        assert_eq!(format!("{secret:?}"), "Secret");
        assert!(Secret::<32>::from_slice(&[0; 31]).is_none());
        assert!(!equal(b"a", b"ab"));
    }
}
