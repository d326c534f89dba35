//! What must hold before anything is timed: a benchmark of something easier is a defect.

use std::thread::sleep;
use std::time::Duration;

use crate::lane::Lane;

/// The lifetime, in seconds, of the texts that must be refused a moment later.
const SHORT_LIFETIME: u64 = 1;

/// Verifies every lane, and sleeps once for all of them until their short-lived
/// texts have expired.
pub fn verify<'a>(lanes: impl Iterator<Item = &'a dyn Lane>) -> Result<(), String> {
    let mut short_lived = Vec::new();
    for lane in lanes {
        lane.verify()
            .map_err(|fault| format!("{}: {fault}", lane.name()))?;
        let text = lane.seal(SHORT_LIFETIME);
        // Accepted while it lives: so its age is the only reason to refuse it below.
        // A second attempt covers the second that ends between sealing and opening.
        if lane.refuses(&text) && lane.refuses(&lane.seal(SHORT_LIFETIME)) {
            return Err(format!("{}: a fresh text is refused", lane.name()));
        }
        short_lived.push((lane, text));
    }

    // Whole seconds: a text of the last moment is over two seconds later at most.
    sleep(Duration::from_secs(SHORT_LIFETIME) + Duration::from_millis(1_100));
    for (lane, text) in short_lived {
        if !lane.refuses(&text) {
            return Err(format!("{}: an expired text is accepted", lane.name()));
        }
    }
    Ok(())
}
