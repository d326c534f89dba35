//! The JSON inside a token: the envelope's own members, and the cargo between them.

mod checked;
mod entries;
mod fields;
mod lint;
mod numbers;
mod read;
mod rules;
mod values;
mod write;

pub(crate) use lint::{LEVELS, depth, keeps_the_rules, openable};
pub(crate) use numbers::{any_wide_integer_is_of, is_huge, wide_integers};
pub(crate) use read::{
    Head, Named, Payload, entries, read_ordinary, read_value, read_whole, without,
};
pub(crate) use rules::{EXPIRES, OwnExpiries, Unwritable};
pub(crate) use values::{write_entry, write_own, write_value};
pub(crate) use write::{write_expiries, write_head};
