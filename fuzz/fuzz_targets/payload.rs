//! Reads any plaintext behind the cipher. The crate must agree with the judge.

#![no_main]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sealtoken::{Codec, Content, OpenError, SealError, Token, TypedToken, UnixTime, fuzzing};
use sealtoken_fuzz::payload::{Sound, Verdict, judge};
use sealtoken_fuzz::plain::Plain;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

/// The time of the vectors.
const NOW: i64 = 1_763_755_200;

fuzz_target!(|plaintext: &[u8]| {
    let text = fuzzing::seal_payload(plaintext);
    match judge(plaintext) {
        Ok(sound) => {
            let mut moments = BTreeSet::from([NOW]);
            moments.extend(sound.moments());
            for now in moments {
                let case = Case {
                    sound: &sound,
                    text: &text,
                    now,
                };
                case.check();
            }
        }
        Err(_) => {
            // Invalid plaintext is refused as `payload` even if it seems expired. Very deep
            // plaintext may be valid JSON, so any refusal is right.
            for error in all_refusals(&codec(NOW), &text) {
                let error = error.expect("the judge refuses it");
                let deep = judge(plaintext).err() == Some(sealtoken_fuzz::json::Unread::Deep);
                assert!(deep || error == OpenError::Payload, "{error:?}");
            }
        }
    }
});

fn codec(now: i64) -> Codec {
    fuzzing::codec(now).expect("a good purpose")
}

fn all_refusals(codec: &Codec, text: &str) -> [Option<OpenError>; 4] {
    [
        codec.open(text).err(),
        codec.inspect(text).err(),
        codec.open_value::<IgnoredAny>(text).err(),
        codec.open_with(text, |_| Ok(())).err(),
    ]
}

struct Case<'a> {
    sound: &'a Sound,
    text: &'a str,
    now: i64,
}

impl Case<'_> {
    fn check(&self) {
        let codec = codec(self.now);
        let as_map = || self.sound.as_map(self.now);
        let as_plain = || self.sound.as_plain(self.now);
        let as_anything = || self.sound.as_anything(self.now);

        if let Some(token) = self.agrees(codec.open(self.text), as_map(), plain_of) {
            self.map_resealed(&codec, token);
        }
        self.inspected(codec.inspect(self.text), as_map(), plain_of);
        if let Some(token) = self.agrees(codec.open_value(self.text), as_plain(), Token::into_value)
        {
            self.type_resealed(&codec, token);
        }
        self.inspected(
            codec.inspect_value(self.text),
            as_plain(),
            Token::into_value,
        );
        self.agrees(
            codec.open_value::<IgnoredAny>(self.text),
            as_anything(),
            |_| (),
        );
        self.lent(&codec);
    }

    /// Answer and verdict say the same. Returns the token that both accept.
    fn agrees<C: Content + Clone, P: PartialEq + Debug>(
        &self,
        answer: Result<Token<C>, OpenError>,
        verdict: Verdict<P>,
        plain: impl Fn(Token<C>) -> P,
    ) -> Option<Token<C>> {
        let Some((code, second)) = self.sound.time(self.now) else {
            return self.inspected(answer, verdict, plain);
        };
        let error = answer.expect_err("the judge refuses its time");
        let named = match error {
            OpenError::Expired { at: second } | OpenError::NotYetValid { from: second } => {
                Some(second)
            }
            _ => None,
        };
        if error.code() == code {
            assert_eq!(named, Some(UnixTime::from_secs(second)));
        } else {
            // A reader may check the cargo before the time.
            assert_eq!(error, OpenError::Payload);
            assert!(
                !matches!(verdict, Verdict::Accept(_)),
                "a valid cargo was refused"
            );
        }
        None
    }

    /// As `agrees`, where the time is only shown.
    fn inspected<C: Content + Clone, P: PartialEq + Debug>(
        &self,
        answer: Result<Token<C>, OpenError>,
        verdict: Verdict<P>,
        plain: impl Fn(Token<C>) -> P,
    ) -> Option<Token<C>> {
        match (answer, verdict) {
            (Ok(token), Verdict::Accept(cargo) | Verdict::Either(cargo)) => {
                self.head_is_the_same(&token);
                assert_eq!(plain(token.clone()), cargo);
                return Some(token);
            }
            (Err(error), Verdict::Refuse(codes)) => assert!(codes.contains(&error.code())),
            (Err(OpenError::Payload), Verdict::Either(_)) => {}
            (answer, verdict) => panic!("{:?} at {}, but {verdict:?}", answer.map(drop), self.now),
        }
        None
    }

    fn head_is_the_same<C: Content>(&self, token: &Token<C>) {
        let sound = self.sound;
        let second = |moment: Option<UnixTime>| moment.map(UnixTime::as_secs);
        assert_eq!(token.uuid().into_bytes(), sound.uuid);
        assert_eq!(second(token.issued_at()), Some(sound.begun));
        assert_eq!(
            second(token.first_issued_at()),
            Some(sound.origin.unwrap_or(sound.begun))
        );
        assert_eq!(second(token.not_before()), sound.not_before);
        let lifetime = token.lifetime().and_then(sealtoken::Lifetime::as_duration);
        let sealed = sound.lifetime.map(i64::unsigned_abs);
        assert_eq!(lifetime, sealed.map(Duration::from_secs));
        let end = sound.lifetime.map(|seconds| sound.begun + seconds);
        assert_eq!(second(token.expires_at()), end);
        assert_eq!(token.is_expired(), end.is_some_and(|end| end <= self.now));
        assert!(token.is_valid() && !token.needs_reseal());
    }

    /// Asserts that the present entries have the right expiries.
    fn ends_are_the_same(&self, token: &Token) {
        let cargo = token.cargo();
        assert!(!token.is_dirty() && !cargo.is_dirty());
        for name in cargo.keys() {
            let end = self.sound.ends.iter().find(|(ended, _)| ended == name);
            assert_eq!(
                cargo.expires_at(name),
                end.map(|(_, end)| UnixTime::from_secs(*end))
            );
        }
    }

    fn map_resealed(&self, codec: &Codec, mut token: Token) {
        assert_eq!(token.sealed(), Some(self.text));
        self.ends_are_the_same(&token);
        let again = codec.reseal(&mut token).expect("it is valid");
        let again = codec.open(&again).expect("sealed just now");
        self.head_is_the_same(&again);
        self.ends_are_the_same(&again);
        assert_eq!(again.cargo(), token.cargo());
        assert_eq!(plain_of(again), plain_of(token));
    }

    fn type_resealed(&self, codec: &Codec, mut token: TypedToken<Plain>) {
        assert_eq!((token.sealed(), token.is_dirty()), (None, false));
        let again = codec.reseal(&mut token);
        if !token.value().has_sound_names() {
            assert_eq!(again, Err(SealError::NameConflict));
            return;
        }
        let again = again.expect("it is valid");
        if let Ok(map) = codec.open(&again) {
            self.ends_are_the_same(&map);
        }
        let again = codec.open_value::<Plain>(&again).expect("sealed just now");
        self.head_is_the_same(&again);
        assert_eq!(again.value(), token.value());
    }

    /// `open_with` lends the cargo's own text, and reads a caller's type as `open_value` does.
    fn lent(&self, codec: &Codec) {
        let own = codec.open_with(self.text, |opened| {
            assert_eq!(opened.uuid().into_bytes(), self.sound.uuid);
            let raw: &RawValue = opened.cargo()?;
            if self.sound.nothing_has_ended(self.now) {
                assert_eq!(raw.get(), self.sound.cargo_text);
            }
            Ok(opened.cargo::<Plain>().ok())
        });
        let given: Result<TypedToken<Plain>, _> = open_value(codec, self.text);
        match (own, given) {
            (Ok(own), given) => assert_eq!(own, given.map(TypedToken::into_value).ok()),
            (Err(lent), Err(given)) => assert_eq!(lent, given),
            (Err(lent), Ok(_)) => panic!("{lent:?}, but only from open_with"),
        }
    }
}

fn open_value<T: DeserializeOwned>(codec: &Codec, text: &str) -> Result<TypedToken<T>, OpenError> {
    codec.open_value(text)
}

fn plain_of(token: Token) -> Plain {
    Plain::from(token.cargo())
}
