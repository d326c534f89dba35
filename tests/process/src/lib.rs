//! Allocators that watch what the crate does with memory. Each test binary installs one of them.

pub mod count;
pub mod freed;
