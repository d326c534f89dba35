//! Reads the plaintext of a token. [`read_ordinary`] reads what writers usually produce, in the
//! order of the format. For anything else it returns `None`, and [`read_whole`] decides with
//! serde_json.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::crypto::base64url;
use crate::crypto::clock::MAX_SECONDS;
use crate::token::error::OpenError;
use crate::token::times::Times;

/// The length of a UUID in base64url.
pub(super) const UUID_TEXT: usize = 22;

/// The envelope's own members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) uuid: Uuid,
    pub(crate) times: Times,
}

/// The expiring entries of the cargo, each with its expiry in seconds.
pub(crate) type Named<'a> = Vec<(Cow<'a, str>, i64)>;

/// A plaintext whose envelope members keep the rules. The cargo is still unread.
pub(crate) struct Payload<'a> {
    pub(crate) head: Head,
    pub(crate) cargo: &'a str,
    pub(crate) expiries: Option<Named<'a>>,
}

/// The head of an ordinary plaintext, and the text up to its closing brace. That text is the cargo
/// if it is one JSON value; otherwise the plaintext is not an ordinary one.
pub(crate) fn read_ordinary(text: &str) -> Option<(Head, &str)> {
    let rest = text.as_bytes().strip_prefix(br#"{"u":""#)?;
    let (uuid, rest) = rest.split_first_chunk::<UUID_TEXT>()?;
    let uuid = read_uuid(uuid)?;
    let (begun, mut rest) = read_integer(rest.strip_prefix(br#"","t":"#)?)?;
    let mut optional = [None; 3];
    for (slot, name) in optional
        .iter_mut()
        .zip([br#","x":"#, br#","n":"#, br#","o":"#])
    {
        if let Some(value) = rest.strip_prefix(name) {
            let (value, after) = read_integer(value)?;
            *slot = Some(value);
            rest = after;
        }
    }
    let rest = rest.strip_prefix(br#","c":"#)?;
    let cargo = text.get(text.len().checked_sub(rest.len())?..)?;
    let cargo = cargo.trim_end_matches(' ').strip_suffix('}')?;
    let [lifetime, not_before, origin] = optional;
    let times = Times {
        begun,
        lifetime,
        not_before,
        origin,
    };
    are_consistent(&times).then_some((Head { uuid, times }, cargo))
}

/// Reads a text that is one value. The error is dropped: its message may quote the text.
#[inline]
pub(crate) fn read_value<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    // A type that reads nothing would accept an empty text.
    let is_blank = text.trim_ascii_start().is_empty();
    serde_json::from_str(text).ok().filter(|_| !is_blank)
}

/// Reads any plaintext that keeps the rules, its members in any order.
pub(crate) fn read_whole(text: &str) -> Result<Payload<'_>, OpenError> {
    let object = text.trim_end_matches(' ');
    // serde_json would accept white space around the object.
    if !object.starts_with('{') || !object.ends_with('}') {
        return Err(OpenError::Payload);
    }
    let Members(payload) = serde_json::from_str(object).map_err(|_| OpenError::Payload)?;
    if let Some(expiries) = &payload.expiries {
        // With an `e`, even an empty one, the cargo must be an object.
        let entries = entries(payload.cargo).ok_or(OpenError::Payload)?;
        let names: HashSet<&str> = entries.iter().map(|(name, _)| &**name).collect();
        let mut named = HashSet::new();
        let sound = |name| names.contains(name) && named.insert(name);
        if !expiries.iter().map(|(name, _)| &**name).all(sound) {
            return Err(OpenError::Payload);
        }
    }
    Ok(payload)
}

/// The entries of a cargo that is an object.
pub(crate) fn entries(cargo: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    let Entries(entries) = serde_json::from_str(cargo).ok()?;
    Some(entries)
}

/// The text of a cargo without the entries that `drop` selects. The others keep their own text.
pub(crate) fn without(cargo: &str, drop: impl Fn(&str) -> bool) -> Option<String> {
    // Never longer than the original, so the buffer does not grow and leave copies behind.
    let mut rest = Vec::with_capacity(cargo.len().saturating_add(2));
    for (name, value) in entries(cargo)? {
        if !drop(&name) {
            rest.push(if rest.is_empty() { b'{' } else { b',' });
            serde_json::to_writer(&mut rest, &name).ok()?;
            rest.push(b':');
            rest.extend_from_slice(value.get().as_bytes());
        }
    }
    rest.extend_from_slice(if rest.is_empty() { b"{}" } else { b"}" });
    String::from_utf8(rest).ok()
}

fn read_uuid(text: &[u8; UUID_TEXT]) -> Option<Uuid> {
    let mut bytes = [0; 16];
    base64url::decode_into(text, &mut bytes).ok()?;
    Some(Uuid::from_bytes(bytes))
}

/// A canonical integer in the format's range, and what follows it.
fn read_integer(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    // At most 12 digits, so the sum does not overflow.
    if digits.is_empty() || digits.len() > 12 || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |sum, digit| {
        sum.wrapping_mul(10).wrapping_add(i64::from(digit & 0x0f))
    });
    (value <= MAX_SECONDS).then_some((value, rest))
}

/// Whether the times are consistent.
fn are_consistent(times: &Times) -> bool {
    times.lifetime != Some(0) && times.origin.is_none_or(|origin| origin <= times.begun)
}

/// The envelope's object, read by serde_json.
struct Members<'a>(Payload<'a>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

/// Fills a slot once.
fn once<T, E: serde::de::Error>(slot: &mut Option<T>, value: T) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("duplicate member")),
    }
}

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Payload<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the members of a token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Payload<'de>, A::Error> {
        let (mut uuid, mut cargo, mut expiries) = (None, None, None);
        let (mut begun, mut lifetime, mut not_before, mut origin) = (None, None, None, None);
        while let Some(Word(name)) = members.next_key()? {
            let time = match &*name {
                "u" => {
                    let Word(text) = members.next_value()?;
                    let text = text.as_bytes().try_into().ok();
                    let read = text.and_then(read_uuid);
                    once(&mut uuid, read.ok_or_else(|| A::Error::custom("uuid"))?)?;
                    continue;
                }
                "c" => {
                    once(&mut cargo, members.next_value::<&'de RawValue>()?.get())?;
                    continue;
                }
                "e" => {
                    let Entries(read) = members.next_value()?;
                    once(&mut expiries, read)?;
                    continue;
                }
                "t" => &mut begun,
                "x" => &mut lifetime,
                "n" => &mut not_before,
                "o" => &mut origin,
                _ => return Err(A::Error::custom("unknown member")),
            };
            let Second(value) = members.next_value()?;
            once(time, value)?;
        }
        let missing = || A::Error::custom("missing member");
        let times = Times {
            begun: begun.ok_or_else(missing)?,
            lifetime,
            not_before,
            origin,
        };
        if !are_consistent(&times) {
            return Err(A::Error::custom("times"));
        }
        let expiries = expiries.map(|expiries: Vec<(_, Second)>| {
            let plain = |(name, Second(second))| (name, second);
            expiries.into_iter().map(plain).collect()
        });
        Ok(Payload {
            head: Head {
                uuid: uuid.ok_or_else(missing)?,
                times,
            },
            cargo: cargo.ok_or_else(missing)?,
            expiries,
        })
    }
}

/// Text that is borrowed if it has no escapes.
struct Word<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Word<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;

        impl<'de> Visitor<'de> for Borrowing {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }

        deserializer.deserialize_str(Borrowing).map(Self)
    }
}

/// The entries of an object in order, including duplicates.
struct Entries<'a, V>(Vec<(Cow<'a, str>, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<'de, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = Vec<(Cow<'de, str>, V)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Word(name), value)) = map.next_entry()? {
                    entries.push((name, value));
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData)).map(Self)
    }
}

/// An integer in the format's range. serde_json reads every other spelling of a number as a float,
/// which `u64` refuses.
struct Second(i64);

impl<'de> Deserialize<'de> for Second {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u64::deserialize(deserializer)?;
        i64::try_from(value)
            .ok()
            .filter(|value| *value <= MAX_SECONDS)
            .map(Self)
            .ok_or_else(|| D::Error::custom("out of range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plaintext(rest: &str) -> String {
        format!(r#"{{"u":"AAAAAAAAAAAAAAAAAAAAAA","t":1,{rest}}}"#)
    }

    #[test]
    fn expiries_stand_beside_an_object_only_and_name_its_entries_once() {
        let code = |rest: &str| {
            read_whole(&plaintext(rest))
                .map(|_| ())
                .map_err(|e| e.code())
        };
        for good in [
            r#""c":{},"e":{}"#,
            r#""e":{"a":1},"c":{"a":2}"#,
            r#""c":{"a":1},"e":{"\u0061":1}"#,
        ] {
            assert_eq!(code(good), Ok(()), "{good}");
        }
        let bad = [
            r#""c":5,"e":{}"#,
            r#""c":[1],"e":{}"#,
            r#""c":null,"e":{}"#,
            r#""c":"x","e":{}"#,
            r#""c":{"a":1},"e":{"b":1}"#,
            r#""c":{"a":1},"e":{"a":1,"a":1}"#,
            r#""c":{"a":1},"e":{"a":1,"\u0061":1}"#,
            r#""c":{"a":1},"e":{"a":-1}"#,
            r#""c":{"a":1},"e":{"a":253402300800}"#,
            r#""c":{"a":1},"e":{"a":null}"#,
            r#""c":{"a":1},"e":null"#,
            r#""c":{"a":1},"e":[]"#,
            r#""c":{},"e":{},"e":{}"#,
        ];
        for bad in bad {
            assert_eq!(code(bad), Err("payload"), "{bad}");
        }
    }

    #[test]
    fn the_fast_head_takes_the_formats_order_alone_and_agrees_with_the_slow_one() {
        let texts = [
            r#""c":{}"#,
            r#""x":1,"c":{}"#,
            r#""x":1,"n":2,"o":1,"c":{}"#,
            r#""n":2,"c":{}"#,
            r#""o":0,"c":{}"#,
            r#""x":253402300799,"c":{}"#,
        ];
        for rest in texts {
            let text = plaintext(rest);
            let (head, cargo) = read_ordinary(&text).unwrap();
            assert_eq!(
                (Some(head), cargo),
                (read_whole(&text).ok().map(|p| p.head), "{}")
            );
        }
        let unusual = [
            r#""n":2,"x":1,"c":{}"#,
            r#""x":0,"c":{}"#,
            r#""x":01,"c":{}"#,
            r#""x":-1,"c":{}"#,
            r#""x":1.0,"c":{}"#,
            r#""x":,"c":{}"#,
            r#""x":253402300800,"c":{}"#,
            r#""x":1000000000000,"c":{}"#,
            r#""o":2,"c":{}"#,
            r#" "c":{}"#,
            r#""c" :{}"#,
        ];
        for rest in unusual {
            assert_eq!(read_ordinary(&plaintext(rest)), None, "{rest}");
        }
    }

    #[test]
    fn nothing_is_no_value_also_of_a_type_that_reads_nothing() {
        struct Nothing;

        impl<'de> Deserialize<'de> for Nothing {
            fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Ok(Self)
            }
        }

        for text in ["", " ", "}", " }", "\t\n}"] {
            assert!(read_value::<Nothing>(text).is_none(), "{text:?}");
        }
        assert_eq!(read_value::<()>(" null\n"), Some(()));
        assert_eq!(read_value::<()>("null}"), None);
    }
}
