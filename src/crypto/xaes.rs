//! XAES-256-GCM (C2SP, <https://c2sp.org/XAES-256-GCM>): AES-256-GCM with a 192-bit nonce.
//!
//! The crate `xaes-256-gcm` also computes a decryption key schedule and derives the key block by
//! block, in 185 ns. With only the encryption schedule and both blocks at once, it takes 97 ns.

use std::mem::ManuallyDrop;
use std::sync::{LazyLock, OnceLock};

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes_gcm::aead::consts::U12;
use aes_gcm::{AeadInOut as _, AesGcm, Nonce, Tag};
use zeroize::{Zeroizing, optimization_barrier};

use super::secret::{SHALLOW, Secret, overwrite_stack, wipe, wipes_itself};

pub(crate) const TAG: usize = 16;

/// The first half derives the key of the message, the second is its GCM nonce.
pub(crate) type XNonce = [[u8; 12]; 2];

const _: () = {
    wipes_itself::<Aes256Enc>();
    wipes_itself::<Gcm>();
};

/// Only the encryption key schedule is needed: GCM also decrypts in counter mode.
type Gcm = AesGcm<Aes256Enc, U12>;

/// The library that provides AES-256-GCM. All give the same bytes and differ only in speed.
///
/// A feature only compiles a backend in. To use it, name it in
/// [`Codec::with_backend`](crate::Codec::with_backend), or make it the process's default once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The crates `aes` and `aes-gcm`: pure Rust.
    RustCrypto,
    /// The crate `aws-lc-rs`: C and assembly, with the feature `aws-lc`.
    #[cfg(feature = "aws-lc")]
    AwsLc,
}

static PROCESS_DEFAULT: OnceLock<Backend> = OnceLock::new();

impl Backend {
    /// Makes this the default of the process: of codecs that are made from now on, and of
    /// everything that a service seals or opens. Existing codecs keep theirs.
    ///
    /// Call it once at the start of `main`. The first call decides. Returns whether this backend is
    /// now the default.
    ///
    /// ```
    /// # // Not run: it would decide for the other examples in this process.
    /// # fn main_() {
    /// use sealtoken::Backend;
    ///
    /// # #[cfg(feature = "aws-lc")]
    /// assert!(Backend::AwsLc.make_process_default());
    /// # }
    /// ```
    pub fn make_process_default(self) -> bool {
        *PROCESS_DEFAULT.get_or_init(|| self) == self
    }
}

impl Default for Backend {
    /// [`RustCrypto`](Backend::RustCrypto), unless
    /// [`make_process_default`](Backend::make_process_default) chose another.
    fn default() -> Self {
        PROCESS_DEFAULT.get().copied().unwrap_or(Self::RustCrypto)
    }
}

/// Authentication failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forged;

/// The message is longer than GCM allows (64 GiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oversize;

/// A key with everything that depends only on it. It lives on the heap so that moving the owner
/// leaves no copy behind.
pub(crate) struct Xaes(Box<Expanded>);

/// The key schedule, and K1 of the derivation.
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
        // K1 is computed in its place, so there is no copy to wipe.
        let Expanded { schedule, k1 } = &mut *expanded;
        schedule.encrypt_block((&mut **k1).into());
        let l = u128::from_be_bytes(**k1);
        // L << 1 in GF(2^128): a bit shifted out is reduced. There is no branch on the key.
        **k1 = ((l << 1) ^ ((l >> 127).wrapping_neg() & 0x87)).to_be_bytes();
        Self(expanded)
    }

    /// The AES-256-GCM key for a nonce's first half.
    #[inline]
    fn derive(&self, half: &[u8; 12]) -> MessageKey {
        let mut key = MessageKey([0; 32]);
        // The blocks become the key in their place, so there is no copy to wipe.
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

    /// Decrypts `message` in place. If that fails, its content is unspecified ciphertext.
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

/// A build without optimisation copies a new cipher when moving it. An optimised one leaves some
/// wide registers with this message's key deep in the stack. Overwriting them would cost a tenth of
/// the time of a short token.
#[inline]
fn overwrite_moves() {
    if cfg!(debug_assertions) {
        overwrite_stack::<SHALLOW>();
    }
}

/// The AES-256-GCM key of one message.
struct MessageKey([u8; 32]);

impl Drop for MessageKey {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The cipher under one message's key, wiped after the message.
///
/// Its own `Drop` wipes 400 bytes one by one, which costs a tenth of the time of a short token.
/// Here it is overwritten with a copy of a cipher under a public key.
struct OneMessage {
    cipher: ManuallyDrop<Gcm>,
}

/// A cipher under the all-zero key, which overwrites that of a message.
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
