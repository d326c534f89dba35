//! `sealtoken pat`.

mod change;
mod import;
#[cfg(feature = "dynamodb")]
mod import_pages;
#[cfg(feature = "dynamodb")]
mod import_table;
mod issue;
mod list;
mod output;
mod sync;

use std::error::Error;

use crate::Folder;

pub(crate) use import::item;

/// A hash as `@access-tokens/core` makes one, of the bytes 0 to 31: from Python's hashlib.
pub(crate) const SCRYPT: &str =
    "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$8/ASnI3wyFRQ9rdjFAtVOEwhRvVJcfHLuEFs02OoWn8";
/// The token with that hash.
pub(crate) const ORIGINAL: &str =
    "pat_34NwRzvnBbgI3uedkrQ3Q.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const ID: &str = "34NwRzvnBbgI3uedkrQ3Q";

pub(crate) fn pats(name: &str) -> Result<Folder, Box<dyn Error>> {
    Folder::new("pat", name)
}

/// Issues a token, and returns its text and its id.
pub(crate) fn issued(pats: &Folder, options: &str) -> Result<(String, String), Box<dyn Error>> {
    let text = pats.line(&format!("issue {options}"), "")?;
    let id = id_of(&text)?.to_owned();
    Ok((text, id))
}

fn id_of(token: &str) -> Result<&str, &'static str> {
    let (_, rest) = token.split_once("pat_").ok_or("no prefix")?;
    rest.get(..21).ok_or("too short")
}
