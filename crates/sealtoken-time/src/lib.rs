//! Moments in whole Unix seconds, expiries, and clocks that tests can set.
//!
//! `sealtoken` and the engines of its stores share this crate. `sealtoken` re-exports its types, so
//! you rarely need to name it.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))] // each item shows its feature

mod clock;
mod expiry;
#[cfg(feature = "serde")]
mod serde;
mod text;
mod unix_time;

pub use clock::{Clock, ManualClock};
pub use expiry::{Expiry, ExpiryError};
pub use text::ParseTimeError;
pub use unix_time::UnixTime;

/// The examples of the front page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
