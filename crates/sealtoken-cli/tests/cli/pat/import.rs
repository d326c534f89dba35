//! `sealtoken pat import`.

use serde_json::{Value, json};

use crate::Outcome;
use crate::pat::list::ids;
use crate::pat::{ID, ORIGINAL, SCRYPT, issued, pats};

/// An item of that system's table, as DynamoDB's tools print it.
pub(crate) fn item(id: &str, hash: &str, rest: &str) -> String {
    format!(
        "{{\"tokenId\":{{\"S\":\"{id}\"}},\"secretPhc\":{{\"S\":\"{hash}\"}},\
         \"owner\":{{\"S\":\"ada\"}},\"isAdmin\":{{\"BOOL\":true}},\
         \"createdAt\":{{\"N\":\"1763755200\"}}{rest}}}"
    )
}

#[test]
fn tokens_of_the_other_system_are_good_as_they_are() -> Outcome {
    let pats = pats("import")?;
    let roles = r#","roles":{"SS":["reader"]}"#;
    let revoked = r#","revokedAt":{"N":"1763755300"}"#;
    let other = "0".repeat(21);
    let lines = format!(
        "{}\n\n{}",
        item(ID, SCRYPT, roles),
        item(&other, SCRYPT, revoked)
    );
    pats.write("items", &lines)?;

    assert_eq!(pats.line("import items --dry-run", "")?, "2");
    assert_eq!(pats.line("list --json", "")?, "[]");
    assert_eq!(pats.line("import", &lines)?, "2");
    let record = pats.run("verify", ORIGINAL)?.json()?;
    assert_eq!(record["roles"], json!(["reader"]));
    assert_eq!(
        (&record["origin"], &record["created_at"]),
        (&json!("imported"), &json!("2025-11-21T20:00:00Z"))
    );
    let list = pats.run("list --json --state revoked", "")?.json()?;
    assert_eq!(ids(&list), [other]);

    // A second run changes none of them.
    pats.quiet(&format!("update {ID} --owner grace"), "")?;
    let again = pats.line("import items --json", "")?;
    assert_eq!(
        again,
        r#"{"dry_run":false,"imported":0,"existing":2,"restricted":0,"unusable":0,"failed":0}"#
    );
    assert_eq!(pats.run("verify", ORIGINAL)?.json()?["owner"], "grace");
    pats.run("import missing", "")?
        .failed("cannot read the file of items");
    Ok(())
}

#[test]
fn what_is_not_taken_is_named_by_line_and_id_and_stops_no_other() -> Outcome {
    let pats = pats("import-failures")?;
    let (_, taken) = issued(&pats, "--owner a")?;
    let (one, two) = ("1".repeat(21), "2".repeat(21));
    let lines = [
        "nonsense".into(),
        item(&taken, SCRYPT, ""),
        item(&one, SCRYPT, ""),
        r#"{"tokenId":{"S":"333333333333333333333"},"lastUsedAt":{"N":"1763755200"}}"#.into(),
        item(&two, "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA", ""),
        "x".repeat(3 << 20),
        item("short", SCRYPT, ""),
    ];
    let done = pats.run("import --json", lines.join("\n"))?;
    assert_eq!(done.status, Some(2), "{done:?}");
    let value: Value = serde_json::from_str(&done.stdout)?;
    assert_eq!(
        value,
        json!({
            "dry_run": false, "imported": 2, "existing": 0, "restricted": 0, "unusable": 1,
            "failed": 5,
        })
    );
    let said: Vec<&str> = done.stderr.lines().collect();
    let expected = [
        "line 1: malformed: ".to_owned(),
        format!("line 2: {taken}: already_exists: "),
        "line 4: ghost: ".into(),
        format!("line 5: {two}: unusable, and kept as it is: unsupported_algorithm: "),
        "line 6: malformed: the line is longer than 1 MiB".into(),
        "line 7: ".into(),
        "5 were not imported, for the reasons above; 2 were imported and stay: ".into(),
    ];
    assert_eq!(said.len(), expected.len(), "{done:?}");
    for (line, expected) in said.iter().zip(expected) {
        assert!(line.starts_with(&expected), "{line}");
    }
    assert!(!done.stderr.contains(SCRYPT) && !done.stderr.contains("nonsense"));
    assert_eq!(ids(&pats.run("list --json", "")?.json()?).len(), 3);
    Ok(())
}

/// More items than one batch has.
#[test]
fn an_import_is_as_long_as_its_file() -> Outcome {
    let pats = pats("import-long")?;
    let line = |number: usize| item(&format!("{number:021}"), SCRYPT, "");
    let lines: Vec<String> = (0..1100).map(line).collect();
    assert_eq!(pats.line("import", lines[..700].join("\n"))?, "700");
    let done = pats.run("import --json", lines.join("\n"))?.json()?;
    assert_eq!(
        (&done["imported"], &done["existing"]),
        (&json!(400), &json!(700))
    );
    let bad = "x\n".repeat(1200);
    let done = pats.run("import", format!("{bad}{}", lines[0]))?;
    assert_eq!((done.status, done.stderr.lines().count()), (Some(2), 1200));
    assert_eq!(done.stdout, "0\n");
    Ok(())
}
