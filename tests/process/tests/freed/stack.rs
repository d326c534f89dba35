//! Searches all memory of a process after its keys were dropped, including the stack that calls
//! left behind.
//!
//! A child process makes the calls deep in its stack and drops everything. Its later calls stay
//! above that depth, so they overwrite nothing. Then it waits while its parent reads its memory
//! from `/proc`.

use std::fs::{File, read_to_string};
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use sealtoken::{Key, KeyRing, Lifetime, PurposeKey, Ring, Token};
use sealtoken_process_tests::freed::{Freed, alone};

use super::secrets;

const PURPOSE: &str = "session";
/// Tells a child which calls to make.
const CALLS: &str = "SEALTOKEN_STACK_CALLS";
const PAGE: usize = 4096;

#[test]
#[ignore = "started by the other tests, in a process of its own"]
fn child() {
    // Unbuffered, and not captured by the test harness.
    let stderr = std::io::stderr();
    let mut parent = File::from(stderr.as_fd().try_clone_to_owned().expect("stderr"));
    let calls = std::env::var(CALLS).expect("a parent names them");
    let sealed = deeper(|| make(&calls, &mut parent));
    writeln!(parent, "\n{sealed}").expect("a parent reads");
    let ended = std::io::stdin().read(&mut [0]).expect("a parent waits");
    assert_eq!(ended, 0);
}

/// Moves the calls down the stack, so that later calls do not reach them.
#[inline(never)]
fn deeper(calls: impl FnOnce() -> String) -> String {
    let room = [0_u8; 64 << 10];
    black_box(&room);
    let sealed = calls();
    black_box(&room);
    sealed
}

/// Writes the key to the parent and returns a token; drops everything else.
#[inline(never)]
fn make(calls: &str, parent: &mut File) -> String {
    let key = Key::generate();
    let text = key.expose();
    parent.write_all(text.as_bytes()).expect("a parent reads");
    let again: Key = text.parse().expect("its own text");
    let purpose_key = again.for_purpose(PURPOSE).expect("a purpose");
    let purpose_key: PurposeKey = purpose_key.expose().parse().expect("its own text");
    let codec = KeyRing::new(key).codec(PURPOSE).expect("a purpose");
    let mut token = Token::new();
    token.cargo_mut().insert("user", 42).expect("a number");
    let mut sealed = String::new();
    if calls != "keys" {
        for _ in 0..3 {
            sealed = codec.seal(&mut token, Lifetime::hours(1)).expect("fits");
        }
    }
    if calls == "open" {
        drop(
            Ring::new(purpose_key)
                .codec()
                .open(&sealed)
                .expect("genuine"),
        );
        let bound = codec.bound_to("another").expect("not empty");
        bound.open(&sealed).expect_err("another context");
    }
    if calls == "keep a secret" {
        keep(text.as_bytes());
    }
    sealed
}

/// Leaves many copies of a secret on the stack, so that later calls cannot overwrite all of them.
#[inline(never)]
fn keep(secret: &[u8]) {
    let mut stack = [0; 16 << 10];
    for place in stack.chunks_exact_mut(secret.len()) {
        place.copy_from_slice(secret);
    }
    black_box(&stack);
}

/// A child's writable memory after these calls, and the secrets of its key and token.
///
/// This frees secrets of its own, so the caller must hold [`alone`].
fn after(calls: &str) -> (Freed, Vec<(&'static str, Vec<u8>)>) {
    let mut child = Command::new(std::env::current_exe().expect("a program"))
        .args(["--exact", "stack::child", "--ignored", "--nocapture"])
        .env(CALLS, calls)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a second process");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let (key, sealed) = (line(), line());
    let memory = memory(child.id());
    drop(child.stdin.take());
    assert!(child.wait().expect("a child").success());

    let text = key.strip_prefix("stkey1_").expect("its prefix");
    let root = secrets::decode(text)[..32].try_into().expect("32 bytes");
    let mut secrets = secrets::of_key(&root, PURPOSE);
    secrets.push(("key text", text.as_bytes().to_vec()));
    // AWS-LC expands keys in memory that this crate does not control. An optimised AES spreads the
    // key over wide registers for each message and leaves some of them on the stack. Overwriting
    // those would take a tenth of the time of a short token.
    if !sealed.is_empty() && cfg!(all(debug_assertions, not(feature = "aws-lc"))) {
        let expanded = secrets::of_token(&root, PURPOSE, &sealed);
        secrets.push(("key of the token, expanded", expanded));
    }
    (Freed::of(memory), secrets)
}

/// All writable pages of the process that are not zero.
fn memory(process: u32) -> Vec<u8> {
    let maps = read_to_string(format!("/proc/{process}/maps")).expect("maps");
    let mut memory = File::open(format!("/proc/{process}/mem")).expect("memory");
    let mut pages = Vec::new();
    for map in maps.lines() {
        let (range, rest) = map.split_once(' ').expect("a range");
        if !rest.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').expect("two ends");
        let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).expect("an address"));
        memory.seek(SeekFrom::Start(from)).expect("an address");
        let mut bytes = vec![0; usize::try_from(to - from).expect("its size")];
        memory.read_exact(&mut bytes).expect("readable");
        let written = bytes.chunks(PAGE).filter(|page| *page != [0; PAGE]);
        pages.extend(written.flatten());
    }
    pages
}

#[test]
fn a_secret_left_on_the_stack_is_found() {
    let _alone = alone();
    let (freed, secrets) = after("keep a secret");
    let (_, text) = secrets
        .iter()
        .find(|(name, _)| *name == "key text")
        .expect("one of them");
    assert!(freed.pieces_of(text) > 20);
}

#[test]
fn keys_leave_nothing_on_the_stack() {
    let _alone = alone();
    let (freed, secrets) = after("keys");
    freed.holds_nothing_of(&secrets);
}

#[test]
fn sealing_leaves_no_key_on_the_stack() {
    let _alone = alone();
    let (freed, secrets) = after("seal");
    freed.holds_nothing_of(&secrets);
}

#[test]
fn opening_leaves_no_key_on_the_stack() {
    let _alone = alone();
    let (freed, secrets) = after("open");
    freed.holds_nothing_of(&secrets);
}
