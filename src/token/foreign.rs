//! Tokens that another system issued.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::crypto::clock::{Clock, ClockSource, MAX_SECONDS, UnixTime};
use crate::crypto::st1::StateId;

use super::cargo::Cargo;
use super::error::SealError;
use super::state::{Sealed, Token, random_uuid};
use super::times::{Lifetime, Times, on_the_wire};

/// A token that another system issued, to be continued as a [`Token`] of this crate.
///
/// Read the other system's text with its own code, then describe the token here. The [`Token`] that
/// comes out is clean and valid, has no sealed text, and [needs a re-seal](Token::needs_reseal):
/// [`Codec::reseal`](crate::Codec::reseal) seals it with the same UUID and the same expiry.
///
/// ```
/// use sealtoken::{Cargo, ForeignToken, Key, KeyRing, Lifetime, UnixTime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // What the other system's token says, once you have verified it.
/// let mut cargo = Cargo::new();
/// cargo.insert("user_id", 123)?;
/// let issued_at = UnixTime::now();
///
/// let foreign = ForeignToken::new(cargo, issued_at, Lifetime::hours(8));
/// let mut token = foreign.into_token()?;
/// assert!(token.needs_reseal() && token.sealed().is_none());
///
/// let codec = KeyRing::new(Key::generate()).codec("session")?;
/// let text = codec.reseal(&mut token)?; // st1_…
/// assert_eq!(codec.open(&text)?.uuid(), token.uuid());
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Nothing is verified here: check first that the other system's token is authentic. Check its
/// expiry, too, with [`Token::is_expired`], before you let anyone in.
/// [`Codec::open`](crate::Codec::open) never accepts the other system's text.
#[derive(Debug, Clone)]
#[must_use = "this describes a token; `into_token` makes it"]
pub struct ForeignToken {
    cargo: Cargo,
    uuid: Option<Uuid>,
    issued_at: UnixTime,
    lifetime: Lifetime,
    not_before: Option<UnixTime>,
    clock: ClockSource,
}

impl ForeignToken {
    /// A token with this cargo, issued at that moment, and valid for so long from then on.
    pub fn new(cargo: Cargo, issued_at: impl Into<UnixTime>, lifetime: Lifetime) -> Self {
        Self {
            cargo,
            uuid: None,
            issued_at: issued_at.into(),
            lifetime,
            not_before: None,
            clock: ClockSource::System,
        }
    }

    /// Its UUID. Without one, or with the nil UUID, [`into_token`](ForeignToken::into_token) draws
    /// a fresh one.
    pub fn uuid(mut self, uuid: Uuid) -> Self {
        self.uuid = Some(uuid).filter(|uuid| !uuid.is_nil());
        self
    }

    /// When it becomes valid, as by [`Token::set_not_before`].
    pub fn not_before(mut self, moment: impl Into<UnixTime>) -> Self {
        self.not_before = Some(moment.into());
        self
    }

    /// The clock that judges its expiry. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = ClockSource::Injected(Arc::new(clock));
        self
    }

    /// The token, whether or not it has expired.
    ///
    /// # Errors
    ///
    /// [`SealError::IssuedAt`], [`SealError::Lifetime`] for a lifetime of less than a second or one
    /// that is too long, and [`SealError::Randomness`] if the token needs a UUID.
    pub fn into_token(self) -> Result<Token, SealError> {
        let times = Times {
            begun: on_the_wire(self.issued_at).ok_or(SealError::IssuedAt)?,
            lifetime: self.lifetime.on_the_wire()?,
            not_before: self
                .not_before
                .map(|moment| moment.as_secs().clamp(0, MAX_SECONDS)),
            origin: None,
        };
        let now = self.clock.read();
        let uuid = match self.uuid {
            Some(uuid) => uuid,
            None => random_uuid(now.nanos)?,
        };
        let mut cargo = self.cargo;
        let state = StateId::foreign();
        cargo.now_sealed(now.now, &self.clock, state);
        let sealed = Sealed {
            text: None,
            length: 0,
            times,
            state,
            expiries: Vec::new(),
            needs_reseal: true,
            clock: self.clock,
            leeway: Duration::ZERO,
        };
        Ok(Token::restored(uuid, cargo, sealed))
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::random::{Failed, with_source};

    use super::*;

    #[test]
    fn a_system_without_random_bytes_is_an_error_unless_the_token_has_a_uuid() {
        let foreign = ForeignToken::new(Cargo::new(), UnixTime::from_secs(0), Lifetime::Forever);
        let made = |foreign: ForeignToken| {
            with_source(|_| Err(Failed), || foreign.into_token().map(|_| ()))
        };
        assert_eq!(made(foreign.clone()), Err(SealError::Randomness));
        assert_eq!(made(foreign.uuid(Uuid::max())), Ok(()));
    }

    #[test]
    fn a_clean_cargo_of_another_foreign_token_makes_a_token_dirty() {
        let make = |n| {
            let mut cargo = Cargo::new();
            cargo.insert("n", n).unwrap();
            let foreign = ForeignToken::new(cargo, UnixTime::from_secs(0), Lifetime::Forever);
            foreign.into_token().unwrap()
        };
        let (mut one, mut other) = (make(1), make(2));
        assert!(!one.is_dirty() && !other.is_dirty());
        std::mem::swap(one.cargo_mut(), other.cargo_mut());
        assert!(one.is_dirty() && other.is_dirty());
    }

    /// The halves of the UUID are equal, too.
    #[test]
    fn another_cargo_is_noticed_also_in_a_token_with_the_same_uuid() {
        let make = || {
            let foreign =
                ForeignToken::new(Cargo::new(), UnixTime::from_secs(0), Lifetime::Forever);
            foreign
                .uuid(Uuid::from_u64_pair(7, 7))
                .into_token()
                .unwrap()
        };
        let (mut one, mut other) = (make(), make());
        std::mem::swap(one.cargo_mut(), other.cargo_mut());
        assert!(one.is_dirty() && other.is_dirty());
        let mut third = make();
        *third.cargo_mut() = Cargo::new();
        assert!(third.is_dirty());
    }
}
