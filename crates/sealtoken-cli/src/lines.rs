//! Reads items, one per line of a file or of stdin. They are handled in batches, so memory does not
//! grow with their number.

use std::io::{BufRead, Read as _};

use zeroize::Zeroizing;

use crate::input::MARK;

/// The number of items in a batch; the report on each waits for its batch.
pub(crate) const BATCH: usize = 500;

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
        let max = (self.max as u64).saturating_add(1);
        let from = self.from.by_ref();
        if from.take(max).read_until(b'\n', &mut line)? == 0 {
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
        while !self.ended && self.bad.len() < BATCH {
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
            let mut text = line.trim_ascii();
            if self.number == 1 {
                text = text.strip_prefix(MARK.as_bytes()).unwrap_or(text);
            }
            let parsed = if !whole {
                let max = self.max >> 20;
                Err(format!("malformed: the line is longer than {max} MiB"))
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
