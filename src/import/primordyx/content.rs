//! What stands inside a token: JSON as text inside of JSON, as PHP wrote it.

use serde_json::value::RawValue;

use crate::crypto::clock::MAX_SECONDS;
use crate::import::error::ImportError;
use crate::token::{Cargo, Merge, Times, entries};

use super::scalar::{integer, unquote};

/// What a token says.
pub(super) struct Content {
    pub(super) times: Times,
    /// Whether the times are those of the token. They are of the distant past where it states no lifetime.
    pub(super) has_lifetime: bool,
    pub(super) cargo: Cargo,
}

pub(super) fn read(plaintext: &str) -> Result<Content, ImportError> {
    let text = one(plaintext, "k").and_then(|text| unquote(text.get()));
    let text = text.ok_or(ImportError::Payload)?;

    let (mut timestamp, mut lifetime, mut custom) = (None, None, None);
    let mut cargo = Cargo::new();
    for (name, value) in entries(&text).ok_or(ImportError::Payload)? {
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
            return Err(ImportError::Payload);
        }
    }

    let number = |value: Option<&RawValue>| value.and_then(|value| integer(value.get()));
    let lifetime = number(lifetime);
    let times = times(number(timestamp).unwrap_or(0), lifetime)?;
    if let Some(custom) = custom {
        cargo.merge(&map(custom.get())?, Merge::Overwrite);
    }
    Ok(Content {
        times,
        has_lifetime: lifetime.is_some(),
        cargo,
    })
}

/// The member `name` of an object, if there is one and no second.
fn one<'a>(object: &'a str, name: &str) -> Option<&'a RawValue> {
    let mut found = entries(object)?.into_iter().filter(|(n, _)| n == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

fn times(begun: i64, lifetime: Option<i64>) -> Result<Times, ImportError> {
    let (begun, lifetime) = match lifetime {
        // Not at its own timestamp: with that, a codec's leeway would let it live on for a while.
        None => (0, Some(1)),
        Some(seconds) if seconds > MAX_SECONDS => return Err(ImportError::LifetimeOutOfRange),
        Some(seconds) => (begun, Some(seconds).filter(|seconds| *seconds > 0)),
    };
    if !(0..=MAX_SECONDS).contains(&begun) {
        return Err(ImportError::TimestampOutOfRange);
    }
    Ok(Times {
        begun,
        lifetime,
        not_before: None,
        origin: None,
    })
}

/// `custom` as a cargo: a map, a list, or `null`.
fn map(json: &str) -> Result<Cargo, ImportError> {
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
        return Err(ImportError::Payload);
    }
    Ok(cargo)
}

/// Puts in a value, by the rules that every cargo keeps. No name comes twice.
fn insert(cargo: &mut Cargo, name: &str, value: &RawValue) -> Result<(), ImportError> {
    match cargo.insert(name, value) {
        Ok(None) => Ok(()),
        _ => Err(ImportError::Payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner(json: &str) -> Result<Content, ImportError> {
        let text = serde_json::to_string(json).unwrap_or_default();
        read(&format!(r#"{{"k":{text}}}"#))
    }

    fn cargo(json: &str) -> Option<String> {
        let cargo = inner(json).ok()?.cargo;
        serde_json::to_string(&cargo).ok()
    }

    fn refusal(json: &str) -> Option<ImportError> {
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
            assert_eq!(refusal(json), Some(ImportError::Payload), "{json}");
        }
        let twice = r#"{"k":"{}","k":"{}"}"#;
        assert_eq!(read(twice).err(), Some(ImportError::Payload));
    }

    #[test]
    fn a_cargo_of_as_many_levels_as_a_token_has_is_read() {
        let json = format!(r#"{{"custom":[{}{}]}}"#, "[".repeat(62), "]".repeat(62));
        assert_eq!(refusal(&json), None);
    }

    #[test]
    fn lifetimes_and_timestamps_come_as_numbers_or_not_at_all() {
        let stated =
            |json| inner(json).map(|content| (content.times.begun, content.times.lifetime));
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
                Some(ImportError::LifetimeOutOfRange),
                "{json}"
            );
        }
        for number in ["-1", "253402300800", "1763755200000", r#""-1""#] {
            let json = format!(r#"{{"timestamp":{number},"seconds_to_expire":60}}"#);
            assert_eq!(
                refusal(&json),
                Some(ImportError::TimestampOutOfRange),
                "{json}"
            );
        }
    }
}
