//! XAES-256-GCM (C2SP, <https://c2sp.org/XAES-256-GCM>): AES-256-GCM with a 192-bit nonce.
//!
//! The crate `xaes-256-gcm` does the same with a decrypting key schedule and two single blocks; deriving
//! with the encrypting one, both blocks at once, measured 97 ns where it took 185.

use std::mem::ManuallyDrop;
use std::sync::LazyLock;

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes_gcm::aead::consts::U12;
use aes_gcm::{AeadInOut as _, AesGcm, Nonce, Tag};
use zeroize::{Zeroizing, optimization_barrier};

use super::secret::{Secret, overwrite_stack, wipe, wipes_itself};

pub(crate) const TAG: usize = 16;

/// The first half derives the key of this one message, the second is its GCM nonce.
pub(crate) type XNonce = [[u8; 12]; 2];

const _: () = {
    wipes_itself::<Aes256Enc>();
    wipes_itself::<Gcm>();
};

/// Only the encrypting key schedule is needed: GCM decrypts by counter mode, too.
type Gcm = AesGcm<Aes256Enc, U12>;

/// The library under AES-256-GCM. Both give the same bytes; they differ in speed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The crates `aes` and `aes-gcm`: pure Rust.
    RustCrypto,
    /// The crate `aws-lc-rs`: C and assembly, with feature `aws-lc`.
    #[cfg(feature = "aws-lc")]
    AwsLc,
}

impl Default for Backend {
    /// The fastest that is compiled in.
    fn default() -> Self {
        #[cfg(feature = "aws-lc")]
        let fastest = Self::AwsLc;
        #[cfg(not(feature = "aws-lc"))]
        let fastest = Self::RustCrypto;
        fastest
    }
}

/// The ciphertext, its tag, the associated data or the key does not belong to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forged;

/// The message is longer than GCM allows (64 GiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oversize;

/// A key with what depends on it alone. It lives on the heap so that moving the owner leaves no copy behind.
pub(crate) struct Xaes(Box<Expanded>);

/// Its schedule, and K1 of the derivation.
struct Expanded {
    schedule: Aes256Enc,
    k1: Zeroizing<[u8; 16]>,
}

impl Xaes {
    pub(crate) fn new(key: &Secret<32>) -> Self {
        let mut expanded = Box::new(Expanded {
            schedule: Aes256Enc::new(key.expose().into()),
            k1: Zeroizing::new([0; 16]),
        });
        // What K1 is made of stands in its place before it: there is no copy to be wiped.
        let Expanded { schedule, k1 } = &mut *expanded;
        schedule.encrypt_block((&mut **k1).into());
        let l = u128::from_be_bytes(**k1);
        // L << 1 in GF(2^128): where a bit falls out, its remainder comes in. No branch on the key.
        **k1 = ((l << 1) ^ ((l >> 127).wrapping_neg() & 0x87)).to_be_bytes();
        Self(expanded)
    }

    /// The AES-256-GCM key for a nonce's first half.
    #[inline]
    fn derive(&self, half: &[u8; 12]) -> MessageKey {
        let mut key = MessageKey([0; 32]);
        // The blocks become the key where they are: there is no copy to be wiped.
        let (blocks, _) = key.0.as_chunks_mut();
        let blocks = aes::Block::cast_slice_from_core_mut(blocks);
        for (block, counter) in blocks.iter_mut().zip(1_u8..) {
            let (head, tail) = block.split_at_mut(4);
            head.copy_from_slice(&[0, counter, b'X', 0]);
            tail.copy_from_slice(half);
            for (byte, mask) in block.iter_mut().zip(self.0.k1.iter()) {
                *byte ^= mask;
            }
        }
        // Both at once: a call costs more than a block.
        self.0.schedule.encrypt_blocks(blocks);
        key
    }

    /// Encrypts `message` in place and returns its tag.
    pub(crate) fn seal(
        &self,
        backend: Backend,
        [derives, nonce]: &XNonce,
        associated: &[u8],
        message: &mut [u8],
    ) -> Result<[u8; TAG], Oversize> {
        let key = self.derive(derives);
        let tag = match backend {
            Backend::RustCrypto => OneMessage::new(&key.0)
                .cipher
                .encrypt_inout_detached(&Nonce::from(*nonce), associated, message.into())
                .map(Into::into)
                .map_err(|_| Oversize),
            #[cfg(feature = "aws-lc")]
            Backend::AwsLc => aws_lc::seal(&key.0, *nonce, associated, message),
        };
        overwrite_moves();
        tag
    }

    /// Decrypts `message` in place. Where that fails, its content is unspecified ciphertext.
    pub(crate) fn open(
        &self,
        backend: Backend,
        [derives, nonce]: &XNonce,
        associated: &[u8],
        message: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Forged> {
        let key = self.derive(derives);
        let genuine = match backend {
            Backend::RustCrypto => OneMessage::new(&key.0)
                .cipher
                .decrypt_inout_detached(
                    &Nonce::from(*nonce),
                    associated,
                    message.into(),
                    &Tag::from(*tag),
                )
                .map_err(|_| Forged),
            #[cfg(feature = "aws-lc")]
            Backend::AwsLc => aws_lc::open(&key.0, *nonce, associated, message, tag),
        };
        overwrite_moves();
        genuine
    }
}

/// A build without optimisation moves a new cipher by copies. An optimised one leaves some wide registers of this one message's key
/// behind, deep in the stack: to overwrite those would take a tenth of a short token.
#[inline]
fn overwrite_moves() {
    if cfg!(debug_assertions) {
        overwrite_stack();
    }
}

/// The AES-256-GCM key of one message.
struct MessageKey([u8; 32]);

impl Drop for MessageKey {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The cipher under one message's key, wiped at the end of that message.
///
/// Its own `Drop` wipes byte by byte, 400 bytes in all, and costs a tenth of a short token. Here a cipher under a public key
/// takes its place in memory, which is a plain copy.
struct OneMessage {
    cipher: ManuallyDrop<Gcm>,
}

/// What is left behind in the place of a message's cipher: one under the all-zero key.
static BLANK: LazyLock<Gcm> = LazyLock::new(|| Gcm::new(&aes_gcm::Key::<Gcm>::default()));

impl OneMessage {
    #[inline]
    fn new(key: &[u8; 32]) -> Self {
        Self {
            cipher: ManuallyDrop::new(Gcm::new(key.into())),
        }
    }
}

impl Drop for OneMessage {
    #[inline]
    fn drop(&mut self) {
        self.cipher = ManuallyDrop::new(BLANK.clone());
        optimization_barrier(&self.cipher);
    }
}

#[cfg(feature = "aws-lc")]
mod aws_lc {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    use super::{Forged, Oversize, TAG};

    fn ready(key: &[u8; 32]) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, key)
            .ok()
            .map(LessSafeKey::new)
    }

    pub(super) fn seal(
        key: &[u8; 32],
        nonce: [u8; 12],
        associated: &[u8],
        message: &mut [u8],
    ) -> Result<[u8; TAG], Oversize> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        ready(key)
            .and_then(|key| {
                key.seal_in_place_separate_tag(nonce, Aad::from(associated), message)
                    .ok()
            })
            .and_then(|tag| tag.as_ref().try_into().ok())
            .ok_or(Oversize)
    }

    pub(super) fn open(
        key: &[u8; 32],
        nonce: [u8; 12],
        associated: &[u8],
        message: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Forged> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        ready(key)
            .and_then(|key| {
                key.open_in_place_separate_tag(nonce, Aad::from(associated), tag, message)
                    .ok()
            })
            .map(|_| ())
            .ok_or(Forged)
    }
}

#[cfg(test)]
mod tests;
