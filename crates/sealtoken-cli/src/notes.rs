//! Warnings and notes on stderr, which `--quiet` drops, as it does hints and progress.

use std::io::{Write as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);

/// Sets whether warnings, notes, hints and progress are dropped.
pub(crate) fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Warns about what may be a mistake. The command goes on.
pub(crate) fn warn(what: &str) {
    say("warning", what);
}

/// Tells what is worth knowing.
pub(crate) fn note(what: &str) {
    say("note", what);
}

fn say(kind: &str, what: &str) {
    if !is_quiet() {
        // Errors of stderr are ignored: there is nowhere left to report them.
        let _ = writeln!(stderr(), "{kind}: {what}");
    }
}
