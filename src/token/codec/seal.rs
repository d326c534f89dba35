//! Sealing: new tokens, re-seals, renewals, and values without a token around them.

use serde::Serialize;
use uuid::Uuid;

use crate::crypto::clock::{Reading, UnixTime};
use crate::crypto::random;
use crate::crypto::scratch::Scratch;
use crate::crypto::st1;
use crate::crypto::xaes::XNonce;
use crate::token::cargo::{Text, has_only_ends};
use crate::token::error::SealError;
use crate::token::json::{self, Unwritable};
use crate::token::lifetime::Lifetime;
use crate::token::state::{Sealed, Token, fresh_uuid};
use crate::token::times::{self, Times};

use super::{Codec, Settings};

impl Codec {
    /// Seals the token: its time begins now, and it is clean and valid afterwards.
    ///
    /// The text is returned; [`Token::sealed`] keeps a copy. The token keeps its UUID when it is sealed again.
    ///
    /// # Errors
    ///
    /// [`SealError`]; the token is then as it was.
    ///
    /// # Security
    ///
    /// Whoever has the text has the token. Without a store nothing can take it back before its end: bind it to
    /// a context that changes, or keep its lifetime short.
    ///
    /// A token that was opened begins a new life by this, also one that has expired, and counts as first issued now. It
    /// is for the moment when a right is given. For a session in use there are [`renew_if_due`](Codec::renew_if_due) and
    /// [`renew`](Codec::renew), and for a changed token [`reseal`](Codec::reseal): they refuse what has expired.
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
    pub fn seal<T: Serialize + 'static>(
        &self,
        token: &mut Token<T>,
        lifetime: Lifetime,
    ) -> Result<String, SealError> {
        let reading = self.clock.read();
        let times = times_from(&reading, lifetime, token.not_before_second())?;
        let ends = token.sealed_state().map(|sealed| sealed.ends.clone());
        self.seal_token(token, times, &reading, ends.unwrap_or_default())
    }

    /// Seals the token as it is now under the current key. UUID, times and end stay.
    ///
    /// # Errors
    ///
    /// [`SealError::NotSealed`] for a token without times, [`SealError::Expired`] for one that has ended, and the others as
    /// for [`seal`](Codec::seal). The token is then as it was.
    ///
    /// # Security
    ///
    /// In a cargo of the caller's own type an entry keeps the end with which it was opened, also where its value was set anew: a
    /// second factor that was given once more ends when the first one did. Without the entry its end is dropped; one that comes
    /// back later has none. When an end has come, the value must be without the entry, also
    /// where its type could do without ([`SealError::EntryEnded`]). A [`Cargo`](crate::Cargo) has a way to give an entry another end.
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
    pub fn reseal<T: Serialize + 'static>(
        &self,
        token: &mut Token<T>,
    ) -> Result<String, SealError> {
        let reading = self.clock.read();
        let (old, ends) = self.still_valid(token, &reading)?;
        let times = Times {
            not_before: token.not_before_second(),
            ..old
        };
        self.seal_token(token, times, &reading, ends)
    }

    /// Gives the token a new time and lifetime under the same UUID: the sliding end of a session.
    ///
    /// The moment of its first issue stays with it ([`Token::first_issued_at`]). Nothing here ends a session that is
    /// renewed for ever: [`renew_if_due`](Codec::renew_if_due) takes an absolute end, and seals only when it is time.
    ///
    /// # Errors
    ///
    /// As for [`reseal`](Codec::reseal): what has expired stays expired.
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
    pub fn renew<T: Serialize + 'static>(
        &self,
        token: &mut Token<T>,
        lifetime: Lifetime,
    ) -> Result<String, SealError> {
        self.renew_at(token, lifetime, &self.clock.read())
    }

    pub(super) fn renew_at<T: Serialize + 'static>(
        &self,
        token: &mut Token<T>,
        lifetime: Lifetime,
        reading: &Reading,
    ) -> Result<String, SealError> {
        let (old, ends) = self.still_valid(token, reading)?;
        let fresh = times_from(reading, lifetime, token.not_before_second())?;
        // A clock that ran backwards must not put the first issue after the new one.
        let origin = old.first_begun().min(fresh.begun);
        let times = Times {
            origin: Some(origin),
            ..fresh
        };
        self.seal_token(token, times, reading, ends)
    }

    /// Seals a value of the caller's own type, without a token around it. One allocation, the text, unless it holds maps.
    ///
    /// What would not open as it was is refused as far as serde shows it: how a value is written, not how it will be read. These are
    /// sealed, and then refused by every opener or read as something else:
    ///
    /// - a field that `skip_serializing_if` left out and that has no `default`, unless it is an `Option`;
    /// - such a field beside a flattened map that has an entry of its name, and a flattened map with an entry named as
    ///   the `alias` of a field;
    /// - a flattened map beside another one, beside a flattened enum with a `tag` or `untagged`, or before a flattened struct: it is
    ///   read with their entries as well, and then not sealed again, since they would be there twice;
    /// - `None` of a flattened `Option` whose type can be read from nothing;
    /// - an `untagged` enum where a variant before the right one fits the JSON;
    /// - a `serde_json::value::RawValue` inside of `flatten`, `tag` or `untagged`, and a `Some` of one that is `null`;
    /// - a field with `skip`;
    /// - what `with` or `rename` do on one side only, and implementations by hand that do not fit each other.
    ///
    /// So seal and open each type of yours in a test, with all that it can leave out and without:
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
    /// [`SealError`], also for what serde could not read back as it was: integers of 128 bits, keys of maps that are no text,
    /// names that are there twice, `Some` around a null.
    ///
    /// # Security
    ///
    /// A value has no ends of entries, and a map with some is refused: seal the token. Nor has it a first issue: the value of an
    /// opened session, sealed once more, is a new session without the old one's end.
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
        // One fill for the identity and the nonce.
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
        write_own(&mut scratch, value, &[])?;
        json::write_ends(&mut scratch, std::iter::empty())?;
        self.finish(scratch, nonce, &reading, max)
    }

    /// The times and entry ends of a token that may be sealed once more.
    pub(super) fn still_valid<T>(
        &self,
        token: &Token<T>,
        reading: &Reading,
    ) -> Result<(Times, Vec<(Text, i64)>), SealError> {
        let sealed = token.sealed_state().ok_or(SealError::NotSealed)?;
        let leeway = self.settings.tolerance.leeway;
        match sealed.times.ended(reading.now, leeway) {
            Some(at) => Err(SealError::Expired { at }),
            None => Ok((sealed.times, sealed.ends.clone())),
        }
    }

    /// Seals a token with these times. `ends` are those of entries in a cargo of the caller's own type.
    fn seal_token<T: Serialize + 'static>(
        &self,
        token: &mut Token<T>,
        times: Times,
        reading: &Reading,
        mut ends: Vec<(Text, i64)>,
    ) -> Result<String, SealError> {
        times.may_be_sealed(reading.now, self.settings.tolerance)?;
        token.ensure_uuid(reading.nanos)?;
        let mut nonce = XNonce::default();
        random::fill(nonce.as_flattened_mut(), reading.nanos)?;

        let max = self.most(token.sealed_state());
        let mut scratch = Self::begin(&token.uuid(), &times, max);
        if let Some(cargo) = token.as_map() {
            let (entries, ends) = cargo.at(reading.now);
            json::write_value(&mut scratch, &entries)?;
            json::write_ends(&mut scratch, ends)?;
        } else {
            let from = scratch.written();
            write_own(&mut scratch, token.value(), &ends)?;
            keep_the_existing(&mut ends, scratch.as_slice().get(from..));
            if let Some((_, end)) = ends.iter().find(|(_, end)| *end <= reading.now.as_secs()) {
                let at = UnixTime::from_secs(*end);
                return Err(SealError::EntryEnded { at });
            }
            let ends = ends.iter().map(|(name, end)| (&**name, *end));
            json::write_ends(&mut scratch, ends)?;
        }
        let text = self.finish(scratch, nonce, reading, max)?;

        let mark = token.as_map_mut().map(|cargo| {
            cargo.now_sealed(reading.now, &self.clock);
            cargo.mark()
        });
        token.now_sealed(Sealed {
            text: Some(text.clone()),
            length: text.len(),
            times,
            mark: mark.unwrap_or_default(),
            ends,
            needs_reseal: false,
            clock: self.clock.clone(),
            leeway: self.settings.tolerance.leeway,
        });
        Ok(text)
    }

    /// The most characters of a token that was sealed as this, or not yet.
    fn most(&self, before: Option<&Sealed>) -> usize {
        let Settings {
            max_len,
            max_opened,
            ..
        } = self.settings;
        // One that was sealed when more was allowed does not end by that.
        if before.is_some_and(|sealed| sealed.length > max_len) {
            max_opened
        } else {
            max_len
        }
    }

    /// A buffer with room for the envelope, and everything before the cargo.
    fn begin(uuid: &Uuid, times: &Times, max: usize) -> Scratch {
        // Every byte takes more than a character, so nothing that fits is cut off.
        let mut scratch = Scratch::take(max);
        scratch.extend(&[0; st1::HEADER]);
        json::write_head(&mut scratch, uuid, times);
        scratch
    }

    /// Pads, checks the length, and seals.
    fn finish(
        &self,
        mut scratch: Scratch,
        mut nonce: XNonce,
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
            random::separate(&mut nonce, &key.nonce_key, reading.nanos, bound, message);
            let backend = self.settings.backend;
            let sealed = st1::seal(&mut scratch, backend, key.kid, &key.cipher, &nonce, bound)?;
            if let Some(text) = sealed {
                return Ok(text);
            }
            // One text of 32 at most, and of some lengths alone: so this ends soon.
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

/// Appends the JSON of a cargo of the caller's own type. An entry of a map in it may end only as one of the token's own, at an end
/// among `ends`: without it, the entry would be there for ever.
fn write_own<T: Serialize + ?Sized>(
    scratch: &mut Scratch,
    value: &T,
    ends: &[(Text, i64)],
) -> Result<(), SealError> {
    if has_only_ends(ends, || json::write_own(scratch, value))? {
        Ok(())
    } else {
        Err(SealError::Ends)
    }
}

/// Where the end of the header begins that is not written yet and serves [`random::separate`].
const BEFORE: usize = st1::HEADER - random::ROOM;

/// Drops the ends of entries that the value no longer has.
fn keep_the_existing(ends: &mut Vec<(Text, i64)>, cargo: Option<&[u8]>) {
    if ends.is_empty() {
        return;
    }
    let cargo = cargo.and_then(|bytes| str::from_utf8(bytes).ok());
    let entries = cargo.and_then(json::entries).unwrap_or_default();
    ends.retain(|(name, _)| entries.iter().any(|(entry, _)| **entry == **name));
}

impl From<Unwritable> for SealError {
    fn from(error: Unwritable) -> Self {
        match error {
            Unwritable::NotFinite => Self::NotFinite,
            Unwritable::Unsupported => Self::Cargo,
            Unwritable::TooDeep => Self::TooDeep,
            Unwritable::WideInteger => Self::WideInteger,
            Unwritable::KeyIsNoText => Self::KeyIsNoText,
            Unwritable::Name => Self::Name,
            Unwritable::SomeNull => Self::SomeNull,
        }
    }
}
