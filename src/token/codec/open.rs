//! Opening: in the order of `docs/format.md`, limits before work, cipher before JSON.

use std::any::{Any, TypeId};

use serde::de::{DeserializeOwned, IgnoredAny};
use zeroize::Zeroizing;

use crate::crypto::clock::UnixTime;
use crate::crypto::scratch::Scratch;
use crate::crypto::st1;
use crate::keys::Role;
use crate::token::cargo::{Cargo, Mark, Text, with_ends};
use crate::token::error::OpenError;
use crate::token::json::{self, Ends, Head, Payload};
use crate::token::state::{Sealed, Token};
use crate::token::times::Times;

use super::Codec;
use super::opened::{CargoText, Opened};

/// Whether a token that is not valid now is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    Matters,
    /// For tools, and for callers who want to look first.
    IsShown,
}

impl Codec {
    /// Opens a token: authentic, of this purpose and context, and valid now.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, OpenError, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let codec = KeyRing::new(Key::generate()).codec("demo")?;
    /// let text = codec.seal(&mut Token::new(), Lifetime::minutes(30))?;
    /// assert!(codec.open(&text).is_ok());
    ///
    /// match codec.open("st1_nonsense") {
    ///     Ok(_) => unreachable!(),
    ///     Err(OpenError::Expired { at }) => println!("the link ended at {at}: ask for a new one"),
    ///     Err(error) => println!("{}: {error}", error.code()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(&self, text: &str) -> Result<Token, OpenError> {
        self.open_map(text, Time::Matters)
    }

    /// Opens a token whatever the time: also one that has expired or is not valid yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`], but neither [`Expired`](OpenError::Expired) nor [`NotYetValid`](OpenError::NotYetValid).
    ///
    /// # Security
    ///
    /// For tools, and for pages that say more than "expired". Never let in whom `open` would refuse.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let codec = KeyRing::new(Key::generate()).codec("demo")?;
    /// let clock = ManualClock::at(UnixTime::now());
    /// let codec = codec.with_clock(clock.clone());
    /// let text = codec.seal(&mut Token::new(), Lifetime::minutes(30))?;
    /// clock.advance(3600);
    /// assert!(codec.open(&text).is_err());
    /// assert!(codec.inspect(&text)?.is_expired());
    /// # Ok(())
    /// # }
    /// ```
    pub fn inspect(&self, text: &str) -> Result<Token, OpenError> {
        self.open_map(text, Time::IsShown)
    }

    /// Opens a token into one that is there, which takes the UUID that was sealed.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the token is then [reset](Token::reset): invalid, dirty and empty, with the UUID that it had.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let codec = KeyRing::new(Key::generate()).codec("demo")?;
    /// let text = codec.seal(&mut Token::new(), Lifetime::minutes(30))?;
    /// let mut token = Token::new();
    /// codec.load(&mut token, &text)?;
    /// assert!(token.is_valid());
    /// assert!(codec.load(&mut token, "nonsense").is_err());
    /// assert!(!token.is_valid() && token.is_dirty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn load(&self, token: &mut Token, text: &str) -> Result<(), OpenError> {
        match self.open(text) {
            Ok(opened) => {
                *token = opened;
                Ok(())
            }
            Err(error) => {
                token.reset();
                Err(error)
            }
        }
    }

    /// Opens a token whose cargo is of the caller's own type. Nothing is allocated beyond what that type allocates.
    ///
    /// An entry that ends is gone for that type once its end has come: its field should be an `Option` with a default. Sealed
    /// again, it [keeps that end](Codec::reseal), whatever its value is by then.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; a cargo that is no `T` is [`Payload`](OpenError::Payload).
    pub fn open_value<T: DeserializeOwned + 'static>(
        &self,
        text: &str,
    ) -> Result<Token<T>, OpenError> {
        self.open_own(text, Time::Matters)
    }

    /// As [`open_value`](Codec::open_value), whatever the time. See [`inspect`](Codec::inspect).
    ///
    /// # Errors
    ///
    /// As for [`inspect`](Codec::inspect).
    pub fn inspect_value<T: DeserializeOwned + 'static>(
        &self,
        text: &str,
    ) -> Result<Token<T>, OpenError> {
        self.open_own(text, Time::IsShown)
    }

    /// Opens a token and lends it to `read`, whose type can borrow from the opened bytes: nothing is allocated.
    ///
    /// A `&str` field takes text without escapes only, and refuses the token where there is one (`\n`, `\"`); a field of type
    /// `Cow<str>` with `#[serde(borrow)]` takes any. Sealing and opening inside of `read` works.
    ///
    /// # Errors
    ///
    /// [`OpenError`], from opening or from `read`.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Session<'a> { user: u64, role: &'a str }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[derive(serde::Serialize)] struct Owned { user: u64, role: String }
    /// # let codec = KeyRing::new(Key::generate()).codec("session")?;
    /// # let text = codec.seal_value(&Owned { user: 42, role: "admin".into() }, Lifetime::hours(8))?;
    /// let is_admin = codec.open_with(&text, |opened| {
    ///     let session: Session<'_> = opened.cargo()?;
    ///     Ok(session.user == 42 && session.role == "admin")
    /// })?;
    /// assert!(is_admin);
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_with<R>(
        &self,
        text: &str,
        read: impl FnOnce(&Opened<'_>) -> Result<R, OpenError>,
    ) -> Result<R, OpenError> {
        self.decrypt(text, |plaintext, needs_reseal| {
            let now = self.clock.now();
            // The cargo is skipped once to know that the envelope around it is sound before `read` acts on it.
            if let Some((head, rest)) = self.ordinary(plaintext, now, Time::Matters)
                && let Some((IgnoredAny, cargo, end)) = json::value_then_end(rest)
                && json::envelope_ends(end)
                && json::keeps_the_rules(cargo)
            {
                let cargo = (CargoText::Whole(cargo), Vec::new());
                return read(&Opened::new(head, cargo, &self.clock, needs_reseal));
            }
            let payload = self.whole(plaintext, now, Time::Matters)?;
            let head = payload.head;
            let cargo = live(payload, now)?;
            read(&Opened::new(head, cargo, &self.clock, needs_reseal))
        })
    }

    fn open_map(&self, text: &str, time: Time) -> Result<Token, OpenError> {
        self.decrypt(text, |plaintext, needs_reseal| {
            let now = self.clock.now();
            let ordinary = self
                .ordinary(plaintext, now, time)
                .and_then(|(head, rest)| Some((head, Cargo::read(rest)?)))
                .filter(|(_, (_, end))| json::envelope_ends(end));
            let (head, cargo, ends) = if let Some((head, (cargo, _))) = ordinary {
                (head, cargo, Vec::new())
            } else {
                let payload = self.whole(plaintext, now, time)?;
                let head = payload.head;
                let (cargo, ends) = live(payload, now)?;
                let (cargo, _) = Cargo::read(cargo.as_str()).ok_or(OpenError::Payload)?;
                (head, cargo, ends)
            };
            let ends = ends.iter().map(|(name, end)| (&**name, *end));
            let mut cargo = cargo.with_ends(ends);
            cargo.now_sealed(now, &self.clock);
            let mut sealed = self.sealed(text, &head, needs_reseal);
            sealed.mark = cargo.mark();
            sealed.text = Some(text.to_owned());
            Ok(Token::restored(head.uuid, cargo, sealed))
        })
    }

    fn open_own<T: DeserializeOwned + 'static>(
        &self,
        text: &str,
        time: Time,
    ) -> Result<Token<T>, OpenError> {
        if TypeId::of::<T>() == TypeId::of::<Cargo>() {
            // The map under its own name: it knows its ends and its clock. Decided when the program is compiled.
            let mut token = Some(self.open_map(text, time)?);
            let same = (&mut token as &mut dyn Any).downcast_mut::<Option<Token<T>>>();
            return same.and_then(Option::take).ok_or(OpenError::Payload);
        }
        self.decrypt(text, |plaintext, needs_reseal| {
            let now = self.clock.now();
            if let Some((head, rest)) = self.ordinary(plaintext, now, time)
                && let Some(value) = with_ends(&self.clock, &[], || {
                    let (value, cargo, end) = json::value_then_end(rest)?;
                    (json::envelope_ends(end) && json::keeps_the_rules(cargo))
                        .then_some((value, cargo))
                })
            {
                let sealed = self.sealed(text, &head, needs_reseal);
                return Ok(Token::restored(head.uuid, value, sealed));
            }
            let payload = self.whole(plaintext, now, time)?;
            let head = payload.head;
            let (cargo, ends) = live(payload, now)?;
            let value = cargo.read(&self.clock, &ends)?;
            let mut sealed = self.sealed(text, &head, needs_reseal);
            sealed.ends = ends;
            Ok(Token::restored(head.uuid, value, sealed))
        })
    }

    /// Everything up to the plaintext.
    fn decrypt<R>(
        &self,
        text: &str,
        read: impl FnOnce(&str, bool) -> Result<R, OpenError>,
    ) -> Result<R, OpenError> {
        let mut scratch = Scratch::take(self.settings.max_opened);
        let outside = st1::decode(text, self.settings.max_opened, &mut scratch)?;
        let keys = self.keys();
        let key = keys.find(outside.kid).ok_or(OpenError::UnknownKey)?;
        let needs_reseal = key.role == Role::Retired;
        let plaintext = st1::open(
            &mut scratch,
            self.settings.backend,
            &key.cipher,
            self.bound.as_bytes(),
        )?;
        // The reader may replace the ring, or take a while: it holds no keys.
        drop(keys);
        let plaintext = str::from_utf8(plaintext).map_err(|_| OpenError::Payload)?;
        read(plaintext, needs_reseal)
    }

    /// The head of a plaintext as writers write it, if it is valid now. A `None` decides nothing.
    fn ordinary<'a>(
        &self,
        plaintext: &'a str,
        now: UnixTime,
        time: Time,
    ) -> Option<(Head, &'a str)> {
        let (head, rest) = json::read_head(plaintext)?;
        self.judge(&head.times, now, time).ok()?;
        Some((head, rest))
    }

    /// Any plaintext: its own members by the rules first, then its time.
    fn whole<'a>(
        &self,
        plaintext: &'a str,
        now: UnixTime,
        time: Time,
    ) -> Result<Payload<'a>, OpenError> {
        let payload = json::read_whole(plaintext)?;
        self.judge(&payload.head.times, now, time)?;
        Ok(payload)
    }

    fn judge(&self, times: &Times, now: UnixTime, time: Time) -> Result<(), OpenError> {
        match time {
            Time::Matters => times.judge(now, self.settings.tolerance),
            Time::IsShown => Ok(()),
        }
    }

    fn sealed(&self, text: &str, head: &Head, needs_reseal: bool) -> Sealed {
        Sealed {
            text: None,
            length: text.len(),
            times: head.times,
            mark: Mark::default(),
            ends: Vec::new(),
            needs_reseal,
            clock: self.clock.clone(),
            leeway: self.settings.tolerance.leeway,
        }
    }
}

/// A cargo without the entries that have ended, and the ends that are to come.
fn live(
    payload: Payload<'_>,
    now: UnixTime,
) -> Result<(CargoText<'_>, Vec<(Text, i64)>), OpenError> {
    let (to_come, ended): (Ends<'_>, Ends<'_>) = payload
        .ends
        .unwrap_or_default()
        .into_iter()
        .partition(|(_, end)| *end > now.as_secs());
    let cargo = if ended.is_empty() {
        CargoText::Whole(payload.cargo)
    } else {
        let ended = |name: &str| ended.iter().any(|(entry, _)| entry == name);
        let rest = json::without(payload.cargo, ended).ok_or(OpenError::Payload)?;
        CargoText::Rest(Zeroizing::new(rest))
    };
    if !json::keeps_the_rules(cargo.as_str()) {
        return Err(OpenError::Payload);
    }
    let to_come = to_come
        .iter()
        .map(|(name, end)| (Text::from(&**name), *end));
    Ok((cargo, to_come.collect()))
}
