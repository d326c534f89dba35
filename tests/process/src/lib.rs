//! Allocators that watch what the crate does with memory; each test binary installs one of them. And what an AES key
//! becomes in memory.

pub mod count;
pub mod freed;
#[cfg(feature = "sqlite")]
pub mod kill;
pub mod live;
pub mod schedule;
