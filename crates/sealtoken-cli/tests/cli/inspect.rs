//! `sealtoken inspect`.

use sealtoken::{Key, KeyRing, Lifetime, ManualClock, Token, UnixTime};
use serde_json::{Value, json};

use crate::{NOW, Outcome, Program, at, token};

#[test]
fn inspect_tells_what_is_public_without_a_key() -> Outcome {
    let key = Key::generate();
    let text = token(&key)?;
    let program = Program::without_keys();
    let outline = json!({
        "version": "st1",
        "key_id": key.id().to_string(),
        "length": text.len(),
        "plaintext_length": (text.len() - 4) * 3 / 4 - 44,
    });
    let done = program.run(&["inspect", "--json"], format!("{text}\n"))?;
    assert_eq!(done.json()?, outline);

    let done = program.run(&["inspect"], &text)?;
    for part in ["st1", &key.id().to_string(), &text.len().to_string()] {
        assert!(done.stdout.contains(part), "{done:?}");
    }
    program
        .run(&["inspect"], format!("{text}="))?
        .refused("malformed");
    Ok(())
}

#[test]
fn inspect_tells_the_state_whatever_it_is_and_the_cargo_only_when_asked() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    for (second, state, code) in [
        (NOW, "valid", "valid"),
        (NOW + 1800, "expired", "expired"),
        (NOW - 61, "not yet valid", "not_yet_valid"),
    ] {
        let second = at(second);
        let inspect = ["inspect", "--purpose", "reset", "--at", &second];
        let done = program.run(&inspect, &text)?;
        assert_eq!(done.status, Some(0), "{done:?}");
        for line in [
            "issued        2025-11-21T20:00:00Z",
            "expires       2025-11-21T20:30:00Z",
            &format!("state         {state}"),
            "needs reseal  no",
        ] {
            assert!(
                done.stdout.lines().any(|found| found == line),
                "{line}: {done:?}"
            );
        }
        assert!(!done.stdout.contains("user_id"));
        let revealed = program.run(&[&inspect[..], &["--reveal"]].concat(), &text)?;
        assert!(
            revealed.stdout.contains(r#"cargo         {"user_id":123}"#),
            "{revealed:?}"
        );

        let value = program
            .run(&[&inspect[..], &["--json"]].concat(), &text)?
            .json()?;
        assert_eq!(value.get("state"), Some(&json!(code)));
        assert_eq!(value.get("timestamp"), Some(&json!(NOW)));
        assert_eq!(value.get("seconds_to_expire"), Some(&json!(1800)));
        assert_eq!(
            value.get("expires_at"),
            Some(&json!("2025-11-21T20:30:00Z"))
        );
        assert_eq!(value.get("custom"), None);
        let value = program
            .run(&[&inspect[..], &["--json", "--reveal"]].concat(), &text)?
            .json()?;
        assert_eq!(value.get("custom"), Some(&json!({"user_id": 123})));
    }
    program
        .run(&["inspect", "--purpose", "other"], &text)?
        .refused("forged");
    Ok(())
}

/// JSON allows most characters that control a terminal.
#[test]
fn a_cargo_that_is_shown_does_not_control_the_terminal() -> Outcome {
    let (program, _) = Program::new();
    let seal = ["seal", "--purpose", "p", "--expires-in", "1h"];
    let sealed = program.run(&seal, "{\"a\u{9b}31m\":\"\u{202e}b\"}")?.stdout;
    let inspect = ["inspect", "--purpose", "p", "--reveal"];
    for arguments in [&inspect[..], &[&inspect[..], &["--json"]].concat()] {
        let done = program.run(arguments, &sealed)?;
        let shown = r#"{"a\u009b31m":"\u202eb"}"#;
        assert!(done.stdout.contains(shown), "{done:?}");
        assert!(!done.stdout.contains(['\u{9b}', '\u{202e}']), "{done:?}");
    }
    Ok(())
}

#[test]
fn inspect_tells_never_and_renewals_and_what_needs_a_reseal() -> Outcome {
    let (old, new) = (Key::generate(), Key::generate());
    let clock = ManualClock::at(UnixTime::from_secs(NOW));
    let codec = KeyRing::new(old.clone())
        .codec("p")?
        .with_clock(clock.clone());
    let mut token = Token::new();
    token.set_not_before(Some(UnixTime::from_secs(NOW + 20)));
    codec.seal(&mut token, Lifetime::Forever)?;
    clock.advance(10);
    let text = codec.renew(&mut token, Lifetime::Forever)?;

    let program = Program::with_keys(&format!("{} {}", *new.expose(), *old.expose()));
    let inspect = ["inspect", "--purpose", "p"];
    let done = program.run(&inspect, &text)?;
    for line in [
        "first issued  2025-11-21T20:00:00Z",
        "issued        2025-11-21T20:00:10Z",
        "not before    2025-11-21T20:00:20Z",
        "expires       never",
        "needs reseal  yes",
    ] {
        assert!(
            done.stdout.lines().any(|found| found == line),
            "{line}: {done:?}"
        );
    }
    let value = program
        .run(&[&inspect[..], &["--json"]].concat(), &text)?
        .json()?;
    assert_eq!(value.get("expires_at"), Some(&Value::Null));
    assert_eq!(value.get("needs_reseal"), Some(&json!(true)));
    assert_eq!(
        value.get("first_issued_at"),
        Some(&json!("2025-11-21T20:00:00Z"))
    );
    assert_eq!(
        value.get("not_before"),
        Some(&json!("2025-11-21T20:00:20Z"))
    );
    Ok(())
}
