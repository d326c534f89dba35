//! The published vectors of st1, opened through the public API.

use std::time::Duration;

use sealtoken::{
    Cargo, Codec, Key, KeyId, KeyRing, ManualClock, PurposeKey, Ring, Role, TokenHeader, UnixTime,
};
use serde_json::{Value, json};

fn file() -> Value {
    serde_json::from_str(include_str!("../vectors/st1.json")).unwrap()
}

fn text<'v>(vector: &'v Value, name: &str) -> &'v str {
    vector[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

/// The codec that a vector asks for, at its time and in its context.
fn codec(vector: &Value, now: &Value) -> Codec {
    let keys: KeyRing = text(vector, "key").parse().unwrap();
    at(keys.codec(text(vector, "purpose")).unwrap(), vector, now)
}

fn at(codec: Codec, vector: &Value, now: &Value) -> Codec {
    let now = UnixTime::from_secs(now.as_i64().unwrap());
    let codec = codec.with_clock(ManualClock::at(now));
    let contexts = match &vector["context"] {
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    };
    let given = contexts.into_iter().filter(|context| !context.is_empty());
    given.fold(codec, |codec, context| {
        codec.bound_to(hex::decode(context).unwrap()).unwrap()
    })
}

#[test]
fn the_positive_vectors_open_to_what_was_sealed() {
    let file = file();
    let positive = file["positive"].as_array().unwrap();
    assert_eq!(positive.len(), 10);
    for vector in positive {
        let name = text(vector, "name");
        let inside: Value = serde_json::from_str(text(vector, "plaintext").trim_end()).unwrap();
        // One of them becomes valid a minute later.
        let later = inside
            .get("n")
            .cloned()
            .unwrap_or_else(|| file["now"].clone());
        let codec = codec(vector, &later);
        let token = codec
            .open(text(vector, "token"))
            .unwrap_or_else(|e| panic!("{name}: {e}"));

        let cargo: Cargo = inside["c"].to_string().parse().unwrap();
        assert_eq!(
            serde_json::to_value(token.cargo()).unwrap(),
            inside["c"],
            "{name}"
        );
        assert_eq!(token.cargo().len(), cargo.len());
        let second = |moment: Option<UnixTime>| moment.map(UnixTime::as_secs);
        assert_eq!(second(token.issued_at()), inside["t"].as_i64(), "{name}");
        assert_eq!(
            second(token.not_before()),
            inside.get("n").and_then(Value::as_i64)
        );
        let first = inside.get("o").unwrap_or(&inside["t"]).as_i64();
        assert_eq!(second(token.first_issued_at()), first, "{name}");
        let lifetime = token.lifetime().unwrap().as_duration();
        let sealed = inside.get("x").and_then(Value::as_u64);
        assert_eq!(lifetime, sealed.map(Duration::from_secs), "{name}");
        if let Some(ends) = inside.get("e").and_then(Value::as_object) {
            for (entry, end) in ends {
                let end = end.as_i64().map(UnixTime::from_secs);
                assert_eq!(token.cargo().expires_at(entry), end, "{name}");
            }
        }
        assert!(token.is_valid() && !token.is_dirty() && !token.needs_reseal());

        // The same as the caller's own type, and lent.
        let own = codec.open_value::<Value>(text(vector, "token")).unwrap();
        assert_eq!(
            (own.value(), own.uuid()),
            (&inside["c"], token.uuid()),
            "{name}"
        );
        let lent = codec.open_with(text(vector, "token"), |opened| opened.cargo::<Value>());
        assert_eq!(lent.as_ref(), Ok(&inside["c"]), "{name}");
    }
}

#[test]
fn the_rings_have_these_roles_or_are_refused() {
    let file = file();
    let rings = file["rings"].as_array().unwrap();
    assert_eq!(rings.len(), 52);
    for vector in rings {
        let ring = text(vector, "ring").parse::<KeyRing>();
        let found: Value = match ring {
            Ok(ring) => {
                let key = |(id, role): (KeyId, Role)| json!([id.to_string(), role.to_string()]);
                ring.keys().into_iter().map(key).collect()
            }
            Err(_) => "refused".into(),
        };
        assert_eq!(&found, &vector["keys"], "{}", text(vector, "name"));
    }
}

#[test]
fn what_no_writer_writes_is_read_as_the_format_says_by_every_way_in() {
    let file = file();
    let readable = file["readable"].as_array().unwrap();
    assert_eq!(readable.len(), 11);
    for vector in readable {
        let name = text(vector, "name");
        let codec = codec(vector, &vector["now"]);
        let token = text(vector, "token");
        let map = codec.open(token).unwrap_or_else(|e| panic!("{name}: {e}"));
        let cargo = &vector["cargo"];
        assert_eq!(&serde_json::to_value(map.cargo()).unwrap(), cargo, "{name}");
        let own = codec.open_value::<Value>(token).unwrap();
        assert_eq!(own.value(), cargo, "{name}");
        let lent = codec.open_with(token, |opened| opened.cargo::<Value>());
        assert_eq!(lent.as_ref(), Ok(cargo), "{name}");
    }
}

#[test]
fn the_negative_vectors_are_refused_with_their_reasons_by_every_way_in() {
    let file = file();
    let negative = file["negative"].as_array().unwrap();
    assert_eq!(negative.len(), 77);
    for vector in negative {
        let (name, reason) = (text(vector, "name"), text(vector, "reason"));
        let codec = codec(vector, &vector["now"]);
        let token = text(vector, "token");
        let map = codec.open(token).map(|_| ()).map_err(|e| e.code());
        assert_eq!(map, Err(reason), "{name}");

        // A type of the caller's own may accept what a map must refuse.
        let own = codec.open_value::<serde::de::IgnoredAny>(token);
        let lent = codec.open_with(token, |_| Ok(()));
        let of_maps_only = [
            "inside the cargo",
            "deep in the cargo",
            "member by escape",
            "65 levels",
            "beyond u64",
            "stands twice",
        ];
        if of_maps_only.iter().any(|part| name.contains(part)) {
            assert!(own.is_ok() && lent.is_ok(), "{name}");
        } else {
            assert_eq!(own.map(|_| ()).map_err(|e| e.code()), Err(reason), "{name}");
            assert_eq!(lent.map_err(|e| e.code()), Err(reason), "{name}");
        }

        let header = token.parse::<TokenHeader>().map_err(|e| e.code());
        assert_eq!(header.is_err(), reason == "malformed", "{name}");
    }
}

#[test]
fn inspection_shows_what_time_refuses_and_nothing_else() {
    for vector in file()["negative"].as_array().unwrap() {
        let codec = codec(vector, &vector["now"]);
        let inspected = codec.inspect(text(vector, "token"));
        match text(vector, "reason") {
            // Two of the expired vectors have a cargo that is not a map.
            "expired" if text(vector, "name").contains("cargo") => {
                assert_eq!(inspected.map_err(|e| e.code()).err(), Some("payload"));
            }
            "expired" => assert!(inspected.unwrap().is_expired()),
            "not_yet_valid" => assert!(inspected.unwrap().is_valid()),
            reason => assert_eq!(inspected.map(|_| ()).map_err(|e| e.code()), Err(reason)),
        }
    }
}

#[test]
fn the_vectors_keys_have_their_ids_and_texts() {
    for vector in file()["positive"].as_array().unwrap() {
        let key: Key = text(vector, "key").parse().unwrap();
        assert_eq!(key.expose().as_str(), text(vector, "key"));
        assert_eq!(key.id().to_string(), text(vector, "kid"));
        let root: [u8; 32] = hex::decode(text(vector, "root"))
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(Key::from_bytes(root).expose(), key.expose());

        let exported = key.for_purpose(text(vector, "purpose")).unwrap();
        assert_eq!(exported.expose().as_str(), text(vector, "exported"));
        let imported: PurposeKey = text(vector, "exported").parse().unwrap();
        assert_eq!(imported.purpose(), text(vector, "purpose"));
        let codec = at(Ring::new(imported).codec(), vector, &file()["now"]);
        assert!(codec.inspect(text(vector, "token")).is_ok());
    }
}
