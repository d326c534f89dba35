//! Layer 2: readers for what other systems made, so that a change to this crate logs no one out and loses no secret.
//!
//! [`Primordyx`] reads tokens, [`Vaultstore`] reads stored values, and [`access_tokens`] reads what is kept of personal
//! access tokens. What becomes of a token of Primordyx is an ordinary [`Token`](crate::Token) that
//! [needs a re-seal](crate::Token::needs_reseal):
//!
//! ```
//! use sealtoken::import::Primordyx;
//! use sealtoken::{Codec, Token};
//!
//! /// A session from before the change, or from after it; and the text to answer with, where that is new.
//! fn session(codec: &Codec, old: &Primordyx, text: &str) -> Option<(Token, Option<String>)> {
//!     let mut token = codec.open(text).or_else(|_| old.read(text)).ok()?;
//!     let fresh = token.needs_reseal().then(|| codec.reseal(&mut token).ok());
//!     Some((token, fresh.flatten()))
//! }
//! ```

pub mod access_tokens;
mod error;
mod primordyx;
pub(crate) mod vaultstore;

pub use error::ImportError;
pub use primordyx::Primordyx;
pub use vaultstore::Vaultstore;
