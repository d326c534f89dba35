//! Brings the tokens and stored values of other systems into `sealtoken`, so that nobody is logged
//! out and no secret is lost.
//!
//! | feature | reader | of |
//! |---|---|---|
//! | `primordyx` | `Primordyx` | tokens of the PHP framework Primordyx |
//! | `vaultstore` | `Vaultstore` | stored values of the Go system vaultstore |
//! | `access-tokens` | `access_tokens::from_dynamodb_json` | tokens of a Node system, one by one |
//! | `dynamodb` | `access_tokens::Table` | the same system's whole table in DynamoDB |
//!
//! No feature is on by default: enable that of the system you are migrating from.
//!
//! For any other system, use the types that these readers are built on:
//! [`ForeignToken`](sealtoken::ForeignToken) for tokens, `sealtoken::vault::ForeignValue` for
//! stored values and `sealtoken::pat::ForeignPat` for personal access tokens.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))] // each item shows its feature
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

#[cfg(feature = "access-tokens")]
pub mod access_tokens;
#[cfg(any(feature = "access-tokens", feature = "primordyx"))]
mod entries;
#[cfg(all(fuzzing, feature = "vaultstore"))]
pub mod fuzzing;
#[cfg(feature = "primordyx")]
mod primordyx;
#[cfg(feature = "vaultstore")]
mod vaultstore;

#[cfg(feature = "primordyx")]
pub use primordyx::{Primordyx, PrimordyxError, PrimordyxView};
#[cfg(feature = "vaultstore")]
pub use vaultstore::{Vaultstore, VaultstoreError};

/// The examples of the front page, compiled and run.
#[cfg(all(doctest, feature = "primordyx"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(test)]
mod tests {
    #[test]
    fn every_type_can_be_shared_between_threads() {
        #[allow(dead_code, reason = "no feature is on by default")]
        fn shared<T: Send + Sync + Unpin>() {}
        #[cfg(feature = "primordyx")]
        {
            shared::<super::Primordyx>();
            shared::<super::PrimordyxError>();
            shared::<super::PrimordyxView<'_>>();
        }
        #[cfg(feature = "vaultstore")]
        {
            shared::<super::Vaultstore>();
            shared::<super::VaultstoreError>();
        }
        #[cfg(feature = "access-tokens")]
        shared::<super::access_tokens::AccessTokenError>();
        #[cfg(feature = "dynamodb")]
        shared::<super::access_tokens::Table>();
    }
}
