//! Hashes in files.

use std::fs::OpenOptions;
use std::io::{Write as _, stdin};
use std::path::Path;

use sealtoken::pat::SecretHash;
use zeroize::Zeroizing;

use crate::failure::{Failure, problem};
use crate::input::{bounded, hint, secrets, without_line_ending};

/// The maximum number of bytes read from stdin: more than a hash has.
const MAX_HASH: usize = 1024;

/// The hash in the file, or on stdin for `-`, without one line ending.
pub(super) fn read(file: &str) -> Result<SecretHash, Failure> {
    let text = if file == "-" {
        hint("the hash", "to its end (Ctrl-D)");
        let (bytes, _) = bounded(stdin().lock(), MAX_HASH).map_err(Failure::at("read stdin"))?;
        Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
    } else {
        secrets(Path::new(file), "read the hash file")?
    };
    Ok(without_line_ending(&text).parse()?)
}

/// Writes a hash into a new file: an existing one may belong to another token.
pub(super) fn write(file: &Path, hash: &SecretHash) -> Result<(), Failure> {
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    let mut made = made.map_err(Failure::at("create the hash file"))?;
    let written = writeln!(made, "{hash}").and_then(|()| made.sync_all());
    written.map_err(|error| {
        // Half a hash is useless.
        let _ = std::fs::remove_file(file);
        problem(format!("cannot write the hash file: {error}"))
    })
}
