//! Brings what other systems made to sealtoken, so that the change logs no one out and loses no secret.
//!
//! | reader | of |
//! |---|---|
//! | [`Primordyx`] | tokens of the Primordyx PHP framework |
//! | [`Vaultstore`] | values that the Go system vaultstore stored |
//! | [`access_tokens`] | what the Node system `@access-tokens/core` keeps of its tokens |
//!
//! They are those of `sealtoken`'s feature `import`; behind the feature `dynamodb` there is one for the table of the Node
//! system `@access-tokens/core`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))] // each item shows its feature

pub use sealtoken::import::*;

/// Personal access tokens of the Node system `@access-tokens/core`.
pub mod access_tokens {
    pub use sealtoken::import::access_tokens::*;

    #[cfg(feature = "dynamodb")]
    pub use crate::table::{Table, TableError, TablePage};
}

#[cfg(feature = "dynamodb")]
mod table;

/// The examples of the front page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
