//! Trying again, a bounded number of times, and for as long as one call may take.

use std::time::Duration;

use tokio::time::Instant;

use super::fault::Fault;

/// What one call has tried, and until when it may.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) deadline: Instant,
    contended: u32,
    renewed: bool,
}

impl Attempts {
    const MOST: u32 = 14;
    const LONGEST: u32 = 64;

    /// The attempts of a call that may take so long.
    pub(super) fn within(longest: Duration) -> Self {
        let now = Instant::now();
        // A time that no clock reaches is a century.
        let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Self {
            deadline: now.checked_add(longest.min(century)).unwrap_or(now),
            contended: 0,
            renewed: false,
        }
    }

    /// Lets the caller try again: once on another connection; after contention when it has waited, longer each time and never as
    /// long as another does.
    ///
    /// # Errors
    ///
    /// The fault, where that cannot help, may do harm, or was done often enough.
    pub(super) async fn again(&mut self, fault: Fault) -> Result<(), Fault> {
        match fault {
            Fault::Stale(_) if !self.renewed => {
                self.renewed = true;
                return Ok(());
            }
            Fault::Contended(_) => {}
            other => return Err(other),
        }
        self.contended = self.contended.saturating_add(1);
        let longest = 1_u32
            .checked_shl(self.contended)
            .map_or(Self::LONGEST, |pause| pause.min(Self::LONGEST));
        let mut drawn = [0; 2];
        if self.contended >= Self::MOST || getrandom::fill(&mut drawn).is_err() {
            return Err(fault);
        }
        let part = Duration::from_millis(1)
            .saturating_mul(longest)
            .mul_f64(f64::from(u16::from_be_bytes(drawn)) / f64::from(u16::MAX));
        let waited = tokio::time::timeout_at(self.deadline, tokio::time::sleep(part)).await;
        waited.map_err(|_| fault)
    }
}
