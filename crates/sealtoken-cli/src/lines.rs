//! Reads items, one per line of a file or of stdin. They are handled in batches, so memory does not
//! grow with their number.

use std::io::{BufRead, Read as _, Write as _, stderr};

use zeroize::Zeroizing;

use crate::failure::Failure;

/// The number of items in a batch; the report on each waits for its batch.
pub(crate) const AT_ONCE: usize = 500;

/// The result of an import that ran to its end. If some items were refused, the message says what
/// happened to the others.
pub(crate) fn refused(count: u64, done: Option<&str>, command: &str) -> Result<(), Failure> {
    if count == 0 {
        return Ok(());
    }
    if let Some(done) = done {
        let were = if count == 1 { "was" } else { "were" };
        // Errors of stderr are ignored: there is nowhere left to report them.
        let _ = writeln!(
            stderr(),
            "{count} {were} not taken in, as said above; {done}: run `sealtoken {command}` again \
             when that is mended, which leaves what is there as it is"
        );
    }
    Err(Failure::Told)
}

/// An iterator over the items of the lines.
pub(crate) struct Lines<R, T> {
    from: R,
    /// The maximum length of a line, in bytes.
    max: usize,
    /// Parses a line. The error message must not quote any of it.
    parse: fn(&[u8]) -> Result<T, String>,
    /// The number of the last line read, counted from 1.
    pub(crate) number: u64,
    /// The numbers of the lines that held an item.
    pub(crate) good: Vec<u64>,
    /// The numbers of the other lines, each with the error.
    pub(crate) bad: Vec<(u64, String)>,
    pub(crate) ended: bool,
    pub(crate) failed: Option<std::io::Error>,
}

impl<R: BufRead, T> Lines<R, T> {
    pub(crate) fn new(from: R, max: usize, parse: fn(&[u8]) -> Result<T, String>) -> Self {
        Self {
            from,
            max,
            parse,
            number: 0,
            good: Vec::new(),
            bad: Vec::new(),
            ended: false,
            failed: None,
        }
    }

    /// The next line, cut off beyond the limit, and whether it is whole; `None` at the end.
    fn line(&mut self) -> std::io::Result<Option<(Zeroizing<Vec<u8>>, bool)>> {
        let mut line = Zeroizing::new(Vec::new());
        let most = (self.max as u64).saturating_add(1);
        let from = self.from.by_ref();
        if from.take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let whole = line.ends_with(b"\n") || line.len() <= self.max;
        if !whole {
            self.from.skip_until(b'\n')?;
        }
        Ok(Some((line, whole)))
    }
}

impl<R: BufRead, T> Iterator for Lines<R, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while !self.ended && self.bad.len() < AT_ONCE {
            let (line, whole) = match self.line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.ended = true;
                    break;
                }
                Err(error) => {
                    self.failed = Some(error);
                    self.ended = true;
                    break;
                }
            };
            self.number = self.number.saturating_add(1);
            let text = line.trim_ascii();
            let parsed = if !whole {
                let most = self.max >> 20;
                Err(format!("malformed: the line is longer than {most} MiB"))
            } else if text.is_empty() {
                continue;
            } else {
                (self.parse)(text)
            };
            match parsed {
                Ok(item) => {
                    self.good.push(self.number);
                    return Some(item);
                }
                Err(why) => self.bad.push((self.number, why)),
            }
        }
        None
    }
}
