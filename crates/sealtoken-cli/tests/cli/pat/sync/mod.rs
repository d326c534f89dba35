//! `sealtoken pat sync`.

mod file;
mod own;
mod report;
mod store;
mod taken;

use std::error::Error;

use serde_json::Value;

use crate::pat::pats;
use crate::{Done, Folder};

/// How the report of a second run begins.
const NOTHING: &str = "nothing to change: ";

/// A store, and a file that declares its tokens.
struct Sync {
    pats: Folder,
}

impl Sync {
    fn new(name: &str) -> Result<Self, Box<dyn Error>> {
        let pats = pats(&format!("sync-{name}"))?;
        Ok(Self { pats })
    }

    fn write(&self, tokens: &str) -> std::io::Result<()> {
        self.pats.write("tokens.yaml", format!("tokens:\n{tokens}"))
    }

    fn run(&self, options: &str) -> Result<Done, Box<dyn Error>> {
        self.pats.run(&format!("sync tokens.yaml {options}"), "")
    }

    /// A run that succeeds, after a dry run that changes nothing, and before a second one that has
    /// nothing to do.
    fn converges(&self, options: &str) -> Result<String, Box<dyn Error>> {
        let before = self.all()?;
        let dry = self.run(&format!("{options} --dry-run"))?;
        assert_eq!((dry.status, self.all()?), (Some(0), before), "{dry:?}");
        let done = self.run(options)?;
        assert_eq!(done.status, Some(0), "{done:?}");
        let (steps, summary) = last_line(&done.stdout);
        let (planned, promise) = last_line(&dry.stdout);
        assert_eq!(planned, steps);
        assert_eq!(
            promise.trim_start_matches("dry run, nothing was changed; would be done: "),
            summary
        );
        let after = self.all()?;
        let again = self.run(options)?;
        assert!(again.stdout.starts_with(NOTHING), "{again:?}");
        assert_eq!((again.status, self.all()?), (Some(0), after), "{again:?}");
        Ok(done.stdout)
    }

    fn all(&self) -> Result<Value, Box<dyn Error>> {
        let mut list = self.pats.run("list --json --with-hashes", "")?.json()?;
        for entry in list.as_array_mut().into_iter().flatten() {
            // A token may expire between two reads.
            entry["state"] = Value::Null;
        }
        Ok(list)
    }

    fn get(&self, id: &str) -> Result<Value, Box<dyn Error>> {
        self.pats.run(&format!("get {id} --json"), "")?.json()
    }
}

fn last_line(text: &str) -> (&str, &str) {
    text.trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", text.trim_end()))
}
