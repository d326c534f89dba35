//! A lane: one contestant with its data and its sealed texts, ready to be timed.
//!
//! The harness calls a lane once per batch, through a trait object. Inside the batch the
//! contestant's type is known, so the compiler can inline its calls as in a program.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::contestant::Contestant;

/// Long enough that no text expires during the measurement.
const LIFETIME: u64 = 8 * 60 * 60;

/// The number of texts that opening cycles through. The branch predictor would learn a single
/// text by heart.
const TEXTS: usize = 16;

pub trait Lane {
    fn name(&self) -> &'static str;

    /// False if another contestant already measures the same sealing.
    fn seals(&self) -> bool;

    /// The time of `count` sealings.
    fn time_seal(&self, count: u64) -> Duration;

    /// The time of `count` openings.
    fn time_open(&self, count: u64) -> Duration;

    /// Checks everything but the expiry.
    fn verify(&self) -> Result<(), String>;

    /// One text with a lifetime in seconds.
    fn seal(&self, lifetime: u64) -> String;

    fn refuses(&self, text: &str) -> bool;
}

struct Seat<C: Contestant> {
    name: &'static str,
    seals: bool,
    contestant: C,
    /// The same library under another key, whose texts must be refused.
    other_key: C,
    data: C::Data,
    texts: Vec<String>,
}

/// A lane for a contestant that seals and opens.
pub fn seat<C: Contestant + 'static>(
    name: &'static str,
    make: impl Fn() -> C,
    data: C::Data,
) -> Box<dyn Lane> {
    Box::new(Seat::new(name, true, make, data))
}

/// A lane for a contestant whose sealing another lane already measures.
pub fn seat_opener<C: Contestant + 'static>(
    name: &'static str,
    make: impl Fn() -> C,
    data: C::Data,
) -> Box<dyn Lane> {
    Box::new(Seat::new(name, false, make, data))
}

impl<C: Contestant> Seat<C> {
    fn new(name: &'static str, seals: bool, make: impl Fn() -> C, data: C::Data) -> Self {
        let contestant = make();
        let texts = (0..TEXTS)
            .map(|_| contestant.seal(&data, LIFETIME))
            .collect();
        Self {
            name,
            seals,
            other_key: make(),
            contestant,
            data,
            texts,
        }
    }

    /// Opens in both ways. If they disagreed, the timed one might do less than the checked one.
    fn accepts(&self, text: &str) -> Result<bool, String> {
        let opened = self.contestant.open(text).is_some();
        if opened == self.contestant.open_timed(text) {
            Ok(opened)
        } else {
            Err("the timed opening disagrees with the checked one".into())
        }
    }
}

impl<C: Contestant> Lane for Seat<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn seals(&self) -> bool {
        self.seals
    }

    fn time_seal(&self, count: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.contestant.seal(black_box(&self.data), LIFETIME));
        }
        start.elapsed()
    }

    fn time_open(&self, count: u64) -> Duration {
        let mut texts = self.texts.iter().cycle();
        let start = Instant::now();
        for _ in 0..count {
            let text = texts.next().expect("a cycle does not end");
            black_box(self.contestant.open_timed(black_box(text)));
        }
        start.elapsed()
    }

    fn verify(&self) -> Result<(), String> {
        let mut uuids = Vec::new();
        for text in &self.texts {
            if !self.accepts(text)? {
                return Err("refuses a text of its own".into());
            }
            let opened = self.contestant.open(text).expect("just accepted");
            if opened.data != self.data {
                return Err(format!("sealed {:?}, opened {:?}", self.data, opened.data));
            }
            if opened.uuid.get_version_num() != 4 || uuids.contains(&opened.uuid) {
                return Err(format!("{} is not a new random UUID", opened.uuid));
            }
            uuids.push(opened.uuid);
        }
        if self.accepts(&self.other_key.seal(&self.data, LIFETIME))? {
            return Err("accepts a text under another key".into());
        }
        for text in tampered(&self.texts[0]) {
            if self.accepts(&text)? {
                return Err(format!("accepts a tampered text: {text}"));
            }
        }
        Ok(())
    }

    fn seal(&self, lifetime: u64) -> String {
        self.contestant.seal(&self.data, lifetime)
    }

    fn refuses(&self, text: &str) -> bool {
        self.accepts(text) == Ok(false)
    }
}

/// The text with one character changed, at each place in turn, and the text truncated.
///
/// Base64 padding stays: fernet also accepts a text without it, which is lenient but does not
/// change the content.
fn tampered(text: &str) -> impl Iterator<Item = String> {
    let padding = text.len() - text.trim_end_matches('=').len();
    // Samples the long texts, because branca takes two milliseconds for each.
    let step = if text.len() < 1_000 { 1 } else { 37 };
    let changed = (0..text.len() - padding).step_by(step).map(move |index| {
        // Every alphabet in use here contains `A` and `B`.
        let other = if text.as_bytes()[index] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut changed = text.to_owned();
        changed.replace_range(index..=index, other);
        changed
    });
    let cut = text[..text.len() - padding - 1].to_owned();
    changed.chain(std::iter::once(cut))
}
