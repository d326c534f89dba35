//! What a run reports, and what fails.

use serde_json::{Value, json};

use crate::Outcome;
use crate::pat::list::ids;
use crate::pat::{ID, issued};

use super::Sync;

/// S6: one token that fails stops no other, and all failures are reported.
#[test]
fn failures_are_reported_and_the_rest_is_done() -> Outcome {
    let sync = Sync::new("failures")?;
    let (_, id) = issued(&sync.pats, "--owner a")?;
    let new = sync.pats.run("generate --json", "")?.json()?;
    let (new_id, hash) = (
        new["id"].as_str().ok_or("id")?,
        new["hash"].as_str().ok_or("hash")?,
    );
    let missing = "0".repeat(21);
    sync.write(&format!(
        "- {{id: {missing}, owner: a}}\n\
         - {{id: {ID}, owner: a, roles: [r]}}\n\
         - {{id: {id}, owner: b}}\n\
         - {{id: {new_id}, owner: c, hash: {hash}}}\n"
    ))?;
    for options in ["--dry-run", ""] {
        let done = sync.run(options)?;
        assert_eq!(done.status, Some(2), "{done:?}");
        assert!(
            done.stdout.contains("1 registered, 1 changed, 2 failed\n"),
            "{done:?}"
        );
        let lines: Vec<&str> = done.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{done:?}");
        assert!(
            lines[0].starts_with(&format!("{missing}: missing: ")) && lines[1].starts_with(ID),
            "{done:?}"
        );
    }
    assert_eq!(sync.get(&id)?["owner"], "b");
    let again = sync.run("--json")?;
    assert_eq!(again.status, Some(2));
    let value: Value = serde_json::from_str(&again.stdout)?;
    let failed = json!([{"id": missing, "error": "missing"}, {"id": ID, "error": "missing"}]);
    assert_eq!(
        (&value["failed"], &value["changed"], &value["unchanged"]),
        (&failed, &json!([]), &json!(2))
    );
    assert_eq!(ids(&sync.all()?).len(), 2, "nothing is issued");
    Ok(())
}

/// S7: the report says that a hash changed, but does not show it.
#[test]
fn a_hash_is_replaced_and_never_shown() -> Outcome {
    let sync = Sync::new("hash")?;
    let (old, id) = issued(&sync.pats, "--owner a")?;
    let new = sync
        .pats
        .run(&format!("generate --id {id} --json"), "")?
        .json()?;
    let hash = new["hash"].as_str().ok_or("hash")?;
    sync.write(&format!("- {{id: {id}, owner: a, hash: {hash}}}\n"))?;
    let json = sync.run("--dry-run --json")?.json()?;
    assert_eq!(
        json["changed"],
        json!([{"id": id, "changes": [{"field": "hash"}]}])
    );
    assert_eq!(json["dry_run"], true);
    let said = sync.converges("")?;
    assert_eq!(
        said,
        format!("~ {id} change (a)\n    ~ hash: changed\n1 changed\n")
    );
    sync.pats.run("verify", old)?.refused("invalid_secret");
    sync.pats
        .run("verify", new["token"].as_str().ok_or("token")?)?
        .json()?;
    Ok(())
}

#[test]
fn the_difference_is_in_colour_where_that_is_wanted() -> Outcome {
    let sync = Sync::new("colour")?;
    let (_, id) = issued(&sync.pats, "--owner a")?;
    sync.write(&format!("- {{id: {id}, owner: b}}\n"))?;
    for options in ["", "--color never", "--color auto"] {
        assert!(
            !sync
                .run(&format!("--dry-run {options}"))?
                .stdout
                .contains('\x1b')
        );
    }
    let said = sync.run("--dry-run --color always")?.stdout;
    let expected = format!(
        "\x1b[33m~ {id} change (a)\x1b[0m\n    \
         \x1b[31m- owner: \"a\"\x1b[0m\n    \
         \x1b[32m+ owner: \"b\"\x1b[0m\n"
    );
    assert!(said.starts_with(&expected), "{said:?}");
    Ok(())
}

/// Each step is done even if the report cannot be printed.
#[cfg(target_os = "linux")]
#[test]
fn a_sync_that_cannot_say_what_it_does_goes_on_to_its_end() -> Outcome {
    for options in ["", "--json"] {
        let sync = Sync::new(&format!("full{options}"))?;
        let ids = [(); 3].map(|()| issued(&sync.pats, "--owner a").map(|(_, id)| id));
        let ids: Vec<String> = ids.into_iter().collect::<Result<_, _>>()?;
        let entry = |id: &String| format!("- {{id: {id}, owner: b}}\n");
        let entries: String = ids.iter().map(entry).collect();
        sync.write(&entries)?;
        let line = format!("sync tokens.yaml {options}");
        let done = sync.pats.full(&line, "")?;
        done.failed("cannot write to stdout");
        done.failed("the sync was completed");
        done.one_line("error: ");
        for id in &ids {
            assert_eq!(sync.get(id)?["owner"], "b", "{options}");
        }
        // A step that fails as well decides the exit code.
        sync.write(&format!(
            "{entries}- {{id: {}, owner: a}}\n",
            "0".repeat(21)
        ))?;
        let done = sync.pats.full(&line, "")?;
        assert_eq!(done.status, Some(2), "{done:?}");
        assert!(done.stderr.contains("cannot write to stdout"), "{done:?}");
        // It changes nothing.
        let dry = sync.pats.full(&format!("{line} --dry-run"), "")?;
        assert!(!dry.stderr.contains("completed"), "{dry:?}");
    }
    Ok(())
}

/// S3: all differences of a token are reported, whatever else is done about it, a shorter lifetime
/// included.
#[test]
fn json_tells_what_differs_in_a_token_that_is_revoked_or_restored() -> Outcome {
    let sync = Sync::new("json")?;
    let (_, id) = issued(&sync.pats, "--owner a")?;
    let (mut before, earlier) = (
        Value::Null,
        ["2100-01-01T00:00:00Z", "2099-01-01T00:00:00Z"],
    );
    for (end, (revoked, list)) in earlier.iter().zip([(true, "revoked"), (false, "restored")]) {
        sync.write(&format!(
            "- {{id: {id}, owner: a, revoked: {revoked}, expires_at: {end}}}\n"
        ))?;
        let changes = json!([{"field": "expires_at", "before": before, "after": end}]);
        for options in ["--json --dry-run", "--json"] {
            let done = sync.run(options)?.json()?;
            assert_eq!(done["changed"], json!([{"id": id, "changes": changes}]));
            assert_eq!(done[list], json!([id]));
        }
        before = json!(end);
    }
    // A token that is only revoked has no differences.
    sync.write(&format!("- {{id: {id}, owner: a, revoked: true}}\n"))?;
    let done = sync.run("--json")?.json()?;
    assert_eq!(
        (&done["changed"], &done["revoked"]),
        (&json!([]), &json!([id]))
    );
    Ok(())
}
