//! What the fuzz targets share: a judge that shares no code with the crate that it judges.
//!
//! [`json`] is a strict parser, written from RFC 8259. [`payload`] is `docs/format.md` once more, on top of that
//! parser. [`armour`] is the outside of a token, and [`script`] turns a fuzzer's bytes into cargo.

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
