//! The content of a token: JSON as text inside JSON, as PHP wrote it.

use sealtoken::{Cargo, Lifetime, Merge, UnixTime};
use serde_json::value::RawValue;

use crate::entries::entries;

use super::PrimordyxError;
use super::scalar::{integer, unquote};

const MAX_SECONDS: i64 = UnixTime::MAX_DATE.as_secs();

/// The content of a token.
pub(super) struct Content {
    issued_at: i64,
    /// In seconds; `None` means forever.
    lifetime: Option<i64>,
    /// Whether the token states its lifetime. If not, the times are in the distant past.
    pub(super) has_lifetime: bool,
    pub(super) cargo: Cargo,
}

impl Content {
    pub(super) fn issued_at(&self) -> UnixTime {
        UnixTime::from_secs(self.issued_at)
    }

    pub(super) fn lifetime(&self) -> Lifetime {
        let seconds = self.lifetime.map(i64::unsigned_abs);
        seconds.map_or(Lifetime::Forever, Lifetime::seconds)
    }

    /// When it expires, if it does.
    pub(super) fn expires_at(&self) -> Option<UnixTime> {
        let seconds = self.lifetime?;
        Some(self.issued_at().saturating_add(seconds))
    }
}

pub(super) fn read(plaintext: &str) -> Result<Content, PrimordyxError> {
    let text = one(plaintext, "k").and_then(|text| unquote(text.get()));
    let text = text.ok_or(PrimordyxError::Payload)?;

    let (mut timestamp, mut lifetime, mut custom) = (None, None, None);
    let mut cargo = Cargo::new();
    for (name, value) in entries(&text).ok_or(PrimordyxError::Payload)? {
        let slot = match &*name {
            "timestamp" => &mut timestamp,
            "seconds_to_expire" => &mut lifetime,
            "custom" => &mut custom,
            other => {
                insert(&mut cargo, other, value)?;
                continue;
            }
        };
        if slot.replace(value).is_some() {
            return Err(PrimordyxError::Payload);
        }
    }

    let number = |value: Option<&RawValue>| value.and_then(|value| integer(value.get()));
    let lifetime = number(lifetime);
    let (issued_at, seconds) = times(number(timestamp).unwrap_or(0), lifetime)?;
    if let Some(custom) = custom {
        cargo.merge(&map(custom.get())?, Merge::Overwrite);
    }
    Ok(Content {
        issued_at,
        lifetime: seconds,
        has_lifetime: lifetime.is_some(),
        cargo,
    })
}

/// The member `name` of an object, if it occurs exactly once.
fn one<'a>(object: &'a str, name: &str) -> Option<&'a RawValue> {
    let mut found = entries(object)?.into_iter().filter(|(n, _)| n == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

fn times(timestamp: i64, lifetime: Option<i64>) -> Result<(i64, Option<i64>), PrimordyxError> {
    let (issued_at, lifetime) = match lifetime {
        // Not its own timestamp: a codec's leeway would then accept it for a while.
        None => (0, Some(1)),
        Some(seconds) if seconds > MAX_SECONDS => return Err(PrimordyxError::LifetimeOutOfRange),
        Some(seconds) => (timestamp, Some(seconds).filter(|seconds| *seconds > 0)),
    };
    if !(0..=MAX_SECONDS).contains(&issued_at) {
        return Err(PrimordyxError::TimestampOutOfRange);
    }
    Ok((issued_at, lifetime))
}

/// `custom` as a cargo: a map, a list, or `null`.
fn map(json: &str) -> Result<Cargo, PrimordyxError> {
    let mut cargo = Cargo::new();
    if let Some(entries) = entries(json) {
        for (name, value) in entries {
            insert(&mut cargo, &name, value)?;
        }
    } else if let Ok(values) = serde_json::from_str::<Vec<&RawValue>>(json) {
        for (index, value) in values.into_iter().enumerate() {
            insert(&mut cargo, &index.to_string(), value)?;
        }
    } else if json != "null" {
        return Err(PrimordyxError::Payload);
    }
    Ok(cargo)
}

/// Inserts a value by the rules of every cargo. No name may be repeated.
fn insert(cargo: &mut Cargo, name: &str, value: &RawValue) -> Result<(), PrimordyxError> {
    match cargo.insert(name, value) {
        Ok(None) => Ok(()),
        _ => Err(PrimordyxError::Payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner(json: &str) -> Result<Content, PrimordyxError> {
        let text = serde_json::to_string(json).unwrap_or_default();
        read(&format!(r#"{{"k":{text}}}"#))
    }

    fn cargo(json: &str) -> Option<String> {
        let cargo = inner(json).ok()?.cargo;
        serde_json::to_string(&cargo).ok()
    }

    fn refusal(json: &str) -> Option<PrimordyxError> {
        inner(json).err()
    }

    #[test]
    fn maps_lists_and_other_keys_become_entries_and_custom_counts_first() {
        for (json, expected) in [
            (r#"{"custom":{"a":1}}"#, r#"{"a":1}"#),
            (r#"{"custom":[]}"#, "{}"),
            (r#"{"custom":null}"#, "{}"),
            ("{}", "{}"),
            (r#"{"custom":["x",[2]]}"#, r#"{"0":"x","1":[2]}"#),
            (r#"{"custom":{"a":1},"a":2,"b":3}"#, r#"{"a":1,"b":3}"#),
            (r#"{"a":2,"b":3,"custom":[]}"#, r#"{"a":2,"b":3}"#),
        ] {
            assert_eq!(cargo(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_php_does_not_write_and_what_no_cargo_holds_is_refused() {
        let deep = format!(r#"{{"custom":[{}{}]}}"#, "[".repeat(63), "]".repeat(63));
        for json in [
            r#"{"custom":1}"#,
            r#"{"custom":"text"}"#,
            r#"{"custom":{"a":1,"a":2}}"#,
            r#"{"custom":{},"custom":{}}"#,
            r#"{"timestamp":1,"\u0074imestamp":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"custom":[18446744073709551616]}"#,
            r#"{"custom":["\ud800"]}"#,
            r#"{"custom":[1e999]}"#,
            &deep,
        ] {
            assert_eq!(refusal(json), Some(PrimordyxError::Payload), "{json}");
        }
        let twice = r#"{"k":"{}","k":"{}"}"#;
        assert_eq!(read(twice).err(), Some(PrimordyxError::Payload));
    }

    #[test]
    fn a_cargo_of_as_many_levels_as_a_token_has_is_read() {
        let json = format!(r#"{{"custom":[{}{}]}}"#, "[".repeat(62), "]".repeat(62));
        assert_eq!(refusal(&json), None);
    }

    #[test]
    fn lifetimes_and_timestamps_come_as_numbers_or_not_at_all() {
        let stated = |json| inner(json).map(|content| (content.issued_at, content.lifetime));
        for (json, expected) in [
            (r#"{"timestamp":5,"seconds_to_expire":60}"#, (5, Some(60))),
            (
                r#"{"timestamp":"5","seconds_to_expire":"60"}"#,
                (5, Some(60)),
            ),
            (r#"{"timestamp":[],"seconds_to_expire":60}"#, (0, Some(60))),
            (r#"{"timestamp":5,"seconds_to_expire":0}"#, (5, None)),
            (r#"{"timestamp":5,"seconds_to_expire":-7}"#, (5, None)),
            (r#"{"timestamp":5,"seconds_to_expire":-1e30}"#, (5, None)),
            (r#"{"timestamp":5,"seconds_to_expire":true}"#, (0, Some(1))),
            (r#"{"timestamp":-5}"#, (0, Some(1))),
        ] {
            assert_eq!(stated(json), Ok(expected), "{json}");
        }
        for number in ["253402300800", "1e999", "99999999999999999999", r#""1e99""#] {
            let json = format!(r#"{{"seconds_to_expire":{number}}}"#);
            assert_eq!(
                refusal(&json),
                Some(PrimordyxError::LifetimeOutOfRange),
                "{json}"
            );
        }
        for number in ["-1", "253402300800", "1763755200000", r#""-1""#] {
            let json = format!(r#"{{"timestamp":{number},"seconds_to_expire":60}}"#);
            assert_eq!(
                refusal(&json),
                Some(PrimordyxError::TimestampOutOfRange),
                "{json}"
            );
        }
    }
}
