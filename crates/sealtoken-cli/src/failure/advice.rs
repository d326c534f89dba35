//! What to do after a failure.

use std::io::{Write as _, stderr};

use super::{Failure, in_part, problem};

impl Failure {
    /// Adds advice to the failure of an import that ended early; `done` says what was imported
    /// before, and `items` what the command reads.
    pub(crate) fn after_import(self, done: Option<&str>, command: &str, items: &str) -> Self {
        let again = format!("run `sealtoken {command}` again with the same {items}");
        let what = match done {
            Some(done) => {
                format!("{done}: {again} to import the rest; the others stay as they are")
            }
            None if self.is_in_doubt() => format!("{again} to import what is missing"),
            None => "nothing new was imported".into(),
        };
        match self {
            Self::Store(error) if done.is_some() => problem(in_part(&error)),
            other => other,
        }
        .advise(&what)
    }

    /// The result of an import that ran to its end but refused this many items, which it has
    /// reported. The message says what happened to the others.
    pub(crate) fn of_import(refused: u64, done: Option<&str>, command: &str) -> Result<(), Self> {
        if refused == 0 {
            return Ok(());
        }
        if let Some(done) = done {
            let were = if refused == 1 { "was" } else { "were" };
            // Errors of stderr are ignored: there is nowhere left to report them.
            let _ = writeln!(
                stderr(),
                "{refused} {were} not imported, for the reasons above; {done}: fix what was \
                 refused and run `sealtoken {command}` again, which leaves the others as they are"
            );
        }
        Err(Self::Reported)
    }
}

/// Says how many were imported, if any.
pub(crate) fn imported(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 was imported and stays".into()),
        _ => Some(format!("{count} were imported and stay")),
    }
}

/// Advice after an unknown outcome, for a command that can safely be repeated, whatever happened to
/// it and whatever others have done since.
pub(crate) fn again(command: &str) -> String {
    format!("run `sealtoken {command}` again: it does no harm if it was done before")
}

/// The same, for a command that is refused with this code if it was already done.
pub(crate) fn again_until(command: &str, code: &str) -> String {
    format!("run `sealtoken {command}` again; if it answers `{code}`, the work was already done")
}

/// Advice after an unknown outcome, for a command that must not be blindly repeated, because it
/// would act twice or undo what others have done since: look first.
pub(crate) fn look_first(look: &str, command: &str) -> String {
    format!(
        "{look} shows whether it was done, or whether others have changed it since; if neither, \
         run `sealtoken {command}` again"
    )
}

/// Advice if opening a store fails. Opening creates what is missing, and can be repeated.
pub(crate) const OPENING: &str = "the store was still being opened: run the same command again";
