//! A list on its way to stdout: a table, or one line of JSON. It is written in parts, so that memory does not grow with it.

use std::fmt::Write as _;

use crate::failure::{Failure, problem};
use crate::output::{self, Members};

pub(crate) struct Table {
    json: bool,
    /// What stands over the columns, where there is anything below.
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

    /// Adds an entry: by the first as JSON, by the second as a line.
    pub(crate) fn add(
        &mut self,
        members: impl FnOnce() -> Members,
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

    /// Prints what there is so far; whether anybody reads it.
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
