//! Tools of the process tests: allocators that watch how the crate uses memory (each test binary
//! installs one), the key schedule of AES, and processes to kill.

pub mod count;
pub mod freed;
#[cfg(feature = "sqlite")]
pub mod kill;
pub mod live;
pub mod schedule;
