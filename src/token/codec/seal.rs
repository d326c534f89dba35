//! Sealing: new tokens, re-seals, renewals, and values without a token around them.

use serde::Serialize;
use uuid::Uuid;

use crate::crypto::clock::Reading;
use crate::crypto::random;
use crate::crypto::scratch::Scratch;
use crate::crypto::st1::{self, StateId};
use crate::crypto::xaes::XNonce;
use crate::token::cargo::Expiries;
use crate::token::content::{self, Content};
use crate::token::error::SealError;
use crate::token::json;
use crate::token::state::{Sealed, Token, fresh_uuid};
use crate::token::times::{self, Lifetime, Times};

use super::{Codec, Settings};

impl Codec {
    /// Seals the token. Its lifetime starts now, and it is clean and valid afterwards.
    ///
    /// The text is returned; [`Token::sealed`] keeps a copy. The token keeps its UUID when it is
    /// sealed again.
    ///
    /// # Errors
    ///
    /// [`SealError`]; the token is then unchanged.
    ///
    /// # Security
    ///
    /// Whoever has the text has the token. Without a store nothing can revoke it before it expires:
    /// bind it to a context that changes, or keep its lifetime short.
    ///
    /// Sealing a token that was opened starts a new life, even if it has expired, and counts as its
    /// first issue. Use it at the moment when a right is granted. For a session in use there are
    /// [`renew_if_due`](Codec::renew_if_due) and [`renew`](Codec::renew), and for a changed token
    /// [`reseal`](Codec::reseal): they refuse what has expired.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let codec = KeyRing::new(Key::generate()).codec("demo")?;
    /// let mut token = Token::new();
    /// token.cargo_mut().insert("user_id", 123)?;
    /// let text = codec.seal(&mut token, Lifetime::minutes(30))?;
    /// assert_eq!(token.sealed(), Some(text.as_str()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn seal<C: Content>(
        &self,
        token: &mut Token<C>,
        lifetime: Lifetime,
    ) -> Result<String, SealError>
    where
        C::Value: Serialize,
    {
        let reading = self.clock.read();
        let times = times_from(&reading, lifetime, token.not_before_second())?;
        let expiries = token.sealed_state().map(|sealed| sealed.expiries.clone());
        self.seal_token(token, times, &reading, expiries.unwrap_or_default())
    }

    /// Seals the token as it is now under the current key. UUID, times and expiry stay.
    ///
    /// # Errors
    ///
    /// [`SealError::NotSealed`] for a token that was never sealed, [`SealError::Expired`] for one
    /// that has expired, and the others as for [`seal`](Codec::seal). The token is then unchanged.
    ///
    /// # Security
    ///
    /// In a cargo of the caller's own type, an entry keeps the expiry with which it was opened,
    /// even if its value was set again: a second factor that was given again expires when the first
    /// one did. If the entry is removed, its expiry is dropped, and an entry added later has none.
    /// Once an entry has expired, the value must not have it any more, even if its type can do
    /// without ([`SealError::EntryExpired`]). A [`Cargo`](crate::Cargo) can give an entry another
    /// expiry.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let codec = KeyRing::new(Key::generate()).codec("demo")?;
    /// # let text = codec.seal(&mut Token::new(), Lifetime::minutes(30))?;
    /// let mut token = codec.open(&text)?;
    /// token.cargo_mut().insert("seen", true)?;
    /// if token.is_dirty() || token.needs_reseal() {
    ///     let text = codec.reseal(&mut token)?;
    ///     assert_eq!(codec.open(&text)?.expires_at(), token.expires_at());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn reseal<C: Content>(&self, token: &mut Token<C>) -> Result<String, SealError>
    where
        C::Value: Serialize,
    {
        let reading = self.clock.read();
        let (old, expiries) = self.still_valid(token, &reading)?;
        let times = Times {
            not_before: token.not_before_second(),
            ..old
        };
        self.seal_token(token, times, &reading, expiries)
    }

    /// Gives the token a new lifetime from now, under the same UUID: the sliding expiry of a
    /// session.
    ///
    /// Its first issue stays with it ([`Token::first_issued_at`]). A session can be renewed for
    /// ever like this. [`renew_if_due`](Codec::renew_if_due) takes an absolute lifetime as well,
    /// and seals only when it is time.
    ///
    /// # Errors
    ///
    /// As for [`reseal`](Codec::reseal): an expired token stays expired.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let codec = KeyRing::new(Key::generate()).codec("demo")?;
    /// # let mut token = Token::new();
    /// # codec.seal(&mut token, Lifetime::minutes(20))?;
    /// let text = codec.renew(&mut token, Lifetime::minutes(20))?;
    /// assert_eq!(codec.open(&text)?.uuid(), token.uuid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn renew<C: Content>(
        &self,
        token: &mut Token<C>,
        lifetime: Lifetime,
    ) -> Result<String, SealError>
    where
        C::Value: Serialize,
    {
        self.renew_at(token, lifetime, &self.clock.read())
    }

    pub(super) fn renew_at<C: Content>(
        &self,
        token: &mut Token<C>,
        lifetime: Lifetime,
        reading: &Reading,
    ) -> Result<String, SealError>
    where
        C::Value: Serialize,
    {
        let (old, expiries) = self.still_valid(token, reading)?;
        let fresh = times_from(reading, lifetime, token.not_before_second())?;
        // A clock that ran backwards must not put the first issue after the new one.
        let origin = old.first_begun().min(fresh.begun);
        let times = Times {
            origin: Some(origin),
            ..fresh
        };
        self.seal_token(token, times, reading, expiries)
    }

    /// Seals a value of the caller's own type, without a token around it. It allocates once, for
    /// the text, unless the value holds maps.
    ///
    /// What would not open as it was is refused, as far as serde shows it: serde shows how a value
    /// is written, not how it will be read. These are sealed, and then refused by every opener or
    /// read as something else:
    ///
    /// - a field that `skip_serializing_if` left out and that has no `default`, unless it is an
    ///   `Option`;
    /// - such a field beside a flattened map that has an entry of its name, and a flattened map
    ///   with an entry named as the `alias` of a field;
    /// - a flattened map beside another one, beside a flattened enum with a `tag` or `untagged`, or
    ///   before a flattened struct: it is read with their entries as well, and cannot be sealed
    ///   again, since they would be there twice;
    /// - `None` of a flattened `Option` whose type can be read from nothing;
    /// - an `untagged` enum where a variant before the right one fits the JSON;
    /// - a `serde_json::value::RawValue` inside `flatten`, `tag` or `untagged`, and a `Some` of one
    ///   that is `null`;
    /// - a field with `skip`;
    /// - what `with` or `rename` change on one side only, and hand-written implementations that do
    ///   not match.
    ///
    /// So seal and open each of your types in a test, with everything that it can leave out and
    /// without:
    ///
    /// ```
    /// # use sealtoken::{Key, KeyRing, Lifetime};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sessions = KeyRing::new(Key::generate()).codec("session")?;
    /// # type Session = (u64, Option<String>);
    /// # for session in [(42_u64, None), (42, Some("admin".to_owned()))] {
    /// let text = sessions.seal_value(&session, Lifetime::hours(8))?;
    /// let opened = sessions.open_value::<Session>(&text)?;
    /// assert_eq!(opened.value(), &session);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SealError`], including what serde could not read back: integers of 128 bits, map keys that
    /// are not text, names that occur twice, `Some` around a null.
    ///
    /// # Security
    ///
    /// A bare value has no expiries of entries, and a map with some is refused: seal the token. Nor
    /// does it have a first issue: the value of an opened session, sealed again, is a new session
    /// without the old one's absolute expiry.
    ///
    /// ```
    /// use sealtoken::{Key, KeyRing, Lifetime};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sessions = KeyRing::new(Key::generate()).codec("session")?;
    /// let text = sessions.seal_value(&(42_u64, "admin"), Lifetime::hours(8))?;
    /// let session = sessions.open_value::<(u64, String)>(&text)?;
    /// assert_eq!(session.value().0, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn seal_value<T: Serialize + ?Sized>(
        &self,
        value: &T,
        lifetime: Lifetime,
    ) -> Result<String, SealError> {
        let reading = self.clock.read();
        let times = times_from(&reading, lifetime, None)?;
        // One fill for the UUID and the nonce.
        let mut random = [[0; 8]; 5];
        random::fill(random.as_flattened_mut(), reading.nanos)?;
        let [u0, u1, n0, n1, n2] = random;
        let mut identity = [0; 16];
        identity.as_chunks_mut().0.copy_from_slice(&[u0, u1]);
        let mut nonce = XNonce::default();
        nonce
            .as_flattened_mut()
            .as_chunks_mut()
            .0
            .copy_from_slice(&[n0, n1, n2]);
        let uuid = fresh_uuid(identity, reading.nanos);

        let max = self.settings.max_len;
        let mut scratch = Self::begin(&uuid, &times, max);
        content::write_own(&mut scratch, value, &Vec::new())?;
        json::write_expiries(&mut scratch, std::iter::empty())?;
        self.finish(scratch, &mut nonce, &reading, max)
    }

    /// The times and the expiries of entries of a token that may be sealed again.
    pub(super) fn still_valid<C: Content>(
        &self,
        token: &Token<C>,
        reading: &Reading,
    ) -> Result<(Times, Expiries), SealError> {
        let sealed = token.sealed_state().ok_or(SealError::NotSealed)?;
        let leeway = self.settings.tolerance.leeway;
        match sealed.times.expired(reading.now, leeway) {
            Some(at) => Err(SealError::Expired { at }),
            None => Ok((sealed.times, sealed.expiries.clone())),
        }
    }

    /// Seals a token with these times. `expiries` are those of entries in a cargo of the caller's
    /// own type.
    fn seal_token<C: Content>(
        &self,
        token: &mut Token<C>,
        times: Times,
        reading: &Reading,
        expiries: Expiries,
    ) -> Result<String, SealError>
    where
        C::Value: Serialize,
    {
        times.may_be_sealed(reading.now, self.settings.tolerance)?;
        token.ensure_uuid(reading.nanos)?;
        let mut nonce = XNonce::default();
        random::fill(nonce.as_flattened_mut(), reading.nanos)?;

        let max = self.max_for(token.sealed_state());
        let mut scratch = Self::begin(&token.uuid(), &times, max);
        let expiries = content::write(&mut scratch, token.content(), expiries, reading.now)?;
        let text = self.finish(scratch, &mut nonce, reading, max)?;

        let sealed = Sealed {
            text: Some(text.clone()),
            length: text.len(),
            times,
            state: StateId::sealed(&nonce),
            expiries,
            needs_reseal: false,
            clock: self.clock.clone(),
            leeway: self.settings.tolerance.leeway,
        };
        token.now_sealed(reading.now, sealed);
        Ok(text)
    }

    /// The maximum length of a token, given how it was sealed before.
    fn max_for(&self, before: Option<&Sealed>) -> usize {
        let Settings {
            max_len,
            max_opened,
            ..
        } = self.settings;
        // A token from a time when more was allowed can still be sealed again.
        if before.is_some_and(|sealed| sealed.length > max_len) {
            max_opened
        } else {
            max_len
        }
    }

    /// A buffer with room for the envelope, and everything before the cargo.
    fn begin(uuid: &Uuid, times: &Times, max: usize) -> Scratch {
        // Each byte takes more than one character, so this cuts off nothing that fits.
        let mut scratch = Scratch::take(max);
        scratch.extend(&[0; st1::HEADER]);
        json::write_head(&mut scratch, uuid, times);
        scratch
    }

    /// Pads, checks the length, and seals. The nonce becomes the one that was used.
    fn finish(
        &self,
        mut scratch: Scratch,
        nonce: &mut XNonce,
        reading: &Reading,
        max: usize,
    ) -> Result<String, SealError> {
        let plaintext = |scratch: &Scratch| scratch.written().saturating_sub(st1::HEADER);
        let filler = self.settings.padding.map_or(0, |block| {
            let over = plaintext(&scratch).checked_rem(block.get()).unwrap_or(0);
            if over > 0 {
                block.get().saturating_sub(over)
            } else {
                0
            }
        });
        scratch.reserve(filler.saturating_add(st1::TAG));
        scratch.fill_up(b' ', filler);

        let length = st1::sealed_len(plaintext(&scratch));
        if length > max {
            return Err(SealError::TooLong { length, max });
        }
        if !scratch.is_whole() {
            return Err(SealError::Memory);
        }
        let message = scratch.as_slice().get(st1::HEADER..).unwrap_or_default();
        json::openable(message)?;

        let keys = self.keys();
        let key = keys.current();
        let bound = self.bound.as_bytes();
        loop {
            let message = scratch.as_mut_slice().get_mut(BEFORE..).unwrap_or_default();
            random::separate(nonce, &key.nonce_key, reading.nanos, bound, message);
            let backend = self.settings.backend;
            let sealed = st1::seal(&mut scratch, backend, key.kid, &key.cipher, nonce, bound)?;
            if let Some(text) = sealed {
                return Ok(text);
            }
            // The text would have ended in punctuation: at most one in 32, and only at some
            // lengths.
            random::fill(nonce.as_flattened_mut(), reading.nanos)?;
        }
    }
}

/// The times of a token that is sealed now.
fn times_from(
    reading: &Reading,
    lifetime: Lifetime,
    not_before: Option<i64>,
) -> Result<Times, SealError> {
    Ok(Times {
        begun: times::on_the_wire(reading.now).ok_or(SealError::Clock)?,
        lifetime: lifetime.on_the_wire()?,
        not_before,
        origin: None,
    })
}

/// Where the part of the header begins that [`random::separate`] may use: it is written later.
const BEFORE: usize = st1::HEADER - random::ROOM;
