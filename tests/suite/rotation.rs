//! A rolling deploy, simulated: the old key must stay for as long as `docs/recipes.md` says, and no
//! shorter time would do.

use std::ops::RangeInclusive;
use std::time::Duration;

use sealtoken::{Codec, Key, KeyRing, Lifetime, ManualClock, OpenError, TypedToken, UnixTime};

const START: i64 = 1_763_755_200;
const LONGEST: i64 = 30;
const LEEWAY: i64 = 10;
/// The largest error of a server's clock.
const CLOCKS: i64 = 5;
const SERVERS: usize = 3;
const WALKS: u32 = 15_000;

/// The rule for the wait before the last step, from the table of the recipes.
fn rule() -> String {
    let recipes = include_str!("../../docs/recipes.md");
    let row = recipes
        .lines()
        .find(|line| line.starts_with("| 2 | `new,old` |"))
        .unwrap();
    let (_, rule) = row.split_once("and then for ").unwrap();
    rule.trim_end_matches(" |").to_owned()
}

fn seconds(term: &str) -> i64 {
    match term {
        "the longest lifetime" => LONGEST,
        "the leeway" => LEEWAY,
        "how far clocks differ" => 2 * CLOCKS,
        _ => panic!("the simulation does not know {term:?}"),
    }
}

/// A service's codec at one step of the deploy. Its clock is set before each use.
struct Step {
    codec: Codec,
    clock: ManualClock,
}

fn steps() -> Vec<Step> {
    let (old, new) = (Key::from_bytes([1; 32]), Key::from_bytes([2; 32]));
    let (old, new) = (old.expose(), new.expose());
    let rings = [
        old.to_string(),
        format!("{},+{}", *old, *new),
        format!("{},{}", *new, *old),
        new.to_string(),
    ];
    let step = |ring: String| {
        let clock = ManualClock::at(UnixTime::from_secs(START));
        let codec = ring.parse::<KeyRing>().unwrap().codec("session").unwrap();
        let codec = codec
            .with_clock(clock.clone())
            .with_leeway(Duration::from_secs(LEEWAY.unsigned_abs()));
        Step { codec, clock }
    };
    rings.into_iter().map(step).collect()
}

/// SplitMix64, so that every run makes the same walks.
struct Random(u64);

impl Random {
    fn within(&mut self, range: RangeInclusive<i64>) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let choices = range.end() - range.start() + 1;
        range.start() + ((mixed ^ (mixed >> 31)) % choices.unsigned_abs()) as i64
    }

    fn server(&mut self) -> usize {
        self.within(0..=SERVERS as i64 - 1) as usize
    }
}

/// The time at which each server takes each step; `wait` precedes the last step.
fn deploy(random: &mut Random, wait: i64) -> [[i64; SERVERS]; 3] {
    let mut begins = START + 10;
    [0, 0, wait].map(|wait| {
        begins += wait;
        let taken = [(); SERVERS].map(|()| begins + random.within(0..=3));
        begins = *taken.iter().max().unwrap();
        taken
    })
}

/// The first walk in which a server lacked the key of a token that had not expired by its clock.
fn good_token_refused(wait: i64) -> Option<u32> {
    let (mut random, steps) = (Random(9), steps());
    for walk in 0..WALKS {
        let deploy = deploy(&mut random, wait);
        let ahead = [(); SERVERS].map(|()| random.within(-CLOCKS..=CLOCKS));
        // The server's codec at the true time `now`.
        let at = |server: usize, now: i64| {
            let taken = deploy.iter().filter(|step| step[server] <= now).count();
            steps[taken]
                .clock
                .set(UnixTime::from_secs(now + ahead[server]));
            &steps[taken].codec
        };
        let mut now = random.within(START..=deploy[1].into_iter().max().unwrap() + 3);
        let lifetime = Lifetime::seconds(random.within(LONGEST - 3..=LONGEST).unsigned_abs());
        let mut text = at(random.server(), now)
            .seal_value(&1_u8, lifetime)
            .unwrap();
        loop {
            now += random.within(1..=LONGEST + LEEWAY + 2 * CLOCKS);
            let server = random.server();
            let codec = at(server, now);
            let mut token: TypedToken<u8> = match codec.open_value(&text) {
                Ok(token) => token,
                Err(OpenError::Expired { .. }) => break,
                Err(OpenError::UnknownKey) => {
                    // The same server, if it still had the key.
                    let with_old = &steps[2];
                    with_old.clock.set(UnixTime::from_secs(now + ahead[server]));
                    if with_old.codec.open_value::<u8>(&text).is_ok() {
                        return Some(walk);
                    }
                    break;
                }
                Err(other) => panic!("{other}"),
            };
            if random.within(0..=3) == 0 {
                // The leeway allows a renewal shortly after the expiry.
                text = codec.renew(&mut token, lifetime).unwrap();
            } else if token.needs_reseal() && random.within(0..=1) == 0 {
                text = codec.reseal(&mut token).unwrap();
            }
        }
    }
    None
}

#[test]
fn the_wait_of_the_recipe_refuses_no_good_token_and_each_part_of_it_is_needed() {
    let rule = rule();
    let terms: Vec<i64> = rule.split(" + ").map(seconds).collect();
    let wait: i64 = terms.iter().sum();
    assert_eq!(good_token_refused(wait), None, "{rule}");
    for term in terms {
        assert!(
            good_token_refused(wait - term).is_some(),
            "without {term} s of {rule}"
        );
    }
}

#[test]
fn the_other_documents_state_the_same_rule() {
    let rule = rule();
    for document in [
        include_str!("../../docs/crate.md"),
        include_str!("../../SECURITY.md"),
    ] {
        assert!(document.contains(&rule), "{rule}");
    }
}
