//! Plaintext of any length, wiped when dropped.

use std::ops::{Deref, DerefMut};

use super::secret;

/// Secret bytes of any length, in one allocation that does not grow. They are wiped when dropped,
/// as fast as a `memset`.
pub(crate) struct Wiped(Box<[u8]>);

impl Wiped {
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        secret::wipe(&mut self.0);
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
