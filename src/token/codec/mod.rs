//! The codec of one purpose: its keys, its settings, and the context that tokens are bound to.

#[cfg(test)]
mod golden;
mod header;
mod open;
mod opened;
mod renew;
mod seal;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use crate::crypto::clock::{Clock, ClockSource};
use crate::crypto::st1;
use crate::crypto::xaes::Backend;
use crate::keys::{CodecKeys, KeyError, KeyRing, Purpose, PurposeKey, Ring, Source};
use crate::token::times::Tolerance;

pub use header::TokenHeader;
pub use opened::Opened;

/// Seals and opens the tokens of one purpose. No other purpose opens what it seals.
///
/// Made by [`KeyRing::codec`]. A clone is a few reference counts; keep one in your application's
/// state. It follows the ring: after keys are replaced there, the next call here uses the new ones.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, OpenError, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeyRing::new(Key::generate());
/// let reset = keys.codec("password-reset")?;
///
/// let mut token = Token::new();
/// token.cargo_mut().insert("user_id", 123)?;
/// let link = reset.seal(&mut token, Lifetime::minutes(30))?;
///
/// let token = reset.open(&link)?;
/// let user: u64 = token.cargo().require("user_id")?;
/// assert_eq!(user, 123);
///
/// let session = keys.codec("session")?;
/// assert_eq!(session.open(&link).err(), Some(OpenError::Forged));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Codec {
    purpose: Purpose,
    source: Arc<dyn Source>,
    ready: Arc<ArcSwap<CodecKeys>>,
    bound: Bound,
    clock: ClockSource,
    settings: Settings,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    max_len: usize,
    /// The maximum for opening.
    max_opened: usize,
    padding: Option<NonZeroUsize>,
    tolerance: Tolerance,
    backend: Backend,
}

impl KeyRing {
    /// The codec of one purpose: `"password-reset"`, `"session"`, 1 to 255 bytes of UTF-8.
    ///
    /// # Errors
    ///
    /// [`KeyError::Purpose`] if the purpose is empty or longer.
    pub fn codec(&self, purpose: &str) -> Result<Codec, KeyError> {
        Ok(Codec::new(Purpose::new(purpose)?, self.source()))
    }
}

impl Ring<PurposeKey> {
    /// The codec of the purpose that the ring's keys are for.
    #[must_use]
    pub fn codec(&self) -> Codec {
        Codec::new(self.shared_purpose(), self.source())
    }
}

impl Codec {
    /// The maximum length of sealed tokens in characters, unless
    /// [`with_max_len`](Codec::with_max_len) changes it.
    ///
    /// Browsers keep a cookie whose name and value have at most 4,096 bytes together (RFC 6265bis),
    /// and drop longer ones silently. This leaves 96 for the name.
    pub const DEFAULT_MAX_LEN: usize = 4000;

    /// The maximum length of tokens to be opened in characters, unless
    /// [`with_max_len`](Codec::with_max_len) changes it: tokens were sealed up to this length
    /// before there was room for a cookie's name.
    pub const DEFAULT_MAX_OPENED: usize = 4096;

    fn new(purpose: Purpose, source: Arc<dyn Source>) -> Self {
        let ready = source.derive(&purpose);
        Self {
            purpose,
            source,
            ready: Arc::new(ArcSwap::from_pointee(ready)),
            bound: Bound::default(),
            clock: ClockSource::System,
            settings: Settings {
                max_len: Self::DEFAULT_MAX_LEN,
                max_opened: Self::DEFAULT_MAX_OPENED,
                padding: None,
                tolerance: Tolerance {
                    leeway: Duration::ZERO,
                    future_skew: Duration::from_secs(60),
                },
                backend: Backend::default(),
            },
        }
    }

    /// What the tokens of this codec are for.
    #[must_use]
    pub fn purpose(&self) -> &str {
        self.purpose.as_str()
    }

    /// The maximum length of a token in characters, for sealing and for opening.
    ///
    /// Default: 4,000 for sealing, which fits a cookie beside its name, and 4,096 for opening. A
    /// token that had more than 4,000 characters when it was opened can be resealed with up to
    /// 4,096.
    #[must_use]
    pub fn with_max_len(mut self, characters: usize) -> Self {
        // No text is longer than memory can be.
        let characters = characters.min(isize::MAX.unsigned_abs());
        self.settings.max_len = characters;
        self.settings.max_opened = characters;
        self
    }

    /// Pads what is sealed to a multiple of `block` bytes, so that a token's length tells less
    /// about its cargo.
    ///
    /// Default: no padding, so the length of a token shows the length of its cargo. Opening accepts
    /// any padding. Zero and one mean none.
    #[must_use]
    pub fn with_padding(mut self, block: usize) -> Self {
        self.settings.padding = NonZeroUsize::new(block);
        self
    }

    /// How long a token is still accepted after its expiry, and before its `not_before`, because
    /// the clocks of servers disagree. Whole seconds count. Default: 0 seconds.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.settings.tolerance.leeway = leeway;
        self
    }

    /// How far in the future a token may have been issued, because the clock of the server that
    /// sealed it was ahead. Whole seconds count. Default: 60 seconds.
    #[must_use]
    pub fn with_future_skew(mut self, skew: Duration) -> Self {
        self.settings.tolerance.future_skew = skew;
        self
    }

    /// The clock of this codec, and of the tokens that it makes and opens. Default: the system's.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, OpenError, Token, UnixTime};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = ManualClock::at(UnixTime::from_secs(1_000_000));
    /// let codec = KeyRing::new(Key::generate()).codec("demo")?.with_clock(clock.clone());
    /// let text = codec.seal(&mut Token::new(), Lifetime::minutes(1))?;
    ///
    /// clock.advance(59);
    /// assert!(codec.open(&text).is_ok());
    /// clock.advance(1);
    /// assert!(matches!(codec.open(&text), Err(OpenError::Expired { .. })));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = ClockSource::Injected(Arc::new(clock));
        self
    }

    /// The library under AES-256-GCM: it changes the speed, never the bytes. Default:
    /// [`Backend::default`].
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.settings.backend = backend;
        self
    }

    /// The codec for tokens that are valid only in one context, such as one user, one address or
    /// one state.
    ///
    /// The context is not in the token. Whoever opens it must know it beforehand (from the path of
    /// the link, or from the user who is logged in), and gets
    /// [`OpenError::Forged`](crate::OpenError::Forged) if it differs. Bound to a state that its use
    /// changes, a token can be used once, without a database:
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, OpenError, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let reset = KeyRing::new(Key::generate()).codec("password-reset")?;
    /// let mut password_hash = String::from("$argon2id$old");
    ///
    /// let link = reset.bound_to(&password_hash)?.seal(&mut Token::new(), Lifetime::minutes(30))?;
    /// assert!(reset.bound_to(&password_hash)?.open(&link).is_ok());
    ///
    /// password_hash = String::from("$argon2id$new");      // the link was used
    /// let again = reset.bound_to(&password_hash)?.open(&link);
    /// assert_eq!(again.err(), Some(OpenError::Forged));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Contexts add up: a codec that is bound to a tenant and then to a user seals for that user of
    /// that tenant. Their order counts, each has its length before it, and no single context equals
    /// several.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, OpenError, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let session = KeyRing::new(Key::generate()).codec("session")?;
    /// let (a, b) = (session.bound_to("tenant:a")?, session.bound_to("tenant:b")?);
    /// let text = a.bound_to("user:1")?.seal(&mut Token::new(), Lifetime::hours(1))?;
    ///
    /// assert!(a.bound_to("user:1")?.open(&text).is_ok());
    /// assert_eq!(b.bound_to("user:1")?.open(&text).err(), Some(OpenError::Forged));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Pass several parts of one context as an array. Each is prefixed with its length, so `["ab",
    /// "c"]` is not `["a", "bc"]`.
    ///
    /// # Security
    ///
    /// A single text is bound as it is. So bytes that spell the lengths and parts of an array are
    /// the same context as that array: use one form for one purpose.
    ///
    /// # Errors
    ///
    /// [`KeyError::Context`] if the context or one of its parts is empty: a missing value must not
    /// become a context that everyone shares. Also if contexts that add up have more than 65,536
    /// bytes.
    pub fn bound_to(&self, context: impl Context) -> Result<Self, KeyError> {
        Ok(Self {
            bound: self.bound.and(context.into_bytes()?)?,
            ..self.clone()
        })
    }

    /// The length of a token around `plaintext` bytes of JSON, padding included: prefix, header,
    /// tag and base64url.
    ///
    /// The JSON is the cargo's, 50 to 100 bytes for the token's own members, and the expiries of
    /// entries.
    ///
    /// ```
    /// const LENGTH: usize = sealtoken::Codec::sealed_len(124);
    /// assert_eq!(LENGTH, 228);
    /// ```
    #[must_use]
    pub const fn sealed_len(plaintext: usize) -> usize {
        st1::sealed_len(plaintext)
    }

    /// The current keys of the ring. One load, unless they were replaced.
    fn keys(&self) -> Guard<Arc<CodecKeys>> {
        let ready = self.ready.load();
        if ready.generation >= self.source.generation() {
            return ready;
        }
        self.derive_anew()
    }

    #[cold]
    fn derive_anew(&self) -> Guard<Arc<CodecKeys>> {
        let fresh = Arc::new(self.source.derive(&self.purpose));
        // A slower thread may put older keys here; the next call sees their number and derives
        // again.
        self.ready.store(Arc::clone(&fresh));
        Guard::from_inner(fresh)
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("purpose", &self.purpose())
            .field("bound", &self.bound.is_to_something())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

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
enum Bound {
    #[default]
    ToNothing,
    To(Arc<[u8]>),
    /// Two or more, each prefixed with its length.
    ToSeveral(Arc<[u8]>),
}

impl Bound {
    /// The same with this context added.
    fn and(&self, context: Arc<[u8]>) -> Result<Self, KeyError> {
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

    fn as_bytes(&self) -> st1::Bound<'_> {
        match self {
            Self::ToNothing => st1::Bound::To(&[]),
            Self::To(context) => st1::Bound::To(context),
            Self::ToSeveral(several) => st1::Bound::ToSeveral(several),
        }
    }

    fn is_to_something(&self) -> bool {
        !matches!(self, Self::ToNothing)
    }
}

/// The bytes, prefixed with their length in eight bytes.
fn with_length(part: &[u8]) -> Vec<u8> {
    [(part.len() as u64).to_be_bytes().as_slice(), part].concat()
}

mod sealed {
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
