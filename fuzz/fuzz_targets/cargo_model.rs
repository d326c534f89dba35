//! After any sequence of operations, a cargo agrees with its model.

#![no_main]

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use sealtoken::{
    Cargo, CargoError, Codec, Expiry, JsonFormat, Key, KeyRing, Lifetime, ManualClock, Merge,
    SealError, Token, UnixTime, Value,
};
use sealtoken_fuzz::model::Model;
use sealtoken_fuzz::payload::LAST;
use sealtoken_fuzz::plain::Plain;
use sealtoken_fuzz::{json, script};

const NOW: i64 = 1_763_755_200;

/// Made once, because deriving keys takes longer than most scripts.
static CODEC: LazyLock<Codec> = LazyLock::new(|| {
    let codec = KeyRing::new(Key::from_bytes([9; 32])).codec("model");
    codec.expect("a purpose").with_max_len(usize::MAX)
});

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let mut both = Both::new();
    // Values missing at the end of the script are zero.
    while !u.is_empty() {
        if both.step(&mut u).is_err() {
            break;
        }
        both.model.check(both.token.cargo());
    }
    both.sealed_and_opened();
    both.model.check(both.token.cargo());
});

struct Both {
    token: Token,
    model: Model,
    clock: ManualClock,
    codec: Codec,
}

impl Both {
    fn new() -> Self {
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let codec = CODEC.clone().with_clock(clock.clone());
        let mut both = Self {
            token: Token::new(),
            model: Model::new(NOW),
            clock,
            codec,
        };
        // From here on, the cargo uses the codec's clock.
        both.sealed_and_opened();
        both
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let operation = u.arbitrary::<u8>()? % 20;
        let name = &*script::name(u)?;
        let cargo = self.token.cargo_mut();
        let model = &mut self.model;
        match operation {
            0 | 1 => {
                let value = script::value(u, 4)?;
                let answer = cargo.insert(name, &value);
                same_value(answer, model.insert(name, value, None));
            }
            2 => {
                let value = script::value(u, 2)?;
                let end = second(u, model.now)?;
                let answer = cargo.insert_with_expiry(name, &value, UnixTime::from_secs(end));
                same_value(answer, model.insert(name, value, Some(end)));
            }
            3 => {
                let end = Some(second(u, model.now)?).filter(|_| name != "b");
                let expiry = end
                    .map(UnixTime::from_secs)
                    .map_or(Expiry::Never, Expiry::At);
                let answer = cargo.set_expiry(name, expiry);
                assert_eq!(answer, model.set_expiry(name, end));
            }
            4 => assert_eq!(cargo.remove(name), model.remove(name).is_some()),
            5 => assert_eq!(cargo.take::<u64>(name), model.take_natural(name)),
            6 | 7 => {
                let value = script::value(u, 3)?;
                let answer = cargo.push(name, &value);
                assert_eq!(answer, model.push(name, value));
            }
            8 => {
                let natural = u64::from(u.arbitrary::<u8>()?);
                let answer = cargo.get_or_insert_with(name, || natural);
                assert_eq!(answer, model.get_or_insert(name, natural));
            }
            9 | 10 => {
                let (other, other_model) = self.another(u)?;
                let conflicts = if operation == 9 {
                    Merge::Keep
                } else {
                    Merge::Overwrite
                };
                let changed = self.token.cargo_mut().merge(&other, conflicts);
                assert_eq!(changed, self.model.merge(&other_model, conflicts));
            }
            11 => {
                let (other, other_model) = self.another(u)?;
                self.token.cargo_mut().replace(other);
                self.model.replace(other_model);
            }
            12 => {
                cargo.clear();
                let nothing = Model::new(model.now);
                model.replace(nothing);
            }
            13 => {
                cargo.set_clean();
                model.dirty = false;
            }
            14 => {
                let purged = cargo.remove_expired();
                assert_eq!(purged, model.purge(model.now));
            }
            15 => {
                let seconds = i64::from(u.arbitrary::<u8>()?);
                self.clock.advance(seconds);
                model.now += seconds;
            }
            16 => {
                // Around the depth limit: 62 for a value, 61 for an element.
                let levels = 55 + usize::from(u.arbitrary::<u8>()? % 16);
                let value = (1..levels).fold(Plain::Array(Vec::new()), |inside, _| {
                    Plain::Array(vec![inside])
                });
                let answer = cargo.insert(name, &value);
                same_value(answer, model.insert(name, value.clone(), None));
                assert_eq!(cargo.push("deep", &value), model.push("deep", value));
            }
            17 => self.sealing_fails(),
            18 => self.sealed_and_opened(),
            _ => read_every_way(&self.token, model, name),
        }
        Ok(())
    }

    /// Another cargo on the same clock, with up to three entries.
    fn another(&self, u: &mut Unstructured<'_>) -> Result<(Cargo, Model)> {
        let mut cargo = self.token.cargo().clone();
        cargo.clear();
        let mut model = Model::new(self.model.now);
        for _ in 0..u.arbitrary::<u8>()? % 4 {
            let name = &*script::name(u)?;
            let value = script::value(u, 2)?;
            let end = Some(second(u, model.now)?).filter(|end| end % 2 == 0);
            let answer = match end {
                Some(end) => cargo.insert_with_expiry(name, &value, UnixTime::from_secs(end)),
                None => cargo.insert(name, &value),
            };
            same_value(answer, model.insert(name, value, end));
        }
        Ok((cargo, model))
    }

    /// A failed seal leaves the token unchanged.
    fn sealing_fails(&mut self) {
        let codec = self.codec.clone().with_max_len(10);
        let error = codec.seal(&mut self.token, Lifetime::Forever).err();
        assert!(matches!(error, Some(SealError::TooLong { .. })));
    }

    fn sealed_and_opened(&mut self) {
        let uuid = self.token.uuid();
        let text = self
            .codec
            .seal(&mut self.token, Lifetime::Forever)
            .expect("every cargo can be sealed");
        self.model.purge(self.model.now);
        self.model.dirty = false;
        self.model.check(self.token.cargo());
        let opened = self.codec.open(&text).expect("sealed just now");
        assert_eq!((opened.uuid(), opened.is_dirty()), (uuid, false));
        assert!(opened.cargo() == self.token.cargo());
        self.token = opened;
    }
}

/// A second around `now`, or at a limit of a token's times.
fn second(u: &mut Unstructured<'_>, now: i64) -> Result<i64> {
    let choice = u.arbitrary::<u8>()?;
    Ok(match choice {
        0..250 => now - 10 + i64::from(choice % 125),
        250 => -1,
        251 => 0,
        252 => LAST,
        253 => LAST + 1,
        254 => i64::MIN,
        _ => i64::MAX,
    })
}

fn same_value(
    answer: std::result::Result<Option<sealtoken::Value>, CargoError>,
    model: std::result::Result<Option<Plain>, CargoError>,
) {
    assert_eq!(answer.map(|value| value.as_ref().map(Plain::from)), model);
}

fn read_every_way(token: &Token, model: &Model, name: &str) {
    let cargo = token.cargo();
    let present = model.live(name).map(|(value, _)| value.clone());
    assert_eq!(cargo.get::<Plain>(name), Ok(present.clone()));
    assert_eq!(
        cargo.require::<Plain>(name),
        present.clone().ok_or(CargoError::Missing)
    );
    assert_eq!(
        cargo.get_or(name, Plain::Null),
        Ok(present.clone().unwrap_or(Plain::Null))
    );
    let text = match &present {
        None => Ok(None),
        Some(Plain::Text(text)) => Ok(Some(&**text)),
        Some(_) => Err(CargoError::WrongType),
    };
    assert_eq!(cargo.get::<&str>(name), text);

    assert_eq!(Plain::from(cargo), model.plain());
    assert_eq!(Plain::from(&Value::from(cargo)), model.plain());
    assert!(cargo.keys().eq(model.all_live().map(|(name, _)| name)));
    // A round trip through JSON keeps the entries but not their expiries.
    let written = serde_json::to_string(cargo).expect("a cargo can be written");
    let judged = json::read(&written)
        .ok()
        .and_then(|(node, _)| Plain::of(&node));
    assert_eq!(judged, Some(model.plain()));
    let read = [
        written.parse::<Cargo>().ok(),
        serde_json::from_str::<Cargo>(&written).ok(),
    ];
    for read in read {
        let read = read.expect("its own JSON");
        assert!(!read.is_dirty());
        assert_eq!(Plain::from(&read), model.plain());
        let ends = cargo.keys().any(|name| cargo.expires_at(name).is_some());
        assert_eq!(read == *cargo, !ends);
    }
    let shown = token.to_json(JsonFormat::default());
    let shown = json::read(&shown)
        .ok()
        .and_then(|(node, _)| Plain::of(&node))
        .expect("JSON");
    let custom = shown
        .entries()
        .iter()
        .find(|(name, _)| name == "cargo")
        .map(|(_, value)| value);
    assert_eq!(custom, Some(&model.plain()));
}
