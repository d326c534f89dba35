//! `sealtoken import`.

use std::error::Error;

use serde_json::{Value, json};

use crate::{Done, NOW, Outcome, Program, at, file};

#[test]
fn a_token_of_the_php_system_is_printed_as_open_prints_one() -> Outcome {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/primordyx.json"))?;
    let vectors = vectors
        .get("vectors")
        .and_then(Value::as_array)
        .ok_or("vectors")?;
    let vector = |name: &str| -> Result<String, Box<dyn Error>> {
        let found = vectors.iter().find(|v| v.get("name") == Some(&json!(name)));
        let text = found.and_then(|v| v.get("token")?.as_str());
        Ok(text.ok_or_else(|| name.to_owned())?.to_owned())
    };
    let path = file("passphrase", "correct horse battery staple\r\n")?;
    let path = path.to_str().ok_or("path")?;
    let program = Program::without_keys();
    let import = |second: i64, text: &str| {
        let second = at(second);
        let options = [
            "--from",
            "primordyx",
            "--passphrase-file",
            path,
            "--at",
            &second,
        ];
        program.run(&[&["import"], &options[..]].concat(), format!("{text}\n"))
    };

    let plain = vector("plain")?;
    let done = import(NOW, &plain)?;
    let (start, rest) = done.stdout.split_at(r#"{"uuid":""#.len() + 36);
    assert!(start.starts_with(r#"{"uuid":""#), "{done:?}");
    let expected = format!(
        "\",\"timestamp\":{NOW},\"seconds_to_expire\":3600,\
         \"custom\":{{\"action\":\"password_reset\",\"user_id\":123}}}}"
    );
    assert_eq!(rest, expected + "\n");

    let list = import(NOW, &vector("custom of numbered keys")?)?.json()?;
    assert_eq!(list.get("custom"), Some(&json!({"0": "a", "1": "b"})));
    let endless = import(NOW, &vector("lifetime 0")?)?.json()?;
    assert_eq!(endless.get("seconds_to_expire"), Some(&Value::Null));
    assert_eq!(
        import(NOW, &vector("64 KiB, the longest")?)?.status,
        Some(0)
    );

    import(NOW + 3600, &plain)?.refused("expired");
    import(NOW, &vector("lifetime missing")?)?.refused("expired");
    import(NOW, &vector("lifetime PHP_INT_MAX")?)?.refused("lifetime_out_of_range");
    import(NOW, &vector("k missing")?)?.refused("payload");
    import(NOW, &vector("wrong passphrase")?.replacen('2', "3", 1))?.refused("forged");
    assert_eq!(import(NOW, &format!("{plain}\n"))?.status, Some(0));
    import(NOW, &format!("{plain}\nx"))?.refused("malformed");
    import(NOW, &"0".repeat(1024 * 1024))?.refused("malformed");
    Ok(())
}

#[test]
fn a_passphrase_file_loses_one_line_ending_and_is_not_empty() -> Outcome {
    let program = Program::without_keys();
    let import = |name: &str, content: &[u8]| -> Result<Done, Box<dyn Error>> {
        let path = file(name, content)?;
        let path = path.to_str().ok_or("path")?;
        program.run(
            &["import", "--from", "primordyx", "--passphrase-file", path],
            "00".repeat(29),
        )
    };
    import("empty", b"")?.failed("empty");
    import("line", b"\n")?.failed("empty");
    import("bytes", b"\xff")?.failed("UTF-8");
    import("long", &vec![b'x'; 100_000])?.failed("it is longer than 65536 bytes");
    import("good", b"passphrase")?.refused("forged");
    Ok(())
}
