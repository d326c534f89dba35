//! Opening: in the order of `docs/format.md`, limits before work, cipher before JSON.

use serde::de::{DeserializeOwned, IgnoredAny};
use zeroize::Zeroizing;

use crate::crypto::clock::UnixTime;
use crate::crypto::scratch::Scratch;
use crate::crypto::st1::{self, StateId};
use crate::keys::Role;
use crate::token::cargo::{Cargo, Expiries, Text};
use crate::token::content::Typed;
use crate::token::error::OpenError;
use crate::token::json::{self, Head, Named, Payload};
use crate::token::state::{Sealed, Token, TypedToken};
use crate::token::times::Times;

use super::Codec;
use super::opened::{CargoText, Opened, read_own};

/// Whether a token that is not valid now is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    Checked,
    /// For tools, and for callers who inspect first.
    Ignored,
}

/// What is known of a token besides its plaintext.
#[derive(Clone, Copy)]
struct Decrypted {
    now: UnixTime,
    state: StateId,
    needs_reseal: bool,
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
    ///     Err(OpenError::Expired { at }) => println!("the link expired at {at}"),
    ///     Err(error) => println!("{}: {error}", error.code()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(&self, text: &str) -> Result<Token, OpenError> {
        self.open_map(text, Time::Checked)
    }

    /// Opens a token whatever the time, even one that has expired or is not valid yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`], but neither [`Expired`](OpenError::Expired) nor
    /// [`NotYetValid`](OpenError::NotYetValid).
    ///
    /// # Security
    ///
    /// For tools, and for pages that say more than "expired". Never grant access to someone whom
    /// `open` would refuse.
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
        self.open_map(text, Time::Ignored)
    }

    /// Opens a token into an existing one, which takes the UUID that was sealed.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the token is then [reset](Token::reset): invalid, dirty and empty, with its
    /// old UUID.
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

    /// Opens a token whose cargo is of the caller's own type. Nothing is allocated beyond what that
    /// type allocates.
    ///
    /// An entry that has expired is missing for that type: make its field an `Option` with a
    /// default. Sealed again, an entry [keeps its expiry](Codec::reseal), whatever its value is by
    /// then.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; a cargo that is not a `T` is [`Payload`](OpenError::Payload).
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, TypedToken};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Session { user: u64, roles: Vec<String> }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sessions = KeyRing::new(Key::generate()).codec("session")?;
    /// let session = Session { user: 42, roles: vec!["admin".into()] };
    /// let text = sessions.seal_value(&session, Lifetime::hours(8))?;
    ///
    /// let token: TypedToken<Session> = sessions.open_value(&text)?;
    /// assert_eq!((token.value().user, token.value().roles.len()), (42, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_value<T: DeserializeOwned>(&self, text: &str) -> Result<TypedToken<T>, OpenError> {
        self.open_own(text, Time::Checked)
    }

    /// As [`open_value`](Codec::open_value), whatever the time. See [`inspect`](Codec::inspect).
    ///
    /// # Errors
    ///
    /// [`OpenError`], but neither [`Expired`](OpenError::Expired) nor
    /// [`NotYetValid`](OpenError::NotYetValid).
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = ManualClock::at(UnixTime::now());
    /// let links = KeyRing::new(Key::generate()).codec("link")?.with_clock(clock.clone());
    /// let text = links.seal_value("ada@example.com", Lifetime::minutes(30))?;
    ///
    /// clock.advance(3600);
    /// assert!(links.open_value::<String>(&text).is_err());
    /// let token = links.inspect_value::<String>(&text)?;
    /// assert!(token.is_expired());
    /// println!("send a new link to {}", token.value());
    /// # Ok(())
    /// # }
    /// ```
    pub fn inspect_value<T: DeserializeOwned>(
        &self,
        text: &str,
    ) -> Result<TypedToken<T>, OpenError> {
        self.open_own(text, Time::Ignored)
    }

    /// Opens a token and lends it to `read`, whose type can borrow from the opened bytes: nothing
    /// is allocated.
    ///
    /// A `&str` field takes only text without escapes, and refuses the token otherwise (`\n`,
    /// `\"`). A field of type `Cow<str>` with `#[serde(borrow)]` takes any text. `read` may seal
    /// and open other tokens.
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
    /// # let owned = Owned { user: 42, role: "admin".into() };
    /// # let text = codec.seal_value(&owned, Lifetime::hours(8))?;
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
        self.decrypt(
            text,
            Time::Checked,
            // Skips the cargo once, so that `read` acts only on a token that is sound as a whole.
            |cargo, _| {
                let IgnoredAny = json::read_value(cargo)?;
                json::keeps_the_rules(cargo).then_some(())
            },
            |(), decrypted, head, cargo, expiries| {
                read(&Opened {
                    head,
                    cargo,
                    expiries,
                    clock: &self.clock,
                    needs_reseal: decrypted.needs_reseal,
                })
            },
        )
    }

    fn open_map(&self, text: &str, time: Time) -> Result<Token, OpenError> {
        self.decrypt(
            text,
            time,
            |cargo, _| Cargo::read(cargo),
            |cargo, decrypted, head, _, expiries| {
                let mut cargo = cargo.with_expiries(expiries);
                cargo.now_sealed(decrypted.now, &self.clock, decrypted.state);
                let mut sealed = self.sealed(text, decrypted, &head, Vec::new());
                sealed.text = Some(text.to_owned());
                Ok(Token::restored(head.uuid, cargo, sealed))
            },
        )
    }

    fn open_own<T: DeserializeOwned>(
        &self,
        text: &str,
        time: Time,
    ) -> Result<TypedToken<T>, OpenError> {
        self.decrypt(
            text,
            time,
            |cargo, expiries| {
                let value = read_own(&self.clock, cargo, expiries)?;
                json::keeps_the_rules(cargo).then_some(value)
            },
            |value, decrypted, head, _, expiries| {
                let sealed = self.sealed(text, decrypted, &head, expiries);
                Ok(Token::restored(head.uuid, Typed(value), sealed))
            },
        )
    }

    /// Decrypts a token, reads its cargo with `read`, and passes both to `then`.
    ///
    /// `read` gets the text of the cargo, and the expiries of its entries. It returns `None` for
    /// a cargo that it refuses. If the fast path found that cargo, `read` is called once more, with
    /// what the full parser finds.
    #[inline]
    fn decrypt<V, R>(
        &self,
        text: &str,
        time: Time,
        read: impl Fn(&str, &[(Text, i64)]) -> Option<V>,
        then: impl FnOnce(V, Decrypted, Head, CargoText<'_>, Expiries) -> Result<R, OpenError>,
    ) -> Result<R, OpenError> {
        let mut scratch = Scratch::take(self.settings.max_opened);
        let outside = st1::decode(text, self.settings.max_opened, &mut scratch)?;
        let keys = self.keys();
        let key = keys.find(outside.kid).ok_or(OpenError::UnknownKey)?;
        let needs_reseal = key.role == Role::Retired;
        let plaintext = st1::open(
            &mut scratch,
            &outside,
            self.settings.backend,
            &key.cipher,
            self.bound.as_bytes(),
        )?;
        // Reading may replace the ring, or take a while: it holds no keys.
        drop(keys);
        let plaintext = str::from_utf8(plaintext).map_err(|_| OpenError::Payload)?;
        let now = self.clock.now();

        let decrypted = Decrypted {
            now,
            state: StateId::opened(&outside.nonce),
            needs_reseal,
        };

        // First as writers usually write it, if it is valid now.
        let (mut head, mut cargo, mut expiries, mut is_last);
        match json::read_ordinary(plaintext) {
            Some((found, text)) if self.judge(&found.times, now, time).is_ok() => {
                (head, cargo, expiries) = (found, CargoText::Whole(text), Vec::new());
                is_last = false;
            }
            _ => {
                (head, cargo, expiries) = self.whole(plaintext, now, time)?;
                is_last = true;
            }
        }
        // A loop, so that `read` and `then` are each called in one place, and inlined.
        let value = loop {
            match read(cargo.as_str(), &expiries) {
                Some(value) => break value,
                None if is_last => return Err(OpenError::Payload),
                None => (head, cargo, expiries) = self.whole(plaintext, now, time)?,
            }
            is_last = true;
        };
        then(value, decrypted, head, cargo, expiries)
    }

    /// Any plaintext: its own members by the rules first, then its time. The cargo is not read yet.
    #[cold]
    fn whole<'a>(
        &self,
        plaintext: &'a str,
        now: UnixTime,
        time: Time,
    ) -> Result<(Head, CargoText<'a>, Expiries), OpenError> {
        let payload = json::read_whole(plaintext)?;
        let head = payload.head;
        self.judge(&head.times, now, time)?;
        let (cargo, expiries) = live(payload, now)?;
        Ok((head, cargo, expiries))
    }

    #[inline]
    fn judge(&self, times: &Times, now: UnixTime, time: Time) -> Result<(), OpenError> {
        match time {
            Time::Checked => times.judge(now, self.settings.tolerance),
            Time::Ignored => Ok(()),
        }
    }

    fn sealed(&self, text: &str, decrypted: Decrypted, head: &Head, expiries: Expiries) -> Sealed {
        Sealed {
            text: None,
            length: text.len(),
            times: head.times,
            state: decrypted.state,
            expiries,
            needs_reseal: decrypted.needs_reseal,
            clock: self.clock.clone(),
            leeway: self.settings.tolerance.leeway,
        }
    }
}

/// A cargo without the entries that have expired, and the expiries still to come.
fn live(payload: Payload<'_>, now: UnixTime) -> Result<(CargoText<'_>, Expiries), OpenError> {
    let (to_come, expired): (Named<'_>, Named<'_>) = payload
        .expiries
        .unwrap_or_default()
        .into_iter()
        .partition(|(_, second)| *second > now.as_secs());
    let cargo = if expired.is_empty() {
        CargoText::Whole(payload.cargo)
    } else {
        let expired = |name: &str| expired.iter().any(|(entry, _)| entry == name);
        let rest = json::without(payload.cargo, expired).ok_or(OpenError::Payload)?;
        CargoText::Rest(Zeroizing::new(rest))
    };
    let to_come = to_come
        .iter()
        .map(|(name, second)| (Text::from(&**name), *second));
    Ok((cargo, to_come.collect()))
}
