//! `sealtoken vault`.

mod import;
mod life;
mod list;
mod many;
mod output;
mod store;
mod value;

use std::error::Error;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Stdio};

use crate::{Folder, Outcome};

pub(crate) use import::{line, vector};

/// Long before any test runs, and long after.
pub(crate) const PAST: &str = "1763755200";
pub(crate) const FUTURE: &str = "9999999999";

pub(crate) const PASSWORD: &str = "correct horse";

/// A vault in a folder of its own, where the program runs.
pub(crate) struct Vault(Folder);

impl Deref for Vault {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.0
    }
}

impl DerefMut for Vault {
    fn deref_mut(&mut self) -> &mut Folder {
        &mut self.0
    }
}

impl Vault {
    pub(crate) fn new(name: &str) -> Result<Self, Box<dyn Error>> {
        let folder = Folder::new("vault", name)?;
        folder.write("pw", format!("{PASSWORD}\n"))?;
        Ok(Self(folder))
    }

    /// Asserts that a token has this value.
    pub(crate) fn has(&self, line: &str, token: &str, value: impl AsRef<[u8]>) -> Outcome {
        let output = self.bytes(&format!("read {line}"), token)?;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, value.as_ref(), "{output:?}");
        Ok(())
    }

    fn start(&self, line: &str) -> std::io::Result<Child> {
        self.command(line).stdin(Stdio::piped()).spawn()
    }
}
