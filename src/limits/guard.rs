//! Guards attempts: counts each before it is made, gives it back unless it was a failed guess, and
//! queues callers behind attempts in flight.
//!
//! An attempt in flight counts as made, so concurrent guesses gain nothing over sequential ones.
//! But an attempt with the right password that still waits for its hash is no failure. So a caller
//! who finds no attempt left waits while one is in flight on the same subject, and is refused
//! otherwise.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{AttemptLimiter, Exhausted, Subject};

/// The maximum number of callers in line for one subject. Beyond it, the last to arrive is refused.
const MAX_IN_LINE: usize = 1024;

/// Counts attempts, and queues callers behind those in flight.
#[derive(Debug)]
pub(crate) struct AttemptGuard {
    limiter: Arc<dyn AttemptLimiter>,
    lines: Lines,
}

impl AttemptGuard {
    pub(crate) fn new(limiter: Arc<dyn AttemptLimiter>) -> Self {
        Self {
            limiter,
            lines: Lines::default(),
        }
    }

    /// Counts an attempt before it is made, and gives it back unless it ends in an error that
    /// `is_guess` accepts.
    ///
    /// Subjects are taken one by one, the narrowest first. So a token without attempts left costs
    /// its namespace nothing, and no caller waits for a narrower subject while holding a wider one.
    pub(crate) async fn attempt<T, E: From<Exhausted>>(
        &self,
        subjects: &[Subject],
        is_guess: impl Fn(&E) -> bool + Send,
        work: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let mut permits = Vec::with_capacity(subjects.len());
        for subject in subjects {
            match self.take(*subject).await {
                Ok(permit) => permits.push(permit),
                Err(exhausted) => {
                    self.give_back(permits).await;
                    return Err(exhausted.into());
                }
            }
        }
        let result = work.await;
        // An attempt that is dropped before this line stays counted, since its outcome is unknown.
        if !result.as_ref().is_err_and(is_guess) {
            self.give_back(permits).await;
        }
        result
    }

    /// Takes one attempt, in turn. A caller that takes attempts on several subjects must take them
    /// in the order of subjects, or two callers could deadlock.
    pub(crate) async fn take(&self, subject: Subject) -> Result<Permit<'_>, Exhausted> {
        let mut asking = self.lines.ask(subject).await?;
        loop {
            match self.limiter.take(&[subject]).await {
                Ok(()) => return Ok(asking.taken()),
                Err(exhausted) => asking = asking.refused(exhausted).await?,
            }
        }
    }

    /// Counts an attempt that has already failed, without waiting.
    pub(crate) async fn count(&self, subjects: &[Subject]) -> Result<(), Exhausted> {
        self.limiter.take(subjects).await
    }

    /// Gives attempts back before the permits are dropped, which wakes the callers in line.
    pub(crate) async fn give_back(&self, permits: Vec<Permit<'_>>) {
        if permits.is_empty() {
            return;
        }
        let subjects: Vec<Subject> = permits.iter().map(Permit::subject).collect();
        self.limiter.give_back(&subjects).await;
    }
}

/// The lines of all subjects with an attempt in flight.
#[derive(Debug, Default)]
struct Lines(Mutex<HashMap<Subject, Line>>);

#[derive(Debug, Default)]
struct Line {
    /// Attempts in flight, including those that are asking the limiter.
    in_flight: usize,
    /// How many attempts have ended. No caller sees it restart: a line exists while a caller asks.
    ended: u64,
    /// How many callers have arrived: the number of the next one.
    arrived: u64,
    /// At most [`MAX_IN_LINE`], sorted by their numbers.
    waiting: VecDeque<(u64, oneshot::Sender<Turn>)>,
    /// The limiter's last refusal, while callers are in line.
    exhausted: Option<Exhausted>,
}

/// The message to a caller in line.
#[derive(Debug)]
enum Turn {
    /// An attempt may be available: ask the limiter. The caller already counts as in flight.
    Ask,
    Refused(Exhausted),
}

/// A caller that asks the limiter for an attempt, and counts as in flight meanwhile.
#[must_use]
struct Asking<'a> {
    permit: Permit<'a>,
    number: u64,
    /// How many attempts had ended before the limiter was asked.
    ended: u64,
}

/// An attempt in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    lines: &'a Lines,
    subject: Subject,
}

/// A place in line. If dropped after its turn has come, it passes the turn on.
struct Place<'a> {
    lines: &'a Lines,
    subject: Subject,
    number: u64,
    turn: oneshot::Receiver<Turn>,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn to ask the limiter; returns at once if nobody is in line.
    async fn ask(&self, subject: Subject) -> Result<Asking<'_>, Exhausted> {
        let place = {
            let mut all = self.lock();
            let line = all.entry(subject).or_default();
            let number = line.arrived;
            line.arrived = number.saturating_add(1);
            let Some(exhausted) = line.exhausted else {
                line.in_flight = line.in_flight.saturating_add(1);
                return Ok(self.asking(subject, number, line.ended));
            };
            // A refused caller waits for the attempts in flight: later callers queue behind it.
            let turn = line.queue(number, exhausted);
            self.place(subject, number, turn)
        };
        place.turn().await
    }

    const fn place(
        &self,
        subject: Subject,
        number: u64,
        turn: oneshot::Receiver<Turn>,
    ) -> Place<'_> {
        Place {
            lines: self,
            subject,
            number,
            turn,
        }
    }

    const fn asking(&self, subject: Subject, number: u64, ended: u64) -> Asking<'_> {
        let permit = Permit {
            lines: self,
            subject,
        };
        Asking {
            permit,
            number,
            ended,
        }
    }

    fn ended(&self, subject: Subject) -> u64 {
        self.lock().get(&subject).map_or(0, |line| line.ended)
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Ends one attempt in flight.
    fn end(&self, subject: Subject) {
        let mut all = self.lock();
        if let Some(line) = all.get_mut(&subject) {
            line.in_flight = line.in_flight.saturating_sub(1);
            line.ended = line.ended.wrapping_add(1);
            line.call_next();
            if line.in_flight == 0 {
                all.remove(&subject);
            }
        }
    }
}

impl Line {
    /// Queues a caller in order of arrival, so a caller that was called and refused returns to its
    /// place. If the line is full, the last to arrive is refused.
    fn queue(&mut self, number: u64, exhausted: Exhausted) -> oneshot::Receiver<Turn> {
        if self.waiting.len() >= MAX_IN_LINE {
            self.waiting.retain(|(_, waiting)| !waiting.is_closed());
        }
        let (call, turn) = oneshot::channel();
        let at = self.waiting.partition_point(|(other, _)| *other < number);
        self.waiting.insert(at, (number, call));
        if self.waiting.len() > MAX_IN_LINE
            && let Some((_, last)) = self.waiting.pop_back()
        {
            refuse(last, exhausted);
        }
        turn
    }

    /// Calls the first caller that still waits. Only one: if it gets an attempt, it calls the next,
    /// so that no caller is woken in vain.
    fn call_next(&mut self) {
        while let Some((_, call)) = self.waiting.pop_front() {
            if call.send(Turn::Ask).is_ok() {
                self.in_flight = self.in_flight.saturating_add(1);
                return;
            }
        }
        self.exhausted = None;
    }
}

fn refuse(caller: oneshot::Sender<Turn>, exhausted: Exhausted) {
    // A caller that is gone needs no answer.
    let _ = caller.send(Turn::Refused(exhausted));
}

impl<'a> Asking<'a> {
    /// The limiter granted an attempt. It may have more, which came back over time.
    fn taken(self) -> Permit<'a> {
        let Permit { lines, subject } = self.permit;
        if let Some(line) = lines.lock().get_mut(&subject) {
            line.call_next();
        }
        self.permit
    }

    /// The limiter refused. If another attempt is in flight, it may still be given back, so the
    /// caller waits. Otherwise everybody in line is refused.
    ///
    /// If an attempt ended after the limiter was asked, it may have been given back too late for
    /// this refusal: ask again. Each round needs another attempt to end, so this terminates.
    async fn refused(self, exhausted: Exhausted) -> Result<Self, Exhausted> {
        let Self {
            permit,
            number,
            ended,
        } = self;
        let Permit { lines, subject } = permit;
        let place = {
            let mut all = lines.lock();
            let Some(line) = all.get_mut(&subject) else {
                return Err(exhausted);
            };
            if line.ended != ended {
                let ended = line.ended;
                return Ok(Self {
                    permit,
                    number,
                    ended,
                });
            }
            // From here on, the place in line replaces the permit.
            std::mem::forget(permit);
            line.in_flight = line.in_flight.saturating_sub(1);
            if line.in_flight == 0 {
                for (_, call) in line.waiting.drain(..) {
                    refuse(call, exhausted);
                }
                all.remove(&subject);
                return Err(exhausted);
            }
            line.exhausted = Some(exhausted);
            let turn = line.queue(number, exhausted);
            lines.place(subject, number, turn)
        };
        place.turn().await
    }
}

impl<'a> Place<'a> {
    async fn turn(mut self) -> Result<Asking<'a>, Exhausted> {
        match (&mut self.turn).await {
            Ok(Turn::Ask) => {
                let ended = self.lines.ended(self.subject);
                Ok(self.lines.asking(self.subject, self.number, ended))
            }
            Ok(Turn::Refused(exhausted)) => Err(exhausted),
            // Unreachable: a line is never dropped while a caller waits in it.
            Err(_) => Err(Exhausted {
                retry_after: std::time::Duration::from_secs(1),
            }),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turn.close();
        if let Ok(Turn::Ask) = self.turn.try_recv() {
            self.lines.end(self.subject);
        }
    }
}

impl Permit<'_> {
    const fn subject(&self) -> Subject {
        self.subject
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.lines.end(self.subject);
    }
}
