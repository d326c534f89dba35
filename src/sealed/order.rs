//! Encodes times as label values that keep their order but hide the times.
//!
//! A label by which records are scanned in order cannot hide that order. A keyed, order-preserving
//! function hides as much as possible of the rest. The range of 128 bits is split once per bit of
//! the time. A keyed hash of the preceding bits places each split between the first and the last
//! quarter of the range. An attacker who knows some times and their values can still tell which of
//! them another value lies between: see `SECURITY.md`.

use siphasher::sip::SipHasher24;
use std::hash::Hasher as _;

use crate::crypto::clock::{MAX_SECONDS, UnixTime};
use crate::crypto::secret::Secret;

/// 2^38 seconds reach past the year 9999.
const BITS: u32 = 38;

/// The label value of a time. Times outside 1970 to 9999 are clamped to that range.
pub(super) fn encode(key: &Secret<32>, at: UnixTime) -> [u8; 16] {
    let seconds = at.as_secs().clamp(0, MAX_SECONDS).unsigned_abs();
    let (half, _) = key.expose().split_at(16);
    let hasher =
        <&[u8; 16]>::try_from(half).map_or_else(|_| SipHasher24::new(), SipHasher24::new_with_key);
    let mut low = 0_u128;
    let mut size = u128::MAX;
    for bit in (0..BITS).rev() {
        // One hash per node of the tree, over its depth and the bits that lead to it.
        let mut hasher = hasher;
        let before = seconds.checked_shr(bit.saturating_add(1)).unwrap_or(0);
        hasher.write(&bit.to_le_bytes());
        hasher.write(&before.to_le_bytes());
        let split = (size >> 2).saturating_add(scale(size >> 1, hasher.finish()));
        if seconds >> bit & 1 == 1 {
            low = low.saturating_add(split);
            size = size.saturating_sub(split);
        } else {
            size = split;
        }
    }
    low.to_be_bytes()
}

/// `range · fraction / 2^64`, computed without overflow.
fn scale(range: u128, fraction: u64) -> u128 {
    let fraction = u128::from(fraction);
    let high = (range >> 64).saturating_mul(fraction);
    let low = (range & u128::from(u64::MAX)).saturating_mul(fraction) >> 64;
    high.saturating_add(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(key: u8, seconds: i64) -> [u8; 16] {
        encode(&Secret::from([key; 32]), UnixTime::from_secs(seconds))
    }

    proptest! {
        #[test]
        fn values_keep_the_order_of_times(
            a in 0..=MAX_SECONDS,
            b in 0..=MAX_SECONDS,
            key: u8,
        ) {
            prop_assert_eq!(a.cmp(&b), value(key, a).cmp(&value(key, b)));
        }
    }

    #[test]
    fn neighbours_differ_and_times_out_of_range_saturate() {
        for start in [0, 1_700_000_000, MAX_SECONDS - 2000] {
            for second in start..start + 2000 {
                assert!(value(9, second) < value(9, second + 1), "{second}");
            }
        }
        for before in [i64::MIN, -MAX_SECONDS, -1] {
            assert_eq!(value(1, before), value(1, 0), "{before}");
        }
        assert_eq!(value(1, i64::MAX), value(1, MAX_SECONDS));
    }

    #[test]
    fn another_key_changes_values_from_the_first_bits_on() {
        let now = 1_763_755_200;
        let distinct: std::collections::HashSet<u8> =
            (0..64).map(|key| value(key, now)[0]).collect();
        assert!(distinct.len() > 4, "{distinct:?}");
    }
}
