//! Processes that inherit the same generator state over a fork.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;
use std::time::Instant;

use sealtoken::{Codec, Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};

const CHILDREN: usize = 8;
/// How many tokens of each kind each process seals.
const TOKENS: usize = 40;

/// A token and the process that sealed it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sealed {
    process: usize,
    text: String,
}

impl Sealed {
    fn nonce(&self) -> [u8; 24] {
        let bytes = base64url(self.text.strip_prefix("st1_").expect("a token"));
        bytes[4..28].try_into().expect("24 bytes")
    }

    /// The last eight bytes come straight from the generator. Clock and message enter the others.
    fn raw(&self) -> [u8; 8] {
        self.nonce()[16..].try_into().expect("eight bytes")
    }
}

/// Asserts that nonces and UUIDs differ. The control shows that the state really was shared.
pub fn differ() {
    // A fixed clock, or the time alone would make the nonces differ.
    let clock = ManualClock::at(UnixTime::from_secs(1_763_755_200));
    let ring = KeyRing::new(Key::generate());
    let codec = ring.codec("fork").expect("a purpose").with_clock(clock);

    // A generator reseeds after a second. If the machine stalls past that, the next try finds it
    // shared.
    let shared = (0..20)
        .map(|_| fork_and_seal(&codec))
        .find(|shared| *shared);
    assert_eq!(
        shared,
        Some(true),
        "no try forked before the generator reseeded"
    );
    println!("fork: no nonce and no UUID repeats");
}

/// Forks, lets all processes seal, and checks the results. Returns whether they began from the same
/// state.
fn fork_and_seal(codec: &Codec) -> bool {
    let begun = Instant::now();
    // A token from before the fork, so that all processes seal the same message.
    let mut before = Token::new();
    before.cargo_mut().insert("user_id", 123).expect("a number");
    sealtoken::reseed();
    let first = codec.seal(&mut before, Lifetime::hours(1)).expect("fits");

    let mut pipes = Vec::new();
    for child in 1..=CHILDREN {
        let (reader, mut writer) = pipe();
        // SAFETY: this process has one thread, so no lock is held in the child.
        match unsafe { libc::fork() } {
            -1 => panic!("no fork: {}", std::io::Error::last_os_error()),
            0 => {
                drop(reader);
                for sealed in seal(codec, &mut before, child) {
                    writeln!(writer, "{}", sealed.text).expect("a pipe");
                }
                drop(writer);
                // SAFETY: the child must run nothing of the parent, neither destructors nor the
                // rest of the test.
                unsafe { libc::_exit(0) }
            }
            pid => pipes.push((child, pid, reader)),
        }
    }

    let mut all = seal(codec, &mut before, 0);
    for (process, pid, mut reader) in pipes {
        let mut lines = String::new();
        reader.read_to_string(&mut lines).expect("a pipe");
        all.extend(lines.lines().map(|text| Sealed {
            process,
            text: text.to_owned(),
        }));
        let mut status = 0;
        // SAFETY: this is a child of this process, and nothing else waits for it.
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        assert_eq!(status, 0, "a child failed");
    }
    assert_eq!(all.len(), (CHILDREN + 1) * TOKENS * 3);
    all.push(Sealed {
        process: 0,
        text: first,
    });

    let nonces: HashSet<[u8; 24]> = all.iter().map(Sealed::nonce).collect();
    assert_eq!(nonces.len(), all.len(), "a nonce repeats");
    uuids_differ(codec, &all);
    println!("fork: {} tokens in {:?}", all.len(), begun.elapsed());
    was_shared(&all)
}

/// Seals in turn the same message as every process, the same value, and a value of its own.
fn seal(codec: &Codec, before: &mut Token, process: usize) -> Vec<Sealed> {
    let mut texts = Vec::with_capacity(TOKENS * 3);
    for count in 0..TOKENS {
        texts.push(codec.reseal(before).expect("valid"));
        texts.push(
            codec
                .seal_value("the same", Lifetime::hours(1))
                .expect("fits"),
        );
        texts.push(
            codec
                .seal_value(&(process, count), Lifetime::hours(1))
                .expect("fits"),
        );
    }
    texts
        .into_iter()
        .map(|text| Sealed { process, text })
        .collect()
}

/// Asserts that only the token from before the fork shares its UUID.
fn uuids_differ(codec: &Codec, all: &[Sealed]) {
    let uuid = |sealed: &Sealed| {
        codec
            .open_with(&sealed.text, |opened| Ok(opened.uuid()))
            .expect("genuine")
    };
    let mut times = HashMap::new();
    for sealed in all {
        *times.entry(uuid(sealed)).or_insert(0) += 1;
    }
    let again = (CHILDREN + 1) * TOKENS + 1;
    let mut counts: Vec<usize> = times.into_values().filter(|count| *count > 1).collect();
    counts.sort_unstable();
    assert_eq!(counts, [again], "a UUID repeats");
}

/// The control: whether the first random bytes after the fork are the same in all processes.
fn was_shared(all: &[Sealed]) -> bool {
    let first_of = |process| {
        all.iter()
            .find(|sealed| sealed.process == process)
            .map(Sealed::raw)
    };
    let parent = first_of(0);
    (1..=CHILDREN).all(|child| first_of(child) == parent)
}

fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: the array has room for both descriptors, and nothing else owns them.
    unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
    }
}

/// base64url without padding.
fn base64url(text: &str) -> Vec<u8> {
    let alphabet: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain(*b"-_")
        .collect();
    let value = |c: &u8| {
        alphabet
            .iter()
            .position(|letter| letter == c)
            .expect("its alphabet") as u32
    };
    let bytes = text.as_bytes().chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, c| bits << 6 | value(c)) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    });
    bytes.collect()
}
