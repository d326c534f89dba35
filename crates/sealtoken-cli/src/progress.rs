//! Shows the progress of long work on a terminal.

use std::io::{IsTerminal as _, stderr};

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::{Failure, problem};
use crate::notes::is_quiet;

/// A growing count on stderr. Nothing is shown if that is not a terminal, or with `--quiet`.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// `what` names what is counted, such as "values examined".
    pub(crate) fn of(what: &'static str) -> Result<Self, Failure> {
        if is_quiet() || !stderr().is_terminal() {
            return Ok(Self(ProgressBar::hidden()));
        }
        let style = ProgressStyle::with_template("{spinner} {human_pos} {msg}, {elapsed}");
        let bar = ProgressBar::new_spinner().with_style(style.map_err(problem)?);
        bar.set_message(what);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Ok(Self(bar))
    }

    /// The callback for the work, which continues the count from `before`.
    pub(crate) fn after(&self, before: u64) -> impl FnMut(u64) + Send + use<> {
        let bar = self.0.clone();
        move |count| bar.set_position(before.saturating_add(count))
    }

    /// Writes a permanent line to stderr.
    pub(crate) fn say(&self, line: &str) {
        use std::io::Write as _;

        self.0.suspend(|| {
            // Errors of stderr are ignored: there is nowhere left to report them.
            let _ = writeln!(stderr(), "{line}");
        });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
