//! The report of a sync: the differences, and what was done.

use std::io::{Write as _, stderr, stdout};

use anstyle::{AnsiColor, Style};
use sealtoken::Value;
use sealtoken::pat::PatId;
use serde::Serialize;

use crate::failure::Failure;
use crate::notes;
use crate::output::{self, printable};

use super::step::{Difference, Plan, Step, Work};
use super::{Colour, Sync};

/// The results, which `--json` prints at the end. Without it, each step is printed when it is done.
#[derive(Serialize)]
pub(super) struct Report {
    dry_run: bool,
    registered: Vec<String>,
    changed: Vec<Changed>,
    restored: Vec<String>,
    revoked: Vec<String>,
    unchanged: u64,
    notes: Vec<Note>,
    failed: Vec<Failed>,
    #[serde(skip)]
    declared: usize,
    #[serde(skip)]
    json: bool,
    #[serde(skip)]
    coloured: bool,
    /// Why a step could not be printed. The other steps are done nevertheless.
    #[serde(skip)]
    unprinted: Option<Failure>,
}

#[derive(Serialize)]
struct Changed {
    id: String,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Change {
    field: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
}

#[derive(Serialize)]
struct Note {
    id: String,
    note: &'static str,
}

#[derive(Serialize)]
struct Failed {
    id: Option<String>,
    error: String,
    /// The part of the step that was done nevertheless.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'static str>,
}

impl Report {
    pub(super) fn new(options: &Sync, unchanged: u64, declared: usize) -> Self {
        let coloured = match options.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => anstream::AutoStream::choice(&stdout()) != anstream::ColorChoice::Never,
        };
        Self {
            dry_run: options.dry_run,
            registered: Vec::new(),
            changed: Vec::new(),
            restored: Vec::new(),
            revoked: Vec::new(),
            unchanged,
            notes: Vec::new(),
            failed: Vec::new(),
            declared,
            json: options.json,
            coloured,
            unprinted: None,
        }
    }

    /// What was found and will not be done.
    pub(super) fn found(&mut self, plan: &Plan) {
        for (id, note) in &plan.notes {
            self.note(*id, note);
        }
        for id in &plan.missing {
            let what = "it is not in the store, and has no hash to register: no token is issued";
            self.failed(Some(*id), "missing", what, None);
        }
        for error in &plan.unreadable {
            self.failed(None, error.code(), &error.to_string(), None);
        }
    }

    pub(super) fn note(&mut self, id: PatId, note: &'static str) {
        let id = id.to_string();
        notes::note(&format!("{id}: {note}"));
        self.notes.push(Note { id, note });
    }

    /// A step was done, or would be.
    pub(super) fn done(&mut self, step: &Step<'_>) {
        let id = step.id.to_string();
        if !self.json && self.unprinted.is_none() {
            let said = self.lines(step).and_then(|lines| output::line(&lines));
            self.unprinted = said.err();
        }
        match &step.work {
            Work::Register(..) => {
                self.registered.push(id);
                return;
            }
            Work::Change(_) => {}
            Work::Restore(_) => self.restored.push(id.clone()),
            Work::Revoke(_) => self.revoked.push(id.clone()),
        }
        if !step.differences.is_empty() {
            let change = |difference: &Difference| Change {
                field: difference.field,
                before: difference.before.clone(),
                after: difference.after.clone(),
            };
            let changes = step.differences.iter().map(change).collect();
            self.changed.push(Changed { id, changes });
        }
    }

    pub(super) fn failed(
        &mut self,
        id: Option<PatId>,
        code: &str,
        why: &str,
        done: Option<&'static str>,
    ) {
        let id = id.map(|id| id.to_string());
        let name = id.as_deref().unwrap_or("a token");
        say(&format!("{name}: {code}: {why}"));
        self.failed.push(Failed {
            id,
            error: code.into(),
            done,
        });
    }

    /// Prints the summary, and fails if anything failed.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        let said = match self.unprinted.take() {
            Some(failure) => Err(failure),
            None if self.json => output::json(&self),
            None => output::line(&self.summary()),
        };
        let work = if self.dry_run {
            "it was a dry run, and changed nothing"
        } else {
            "the sync was completed"
        };
        let found = if self.failed.is_empty() {
            Ok(())
        } else {
            Err(Failure::Reported)
        };
        output::ended(said, work, found)
    }

    fn summary(&self) -> String {
        let counts = [
            ("registered", self.registered.len()),
            ("changed", self.changed.len()),
            ("restored", self.restored.len()),
            ("revoked", self.revoked.len()),
            ("failed", self.failed.len()),
        ];
        let counts: Vec<_> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        let counts = counts.join(", ");
        match (counts.as_str(), self.declared) {
            ("", 1) => "nothing to change: 1 token is declared".into(),
            ("", declared) => format!("nothing to change: {declared} tokens are declared"),
            _ if self.dry_run => format!("dry run, nothing was changed; would be done: {counts}"),
            _ => counts,
        }
    }

    /// A step for people: what is done to which token, and each field that differs.
    fn lines(&self, step: &Step<'_>) -> Result<String, Failure> {
        let (sign, what) = match step.work {
            Work::Register(..) => (ADDED, "register"),
            Work::Change(_) => (CHANGED, "change"),
            Work::Restore(_) => (CHANGED, "restore"),
            Work::Revoke(_) => (REMOVED, "revoke"),
        };
        let owner = printable(&step.owner);
        let mut lines = vec![self.paint(sign, &format!("{} {what} ({owner})", step.id))];
        for difference in &step.differences {
            let field = difference.field;
            if let Some(value) = &difference.before {
                lines.push("    ".to_owned() + &self.paint(REMOVED, &valued(field, value)?));
            }
            match &difference.after {
                Some(value) => {
                    lines.push("    ".to_owned() + &self.paint(ADDED, &valued(field, value)?));
                }
                None => lines
                    .push("    ".to_owned() + &self.paint(CHANGED, &format!("{field}: changed"))),
            }
        }
        Ok(lines.join("\n"))
    }

    fn paint(&self, (sign, colour): (char, AnsiColor), text: &str) -> String {
        if !self.coloured {
            return format!("{sign} {text}");
        }
        let style = Style::new().fg_color(Some(colour.into()));
        format!("{style}{sign} {text}{style:#}")
    }
}

const ADDED: (char, AnsiColor) = ('+', AnsiColor::Green);
const REMOVED: (char, AnsiColor) = ('-', AnsiColor::Red);
const CHANGED: (char, AnsiColor) = ('~', AnsiColor::Yellow);

fn valued(field: &str, value: &Value) -> Result<String, Failure> {
    Ok(format!("{field}: {}", *output::json_text(value)?))
}

fn say(line: &str) {
    // Errors of stderr are ignored: there is nowhere left to report them.
    let _ = writeln!(stderr(), "{line}");
}
