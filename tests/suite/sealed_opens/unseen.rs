//! serde shows how a value is written, not how it is read. These are sealed, and the caller has to
//! notice.

use std::collections::BTreeMap;

use sealtoken::{Lifetime, SealError, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::types::Untagged;
use super::{Flat, codec, map};

#[derive(Serialize, Deserialize, PartialEq)]
struct Skipped {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list: Vec<u8>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Beside {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Aliased {
    #[serde(alias = "b", default, skip_serializing_if = "is_zero")]
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

fn is_zero(n: &u8) -> bool {
    *n == 0
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Optional {
    b: Option<u8>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Renamed {
    #[serde(rename(serialize = "b"))]
    a: u8,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Dropped {
    #[serde(skip)]
    a: u8,
}

/// Two flattened parts: serde gives every entry to a map and to an enum behind a `tag`, including
/// those of the other part.
#[derive(Serialize, Deserialize, PartialEq)]
struct Both<A, B> {
    #[serde(flatten)]
    first: A,
    #[serde(flatten)]
    second: B,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(tag = "type")]
enum Event {
    Login { user: u8 },
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
enum Tagless {
    One { user: u8 },
}

#[derive(Serialize, Deserialize, PartialEq)]
struct One {
    user: u8,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct OneSided {
    #[serde(serialize_with = "as_text")]
    a: u8,
}

fn as_text<S: serde::Serializer>(n: &u8, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(n)
}

/// Whether the value comes back unchanged; `None` if it does not come back.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + 'static>(value: &T) -> Option<bool> {
    let text = codec().seal_value(value, Lifetime::hours(1)).unwrap();
    let opened = codec().open_value::<T>(&text).ok()?;
    Some(opened.value() == value)
}

#[test]
fn what_serde_does_not_show_is_sealed() {
    let entry = |name: &str| map([(name.to_owned(), 1)]);
    assert_eq!(comes_back(&Skipped { list: vec![] }), None);
    let beside = |name| Beside {
        a: None,
        rest: entry(name),
    };
    assert_eq!(comes_back(&beside("b")), Some(true));
    assert_eq!(comes_back(&beside("a")), Some(false));
    let aliased = |a, name| Aliased {
        a,
        rest: entry(name),
    };
    assert_eq!(comes_back(&aliased(0, "b")), Some(false));
    assert_eq!(comes_back(&aliased(2, "b")), None);
    let rest = None::<Optional>;
    assert_eq!(comes_back(&Flat { a: 1, rest }), Some(false));
    let empty = Untagged::Text(BTreeMap::new());
    assert_eq!(comes_back(&empty), Some(false));
    assert_eq!(comes_back(&Renamed { a: 1 }), None);
    assert_eq!(comes_back(&OneSided { a: 1 }), None);
    assert_eq!(comes_back(&Dropped { a: 1 }), Some(false));
}

#[test]
fn flattened_parts_beside_a_flattened_map_are_in_the_map_as_well() {
    let entry = |name: &str| map([(name.to_owned(), Value::from(1_u64))]);
    let event = Both {
        first: Event::Login { user: 7 },
        second: entry("more"),
    };
    assert_eq!(comes_back(&event), Some(false));
    let untold = Both {
        first: entry("more"),
        second: Tagless::One { user: 7 },
    };
    assert_eq!(comes_back(&untold), Some(false));
    let maps = Both {
        first: entry("a"),
        second: entry("b"),
    };
    assert_eq!(comes_back(&maps), Some(false));
    let before = Both {
        first: entry("a"),
        second: One { user: 7 },
    };
    assert_eq!(comes_back(&before), Some(false));
    let behind = Both {
        first: One { user: 7 },
        second: entry("a"),
    };
    assert_eq!(comes_back(&behind), Some(true));

    // The value that came back is not sealed again.
    let text = codec().seal_value(&event, Lifetime::hours(1)).unwrap();
    type Opened = Both<Event, BTreeMap<String, Value>>;
    let mut opened = codec().open_value::<Opened>(&text).unwrap();
    assert_eq!(codec().reseal(&mut opened), Err(SealError::NameConflict));
    let renewed = codec().renew(&mut opened, Lifetime::hours(1));
    assert_eq!(renewed, Err(SealError::NameConflict));
}
