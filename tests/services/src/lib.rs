//! The examples of the documents, compiled and run.

/// Those beside the code.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/recipes.md")]
#[doc = include_str!("../../../docs/refusals.md")]
#[doc = include_str!("../../../docs/from-primordyx.md")]
#[doc = include_str!("../../../docs/from-access-tokens.md")]
#[doc = include_str!("../../../docs/from-vaultstore.md")]
#[doc = include_str!("../../../docs/pat.md")]
#[cfg_attr(feature = "sqlite", doc = include_str!("../../../docs/vault.md"))]
#[cfg_attr(feature = "dynamodb", doc = include_str!("../../../docs/dynamodb.md"))]
mod documents {}

/// Those of the crates that keep records.
#[cfg(doctest)]
#[cfg_attr(feature = "sqlite", doc = include_str!("../../../crates/sealtoken-sqlite/README.md"))]
#[cfg_attr(
    feature = "postgres",
    doc = include_str!("../../../crates/sealtoken-postgres/README.md")
)]
#[cfg_attr(
    feature = "dynamodb",
    doc = include_str!("../../../crates/sealtoken-dynamodb/README.md")
)]
mod engines {}
