//! What engines share: how a scan goes on, and how labels stand in a row.
//!
//! It is for those who write an engine, and may change in any release.

pub mod labels;
mod paging;

pub use paging::{Paging, Position};
