//! The judge: a second implementation that shares no code with the crate, for all fuzz targets.
//!
//! [`json`] is a strict parser, written from RFC 8259. [`payload`] implements `docs/format.md` on
//! that parser. [`armour`] handles the public part of a token. [`script`] turns a fuzzer's bytes
//! into cargo.

pub mod access_token;
pub mod armour;
pub mod json;
pub mod model;
pub mod pat;
pub mod payload;
pub mod plain;
pub mod primordyx;
pub mod script;
pub mod vaultstore;
