//! Key rings: keys with roles, which can be replaced while codecs use them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::crypto::secret::Secret;
use crate::crypto::st1::KID;
use crate::crypto::xaes::Xaes;

use super::error::KeyError;
use super::id::KeyId;
use super::key::Key;
use super::purpose::{Purpose, PurposeKey};

/// The role of a key in a ring.
///
/// The text form of a ring has these three, so a fourth is a breaking change on purpose.
///
/// ```
/// use sealtoken::{Key, KeyRing, Role};
///
/// # fn main() -> Result<(), sealtoken::KeyError> {
/// let ring = KeyRing::new(Key::generate()).with_retired(Key::generate())?;
/// let roles: Vec<Role> = ring.keys().into_iter().map(|(_, role)| role).collect();
/// assert_eq!(roles, [Role::Current, Role::Retired]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Seals and opens: the first of the ring.
    Current,
    /// Opens. It will seal after the next step of a rolling deploy, so tokens that it sealed need
    /// no re-seal.
    Standby,
    /// Opens. Tokens that it sealed need a re-seal. It can be removed once no server has sealed
    /// with it for the longest lifetime, plus the leeway, plus the difference of the servers'
    /// clocks. Tokens that never expire and were not re-sealed are lost with it.
    Retired,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Standby => "standby",
            Self::Retired => "retired",
        })
    }
}

/// The keys of a service: one that seals, and others that only open, because they are old or not
/// yet in use.
///
/// Its text fits one environment variable: the current key, then the others after commas or line
/// breaks, with a `+` before a standby key. `docs/format.md` has the grammar.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sealtoken::{Key, KeyRing};
///
/// # let (old, new) = (Key::generate(), Key::generate());
/// # let variable = format!("{} {}", *new.expose(), *old.expose());
/// // let variable = std::env::var("SEALTOKEN_KEYS")?;
/// let keys: KeyRing = variable.parse()?;
/// assert_eq!(keys.current(), new.id());
/// # Ok(())
/// # }
/// ```
pub type KeyRing = Ring<Key>;

/// A ring of [`Key`]s, or of [`PurposeKey`]s for a service that may seal and open for one purpose
/// only. Text and roles are those of a [`KeyRing`].
///
/// Clones, and the codecs made from it, share the ring: [`replace`](Ring::replace) reaches them
/// all.
pub struct Ring<K> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    keys: ArcSwap<Keys<K>>,
    /// The generation of these keys, or an earlier one. Codecs detect a replacement by one load of
    /// it.
    generation: AtomicU64,
}

/// There is always a current key.
#[derive(Clone)]
struct Keys<K> {
    current: K,
    others: Vec<(K, Role)>,
    /// Counts the replacements. It is stored with the keys, so the two always match.
    generation: u64,
}

/// The two kinds of key that a [`Ring`] can hold. Sealed: no other type can be one.
pub trait RingKey: Clone + FromStr<Err = KeyError> + sealed::RingKey {}

impl RingKey for Key {}
impl RingKey for PurposeKey {}

mod sealed {
    use super::{KeyId, Purpose, PurposeKey};

    pub trait RingKey: Send + Sync + 'static {
        fn id(&self) -> KeyId;

        fn for_purpose(&self, purpose: &Purpose) -> PurposeKey;

        /// Whether both can be in one ring.
        fn agrees_with(&self, other: &Self) -> bool;
    }
}

impl sealed::RingKey for Key {
    fn id(&self) -> KeyId {
        Key::id(self)
    }

    fn for_purpose(&self, purpose: &Purpose) -> PurposeKey {
        self.derive(purpose)
    }

    fn agrees_with(&self, _: &Self) -> bool {
        true
    }
}

impl sealed::RingKey for PurposeKey {
    fn id(&self) -> KeyId {
        PurposeKey::id(self)
    }

    fn for_purpose(&self, _: &Purpose) -> PurposeKey {
        self.clone()
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.purpose() == other.purpose()
    }
}

impl<K: RingKey> Ring<K> {
    /// A ring of one key, which seals and opens.
    #[must_use]
    pub fn new(current: K) -> Self {
        Self::of(Keys {
            current,
            others: Vec::new(),
            generation: 0,
        })
    }

    fn of(keys: Keys<K>) -> Self {
        Self {
            shared: Arc::new(Shared {
                generation: AtomicU64::new(keys.generation),
                keys: ArcSwap::from_pointee(keys),
            }),
        }
    }

    /// A ring with one more key that opens, and whose tokens need a re-seal. It is a new ring:
    /// existing codecs follow the old one.
    ///
    /// # Errors
    ///
    /// [`KeyError::DuplicateId`] if a key of the ring has the same id, [`KeyError::MixedPurposes`]
    /// if a purpose key is for another purpose.
    pub fn with_retired(self, key: K) -> Result<Self, KeyError> {
        self.with(key, Role::Retired)
    }

    /// A ring with one more key that opens and will seal soon: the first step of a rolling deploy.
    ///
    /// # Errors
    ///
    /// As for [`with_retired`](Ring::with_retired).
    pub fn with_standby(self, key: K) -> Result<Self, KeyError> {
        self.with(key, Role::Standby)
    }

    fn with(self, key: K, role: Role) -> Result<Self, KeyError> {
        let mut keys = (**self.shared.keys.load()).clone();
        keys.add(key, role)?;
        Ok(Self::of(keys))
    }

    /// Replaces this ring's keys by those of `other`, for all its clones and codecs at once.
    ///
    /// Readers take no lock: a running operation finishes with the keys that it started with.
    ///
    /// # Errors
    ///
    /// [`KeyError::MixedPurposes`] if purpose keys would be replaced by those of another purpose;
    /// the ring is then unchanged.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sealtoken::{Key, KeyRing, Lifetime, Token};
    ///
    /// let (old, new) = (Key::generate(), Key::generate());
    /// let keys = KeyRing::new(old.clone());
    /// let codec = keys.codec("session")?;
    /// let text = codec.seal(&mut Token::new(), Lifetime::hours(1))?;
    ///
    /// keys.replace(&KeyRing::new(new).with_retired(old)?)?;
    /// assert!(codec.open(&text)?.needs_reseal());
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace(&self, other: &Self) -> Result<(), KeyError> {
        let keys = other.shared.keys.load_full();
        if !keys.current.agrees_with(&self.shared.keys.load().current) {
            return Err(KeyError::MixedPurposes);
        }
        let next = |before: &Keys<K>| before.generation.saturating_add(1);
        let before = self.shared.keys.rcu(|before| Keys {
            generation: next(before),
            ..Keys::clone(&keys)
        });
        // After the keys: a reader that sees the new number derives from these keys or newer ones.
        let number = next(&before);
        self.shared.generation.fetch_max(number, Ordering::Release);
        Ok(())
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.shared.keys.load().current.id()
    }

    /// The ids of the keys with their roles, the current one first.
    #[must_use]
    pub fn keys(&self) -> Vec<(KeyId, Role)> {
        let keys = self.shared.keys.load();
        keys.iter().map(|(key, role)| (key.id(), role)).collect()
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        self.shared.clone()
    }
}

/// A key for the library's own use, with the id and the role of the ring key that it was derived
/// from.
#[cfg(any(feature = "pat", feature = "vault"))]
pub(crate) struct InternalKey {
    pub(crate) id: KeyId,
    pub(crate) role: Role,
    pub(crate) secret: Secret<32>,
}

#[cfg(any(feature = "pat", feature = "vault"))]
impl KeyRing {
    /// The keys with this name in `docs/format.md`, the current one first.
    pub(crate) fn internal(&self, name: &str) -> Vec<InternalKey> {
        let keys = self.shared.keys.load();
        let derive = |(key, role): (&Key, Role)| InternalKey {
            id: key.id(),
            role,
            secret: key.internal(name),
        };
        keys.iter().map(derive).collect()
    }
}

impl Ring<PurposeKey> {
    pub(crate) fn shared_purpose(&self) -> Purpose {
        self.shared.keys.load().current.shared_purpose().clone()
    }
}

impl<K: RingKey> Keys<K> {
    fn iter(&self) -> impl Iterator<Item = (&K, Role)> {
        let others = self.others.iter().map(|(key, role)| (key, *role));
        std::iter::once((&self.current, Role::Current)).chain(others)
    }

    fn add(&mut self, key: K, role: Role) -> Result<(), KeyError> {
        if self.iter().any(|(present, _)| present.id() == key.id()) {
            return Err(KeyError::DuplicateId(key.id()));
        }
        if !self.current.agrees_with(&key) {
            return Err(KeyError::MixedPurposes);
        }
        self.others.push((key, role));
        Ok(())
    }
}

impl<K: RingKey> FromStr for Ring<K> {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_matches(SEPARATORS);
        let (current, mut rest) = first_word(text);
        if current.is_empty() {
            return Err(KeyError::NoKey);
        }
        if current.starts_with('+') {
            return Err(KeyError::StandbyFirst);
        }
        let mut keys = Keys {
            current: current.parse()?,
            others: Vec::new(),
            generation: 0,
        };
        while !rest.is_empty() {
            let keys_left = rest.trim_start_matches(SEPARATORS);
            let separators = rest.strip_suffix(keys_left).unwrap_or_default();
            let (word, after) = first_word(keys_left);
            let (word, role) = match word.strip_prefix('+') {
                Some(word) => (word, Role::Standby),
                None if separators.len() > 1 && separators.ends_with(' ') => {
                    return Err(KeyError::LostPlus);
                }
                None => (word, Role::Retired),
            };
            keys.add(word.parse()?, role)?;
            rest = after;
        }
        Ok(Self::of(keys))
    }
}

/// What separates the keys of a ring.
const SEPARATORS: [char; 7] = [',', ' ', '\t', '\n', '\x0b', '\x0c', '\r'];

/// The text up to the first separator, and the rest from there on.
fn first_word(text: &str) -> (&str, &str) {
    let end = text.find(SEPARATORS).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

impl<K> Clone for Ring<K> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<K: RingKey> fmt::Debug for Ring<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.keys()).finish()
    }
}

/// A key of a ring, prepared for one purpose.
pub(crate) struct CodecKey {
    pub(crate) kid: [u8; KID],
    pub(crate) role: Role,
    pub(crate) cipher: Xaes,
    pub(crate) nonce_key: Secret<16>,
}

impl CodecKey {
    fn new(key: &PurposeKey, role: Role) -> Self {
        Self {
            kid: key.id().to_bytes(),
            role,
            cipher: Xaes::new(key.secret()),
            nonce_key: key.nonce_key(),
        }
    }
}

/// The prepared keys of one purpose, of one generation of their ring.
pub(crate) struct CodecKeys {
    pub(crate) generation: u64,
    current: CodecKey,
    others: Vec<CodecKey>,
}

impl CodecKeys {
    pub(crate) fn current(&self) -> &CodecKey {
        &self.current
    }

    /// The key with this id, if any: no trial decryption.
    pub(crate) fn find(&self, kid: [u8; KID]) -> Option<&CodecKey> {
        if self.current.kid == kid {
            return Some(&self.current);
        }
        self.others.iter().find(|key| key.kid == kid)
    }
}

/// A ring of either kind of key, as its codecs see it.
pub(crate) trait Source: Send + Sync {
    fn generation(&self) -> u64;

    /// Derives all keys for `purpose`.
    fn derive(&self, purpose: &Purpose) -> CodecKeys;
}

impl<K: RingKey> Source for Shared<K> {
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn derive(&self, purpose: &Purpose) -> CodecKeys {
        let keys = self.keys.load();
        let ready = |key: &K, role| CodecKey::new(&key.for_purpose(purpose), role);
        CodecKeys {
            generation: keys.generation,
            current: ready(&keys.current, Role::Current),
            others: keys
                .others
                .iter()
                .map(|(key, role)| ready(key, *role))
                .collect(),
        }
    }
}
