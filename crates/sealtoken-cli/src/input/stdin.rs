//! Reads stdin.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _, StdinLock, Write as _, stderr};

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::notes::is_quiet;

use super::bounded;

/// Stdin, whose first line may be a token.
pub(crate) struct Stdin(BufReader<StdinLock<'static>>);

impl Stdin {
    /// On a terminal, shows what the command is waiting for.
    pub(crate) fn open(what: &str, how: &str) -> Self {
        hint(what, how);
        Self(BufReader::new(std::io::stdin().lock()))
    }

    /// The next line with its ending, at most `max` bytes of it.
    pub(crate) fn line(&mut self, max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        // At full capacity from the start: growing would leave a copy behind.
        let mut line = Zeroizing::new(Vec::with_capacity(max));
        let from = self.0.by_ref();
        let read = from.take(max as u64).read_until(b'\n', &mut line);
        read.map_err(Failure::at("read stdin"))?;
        Ok(line)
    }

    /// Whether more than blanks has arrived after the lines read so far. It does not wait.
    pub(crate) fn has_more(&self) -> bool {
        !self.0.buffer().trim_ascii().is_empty()
    }

    /// At most `max` bytes and one more of the rest, and whether that was all.
    pub(crate) fn rest(self, max: usize) -> Result<(Zeroizing<Vec<u8>>, bool), Failure> {
        bounded(self.0, max).map_err(Failure::at("read stdin"))
    }
}

/// All of stdin, as [`Stdin::rest`] reads it.
pub(crate) fn all(what: &str, max: usize) -> Result<(Zeroizing<Vec<u8>>, bool), Failure> {
    Stdin::open(what, "to its end (Ctrl-D)").rest(max)
}

/// On a terminal, shows what the command is waiting for, unless `--quiet` drops it.
pub(crate) fn hint(what: &str, how: &str) {
    if !is_quiet() && std::io::stdin().is_terminal() {
        // Errors of stderr are ignored: there is nowhere left to report them.
        let _ = writeln!(stderr(), "reading {what} from stdin {how}");
    }
}
