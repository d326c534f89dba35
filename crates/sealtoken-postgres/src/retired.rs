//! Which connections of the pool are not used any more.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Retires all connections opened before a moment. When the server stops or becomes a standby, all
/// existing connections are useless at once.
#[derive(Debug, Default)]
pub(super) struct Retired {
    until: Mutex<Option<Instant>>,
}

impl Retired {
    /// For this long after a retirement, fresh connections are not retired: if the server rejects
    /// each of them, it is not flooded with new ones.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Retires a useless connection that was opened at this moment, and all others of the pool.
    pub(super) fn add(&self, opened: Instant) {
        let now = Instant::now();
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = until.is_some_and(|until| {
            opened > until && now.saturating_duration_since(until) < Self::PAUSE
        });
        if !fresh && until.is_none_or(|until| opened > until) {
            *until = Some(now);
        }
    }

    /// Whether a connection that was opened at this moment is retired.
    pub(super) fn has(&self, opened: Instant) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| opened <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_as_old_as_a_useless_one_are_retired_and_fresh_ones_stay() {
        let retired = Retired::default();
        let old = Instant::now();
        assert!(!retired.has(old));
        retired.add(old);
        let fresh = Instant::now() + Duration::from_millis(1);
        assert!(retired.has(old) && !retired.has(fresh));
        // If the next one fails too, the connection is not to blame.
        retired.add(fresh);
        assert!(!retired.has(fresh));
        // After the pause, it is.
        *retired.until.lock().unwrap() = Instant::now().checked_sub(Retired::PAUSE);
        retired.add(Instant::now());
        assert!(retired.has(old));
    }
}
