//! The items of the Node system's table: any text, as an item, under `Item`, and as each value of
//! one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealtoken::UnixTime;
use sealtoken::pat::ForeignPat;
use sealtoken_fuzz::access_token::{self, GOOD, Plain, Refused};
use sealtoken_import::access_tokens::{AccessTokenError, from_dynamodb_json};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    item(text);
    item(&format!("{{\"Item\":{text}}}"));
    for (name, _) in GOOD {
        item(&access_token::around(name, text));
    }
});

fn item(text: &str) {
    let read = from_dynamodb_json(text);
    if let Ok(token) = &read {
        keeps_the_limits(token);
    }
    match access_token::judge(text) {
        Ok(judged) => {
            let token = read.expect("the judge accepts it");
            assert_eq!(plain(&token), judged);
            // The item as the Node system would write it gives the same token.
            let again = from_dynamodb_json(&judged.item());
            assert_eq!(again.map(|token| plain(&token)), Ok(judged));
        }
        Err(Refused::For(code, attribute)) => {
            let error = read.expect_err("the judge refuses it");
            assert_eq!((error.code(), named(&error)), (code, attribute));
        }
        Err(Refused::Deep) => assert_ne!(read.err(), Some(AccessTokenError::TooLong)),
    }
}

/// Checks the documented limits independently of the judge.
fn keeps_the_limits(token: &ForeignPat) {
    let id = token.id.as_str();
    assert!(id.len() == 21 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    for (text, max) in [(&token.hash, 200), (&token.owner, 100)] {
        assert!((1..=max).contains(&text.chars().count()));
    }
    assert!(token.roles.len() <= 50);
    assert!(token.roles.is_sorted_by(|a, b| a < b));
    assert!(token.scopes.is_empty() && token.name.is_none() && token.metadata.is_empty());
    for role in &token.roles {
        assert!((1..=100).contains(&role.chars().count()));
    }
    let ends = [token.revoked_at, token.expires_at];
    assert!(ends.into_iter().flatten().all(|end| end.as_secs() > 0));
    for time in [Some(token.created_at), token.last_used_at]
        .into_iter()
        .chain(ends)
        .flatten()
    {
        assert!((0..=253_402_300_799).contains(&time.as_secs()));
    }
}

/// The attribute that an error names.
fn named(error: &AccessTokenError) -> Option<&'static str> {
    match error {
        AccessTokenError::Missing { attribute } | AccessTokenError::Invalid { attribute } => {
            Some(attribute)
        }
        _ => None,
    }
}

fn plain(token: &ForeignPat) -> Plain {
    let times = [
        Some(token.created_at),
        token.last_used_at,
        token.revoked_at,
        token.expires_at,
    ];
    Plain {
        token_id: token.id.to_string(),
        secret_phc: token.hash.clone(),
        owner: token.owner.clone(),
        admin: token.admin,
        roles: token.roles.iter().cloned().collect(),
        times: times.map(|time| time.map(UnixTime::as_secs)),
    }
}
