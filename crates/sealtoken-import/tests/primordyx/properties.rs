//! Content that is nearly right, and text that is nearly a token.

use proptest::prelude::*;
use sealtoken::SealError;
use sealtoken_import::PrimordyxError;
use serde_json::json;

use super::{NOW, codec, encrypted, reader};

/// Content that is nearly right: any JSON scalar in any of the places.
fn content() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| json!(value).to_string()),
        "-?[0-9]{1,25}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?",
        ".{0,8}".prop_map(|text| json!(text).to_string()),
        "\"[ +-]?[0-9.eE+-]{0,12} ?\"",
    ];
    (scalar.clone(), scalar.clone(), scalar).prop_map(|(timestamp, lifetime, custom)| {
        format!(r#"{{"timestamp":{timestamp},"seconds_to_expire":{lifetime},"custom":{custom}}}"#)
    })
}

proptest! {
    #[test]
    fn any_content_ends_in_a_sound_token_or_a_refusal(content in content()) {
        let plaintext = json!({ "k": content }).to_string();
        let text = encrypted(plaintext.as_bytes()).unwrap_or_default();
        if let Ok(mut token) = reader().inspect(&text) {
            let codec = codec(NOW)?;
            // What can be sealed again can be looked at again.
            match codec.reseal(&mut token) {
                Ok(text) => prop_assert!(codec.inspect(&text).is_ok()),
                Err(error) => {
                    let end = matches!(error, SealError::Expired { .. });
                    let ahead = matches!(error, SealError::FromTheFuture { .. });
                    prop_assert!(end || ahead, "{error}");
                }
            }
        }
    }

    #[test]
    fn any_plaintext_and_any_text_end_without_a_panic(plaintext: Vec<u8>, text: String) {
        let authentic = encrypted(&plaintext).unwrap_or_default();
        prop_assert!(reader().inspect(&authentic).is_err());
        prop_assert_eq!(reader().inspect(&text).err(), Some(PrimordyxError::Malformed));
    }
}
