//! A token and its states: dirty, valid, expired.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::crypto::clock::{ClockSource, MAX_SECONDS, UnixTime};
use crate::crypto::random;

use super::cargo::{Cargo, Mark, Text};
use super::lifetime::Lifetime;
use super::times::Times;

/// A UUID and a cargo, and whether they were sealed, changed since, or have expired.
///
/// | | dirty | valid | expired |
/// |---|---|---|---|
/// | new, or after [`reset`](Token::reset) or a failed load | yes | no | yes |
/// | sealed or opened | no | yes | by its time |
/// | its cargo changed since | yes | yes | by its time |
///
/// The cargo is a [`Cargo`], or a type of the caller's own. Dirtiness and validity follow from whether there is
/// a sealed state and whether the cargo differs from it; expiry follows from the sealed times. None of them is
/// kept a second time.
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
/// token.cargo_mut().insert("user_id", 123)?;   // the same again: nothing changed
/// assert!(!token.is_dirty());
/// token.cargo_mut().insert("seen", true)?;
/// assert!(token.is_dirty() && token.is_valid());
/// let text = codec.reseal(&mut token)?;        // the same UUID, the same end
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Token<T = Cargo> {
    /// Nil until the system gave random bytes; a nil UUID is never sealed.
    uuid: Uuid,
    value: T,
    not_before: Option<i64>,
    /// Whether something beside a `Cargo` was changed; a `Cargo` knows it of itself.
    changed: bool,
    sealed: Option<Sealed>,
}

/// What a token has once it was sealed or opened.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// The text that it was last sealed into, or opened from where that was kept.
    pub(crate) text: Option<String>,
    /// The characters of that text.
    pub(crate) length: usize,
    pub(crate) times: Times,
    /// The mark of the cargo that was sealed, where it is the map.
    pub(crate) mark: Mark,
    /// The ends of entries that a caller's own type does not hold.
    pub(crate) ends: Vec<(Text, i64)>,
    pub(crate) needs_reseal: bool,
    /// The clock and the leeway of the codec that sealed or opened it.
    pub(crate) clock: ClockSource,
    pub(crate) leeway: Duration,
}

impl Token {
    /// A new token with a fresh UUID and an empty cargo: dirty, not valid, expired.
    #[must_use]
    pub fn new() -> Self {
        Self::with_value(Cargo::new())
    }

    /// The cargo.
    #[must_use]
    pub fn cargo(&self) -> &Cargo {
        &self.value
    }

    /// The cargo, to be changed. Whether it was changed it notices itself.
    #[must_use]
    pub fn cargo_mut(&mut self) -> &mut Cargo {
        &mut self.value
    }
}

impl<T> Token<T> {
    /// A new token around a cargo of the caller's own type.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let codec = KeyRing::new(Key::generate()).codec("counter")?;
    /// let mut token = Token::with_value(41_u32);
    /// codec.seal(&mut token, Lifetime::hours(1))?;
    /// token.set(41);
    /// assert!(!token.is_dirty());
    /// *token.value_mut() += 1;
    /// assert!(token.is_dirty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_value(value: T) -> Self {
        let mut token = Self {
            uuid: Uuid::nil(),
            value,
            not_before: None,
            changed: false,
            sealed: None,
        };
        // A system without random bytes is met again, and reported, when the token is sealed.
        let _ = token.ensure_uuid(ClockSource::System.read().nanos);
        token
    }

    /// A token that was opened, or read by an importer.
    pub(crate) fn restored(uuid: Uuid, value: T, sealed: Sealed) -> Self {
        Self {
            uuid,
            value,
            not_before: sealed.times.not_before,
            changed: false,
            sealed: Some(sealed),
        }
    }

    /// The token's identity. It stays for the token's life, through re-seals, renewals and resets.
    ///
    /// It is random (version 4), drawn when the token is made. Where the operating system has no random bytes it is
    /// nil until the token is sealed, which then fails or draws one.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The cargo, if it is of the caller's own type; see [`Token::cargo`] for the map.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The cargo, to be changed. The token is dirty from here on.
    #[must_use]
    pub fn value_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }

    /// Sets the cargo. The token is dirty afterwards only if that changed it.
    pub fn set(&mut self, value: T)
    where
        T: PartialEq,
    {
        if self.value != value {
            self.changed = true;
            self.value = value;
        }
    }

    /// The cargo alone.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }

    /// The text that the token was last sealed into or, for a [`Cargo`] token, opened from.
    ///
    /// It is the token itself: a bearer secret. Opening a typed token keeps no copy.
    #[must_use]
    pub fn sealed(&self) -> Option<&str> {
        self.sealed.as_ref()?.text.as_deref()
    }

    /// Whether the token was sealed or opened, and not reset since. An expired one is still valid in this sense.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.sealed.is_some()
    }

    /// When its time began: sealed, or last renewed.
    #[must_use]
    pub fn issued_at(&self) -> Option<OffsetDateTime> {
        self.moment(|times| Some(times.begun))
    }

    /// When it was first issued: as [`issued_at`](Token::issued_at), but that a renewal does not change it.
    ///
    /// It is what the absolute end of [`Codec::renew_if_due`](crate::Codec::renew_if_due) counts from.
    #[must_use]
    pub fn first_issued_at(&self) -> Option<OffsetDateTime> {
        self.moment(|times| Some(times.first_begun()))
    }

    /// When it becomes valid, if that was set.
    #[must_use]
    pub fn not_before(&self) -> Option<OffsetDateTime> {
        self.not_before
            .map(|second| UnixTime::from_secs(second).to_date_time())
    }

    /// Sets when the token becomes valid: `open` refuses it before. Takes effect when it is sealed.
    ///
    /// A moment before 1970 becomes its first second, one after 9999 the last of 9999.
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

    /// When it expires, in UTC. `None` for a token that never does, and for one that was never sealed.
    ///
    /// A moment after 9999-12-31T23:59:59Z is shown as that.
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.moment(|times| times.end().map(UnixTime::as_secs))
    }

    /// Whether it has expired by the clock, and with the leeway, of the codec that sealed or opened it.
    ///
    /// A token that is not valid counts as expired.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.sealed
            .as_ref()
            .is_none_or(|sealed| sealed.ended().is_some())
    }

    /// Whether it has expired at `now`, to the second: no clock is asked, and no leeway given.
    ///
    /// A token that is not valid counts as expired.
    #[must_use]
    pub fn is_expired_at(&self, now: impl Into<UnixTime>) -> bool {
        self.sealed
            .as_ref()
            .is_none_or(|sealed| sealed.times.ended(now.into(), Duration::ZERO).is_some())
    }

    /// Whether a retired key sealed it, or another system's importer read it.
    ///
    /// A standby key's tokens need none: in a rolling deploy, half of the servers would undo what the others did.
    #[must_use]
    pub fn needs_reseal(&self) -> bool {
        self.sealed
            .as_ref()
            .is_some_and(|sealed| sealed.needs_reseal)
    }

    /// Makes the token invalid, dirty and empty. Its UUID stays.
    pub fn reset(&mut self)
    where
        T: Default,
    {
        self.value = T::default();
        self.not_before = None;
        self.changed = false;
        self.sealed = None;
    }

    fn moment(&self, of: impl FnOnce(&Times) -> Option<i64>) -> Option<OffsetDateTime> {
        let second = of(&self.sealed.as_ref()?.times)?;
        Some(UnixTime::from_secs(second).to_date_time())
    }

    #[cfg(test)]
    pub(crate) fn set_uuid(&mut self, uuid: Uuid) {
        self.uuid = uuid;
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

    /// Draws the UUID where that was not possible before.
    pub(crate) fn ensure_uuid(&mut self, nanos: u64) -> Result<(), random::Failed> {
        // A nil UUID that came with a token is its identity.
        if self.uuid.is_nil() && self.sealed.is_none() {
            self.uuid = random_uuid(nanos)?;
        }
        Ok(())
    }

    /// Takes note that the token was sealed as it is.
    pub(crate) fn now_sealed(&mut self, sealed: Sealed) {
        self.changed = false;
        self.sealed = Some(sealed);
    }
}

impl<T: 'static> Token<T> {
    /// Whether the token differs from what was last sealed or opened.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        let Some(sealed) = &self.sealed else {
            return true;
        };
        let is_another = |cargo: &Cargo| cargo.is_dirty() || cargo.mark() != sealed.mark;
        self.changed || self.as_map().is_some_and(is_another)
    }

    /// The cargo, if it is the map. Decided when the program is compiled.
    pub(crate) fn as_map(&self) -> Option<&Cargo> {
        (&self.value as &dyn Any).downcast_ref()
    }

    pub(crate) fn as_map_mut(&mut self) -> Option<&mut Cargo> {
        (&mut self.value as &mut dyn Any).downcast_mut()
    }
}

impl Sealed {
    /// The end, where it has come.
    pub(crate) fn ended(&self) -> Option<UnixTime> {
        self.times.ended(self.clock.now(), self.leeway)
    }
}

/// A version 4 UUID from this thread's generator.
pub(crate) fn random_uuid(nanos: u64) -> Result<Uuid, random::Failed> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes, nanos)?;
    Ok(fresh_uuid(bytes, nanos))
}

/// A version 4 UUID. The clock goes in so that a copied generator does not repeat it.
pub(crate) fn fresh_uuid(random: [u8; 16], nanos: u64) -> Uuid {
    let mixed = u128::from_be_bytes(random) ^ u128::from(nanos);
    uuid::Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid()
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Token<T> {
    /// The UUID and the states; neither cargo nor text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("uuid", &self.uuid)
            .field("valid", &self.is_valid())
            .field("expires_at", &self.expires_at().map(UnixTime::from))
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
            mark: Mark::default(),
            ends: Vec::new(),
            needs_reseal: false,
            clock: ClockSource::System,
            leeway: Duration::ZERO,
        };
        let mut token = Token::restored(Uuid::nil(), 7, sealed);
        assert_eq!(token.ensure_uuid(1), Ok(()));
        assert!(token.uuid().is_nil());
        token.reset();
        assert_eq!(token.ensure_uuid(1), Ok(()));
        assert!(!token.uuid().is_nil());
    }
}
