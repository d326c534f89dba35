//! Items that stand a line each in a file or on stdin, a few at a time: memory does not grow with their number.

use std::io::{BufRead, Read as _, Write as _, stderr};

use zeroize::Zeroizing;

use crate::failure::Failure;

/// How many items are worked on at once, and wait with what is said of them.
pub(crate) const AT_ONCE: usize = 500;

/// How an import ends that came to its end: where some were not taken in, it is said what becomes of
/// the others.
pub(crate) fn refused(count: u64, done: Option<&str>, command: &str) -> Result<(), Failure> {
    if count == 0 {
        return Ok(());
    }
    if let Some(done) = done {
        let were = if count == 1 { "was" } else { "were" };
        // Where stderr is gone there is nobody left to tell.
        let _ = writeln!(
            stderr(),
            "{count} {were} not taken in, as said above; {done}: run `sealtoken {command}` again \
             when that is mended, which leaves what is there as it is"
        );
    }
    Err(Failure::Told)
}

/// The items of lines, as they come.
pub(crate) struct Lines<R, T> {
    from: R,
    /// The most bytes of a line.
    max: usize,
    /// What a line says, or what is to be said of one that says nothing; no part of it is repeated.
    parse: fn(&[u8]) -> Result<T, String>,
    /// The number of the last line that was read, from 1.
    pub(crate) number: u64,
    /// The numbers of lines that gave an item.
    pub(crate) good: Vec<u64>,
    /// Those of lines that did not, and why.
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

    /// The next line, without what is beyond the limit; `None` at the end.
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
