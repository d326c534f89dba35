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

    /// Draws the bytes from the operating system, never from the per-thread generator.
    pub(crate) fn from_system() -> Result<Self, super::random::Failed> {
        let mut secret = Self::zeroed();
        super::random::system(secret.expose_mut())?;
        Ok(secret)
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

/// For arrays of a caller, who has them still.
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

/// Compares in a time that depends on the lengths alone.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).to_bool()
}

/// Overwrites the bytes, and keeps the compiler from taking that for useless.
///
/// `Zeroize` writes byte by byte, which costs a seventh of a token where whole buffers are wiped; this is a `memset`.
#[inline]
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// Overwrites what calls left on the stack that were made from where this one is.
#[inline(never)]
pub(crate) fn overwrite_stack() {
    let stack = [0_u8; 8 << 10];
    optimization_barrier(&stack);
}

/// Does not compile for a type that leaves its content behind: those of dependencies wipe themselves with a feature alone.
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
