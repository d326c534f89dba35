//! How often sealing and opening allocate, once the thread has its buffer.

use sealtoken::{Codec, Key, KeyRing, Lifetime, Token, TokenHeader};
use sealtoken_process_tests::count::{Counting, allocations};
use serde::{Deserialize, Serialize};

#[global_allocator]
static COUNTING: Counting = Counting;

const HOUR: Lifetime = Lifetime::hours(1);

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
struct Flat {
    user: u64,
    admin: bool,
    score: f64,
    kind: Kind,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
enum Kind {
    Session,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Borrowed<'a> {
    user: u64,
    role: &'a str,
    tenant: &'a str,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Owned {
    user: u64,
    role: String,
    roles: Vec<String>,
}

const FLAT: Flat = Flat {
    user: 42,
    admin: true,
    score: -0.25,
    kind: Kind::Session,
};
const BORROWED: Borrowed<'_> = Borrowed {
    user: 42,
    role: "reader",
    tenant: "example.com",
};

fn owned() -> Owned {
    Owned {
        user: 42,
        role: "reader".into(),
        roles: vec!["a".into(), "b".into(), "c".into(), "d".into()],
    }
}

/// Uses the codec once, so that this thread has its buffer and its generator.
fn warm(codec: Codec) -> Codec {
    let long = "x".repeat(2000);
    let text = codec.seal_value(&long, HOUR).expect("fits");
    codec.open_value::<String>(&text).expect("genuine");
    codec
}

fn codec() -> Codec {
    let ring = KeyRing::new(Key::generate())
        .with_retired(Key::generate())
        .expect("two ids");
    warm(ring.codec("session").expect("a purpose"))
}

#[test]
fn sealing_a_typed_value_allocates_once() {
    let codec = codec();
    for codec in [codec.clone(), warm(codec.with_padding(256))] {
        for _ in 0..3 {
            let (calls, text) = allocations(|| codec.seal_value(&FLAT, HOUR).expect("fits"));
            assert_eq!(calls, 1);
            // Allocated at its final length, with no spare capacity.
            assert_eq!(text.capacity(), text.len());
        }
        assert_eq!(allocations(|| codec.seal_value(&BORROWED, HOUR)).0, 1);
        let owned = owned();
        assert_eq!(
            allocations(|| codec.seal_value(&owned, Lifetime::Forever)).0,
            1
        );
    }
}

#[test]
fn sealing_a_typed_value_in_a_context_allocates_once() {
    let codec = codec();
    for context in ["short".to_owned(), "c".repeat(120)] {
        let codec = warm(codec.bound_to(&context).expect("not empty"));
        assert_eq!(allocations(|| codec.seal_value(&FLAT, HOUR)).0, 1);
    }
}

#[test]
fn opening_allocates_only_for_the_fields_of_the_type() {
    let codec = codec();
    let flat = codec.seal_value(&FLAT, HOUR).expect("fits");
    let (calls, opened) = allocations(|| codec.open_value::<Flat>(&flat).expect("genuine"));
    assert_eq!((calls, opened.into_value()), (0, FLAT));

    // One for each text and one for the list, which starts with room for four.
    let text = codec.seal_value(&owned(), HOUR).expect("fits");
    let (calls, opened) = allocations(|| codec.open_value::<Owned>(&text).expect("genuine"));
    assert_eq!((calls, opened.into_value()), (6, owned()));
}

#[test]
fn opening_with_a_borrowed_type_allocates_nothing() {
    let codec = codec();
    let text = codec.seal_value(&BORROWED, HOUR).expect("fits");
    let (calls, same) = allocations(|| {
        codec.open_with(&text, |opened| {
            let end =
                opened.expires_at().is_some() && opened.issued_at() == opened.first_issued_at();
            Ok(end && opened.cargo::<Borrowed<'_>>()? == BORROWED)
        })
    });
    assert_eq!((calls, same), (0, Ok(true)));
}

#[test]
fn refusing_allocates_nothing() {
    let codec = codec();
    let text = codec.seal_value(&BORROWED, HOUR).expect("fits");
    let unknown = self::codec().seal_value(&FLAT, HOUR).expect("fits");
    let forged = codec
        .bound_to("context")
        .expect("not empty")
        .seal_value(&FLAT, HOUR)
        .expect("fits");
    for (text, code) in [
        ("no token", "malformed"),
        (&text[1..], "malformed"),
        (&format!("{text}="), "malformed"),
        (&unknown, "unknown_key"),
        (&forged, "forged"),
    ] {
        let (calls, error) = allocations(|| codec.open_value::<Flat>(text).err());
        assert_eq!((calls, error.map(|error| error.code())), (0, Some(code)));
        let (calls, error) = allocations(|| codec.open(text).err());
        assert_eq!((calls, error.map(|error| error.code())), (0, Some(code)));
        assert_eq!(
            allocations(|| codec.open_with(text, |_| Ok(())).is_err()),
            (0, true)
        );
    }
    assert_eq!(
        allocations(|| text.parse::<TokenHeader>().is_ok()),
        (0, true)
    );
}

#[test]
fn sealing_a_token_allocates_once_more_for_its_copy() {
    let codec = codec();
    let mut token = Token::with_value(FLAT);
    assert_eq!(
        allocations(|| codec.seal(&mut token, HOUR).is_ok()),
        (2, true)
    );
    assert_eq!(allocations(|| codec.reseal(&mut token).is_ok()), (2, true));
}

#[test]
fn cloning_a_codec_allocates_nothing() {
    let codec = codec();
    assert_eq!(allocations(|| codec.clone().with_padding(64)).0, 0);
}

#[test]
fn the_allocator_counts_allocations_and_reallocations() {
    assert_eq!(allocations(|| Box::new(1)).0, 1);
    assert_eq!(allocations(|| [1_u8, 2].to_vec()).0, 1);
    let grown = allocations(|| {
        let mut list = Vec::with_capacity(1);
        list.extend([1_u8, 2, 3]);
        list
    });
    assert_eq!(grown.0, 2);
}
