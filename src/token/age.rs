//! How old a token is, and how long it lasts, by the clock that judges it.

use std::time::Duration;

use crate::crypto::clock::UnixTime;

use super::content::Content;
use super::state::Token;

impl<C: Content> Token<C> {
    /// How long ago it was first issued, by the clock of the codec that sealed or opened it.
    /// Renewals do not change the first issue.
    ///
    /// `None` for a token that was never sealed. Zero if that clock is behind the first issue.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let sealed = self.sealed_state()?;
        let first = UnixTime::from_secs(sealed.times.first_begun());
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
}
