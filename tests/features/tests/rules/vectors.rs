//! The test vectors of the format: those that open, and those that are refused.

use sealtoken::{Codec, Key, KeyRing, ManualClock, UnixTime};
use serde_json::{Value, json};

fn vectors(kind: &str) -> Vec<Value> {
    let text = include_str!("../../../vectors/st1.json");
    let all: Value = serde_json::from_str(text).expect("JSON");
    all[kind].as_array().expect("a list").clone()
}

fn text<'v>(vector: &'v Value, name: &str) -> &'v str {
    vector[name].as_str().expect("text")
}

fn codec(vector: &Value, now: i64) -> Codec {
    let key: Key = text(vector, "key").parse().expect("a key");
    let codec = KeyRing::new(key)
        .codec(text(vector, "purpose"))
        .expect("a purpose");
    let codec = codec.with_clock(ManualClock::at(UnixTime::from_secs(now)));
    let contexts = match &vector["context"] {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => vec![one.as_str().expect("text")],
    };
    let given = contexts.into_iter().filter(|context| !context.is_empty());
    given.fold(codec, |codec, context| {
        let context = hex::decode(context).expect("hexadecimal");
        codec.bound_to(context).expect("not empty")
    })
}

#[test]
fn the_positive_vectors_open_to_their_content() {
    let vectors = vectors("positive");
    assert_eq!(vectors.len(), 10);
    for vector in vectors {
        let plaintext: Value = serde_json::from_str(text(&vector, "plaintext")).expect("JSON");
        let now = plaintext
            .get("n")
            .unwrap_or(&plaintext["t"])
            .as_i64()
            .expect("a second");
        let codec = codec(&vector, now);
        let token = text(&vector, "token");

        let opened = codec.open(token).expect(text(&vector, "name"));
        let cargo = serde_json::to_value(opened.cargo()).expect("a map");
        assert_eq!(cargo, plaintext["c"]);
        let typed = codec
            .open_value::<Value>(token)
            .expect(text(&vector, "name"));
        assert_eq!(typed.value(), &plaintext["c"]);
        let lent = codec.open_with(token, |opened| opened.cargo::<Value>());
        assert_eq!(lent.as_ref(), Ok(&plaintext["c"]));

        let issued = opened.issued_at().map(UnixTime::as_secs);
        assert_eq!(json!(issued), plaintext["t"]);
        let lifetime = opened.lifetime().and_then(sealtoken::Lifetime::as_duration);
        assert_eq!(
            Some(&json!(lifetime.map(|lifetime| lifetime.as_secs()))),
            plaintext.get("x").or(Some(&Value::Null))
        );
        for (name, end) in plaintext["e"].as_object().into_iter().flatten() {
            assert_eq!(
                opened
                    .cargo()
                    .expires_at(name)
                    .map(|end| json!(end.as_secs())),
                Some(end.clone())
            );
        }
    }
}

#[test]
fn the_negative_vectors_are_refused_for_the_given_reason() {
    let vectors = vectors("negative");
    assert_eq!(vectors.len(), 77);
    for vector in vectors {
        let codec = codec(&vector, vector["now"].as_i64().expect("a second"));
        let error = codec
            .open(text(&vector, "token"))
            .expect_err(text(&vector, "name"));
        assert_eq!(
            error.code(),
            text(&vector, "reason"),
            "{}",
            text(&vector, "name")
        );
    }
}
