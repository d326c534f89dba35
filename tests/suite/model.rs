//! Random operations on a token, compared with a model that holds the expected state in plain
//! fields.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use sealtoken::{
    Codec, Key, KeyRing, Lifetime, ManualClock, OpenError, SealError, Token, UnixTime,
};

#[derive(Debug, Clone)]
enum Step {
    Insert(u8, u8),
    InsertUntil(u8, u8, i64),
    Remove(u8),
    Clear,
    SetClean,
    Seal(u64),
    SealForever,
    Reseal,
    Renew(u64),
    Reset,
    Reopen,
    LoadNonsense,
    Wait(i64),
    Rotate,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u8, 0..3_u8).prop_map(|(name, value)| Step::Insert(name, value)),
        (0..4_u8, 0..3_u8, 1..60_i64).prop_map(|(n, v, end)| Step::InsertUntil(n, v, end)),
        (0..4_u8).prop_map(Step::Remove),
        Just(Step::Clear),
        Just(Step::SetClean),
        (1..50_u64).prop_map(Step::Seal),
        Just(Step::SealForever),
        Just(Step::Reseal),
        (1..50_u64).prop_map(Step::Renew),
        Just(Step::Reset),
        Just(Step::Reopen),
        Just(Step::LoadNonsense),
        (0..30_i64).prop_map(Step::Wait),
        Just(Step::Rotate),
    ]
}

/// The expected state of a token.
#[derive(Debug, Clone, Default)]
struct Model {
    entries: BTreeMap<String, (u8, Option<i64>)>,
    changed: bool,
    sealed: Option<Sealed>,
    now: i64,
    generation: u8,
}

#[derive(Debug, Clone)]
struct Sealed {
    begun: i64,
    first: i64,
    lifetime: Option<i64>,
    entries: BTreeMap<String, (u8, Option<i64>)>,
    text: String,
    generation: u8,
}

impl Sealed {
    fn expired(&self, now: i64) -> bool {
        self.lifetime
            .is_some_and(|lifetime| self.begun + lifetime <= now)
    }
}

impl Model {
    fn live(&self) -> BTreeMap<String, (u8, Option<i64>)> {
        let live = |(_, end): &(u8, Option<i64>)| end.is_none_or(|end| end > self.now);
        self.entries
            .clone()
            .into_iter()
            .filter(|(_, entry)| live(entry))
            .collect()
    }

    fn put(&mut self, name: u8, value: u8, end: Option<i64>) {
        let name = format!("n{name}");
        let entry = (value, end);
        self.changed |= self.live().get(&name) != Some(&entry);
        self.entries.insert(name, entry);
    }

    fn sealed(&mut self, begun: i64, first: i64, lifetime: Option<i64>, text: String) {
        self.entries = self.live();
        self.changed = false;
        let (entries, generation) = (self.entries.clone(), self.generation);
        self.sealed = Some(Sealed {
            begun,
            first,
            lifetime,
            entries,
            text,
            generation,
        });
    }

    /// The expected error of sealing again, if any.
    fn refuses(&self) -> Option<SealError> {
        match &self.sealed {
            None => Some(SealError::NotSealed),
            Some(sealed) if sealed.expired(self.now) => {
                let at = UnixTime::from_secs(sealed.begun + sealed.lifetime.unwrap());
                Some(SealError::Expired { at })
            }
            Some(_) => None,
        }
    }

    fn reset(&mut self) {
        *self = Self {
            now: self.now,
            generation: self.generation,
            ..Self::default()
        };
    }
}

struct World {
    keys: KeyRing,
    codec: Codec,
    clock: ManualClock,
    token: Token,
    model: Model,
}

impl World {
    fn new() -> Self {
        let model = Model {
            now: 1_000_000,
            ..Model::default()
        };
        let clock = ManualClock::at(UnixTime::from_secs(model.now));
        let keys = KeyRing::new(Key::from_bytes([0; 32]));
        let codec = keys.codec("model").unwrap().with_clock(clock.clone());
        // A token uses its codec's clock from its first seal on.
        let mut token = Token::new();
        let text = codec.seal(&mut token, Lifetime::Forever).unwrap();
        let mut world = Self {
            keys,
            codec,
            clock,
            token,
            model,
        };
        let now = world.model.now;
        world.model.sealed(now, now, None, text);
        world
    }

    fn apply(&mut self, step: &Step) {
        let model = &mut self.model;
        match *step {
            Step::Insert(name, value) => {
                self.token
                    .cargo_mut()
                    .insert(format!("n{name}"), value)
                    .unwrap();
                model.put(name, value, None);
            }
            Step::InsertUntil(name, value, after) => {
                let end = model.now + after;
                let moment = UnixTime::from_secs(end);
                self.token
                    .cargo_mut()
                    .insert_with_expiry(format!("n{name}"), value, moment)
                    .unwrap();
                model.put(name, value, Some(end));
            }
            Step::Remove(name) => {
                let name = format!("n{name}");
                let there = model.live().contains_key(&name);
                assert_eq!(self.token.cargo_mut().remove(&name), there);
                model.changed |= there;
                model.entries.remove(&name);
            }
            Step::Clear => {
                model.changed |= !model.live().is_empty();
                model.entries.clear();
                self.token.cargo_mut().clear();
            }
            Step::SetClean => {
                self.token.cargo_mut().set_clean();
                model.changed = false;
            }
            Step::Seal(seconds) => {
                let text = self
                    .codec
                    .seal(&mut self.token, Lifetime::seconds(seconds))
                    .unwrap();
                model.sealed(model.now, model.now, Some(seconds as i64), text);
            }
            Step::SealForever => {
                let text = self.codec.seal(&mut self.token, Lifetime::Forever).unwrap();
                model.sealed(model.now, model.now, None, text);
            }
            Step::Reseal => match (self.codec.reseal(&mut self.token), model.refuses()) {
                (Ok(text), None) => {
                    let Sealed {
                        begun,
                        first,
                        lifetime,
                        ..
                    } = model.sealed.clone().unwrap();
                    model.sealed(begun, first, lifetime, text);
                }
                (result, refusal) => assert_eq!(result.err(), refusal),
            },
            Step::Renew(seconds) => {
                let result = self
                    .codec
                    .renew(&mut self.token, Lifetime::seconds(seconds));
                match (result, model.refuses()) {
                    (Ok(text), None) => {
                        let first = model.sealed.clone().unwrap().first;
                        model.sealed(model.now, first, Some(seconds as i64), text);
                    }
                    (result, refusal) => assert_eq!(result.err(), refusal),
                }
            }
            Step::Reset => {
                self.token.reset();
                model.reset();
            }
            Step::Reopen => {
                let Some(sealed) = model.sealed.clone() else {
                    return;
                };
                let uuid = self.token.uuid();
                match self.codec.load(&mut self.token, &sealed.text) {
                    Ok(()) => {
                        assert!(!sealed.expired(model.now));
                        assert_eq!(self.token.uuid(), uuid);
                        model.entries = sealed.entries;
                        model.entries = model.live();
                        model.changed = false;
                    }
                    Err(error) => {
                        assert!(matches!(error, OpenError::Expired { .. }));
                        assert!(sealed.expired(model.now));
                        model.reset();
                    }
                }
            }
            Step::LoadNonsense => {
                let error = self.codec.load(&mut self.token, "nonsense");
                assert_eq!(error, Err(OpenError::Malformed));
                model.reset();
            }
            Step::Wait(seconds) => {
                model.now += seconds;
                self.clock.set(UnixTime::from_secs(model.now));
            }
            Step::Rotate => {
                model.generation += 1;
                let mut ring = KeyRing::new(Key::from_bytes([model.generation; 32]));
                for old in 0..model.generation {
                    ring = ring.with_retired(Key::from_bytes([old; 32])).unwrap();
                }
                self.keys.replace(&ring).unwrap();
            }
        }
    }

    fn check(&self) {
        let (token, model) = (&self.token, &self.model);
        let has_ended = |token: &Token| token.is_expired();
        assert_eq!(token.is_valid(), model.sealed.is_some());
        // An unsealed token uses the system's clock, by which all the model's entries have expired.
        if let Some(sealed) = &model.sealed {
            let shown: BTreeMap<String, (u8, Option<i64>)> = token
                .cargo()
                .keys()
                .map(|name| {
                    let value = token.cargo().require(name).unwrap();
                    (
                        name.to_owned(),
                        (value, token.cargo().expires_at(name).map(UnixTime::as_secs)),
                    )
                })
                .collect();
            assert_eq!(shown, model.live());
            assert_eq!(token.is_dirty(), model.changed);
            assert_eq!(token.cargo().is_dirty(), model.changed);
            assert_eq!(has_ended(token), sealed.expired(model.now));
            assert_eq!(
                token.is_expired_at(UnixTime::from_secs(model.now)),
                sealed.expired(model.now)
            );
            assert_eq!(token.sealed(), Some(sealed.text.as_str()));
            assert_eq!(token.issued_at().map(|m| m.as_secs()), Some(sealed.begun));
            assert_eq!(
                token.first_issued_at().map(|m| m.as_secs()),
                Some(sealed.first)
            );
            let lifetime = sealed.lifetime.map(|seconds| seconds as u64);
            let sealed_for = token.lifetime().and_then(Lifetime::as_duration);
            assert_eq!(sealed_for, lifetime.map(Duration::from_secs));
            let opened = self.codec.inspect(&sealed.text).unwrap();
            assert_eq!(opened.needs_reseal(), sealed.generation != model.generation);
        } else {
            assert!(token.is_dirty() && has_ended(token) && token.sealed().is_none());
        }
    }
}

proptest! {
    #[test]
    fn a_token_agrees_with_its_model(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        world.check();
        for step in &steps {
            // An unsealed token would judge expiries by the system's clock, so seal it again.
            let seals = matches!(
                step,
                Step::Seal(_) | Step::SealForever | Step::Reseal | Step::Renew(_)
            );
            if world.model.sealed.is_none() && !seals {
                let generation = world.model.generation;
                if generation > 200 { break; }
                world.apply(&Step::SealForever);
            }
            world.apply(step);
            world.check();
        }
    }
}
