//! Checks before the measurement that every contestant does the whole work.

use std::thread::sleep;
use std::time::Duration;

use crate::lane::Lane;

/// The lifetime, in seconds, of the texts that are to expire.
const SHORT_LIFETIME: u64 = 1;

/// Verifies every lane. Sleeps once, until the short-lived texts of all lanes have expired.
pub fn verify<'a>(lanes: impl Iterator<Item = &'a dyn Lane>) -> Result<(), String> {
    let mut short_lived = Vec::new();
    for lane in lanes {
        lane.verify()
            .map_err(|fault| format!("{}: {fault}", lane.name()))?;
        let text = lane.seal(SHORT_LIFETIME);
        // Once the fresh text is accepted, only its age can be the reason to refuse it below.
        // The second attempt covers a second that ends between sealing and opening.
        if lane.refuses(&text) && lane.refuses(&lane.seal(SHORT_LIFETIME)) {
            return Err(format!("{}: refuses a fresh text", lane.name()));
        }
        short_lived.push((lane, text));
    }

    // Times have whole seconds, so an expiry can take effect up to a second late.
    sleep(Duration::from_secs(SHORT_LIFETIME) + Duration::from_millis(1_100));
    for (lane, text) in short_lived {
        if !lane.refuses(&text) {
            return Err(format!("{}: accepts an expired text", lane.name()));
        }
    }
    Ok(())
}
