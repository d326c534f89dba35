//! A lane: one contestant with its data and its sealed texts, ready to be timed.
//!
//! The harness sees lanes as trait objects, one call for a whole batch. Inside the
//! batch the contestant is known, so that its calls can be inlined as in a program.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::contestant::Contestant;

/// Long enough that no text expires while it is being measured.
const LIFETIME: u64 = 8 * 60 * 60;

/// Texts that the opening batches take turns with: one text alone would train the
/// branch predictor on itself.
const TEXTS: usize = 16;

pub trait Lane {
    fn name(&self) -> &'static str;

    /// False for a contestant that would only repeat another one's sealing.
    fn seals(&self) -> bool;

    /// Seals `count` times, and says how long that took.
    fn time_seal(&self, count: u64) -> Duration;

    /// Opens `count` times, and says how long that took.
    fn time_open(&self, count: u64) -> Duration;

    /// Checks the duty, save for the expiry.
    fn verify(&self) -> Result<(), String>;

    /// One text that lives for so many seconds.
    fn seal(&self, lifetime: u64) -> String;

    fn refuses(&self, text: &str) -> bool;
}

struct Seat<C: Contestant> {
    name: &'static str,
    seals: bool,
    contestant: C,
    /// The same library under another key: its texts must be refused.
    stranger: C,
    data: C::Data,
    texts: Vec<String>,
}

/// Seats a contestant that both seals and opens.
pub fn seat<C: Contestant + 'static>(
    name: &'static str,
    make: impl Fn() -> C,
    data: C::Data,
) -> Box<dyn Lane> {
    Box::new(Seat::new(name, true, make, data))
}

/// Seats a contestant of which only the opening is of interest.
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
            stranger: make(),
            contestant,
            data,
            texts,
        }
    }

    /// Both ways in must agree, or the timed one could be doing less than the checked one.
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
                return Err("a text of its own is refused".into());
            }
            let opened = self.contestant.open(text).expect("just accepted");
            if opened.data != self.data {
                return Err(format!("sealed {:?}, opened {:?}", self.data, opened.data));
            }
            if opened.uuid.get_version_num() != 4 || uuids.contains(&opened.uuid) {
                return Err(format!("{} is not a new random uuid", opened.uuid));
            }
            uuids.push(opened.uuid);
        }
        if self.accepts(&self.stranger.seal(&self.data, LIFETIME))? {
            return Err("a text under another key is accepted".into());
        }
        for text in tampered(&self.texts[0]) {
            if self.accepts(&text)? {
                return Err(format!("a tampered text is accepted: {text}"));
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

/// The text with one character changed, for each in turn, and the text cut short.
///
/// Base64 padding is left alone: fernet also takes a text without it, which is
/// lenient about the spelling but lets nobody change what was sealed.
fn tampered(text: &str) -> impl Iterator<Item = String> {
    let padding = text.len() - text.trim_end_matches('=').len();
    // Of the long texts a sample will do: branca takes two milliseconds for each.
    let step = if text.len() < 1_000 { 1 } else { 37 };
    let changed = (0..text.len() - padding).step_by(step).map(move |index| {
        // `A` and `B` belong to every alphabet in use here.
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
