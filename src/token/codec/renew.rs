//! Sessions in use: renewed when it is time, and never beyond their absolute end.

use std::time::Duration;

use serde::Serialize;

use crate::token::error::SealError;
use crate::token::lifetime::Lifetime;
use crate::token::state::Token;
use crate::token::times::Times;

use super::Codec;

impl Codec {
    /// Renews a session that is in use, if that is due: for every request.
    ///
    /// Without a request for `idle` the session ends, and it ends `absolute` after its
    /// [first issue](Token::first_issued_at), however much it is used. The new text is returned when less than half of `idle`
    /// is left, whatever lifetime the token was sealed for; when the token is dirty or was sealed by a retired key; and when it
    /// would last longer than these two allow. `None` says that its text is good as it is. [`Token::remaining`] is then
    /// what a cookie's `Max-Age` should be.
    ///
    /// # Errors
    ///
    /// [`SealError::Expired`] for a token that has expired, or whose absolute end has come: the user is signed out. The
    /// others are as for [`renew`](Codec::renew).
    ///
    /// # Security
    ///
    /// [`seal`](Codec::seal) in its place would begin a new session: one that has expired would live again, and its
    /// absolute end would move away with every request.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// const IDLE: Lifetime = Lifetime::minutes(20);
    /// const ABSOLUTE: Lifetime = Lifetime::hours(8);
    ///
    /// let clock = ManualClock::at(UnixTime::now());
    /// let sessions = KeyRing::new(Key::generate()).codec("session")?.with_clock(clock.clone());
    /// let text = sessions.seal_value(&42_u64, IDLE)?;
    ///
    /// clock.advance(11 * 60);
    /// let mut session: Token<u64> = sessions.open_value(&text)?;
    /// let renewed = sessions.renew_if_due(&mut session, IDLE, ABSOLUTE)?;
    /// assert!(renewed.is_some());
    /// assert!(sessions.renew_if_due(&mut session, IDLE, ABSOLUTE)?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn renew_if_due<T: Serialize + 'static>(
        &self,
        token: &mut Token<T>,
        idle: Lifetime,
        absolute: Lifetime,
    ) -> Result<Option<String>, SealError> {
        idle.check()?;
        let reading = self.clock.read();
        let now = reading.now;
        let (times, _) = self.still_valid(token, &reading)?;
        let session = Times {
            begun: times.first_begun(),
            lifetime: absolute.on_the_wire()?,
            ..times
        };
        let lasts = Lifetime::from_the_wire(times.remaining(now));
        // A token that would last beyond the session's end is given no leeway there.
        let leeway = if lasts == Lifetime::seconds(0) {
            self.settings.tolerance.leeway
        } else {
            Duration::ZERO
        };
        if let Some(at) = session.ended(now, leeway) {
            return Err(SealError::Expired { at });
        }

        let next = idle.min(Lifetime::from_the_wire(session.remaining(now)));
        // By what is left, not by what has passed: it may have been sealed for less than `idle` is now.
        let half = idle.as_secs().map(|idle| idle.div_ceil(2));
        let half_over = lasts < half.map_or(Lifetime::Forever, Lifetime::seconds);
        let changed = token.is_dirty() || token.needs_reseal();
        if next == Lifetime::seconds(0) {
            // Past the absolute end by no more than the leeway: there is nothing to renew it for.
            return changed.then(|| self.reseal(token)).transpose();
        }
        let due = changed || lasts > next || (half_over && lasts < next);
        due.then(|| self.renew_at(token, next, &reading))
            .transpose()
    }
}
