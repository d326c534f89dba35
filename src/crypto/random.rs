//! Randomness: from the system for keys, and from a seeded generator in each thread for nonces and
//! UUIDs.
//!
//! A system call per token would cost more than encryption. The generator is ChaCha with 12 rounds,
//! as in the `rand` crate. It is seeded by the system, and again after 1,024 fills, after a second,
//! when the clock runs backwards, and on [`reseed`]. A fork or VM snapshot can copy it unnoticed:
//! [`separate`] keeps the nonces of such copies apart.

use std::cell::RefCell;
use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use zeroize::optimization_barrier;

use super::secret::{Secret, wipes_itself};
use super::st1::Bound;
use super::xaes::XNonce;

const _: () = wipes_itself::<ChaCha12Rng>();

/// The operating system could not provide random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// Fills `out` directly from the operating system.
pub(crate) fn system(out: &mut [u8]) -> Result<(), Failed> {
    getrandom::fill(out).map_err(|_| Failed)
}

impl<const N: usize> Secret<N> {
    /// Draws the bytes from the operating system, never from the per-thread generator.
    pub(crate) fn from_system() -> Result<Self, Failed> {
        let mut secret = Self::zeroed();
        system(secret.expose_mut())?;
        Ok(secret)
    }
}

/// Makes every thread's generator take a new seed from the operating system before its next use.
///
/// Call it in the hook that runs after a fork, or after a virtual machine or process image was
/// restored from a snapshot. Without it tokens stay safe for a while (see the crate's security
/// notes); with it, the copied state is gone at once.
///
/// ```
/// // in the restore hook of your platform
/// sealtoken::reseed();
/// ```
pub fn reseed() {
    EPOCH.fetch_add(1, Ordering::SeqCst);
}

/// Counts the calls of [`reseed`].
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// The number of fills for which a seed is used.
const FILLS: u32 = 1024;
/// The nanoseconds for which a seed is used.
const NANOS: u64 = 1_000_000_000;

/// The generator of one thread.
struct Generator {
    source: fn(&mut [u8]) -> Result<(), Failed>,
    /// Counts the calls of [`reseed`].
    calls: &'static AtomicU64,
    rng: Option<ChaCha12Rng>,
    fills_left: u32,
    seeded_at: u64,
    last_seen: u64,
    epoch: u64,
}

impl Generator {
    const fn unseeded(
        source: fn(&mut [u8]) -> Result<(), Failed>,
        calls: &'static AtomicU64,
    ) -> Self {
        Self {
            source,
            calls,
            rng: None,
            fills_left: 0,
            seeded_at: 0,
            last_seen: 0,
            epoch: 0,
        }
    }

    /// `nanos` is the system clock's reading, which the caller already has.
    fn fill(&mut self, out: &mut [u8], nanos: u64) -> Result<(), Failed> {
        let epoch = self.calls.load(Ordering::Relaxed);
        let stale = self.fills_left == 0
            || nanos < self.last_seen
            || nanos.saturating_sub(self.seeded_at) >= NANOS
            || epoch != self.epoch;
        let rng = match &mut self.rng {
            Some(rng) if !stale => rng,
            old => {
                // If the system fails now, the old seed must not stay in use.
                *old = None;
                let mut seed = Secret::<32>::zeroed();
                (self.source)(seed.expose_mut())?;
                self.fills_left = FILLS;
                self.seeded_at = nanos;
                self.epoch = epoch;
                old.insert(ChaCha12Rng::from_seed(*seed.expose()))
            }
        };
        self.last_seen = nanos;
        self.fills_left = self.fills_left.saturating_sub(1);
        rng.fill_bytes(out);
        Ok(())
    }
}

thread_local! {
    static GENERATOR: RefCell<Generator> =
        const { RefCell::new(Generator::unseeded(system, &EPOCH)) };
}

/// Fills `out` from this thread's generator.
pub(crate) fn fill(out: &mut [u8], nanos: u64) -> Result<(), Failed> {
    let drawn = GENERATOR.try_with(|generator| match generator.try_borrow_mut() {
        Ok(mut generator) => generator.fill(out, nanos),
        Err(_) => Err(Failed),
    });
    // If the thread's locals are already destroyed, ask the system.
    drawn.unwrap_or_else(|_| system(out))
}

/// The bytes before the plaintext that [`separate`] overwrites.
pub(crate) const ROOM: usize = 16;

/// Makes a nonce depend on the message, so that a copied generator does not repeat it.
///
/// It xors SipHash-2-4-128, under `key`, of the clock, the context and the plaintext into the first
/// 16 bytes. Xor with something independent of the random bytes leaves them uniform. From the same
/// generator state, only the same message at the same nanosecond gets the same nonce.
///
/// `message` is [`ROOM`] bytes, which are overwritten, and the plaintext: hashing is fastest in one
/// piece.
pub(crate) fn separate(
    nonce: &mut XNonce,
    key: &Secret<16>,
    nanos: u64,
    bound: Bound<'_>,
    message: &mut [u8],
) {
    let context = bound.bytes();
    if let Some((room, _)) = message.split_first_chunk_mut::<ROOM>() {
        // The context follows the plaintext, and its length determines where it begins. The bit
        // that marks composed contexts is never set in a length.
        let composed = u128::from(matches!(bound, Bound::ToSeveral(_))) << 63;
        let head = u128::from(nanos) << 64 | composed | context.len() as u128;
        *room = head.to_le_bytes();
    }
    let mut hasher = SipHasher24::new_with_key(key.expose());
    hasher.write(message);
    hasher.write(context);
    for (byte, mixed) in nonce
        .as_flattened_mut()
        .iter_mut()
        .zip(hasher.finish128().as_bytes())
    {
        *byte ^= mixed;
    }
    // The hasher keeps its key, and does not wipe itself.
    hasher = SipHasher24::new();
    optimization_barrier(&hasher);
}

/// Runs `body` with a generator in this thread that draws its seeds from `source`.
#[cfg(test)]
pub(crate) fn with_source<R>(
    source: fn(&mut [u8]) -> Result<(), Failed>,
    body: impl FnOnce() -> R,
) -> R {
    static NEVER: AtomicU64 = AtomicU64::new(0);
    let before = GENERATOR.replace(Generator::unseeded(source, &NEVER));
    let result = body();
    GENERATOR.set(before);
    result
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::AtomicU8;

    use super::*;

    const NOW: u64 = 1_763_755_200_000_000_000;

    fn constant(out: &mut [u8]) -> Result<(), Failed> {
        out.fill(0x5a);
        Ok(())
    }

    /// A generator that is not affected by calls of `reseed` in other tests.
    fn unseeded(source: fn(&mut [u8]) -> Result<(), Failed>) -> Generator {
        static NEVER: AtomicU64 = AtomicU64::new(0);
        Generator::unseeded(source, &NEVER)
    }

    fn draw(generator: &mut Generator, nanos: u64) -> XNonce {
        let mut nonce = XNonce::default();
        assert_eq!(generator.fill(nonce.as_flattened_mut(), nanos), Ok(()));
        nonce
    }

    /// Whether `body` causes a new seed: the stream then restarts.
    fn starts_again(body: impl FnOnce(&mut Generator)) -> bool {
        let mut generator = unseeded(constant);
        let first = draw(&mut generator, NOW);
        body(&mut generator);
        let nanos = generator.last_seen;
        draw(&mut generator, nanos) == first
    }

    #[test]
    fn a_seed_serves_1024_fills() {
        assert!(!starts_again(|generator| {
            for _ in 0..FILLS - 2 {
                draw(generator, NOW);
            }
        }));
        assert!(starts_again(|generator| {
            for _ in 0..FILLS - 1 {
                draw(generator, NOW);
            }
        }));
    }

    #[test]
    fn a_seed_serves_one_second() {
        assert!(!starts_again(
            |generator| generator.last_seen = NOW + NANOS - 1
        ));
        assert!(starts_again(|generator| generator.last_seen = NOW + NANOS));
    }

    #[test]
    fn a_clock_that_runs_backwards_and_a_call_of_reseed_draw_a_new_seed() {
        let mut generator = Generator::unseeded(constant, &EPOCH);
        let first = draw(&mut generator, NOW);
        assert_ne!(draw(&mut generator, NOW), first);
        assert_eq!(draw(&mut generator, NOW - 1), first);
        assert_ne!(draw(&mut generator, NOW - 1), first);
        reseed();
        assert_eq!(draw(&mut generator, NOW - 1), first);
    }

    #[test]
    fn a_failing_system_is_an_error_and_leaves_no_old_seed_in_use() {
        static CALLS: AtomicU8 = AtomicU8::new(0);
        fn works_once(out: &mut [u8]) -> Result<(), Failed> {
            match CALLS.fetch_add(1, Ordering::SeqCst) {
                0 => constant(out),
                _ => Err(Failed),
            }
        }
        let mut generator = unseeded(works_once);
        draw(&mut generator, NOW);
        let mut nonce = [7; 24];
        assert_eq!(generator.fill(&mut nonce, NOW - 5), Err(Failed));
        assert_eq!(generator.fill(&mut nonce, NOW), Err(Failed));
        assert_eq!(nonce, [7; 24]);
    }

    #[test]
    fn copied_generators_repeat_a_nonce_only_for_the_same_message() {
        let key = Secret::from([3; 16]);
        let nonce_of = |nanos, bound: Bound<'_>, plaintext: &[u8]| {
            // Every call starts from a copy of the same state.
            let mut nonce = draw(&mut unseeded(constant), NOW);
            let mut message = [&[0; ROOM], plaintext].concat();
            separate(&mut nonce, &key, nanos, bound, &mut message);
            nonce
        };
        let nonce = nonce_of(NOW, Bound::To(b"c"), b"p");
        assert_eq!(nonce, nonce_of(NOW, Bound::To(b"c"), b"p"));
        let others = [
            nonce_of(NOW + 1, Bound::To(b"c"), b"p"),
            nonce_of(NOW, Bound::To(b"d"), b"p"),
            nonce_of(NOW, Bound::To(b"c"), b"q"),
            // The length of the context counts.
            nonce_of(NOW, Bound::To(b"cp"), b""),
            nonce_of(NOW, Bound::To(b""), b"cp"),
            // The same bytes in another role.
            nonce_of(NOW, Bound::ToSeveral(b"c"), b"p"),
        ];
        let all: HashSet<_> = others.into_iter().chain([nonce]).collect();
        assert_eq!(all.len(), 7);
        // Only the first 16 bytes are mixed; the others are the generator's.
        assert!(all.iter().all(|other| other[1][4..] == nonce[1][4..]));
        let mut other_key = draw(&mut unseeded(constant), NOW);
        let mut message = [[0; ROOM].as_slice(), b"p"].concat();
        separate(
            &mut other_key,
            &Secret::from([4; 16]),
            NOW,
            Bound::To(b"c"),
            &mut message,
        );
        assert!(!all.contains(&other_key));
    }

    #[test]
    fn a_million_fresh_nonces_are_distinct() {
        let mut seen = HashSet::with_capacity(1 << 20);
        for _ in 0..1 << 20 {
            let mut nonce = [0; 24];
            assert_eq!(fill(&mut nonce, NOW), Ok(()));
            assert!(seen.insert(nonce));
        }
    }

    #[test]
    fn threads_have_generators_of_their_own() {
        let draw_here = || {
            let mut nonce = [0; 24];
            fill(&mut nonce, NOW).map(|()| nonce)
        };
        let here = draw_here();
        let there = std::thread::spawn(draw_here).join().ok();
        assert_ne!(Some(here), there);
    }
}
