//! A token under the names of that framework.

use sealtoken::{Lifetime, Token, UnixTime};
use sealtoken_import::PrimordyxView;

use super::{NOW, Outcome, codec};

fn extras_at_now(token: &Token) -> PrimordyxView<'_> {
    PrimordyxView::new(token)
        .with_extras()
        .at(UnixTime::from_secs(NOW))
}

fn json(view: PrimordyxView<'_>) -> String {
    serde_json::to_string(&view).unwrap()
}

#[test]
fn a_view_shows_three_members_and_nine_extras_and_the_text_only_when_asked() -> Outcome {
    let codec = codec(NOW)?;
    let mut token = Token::new();
    token.cargo_mut().insert("user_id", 123).unwrap();
    let text = codec.seal(&mut token, Lifetime::minutes(30)).unwrap();
    let basic = r#"{"timestamp":1763755200,"seconds_to_expire":1800,"custom":{"user_id":123}}"#;
    assert_eq!(json(PrimordyxView::new(&token)), basic);

    let extras = json(extras_at_now(&token));
    assert!(extras.starts_with(&basic[..basic.len() - 1]) && !extras.contains(&text));
    let uuid = token.uuid();
    let expected = format!(
        ",\"uuid\":\"{uuid}\",\"current_time\":\"2025-11-21T20:00:00Z\",\
         \"expires_at\":\"2025-11-21T20:30:00Z\",\"is_expired\":false,\
         \"encryption_is_valid\":true,\"is_dirty\":false,\"cargo_is_dirty\":false,\
         \"cargo_dump\":{{\"user_id\":123}}}}"
    );
    assert!(extras.ends_with(&expected), "{extras}");
    let with_text = json(extras_at_now(&token).with_sealed_text());
    assert!(with_text.ends_with(&format!(r#","shareable_token":"{text}"}}"#)));
    let pretty = serde_json::to_string_pretty(&PrimordyxView::new(&token)).unwrap();
    assert!(pretty.starts_with("{\n  \"timestamp\": 1763755200,\n"));
    let value = serde_json::to_value(extras_at_now(&token)).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 11);
    assert_eq!(value["custom"]["user_id"], 123);

    let offset = time::UtcOffset::from_hms(-5, -30, 0).unwrap();
    let shifted = json(extras_at_now(&token).in_zone(offset));
    assert!(
        shifted.contains(r#""expires_at":"2025-11-21T15:00:00-05:30""#),
        "{shifted}"
    );
    // A token can be dirty while its cargo is clean.
    token.set_not_before(Some(UnixTime::from_secs(1_763_755_201)));
    let changed = json(extras_at_now(&token));
    assert!(
        changed.contains(r#""is_dirty":true,"cargo_is_dirty":false"#),
        "{changed}"
    );
    let new = json(extras_at_now(&Token::new()).with_sealed_text());
    assert!(new.contains(r#""timestamp":null"#) && new.contains(r#""shareable_token":null"#));
    Ok(())
}
