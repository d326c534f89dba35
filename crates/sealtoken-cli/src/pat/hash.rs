//! Hashes in files.

use std::path::Path;

use sealtoken::pat::SecretHash;

use crate::failure::Failure;
use crate::input::{self, AROUND, Given, Kind};
use crate::output::NewFile;

/// The maximum length of a hash's text, in bytes. The library refuses one more.
const MAX: usize = 200;

/// The hash in the file, or on stdin for `-`.
pub(super) fn read(file: &str) -> Result<SecretHash, Failure> {
    let kind = |from| Kind {
        name: "hash",
        from,
        max: MAX,
    };
    let given = if file == "-" {
        let (bytes, whole) = input::all("the hash", MAX.saturating_add(AROUND))?;
        Given::new(&bytes, whole, kind("stdin"))
    } else {
        let text = input::secrets(Path::new(file), "read the hash file")?;
        Given::new(text.as_bytes(), true, kind("the hash file"))
    };
    given.parse().map_err(|error| given.refused(error))
}

/// Writes a hash into a new file: an existing one may belong to another token.
pub(super) fn write(path: &Path, hash: &SecretHash) -> Result<(), Failure> {
    let file = NewFile {
        name: "hash file",
        is_private: false,
    };
    file.write(path, &hash.to_string())
}
