//! Trying again, a bounded number of times.

use std::time::Duration;

use crate::crypto::random;
use crate::store::error::StoreError;

use super::fault::Fault;

/// How often one call was tried.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    made: u32,
}

impl Attempts {
    const MOST: u32 = 14;
    const LONGEST: u32 = 64;

    /// Waits a while that is longer each time and never the same for two, then lets the caller try again.
    ///
    /// # Errors
    ///
    /// The fault, which changed nothing, when it was tried often enough.
    pub(super) async fn again(&mut self, fault: Fault) -> Result<(), StoreError> {
        self.made = self.made.saturating_add(1);
        if self.made >= Self::MOST {
            return Err(fault.of_write());
        }
        let longest = 1_u32
            .checked_shl(self.made)
            .map_or(Self::LONGEST, |pause| pause.min(Self::LONGEST));
        let mut drawn = [0; 2];
        random::system(&mut drawn).map_err(|_| StoreError::Randomness)?;
        let part = Duration::from_millis(1)
            .saturating_mul(longest)
            .mul_f64(f64::from(u16::from_be_bytes(drawn)) / f64::from(u16::MAX));
        tokio::time::sleep(part).await;
        Ok(())
    }
}
