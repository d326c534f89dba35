//! Prints a list as a table or as one line of JSON. It is written in parts, so that memory does not
//! grow with it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::failure::{Failure, problem};
use crate::output;

pub(crate) struct Table {
    json: bool,
    /// The heading, which is printed only if there are entries.
    heading: fn() -> String,
    began: bool,
    text: String,
}

impl Table {
    pub(crate) const fn new(json: bool, heading: fn() -> String) -> Self {
        Self {
            json,
            heading,
            began: false,
            text: String::new(),
        }
    }

    /// Adds an entry, which is either `members` as JSON or `line`.
    pub(crate) fn add<T: Serialize>(
        &mut self,
        members: impl FnOnce() -> T,
        line: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let began = std::mem::replace(&mut self.began, true);
        let added = if self.json {
            let json = output::json_text(&members())?;
            write!(self.text, "{}{}", if began { "," } else { "[" }, *json)
        } else {
            let heading = if began {
                String::new()
            } else {
                (self.heading)()
            };
            writeln!(self.text, "{heading}{}", line())
        };
        added.map_err(problem)
    }

    /// Prints the entries so far. Returns whether stdout was still open.
    pub(crate) fn print(&mut self) -> Result<bool, Failure> {
        let read = output::part(self.text.as_bytes())?;
        self.text.clear();
        Ok(read)
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        match (self.json, self.began) {
            (true, true) => output::line("]"),
            (true, false) => output::line("[]"),
            (false, _) => Ok(()),
        }
    }
}
