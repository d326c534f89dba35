//! A token and its states: dirty, valid, expired.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::crypto::clock::{ClockSource, MAX_SECONDS, UnixTime};
use crate::crypto::random;
use crate::crypto::st1::StateId;

use super::cargo::{Cargo, Expiries};
use super::content::{Content, Typed};
use super::times::{Lifetime, Times};

/// A UUID and a cargo, with the states *dirty*, *valid* and *expired*.
///
/// | | dirty | valid | expired |
/// |---|---|---|---|
/// | new, or after [`reset`](Token::reset) or a failed load | yes | no | yes |
/// | sealed or opened | no | yes | by its time |
/// | its cargo changed since | yes | yes | by its time |
///
/// The cargo is a map, [`Cargo`]. [`TypedToken`] is the sibling whose cargo is a value of your own
/// type.
///
/// The states are read, never stored twice: dirtiness and validity follow from the sealed state and
/// from whether the cargo differs from it, expiry from the sealed times.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let codec = KeyRing::new(Key::generate()).codec("demo")?;
///
/// let mut token = Token::new();
/// assert!(token.is_dirty() && !token.is_valid() && token.is_expired());
///
/// token.cargo_mut().insert("user_id", 123)?;
/// let text = codec.seal(&mut token, Lifetime::minutes(30))?;
/// assert!(!token.is_dirty() && token.is_valid() && !token.is_expired());
///
/// let mut token = codec.open(&text)?;
/// token.cargo_mut().insert("user_id", 123)?;   // the same value: nothing changed
/// assert!(!token.is_dirty());
/// token.cargo_mut().insert("seen", true)?;
/// assert!(token.is_dirty() && token.is_valid());
/// let text = codec.reseal(&mut token)?;        // the same UUID, the same end
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Token<C: Content = Cargo> {
    /// Nil until the system gave random bytes; a nil UUID is never sealed.
    uuid: Uuid,
    content: C,
    not_before: Option<i64>,
    /// Whether something was changed that does not show it by itself: all but a [`Cargo`].
    changed: bool,
    sealed: Option<Sealed>,
}

/// A [`Token`] whose cargo is a value of your own type.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, TypedToken};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let codec = KeyRing::new(Key::generate()).codec("counter")?;
/// let mut token = TypedToken::with_value(41_u32);
/// let text = codec.seal(&mut token, Lifetime::hours(1))?;
///
/// let mut token: TypedToken<u32> = codec.open_value(&text)?;
/// token.set(41);
/// assert!(!token.is_dirty());
/// *token.value_mut() += 1;
/// assert!(token.is_dirty());
/// # Ok(())
/// # }
/// ```
pub type TypedToken<T> = Token<Typed<T>>;

/// What a token has once it was sealed or opened.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// The text that it was last sealed into, or opened from if that was kept.
    pub(crate) text: Option<String>,
    /// The characters of that text.
    pub(crate) length: usize,
    pub(crate) times: Times,
    /// Which state this is, so that another cargo in the token is noticed.
    pub(crate) state: StateId,
    /// The expiries of entries that a caller's own type does not hold.
    pub(crate) expiries: Expiries,
    pub(crate) needs_reseal: bool,
    /// The clock and the leeway of the codec that sealed or opened it.
    pub(crate) clock: ClockSource,
    pub(crate) leeway: Duration,
}

impl Token {
    /// A new token with a fresh UUID and an empty cargo: dirty, not valid, expired.
    #[must_use]
    pub fn new() -> Self {
        Self::around(Cargo::new())
    }

    /// The cargo.
    #[must_use]
    pub fn cargo(&self) -> &Cargo {
        &self.content
    }

    /// The cargo, for changes. It notices by itself whether it was changed.
    #[must_use]
    pub fn cargo_mut(&mut self) -> &mut Cargo {
        &mut self.content
    }

    /// The cargo alone.
    #[must_use]
    pub fn into_cargo(self) -> Cargo {
        self.content
    }
}

impl From<Cargo> for Token {
    /// A new token around this cargo.
    fn from(cargo: Cargo) -> Self {
        Self::around(cargo)
    }
}

impl<T> TypedToken<T> {
    /// A new token around a value of your own type.
    #[must_use]
    pub fn with_value(value: T) -> Self {
        Self::around(Typed(value))
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.content.0
    }

    /// The value, for changes. The token is dirty from now on.
    #[must_use]
    pub fn value_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.content.0
    }

    /// Sets the value. The token is dirty afterwards only if that changed it.
    pub fn set(&mut self, value: T)
    where
        T: PartialEq,
    {
        if self.content.0 != value {
            *self.value_mut() = value;
        }
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> T {
        self.content.0
    }
}

impl<C: Content> Token<C> {
    fn around(content: C) -> Self {
        let mut token = Self {
            uuid: Uuid::nil(),
            content,
            not_before: None,
            changed: false,
            sealed: None,
        };
        // Without random bytes the UUID stays nil; sealing tries again, and reports it.
        let _ = token.ensure_uuid(ClockSource::System.read().nanos);
        token
    }

    /// A token that was opened, or read by an importer.
    pub(crate) fn restored(uuid: Uuid, content: C, sealed: Sealed) -> Self {
        Self {
            uuid,
            content,
            not_before: sealed.times.not_before,
            changed: false,
            sealed: Some(sealed),
        }
    }

    /// The token's identity. Re-seals, renewals and resets keep it.
    ///
    /// It is random (version 4), drawn when the token is made. If the operating system then has no
    /// random bytes it is nil, and sealing fails or draws one.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The text that the token was last sealed into or, if its cargo is the map, opened from.
    /// Opening a [`TypedToken`] keeps no copy.
    ///
    /// # Security
    ///
    /// The text is the token itself: a bearer secret.
    #[must_use]
    pub fn sealed(&self) -> Option<&str> {
        self.sealed.as_ref()?.text.as_deref()
    }

    /// Whether the token was sealed or opened, and not reset since. In this sense, an expired one
    /// is still valid.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.sealed.is_some()
    }

    /// When it was sealed, or last renewed.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.moment(|times| Some(times.begun))
    }

    /// When it was first issued. Unlike [`issued_at`](Token::issued_at), a renewal does not change
    /// it.
    ///
    /// The absolute lifetime of [`Codec::renew_if_due`](crate::Codec::renew_if_due) counts from it.
    #[must_use]
    pub fn first_issued_at(&self) -> Option<UnixTime> {
        self.moment(|times| Some(times.first_begun()))
    }

    /// When it becomes valid, if that was set.
    #[must_use]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before.map(UnixTime::from_secs)
    }

    /// Sets when the token becomes valid; `open` refuses it before. Takes effect when it is sealed.
    ///
    /// A moment before 1970 becomes the first second of 1970, one after 9999 the last of 9999.
    pub fn set_not_before(&mut self, moment: Option<UnixTime>) {
        let second = moment.map(|moment| moment.as_secs().clamp(0, MAX_SECONDS));
        self.changed |= self.not_before != second;
        self.not_before = second;
    }

    /// The lifetime with which it was sealed.
    #[must_use]
    pub fn lifetime(&self) -> Option<Lifetime> {
        let sealed = self.sealed.as_ref()?;
        Some(Lifetime::from_the_wire(sealed.times.lifetime))
    }

    /// When it expires. `None` for a token that never does, and for one that was never sealed.
    ///
    /// With a long lifetime this can be after the year 9999.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.sealed.as_ref()?.times.expires_at()
    }

    /// Whether it has expired by the clock, and with the leeway, of the codec that sealed or opened
    /// it.
    ///
    /// A token that is not valid counts as expired.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.sealed
            .as_ref()
            .is_none_or(|sealed| sealed.expired().is_some())
    }

    /// Whether it has expired at `now`, without a clock and without leeway.
    ///
    /// A token that is not valid counts as expired.
    #[must_use]
    pub fn is_expired_at(&self, now: impl Into<UnixTime>) -> bool {
        self.sealed
            .as_ref()
            .is_none_or(|sealed| sealed.times.expired(now.into(), Duration::ZERO).is_some())
    }

    /// How long ago it was first issued, by the clock of the codec that sealed or opened it.
    /// Renewals do not change the first issue.
    ///
    /// `None` for a token that was never sealed. Zero if that clock shows an earlier moment.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let first = self.first_issued_at()?;
        Some(self.clock().now() - first)
    }

    /// How long it lasts from now, by the clock of the codec that sealed or opened it: zero once it
    /// has expired, without leeway, and `None` if it never does.
    ///
    /// A token that is not valid counts as expired.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = ManualClock::at(UnixTime::now());
    /// let codec = KeyRing::new(Key::generate()).codec("demo")?.with_clock(clock.clone());
    /// let mut token = Token::new();
    /// codec.seal(&mut token, Lifetime::minutes(30))?;
    /// clock.advance(60);
    /// assert_eq!(token.age(), Some(Duration::from_secs(60)));
    /// assert_eq!(token.remaining(), Some(Duration::from_secs(29 * 60)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let Some(sealed) = self.sealed_state() else {
            return Some(Duration::ZERO);
        };
        sealed.times.remaining(self.clock().now())
    }

    /// Whether a retired key sealed it, or an importer read it from another system.
    ///
    /// Tokens of a standby key need no re-seal: in a rolling deploy, half of the servers would undo
    /// what the others did.
    #[must_use]
    pub fn needs_reseal(&self) -> bool {
        self.sealed
            .as_ref()
            .is_some_and(|sealed| sealed.needs_reseal)
    }

    /// Whether the token differs from what was last sealed or opened.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        let Some(sealed) = &self.sealed else {
            return true;
        };
        let is_another = |cargo: &Cargo| cargo.differs_from(sealed.state);
        self.changed || self.content.map().is_some_and(is_another)
    }

    /// Makes the token invalid, dirty and empty. Its UUID stays.
    pub fn reset(&mut self)
    where
        C: Default,
    {
        self.content = C::default();
        self.not_before = None;
        self.changed = false;
        self.sealed = None;
    }

    fn moment(&self, of: impl FnOnce(&Times) -> Option<i64>) -> Option<UnixTime> {
        let second = of(&self.sealed.as_ref()?.times)?;
        Some(UnixTime::from_secs(second))
    }

    #[cfg(test)]
    pub(crate) fn set_uuid(&mut self, uuid: Uuid) {
        self.uuid = uuid;
    }

    pub(crate) fn content(&self) -> &C {
        &self.content
    }

    pub(crate) fn sealed_state(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }

    pub(crate) fn clock(&self) -> ClockSource {
        self.sealed
            .as_ref()
            .map_or(ClockSource::System, |sealed| sealed.clock.clone())
    }

    pub(crate) fn not_before_second(&self) -> Option<i64> {
        self.not_before
    }

    /// Draws the UUID if that was not possible before.
    pub(crate) fn ensure_uuid(&mut self, nanos: u64) -> Result<(), random::Failed> {
        // If the token came with a nil UUID, that is its identity.
        if self.uuid.is_nil() && self.sealed.is_none() {
            self.uuid = random_uuid(nanos)?;
        }
        Ok(())
    }

    /// Notes that the token was sealed as it is at `now`.
    #[inline]
    pub(crate) fn now_sealed(&mut self, now: UnixTime, sealed: Sealed) {
        if let Some(cargo) = self.content.map_mut() {
            cargo.now_sealed(now, &sealed.clock, sealed.state);
        }
        self.changed = false;
        self.sealed = Some(sealed);
    }
}

impl Sealed {
    /// When it expired, if it has.
    pub(crate) fn expired(&self) -> Option<UnixTime> {
        self.times.expired(self.clock.now(), self.leeway)
    }
}

/// A version 4 UUID from this thread's generator.
pub(crate) fn random_uuid(nanos: u64) -> Result<Uuid, random::Failed> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes, nanos)?;
    Ok(fresh_uuid(bytes, nanos))
}

/// A version 4 UUID. The clock is mixed in so that a copied generator does not repeat it.
pub(crate) fn fresh_uuid(random: [u8; 16], nanos: u64) -> Uuid {
    let mixed = u128::from_be_bytes(random) ^ u128::from(nanos);
    uuid::Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid()
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Content> fmt::Debug for Token<C> {
    /// The UUID and the states; neither cargo nor text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("uuid", &self.uuid)
            .field("valid", &self.is_valid())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As another implementation may have sealed it.
    #[test]
    fn a_nil_uuid_that_came_with_a_token_is_its_identity() {
        let sealed = Sealed {
            text: None,
            length: 0,
            times: Times {
                begun: 0,
                lifetime: None,
                not_before: None,
                origin: None,
            },
            state: StateId::default(),
            expiries: Vec::new(),
            needs_reseal: false,
            clock: ClockSource::System,
            leeway: Duration::ZERO,
        };
        let mut token = Token::restored(Uuid::nil(), Typed(7), sealed);
        assert_eq!(token.ensure_uuid(1), Ok(()));
        assert!(token.uuid().is_nil());
        token.reset();
        assert_eq!(token.ensure_uuid(1), Ok(()));
        assert!(!token.uuid().is_nil());
    }
}
