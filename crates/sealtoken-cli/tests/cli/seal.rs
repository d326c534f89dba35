//! `sealtoken seal` and `sealtoken open`.

use std::error::Error;
use std::str::FromStr as _;

use sealtoken::{Cargo, Key, KeyRing, Lifetime, TokenHeader};
use serde_json::{Value, json};

use crate::{NOW, Outcome, Program, at, token};

#[test]
fn what_is_sealed_opens_with_its_cargo_and_times() -> Outcome {
    let (program, _) = Program::new();
    let cargo = r#" {"user_id":123, "ratio":1.0,"big":18446744073709551615,"ü":["\n",null,{}]} "#;
    for (expires_in, seconds) in [
        ("90s", json!(90)),
        ("30m", json!(1800)),
        ("8h", json!(28_800)),
        ("1d", json!(86_400)),
        ("2w", json!(1_209_600)),
        ("forever", Value::Null),
    ] {
        let seal = ["seal", "--purpose", "reset", "--expires-in", expires_in];
        let sealed = program.run(&seal, cargo)?;
        assert!(
            sealed.status == Some(0) && sealed.stderr.is_empty(),
            "{sealed:?}"
        );
        assert!(sealed.stdout.starts_with("st1_") && sealed.stdout.ends_with('\n'));

        let opened = program.run(&["open", "--purpose", "reset"], &sealed.stdout)?;
        let value = opened.json()?;
        assert_eq!(
            value.get("seconds_to_expire"),
            Some(&seconds),
            "{expires_in}"
        );
        let custom = value.get("custom").map(Value::to_string);
        let custom: Cargo = custom.ok_or("custom")?.parse()?;
        assert_eq!(custom, cargo.parse()?);
    }
    Ok(())
}

#[test]
fn open_prints_its_four_members_in_order() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let open = ["open", "--purpose", "reset", "--at", &at(NOW)];
    let done = program.run(&open, format!("{text}\n"))?;
    let uuid = KeyRing::new(key).codec("reset")?.inspect(&text)?.uuid();
    let expected = format!(
        "{{\"uuid\":\"{uuid}\",\"timestamp\":{NOW},\"seconds_to_expire\":1800,\
         \"custom\":{{\"user_id\":123}}}}"
    );
    assert_eq!(done.stdout, expected + "\n");
    Ok(())
}

#[test]
fn a_context_and_a_purpose_are_part_of_what_a_token_is() -> Outcome {
    let (program, _) = Program::new();
    let seal = [
        "seal",
        "--purpose",
        "p",
        "--context",
        "user:42",
        "--expires-in",
        "1h",
    ];
    let text = program.run(&seal, "{}")?.stdout;
    let open = |rest: &[&str]| program.run(&[&["open", "--purpose"], rest].concat(), &text);
    assert_eq!(open(&["p", "--context", "user:42"])?.status, Some(0));
    open(&["p"])?.refused("forged");
    open(&["p", "--context", "user:43"])?.refused("forged");
    open(&["q", "--context", "user:42"])?.refused("forged");
    Ok(())
}

#[test]
fn padding_hides_the_length_of_the_cargo() -> Outcome {
    let (program, _) = Program::new();
    let length = |cargo: &str, pad: &str| -> Result<usize, Box<dyn Error>> {
        let seal = ["seal", "--purpose", "p", "--expires-in", "1h", "--pad", pad];
        Ok(program.run(&seal, cargo)?.stdout.len())
    };
    assert_eq!(
        length(r#"{"a":1}"#, "256")?,
        length(r#"{"a":"abcdefghijklmnop"}"#, "256")?
    );
    assert_ne!(
        length(r#"{"a":1}"#, "1")?,
        length(r#"{"a":"abcdefghijklmnop"}"#, "1")?
    );
    Ok(())
}

#[test]
fn every_refusal_has_its_code_exit_status_2_and_nothing_on_stdout() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let open = |second: i64, text: &str| {
        program.run(&["open", "--purpose", "reset", "--at", &at(second)], text)
    };
    assert_eq!(open(NOW + 1799, &text)?.status, Some(0));
    open(NOW + 1800, &text)?.refused("expired");
    open(i64::MAX, &text)?.refused("expired");
    open(NOW - 61, &text)?.refused("not_yet_valid");
    open(-1, &text)?.refused("not_yet_valid");
    open(NOW, "")?.refused("malformed");
    open(NOW, &text.replacen("st1_", "st2_", 1))?.refused("malformed");
    let stranger = token(&Key::generate())?;
    let (missing, ours) = (TokenHeader::from_str(&stranger)?.key_id, key.id());
    let why = format!("the key {missing}, which is not in this ring ({ours}): add it as a retired");
    let inspect = program.run(&["inspect", "--purpose", "reset"], &stranger)?;
    for done in [open(NOW, &stranger)?, inspect] {
        done.refused("unknown_key");
        assert!(done.stderr.contains(&why), "{done:?}");
    }
    let list = KeyRing::new(key)
        .codec("reset")?
        .seal_value(&[1], Lifetime::Forever)?;
    program
        .run(&["open", "--purpose", "reset"], list)?
        .refused("payload");
    Ok(())
}

#[test]
fn blanks_around_a_token_are_dropped_and_the_library_refuses_everything_else() -> Outcome {
    let (program, key) = Program::new();
    let text = token(&key)?;
    let open = |input: &[u8]| program.run(&["open", "--purpose", "reset", "--at", &at(NOW)], input);
    for ending in [
        "", "\n", "\r\n", "\n\n", "\r\n\r\n", "\n\r\n", "\r", "\n\r", " ", " \n",
    ] {
        let done = open(format!("{text}{ending}").as_bytes())?;
        assert_eq!(done.status, Some(0), "{ending:?}");
    }
    for start in ["\n", " ", "\u{feff}", "\u{feff} \t"] {
        let done = open(format!("{start}{text}\n").as_bytes())?;
        assert_eq!(done.status, Some(0), "{start:?}");
    }
    for ending in ["\0", "\nx", "\u{feff}", " x"] {
        open(format!("{text}{ending}").as_bytes())?.refused("malformed");
    }
    open(format!("\u{feff}\u{feff}{text}").as_bytes())?.refused("malformed");
    open(format!("{text}{}", "\n".repeat(5000)).as_bytes())?.refused("malformed");
    open(b"st1_\xff\xfe")?.refused("malformed");
    Ok(())
}

#[test]
fn the_longest_token_is_read_and_no_more_of_stdin_than_that() -> Outcome {
    let (program, key) = Program::new();
    // As long as earlier versions sealed.
    let codec = KeyRing::new(key).codec("p")?.with_max_len(4096);
    let sealed = |length: usize| -> Result<String, Box<dyn Error>> {
        Ok(codec.seal_value(&json!({ "fill": "x".repeat(length) }), Lifetime::hours(1))?)
    };
    let short = sealed(0)?.len();
    // Three bytes make four characters; the envelope's own length does not change.
    let room = (4096 - short) * 3 / 4;
    let longest = sealed(room)?;
    assert_eq!(longest.len(), 4096);
    let open = ["open", "--purpose", "p"];
    assert_eq!(
        program.run(&open, format!("{longest}\r\n"))?.status,
        Some(0)
    );
    assert_eq!(
        program.run(&open, format!("{longest}\r\n\n"))?.status,
        Some(0)
    );
    program
        .run(&open, format!("{longest}A"))?
        .refused("malformed");

    let huge = "A".repeat(32 * 1024 * 1024);
    program
        .run(&open, format!("st1_{huge}"))?
        .refused("malformed");
    program
        .run(&["inspect"], format!("st1_{huge}"))?
        .refused("malformed");
    let seal = ["seal", "--purpose", "p", "--expires-in", "1h"];
    program
        .run(&seal, format!(r#"{{"a":"{huge}"}}"#))?
        .failed("longer than");
    Ok(())
}

#[test]
fn a_cargo_that_cannot_be_sealed_is_an_error_and_not_a_refusal() -> Outcome {
    let (program, _) = Program::new();
    let seal = |cargo: &[u8]| program.run(&["seal", "--purpose", "p", "--expires-in", "1h"], cargo);
    for cargo in [
        "",
        "{",
        "[]",
        "5",
        "null",
        r#"{"a":1,"a":2}"#,
        r#"{"a":NaN}"#,
        "{} x",
    ] {
        let done = seal(cargo.as_bytes())?;
        done.failed("the cargo on stdin");
        done.one_line("error: ");
    }
    for (cargo, because) in [
        (
            "",
            "is empty: give a JSON object, such as {\"user_id\":123}",
        ),
        (" \n", "is empty: give a JSON object"),
        ("[\"hunter2\"]", ": it is a list: give an object"),
        (
            "{'hunter2':1}",
            ": line 1, column 2: single quotes are not JSON",
        ),
        (
            "{\n  \"user_id\": 123,\n  \"a\": hunter2\n}\n",
            ": line 3, column 8: expected value",
        ),
        // Columns count characters.
        ("{\"ü€\":hunter2}", ": line 1, column 7: expected value"),
        (
            "{hunter2: 1}",
            ": line 1, column 2: names need double quotes",
        ),
        (
            "{\"hunter2\"",
            ": line 1, column 10: the input ends inside an object",
        ),
        ("\"hunter2\"", ": it is a string: give an object"),
        (
            r#"{"hunter2":1,"hunter2":2}"#,
            "a name occurs twice in one object",
        ),
    ] {
        let done = seal(cargo.as_bytes())?;
        done.failed("the cargo on stdin");
        done.failed(because);
        assert!(!done.stderr.contains("hunter2"), "{done:?}");
    }
    seal(b"{\"a\":\"\xff\"}")?.failed("UTF-8");
    let long = seal(format!(r#"{{"a":"{}"}}"#, "x".repeat(5000)).as_bytes())?;
    long.failed("4000 are allowed: put less into it\n");
    long.one_line("error: ");
    Ok(())
}
