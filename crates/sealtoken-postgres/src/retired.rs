//! Which connections of the pool are not used any more.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections up to an age that proved worthless, as all of them do when the server behind them is stopped or becomes a standby.
#[derive(Debug, Default)]
pub(super) struct Retired {
    until: Mutex<Option<Instant>>,
}

impl Retired {
    /// A server to which every fresh connection is worthless is not stormed by new ones: so long, they count as what they are.
    const PAUSE: Duration = Duration::from_secs(1);

    /// A connection that was made at this moment is worthless. Then all that are in the pool may be.
    pub(super) fn add(&self, made: Instant) {
        let now = Instant::now();
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = until.is_some_and(|until| {
            made > until && now.saturating_duration_since(until) < Self::PAUSE
        });
        if !fresh && until.is_none_or(|until| made > until) {
            *until = Some(now);
        }
    }

    /// Whether a connection that was made at this moment is to be thrown away.
    pub(super) fn has(&self, made: Instant) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| made <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_old_as_a_worthless_connection_goes_and_what_is_fresh_stays() {
        let retired = Retired::default();
        let old = Instant::now();
        assert!(!retired.has(old));
        retired.add(old);
        let fresh = Instant::now() + Duration::from_millis(1);
        assert!(retired.has(old) && !retired.has(fresh));
        // The next one says the same: it is not the connection.
        retired.add(fresh);
        assert!(!retired.has(fresh));
        // Long after, it is one again.
        *retired.until.lock().unwrap() = Instant::now().checked_sub(Retired::PAUSE);
        retired.add(Instant::now());
        assert!(retired.has(old));
    }
}
