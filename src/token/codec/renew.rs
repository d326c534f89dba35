//! Sessions in use: renewed when due, and never beyond their absolute lifetime.

use std::time::Duration;

use serde::Serialize;

use crate::token::content::Content;
use crate::token::error::SealError;
use crate::token::state::Token;
use crate::token::times::{Lifetime, Times};

use super::Codec;

impl Codec {
    /// Renews a session that is in use, if that is due. Call it for every request.
    ///
    /// The session expires after `idle` without a request, and in any case `absolute` after its
    /// [first issue](Token::first_issued_at). A new text is returned if less than half of `idle` is
    /// left, whatever lifetime the token was sealed for; if the token is dirty or was sealed by a
    /// retired key; and if it would last longer than these two allow. `None` means that its text is
    /// still good. Use [`Token::remaining`] afterwards for a cookie's `Max-Age`.
    ///
    /// # Errors
    ///
    /// [`SealError::Expired`] for a token that has expired, or whose absolute lifetime is over:
    /// sign the user out. The others are as for [`renew`](Codec::renew).
    ///
    /// # Security
    ///
    /// Do not use [`seal`](Codec::seal) instead, which starts a new session: an expired one would
    /// be valid again, and the absolute expiry would move with every request.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, TypedToken, UnixTime};
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
    /// let mut session: TypedToken<u64> = sessions.open_value(&text)?;
    /// let renewed = sessions.renew_if_due(&mut session, IDLE, ABSOLUTE)?;
    /// assert!(renewed.is_some());
    /// assert!(sessions.renew_if_due(&mut session, IDLE, ABSOLUTE)?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn renew_if_due<C: Content>(
        &self,
        token: &mut Token<C>,
        idle: Lifetime,
        absolute: Lifetime,
    ) -> Result<Option<String>, SealError>
    where
        C::Value: Serialize,
    {
        idle.on_the_wire()?;
        let reading = self.clock.read();
        let now = reading.now;
        let (times, _) = self.still_valid(token, &reading)?;
        let session = Times {
            begun: times.first_begun(),
            lifetime: absolute.on_the_wire()?,
            ..times
        };
        let lasts = lasting(times.remaining(now));
        // Leeway applies only to a token that has itself expired, not to the end of the session.
        let leeway = if lasts == Lifetime::seconds(0) {
            self.settings.tolerance.leeway
        } else {
            Duration::ZERO
        };
        if let Some(at) = session.expired(now, leeway) {
            return Err(SealError::Expired { at });
        }

        let next = idle.min(lasting(session.remaining(now)));
        // Judged by the time left, not by the time passed: it may have been sealed for less than
        // `idle`.
        let half = idle.as_duration().map(|idle| idle.as_secs().div_ceil(2));
        let half_over = lasts < half.map_or(Lifetime::Forever, Lifetime::seconds);
        let changed = token.is_dirty() || token.needs_reseal();
        if next == Lifetime::seconds(0) {
            // The absolute lifetime is over, but within the leeway: nothing is left to renew it
            // for.
            return changed.then(|| self.reseal(token)).transpose();
        }
        let due = changed || lasts > next || (half_over && lasts < next);
        due.then(|| self.renew_at(token, next, &reading))
            .transpose()
    }
}

/// The remaining time as a lifetime.
fn lasting(remaining: Option<Duration>) -> Lifetime {
    remaining.map_or(Lifetime::Forever, Lifetime::For)
}
