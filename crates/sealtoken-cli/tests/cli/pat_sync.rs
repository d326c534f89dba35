//! `sealtoken pat sync`.

use std::error::Error;

use serde_json::{Value, json};

use super::pat::{ID, issued, pats};
use super::pat_list::{ids, many};
use super::vault::{FUTURE, PAST};
use super::{Done, Folder, Outcome, feed};

/// What every second run says.
const NOTHING: &str = "nothing to change: ";

/// A store and what to do with it.
struct Sync {
    pats: Folder,
}

impl Sync {
    fn new(name: &str) -> Result<Self, Box<dyn Error>> {
        let pats = pats(&format!("sync-{name}"))?;
        Ok(Self { pats })
    }

    fn write(&self, tokens: &str) -> std::io::Result<()> {
        self.pats.write("tokens.yaml", format!("tokens:\n{tokens}"))
    }

    fn run(&self, options: &str) -> Result<Done, Box<dyn Error>> {
        self.pats.run(&format!("sync tokens.yaml {options}"), "")
    }

    /// A run that succeeds, after a dry run that changes nothing, and before a second one that has
    /// nothing to do.
    fn converges(&self, options: &str) -> Result<String, Box<dyn Error>> {
        let before = self.all()?;
        let dry = self.run(&format!("{options} --dry-run"))?;
        assert_eq!((dry.status, self.all()?), (Some(0), before), "{dry:?}");
        let done = self.run(options)?;
        assert_eq!(done.status, Some(0), "{done:?}");
        let (steps, summary) = last_line(&done.stdout);
        let (planned, promise) = last_line(&dry.stdout);
        assert_eq!(planned, steps);
        assert_eq!(
            promise.trim_start_matches("a dry run, nothing was changed; it would be: "),
            summary
        );
        let after = self.all()?;
        let again = self.run(options)?;
        assert!(again.stdout.starts_with(NOTHING), "{again:?}");
        assert_eq!((again.status, self.all()?), (Some(0), after), "{again:?}");
        Ok(done.stdout)
    }

    fn all(&self) -> Result<Value, Box<dyn Error>> {
        let mut list = self.pats.run("list --json --with-hashes", "")?.json()?;
        for entry in list.as_array_mut().into_iter().flatten() {
            // A token may expire between two reads.
            entry["state"] = Value::Null;
        }
        Ok(list)
    }

    fn get(&self, id: &str) -> Result<Value, Box<dyn Error>> {
        self.pats.run(&format!("get {id} --json"), "")?.json()
    }
}

fn last_line(text: &str) -> (&str, &str) {
    text.trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", text.trim_end()))
}

#[test]
fn the_store_becomes_as_declared_and_a_second_run_changes_nothing() -> Outcome {
    let sync = Sync::new("all")?;
    let (kept, keep) = issued(&sync.pats, "--owner ada --role reader")?;
    let (changed, change) = issued(
        &sync.pats,
        "--owner grace --role reader --name n --metadata k=v --expires-in 1d",
    )?;
    let (gone, go) = issued(&sync.pats, "--owner gone")?;
    let (back, bring) = issued(&sync.pats, "--owner back")?;
    sync.pats.quiet(&format!("revoke {bring}"), "")?;
    let (stopped, stop) = issued(&sync.pats, "--owner stopped")?;
    let new = sync.pats.run("generate --json", "")?.json()?;
    let (id, hash) = (
        new["id"].as_str().ok_or("id")?,
        new["hash"].as_str().ok_or("hash")?,
    );
    sync.write(&format!(
        "
  - {{id: {keep}, owner: ada}}
  - id: {change}
    owner: hopper
    admin: true
    roles: [writer, reader]
    scopes: [s]
    name: null
    metadata: {{}}
    expires_at: 2100-01-01T00:00:00Z
  - {{id: {bring}, owner: back, revoked: false, roles: [r]}}
  - {{id: {stop}, owner: stopped, revoked: true, roles: [r]}}
  - {{id: {id}, owner: new, hash: {hash}, roles: [deploy], admin: true, expires_at: 4102444800}}
"
    ))?;
    let said = sync.converges("")?;
    assert!(
        said.ends_with("1 registered, 3 changed, 1 restored, 2 revoked\n"),
        "{said}"
    );
    let expected = format!(
        "~ {change} change (grace)
    - owner: \"grace\"
    + owner: \"hopper\"
    - name: \"n\"
    + name: null
    - metadata: {{\"k\":\"v\"}}
    + metadata: {{}}
    - roles: [\"reader\"]
    + roles: [\"reader\",\"writer\"]
    - scopes: []
    + scopes: [\"s\"]
    - admin: false
    + admin: true
    - expires_at: "
    );
    assert!(said.contains(&expected), "{said}");
    assert!(said.contains(&format!("- {go} revoke (gone)\n")), "{said}");
    assert!(
        said.contains(&format!(
            "+ {id} register (new)\n    + owner: \"new\"\n    + admin: true\n"
        )),
        "{said}"
    );
    assert!(!said.contains("$hmac"), "{said}");

    for (token, code) in [(&gone, "revoked"), (&stopped, "revoked")] {
        sync.pats.run("verify", token)?.refused(code);
    }
    for token in [
        &kept,
        &changed,
        &back,
        &new["token"].as_str().ok_or("token")?.to_owned(),
    ] {
        sync.pats.run("verify", token)?.json()?;
    }
    let record = sync.get(&change)?;
    assert_eq!(record["name"], Value::Null);
    assert_eq!(
        (&record["owner"], &record["admin"]),
        (&json!("hopper"), &json!(true))
    );
    assert_eq!(sync.get(id)?["expires_at"], "2100-01-01T00:00:00Z");
    assert_eq!(sync.get(&bring)?["roles"], json!(["r"]));
    assert_eq!(sync.get(&stop)?["roles"], json!(["r"]));
    Ok(())
}

/// S5: what a declared token leaves out stays as it is, an admin's token an admin's.
#[test]
fn what_is_left_out_stays_as_it_is() -> Outcome {
    let sync = Sync::new("left-out")?;
    let (_, id) = issued(
        &sync.pats,
        "--owner a --admin --role r --scope s --name n --metadata k=v --expires-in 1d",
    )?;
    let before = sync.get(&id)?;
    sync.write(&format!("- {{id: {id}, owner: a}}\n"))?;
    let done = sync.run("")?;
    assert_eq!(done.stdout, "nothing to change: 1 tokens are declared\n");
    assert_eq!(sync.get(&id)?, before);

    // A token that somebody revoked is not brought back by a file that says nothing of it.
    sync.pats.quiet(&format!("revoke {id}"), "")?;
    let done = sync.run("")?;
    assert!(done.stdout.starts_with(NOTHING), "{done:?}");
    done.one_line(&format!(
        "note: {id}: it is revoked, and the file does not say `revoked`"
    ));
    sync.pats.quiet(&format!("update {id} --admin false"), "")?;
    sync.write(&format!(
        "- {{id: {id}, owner: a, admin: true, revoked: false}}\n"
    ))?;
    sync.converges("")?;
    assert_eq!(sync.get(&id)?["admin"], true);
    Ok(())
}

/// S2: `revoked: true` holds, run after run, and what was revoked can come back.
#[test]
fn a_token_is_revoked_and_restored_by_its_file() -> Outcome {
    let sync = Sync::new("restore")?;
    let (token, id) = issued(&sync.pats, "--owner a")?;
    for _ in 0..2 {
        sync.write(&format!("- {{id: {id}, owner: a, revoked: true}}\n"))?;
        let said = sync.converges("")?;
        assert_eq!(said, format!("- {id} revoke (a)\n1 revoked\n"));
        sync.pats.run("verify", &token)?.refused("revoked");
        sync.write(&format!("- {{id: {id}, owner: a, revoked: false}}\n"))?;
        let said = sync.converges("")?;
        assert_eq!(said, format!("~ {id} restore (a)\n1 restored\n"));
        sync.pats.run("verify", &token)?.json()?;
    }
    Ok(())
}

/// S3: every page of the store is read, for those that are listed and for those that are not. What
/// differs is told whatever else is done about the token, and also where it is but a shorter time.
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
    // Nothing differs in what is only revoked.
    sync.write(&format!("- {{id: {id}, owner: a, revoked: true}}\n"))?;
    let done = sync.run("--json")?.json()?;
    assert_eq!(
        (&done["changed"], &done["revoked"]),
        (&json!([]), &json!([id]))
    );
    Ok(())
}

#[tokio::test]
async fn a_store_of_many_pages_is_read_to_its_end() -> Outcome {
    let sync = Sync::new("pages")?;
    let all = many(&sync.pats, 620).await?;
    let list: String = ids(&sync.all()?)
        .iter()
        .map(|id| format!("- {{id: {id}, owner: same}}\n"))
        .collect();
    sync.write(&list)?;
    let done = sync.run("--json")?.json()?;
    assert_eq!(done["changed"].as_array().map(Vec::len), Some(620));
    assert!(sync.run("")?.stdout.starts_with("nothing to change: 620 "));

    sync.write(&format!("- {{id: {}, owner: same}}\n", all[510]))?;
    let kept = sync.run("--keep-unlisted")?;
    assert!(kept.stdout.starts_with(NOTHING), "{kept:?}");
    let done = sync.run("--json --dry-run")?.json()?;
    assert_eq!(done["revoked"].as_array().map(Vec::len), Some(619));
    assert_eq!(
        ids(&sync.pats.run("list --json --state live", "")?.json()?).len(),
        620
    );
    let done = sync.run("--json")?.json()?;
    assert_eq!(done["revoked"].as_array().map(Vec::len), Some(619));
    assert_eq!(
        ids(&sync.pats.run("list --json --state live", "")?.json()?),
        [all[510].clone()]
    );
    let again = sync.run("--json")?.json()?;
    assert_eq!(again["revoked"], json!([]));
    Ok(())
}

/// What is declared would be taken for missing, and what is to be revoked for gone.
#[tokio::test]
async fn a_store_that_breaks_off_is_not_taken_for_a_whole_one() -> Outcome {
    let sync = Sync::new("broken-off")?;
    let all = many(&sync.pats, 300).await?;
    let list = all
        .iter()
        .map(|id| format!("- {{id: {id}, owner: same, revoked: true}}\n"));
    sync.write(&list.collect::<String>())?;
    let file = sync.pats.path("sealtoken.db");
    rusqlite::Connection::open(&file)?.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    let whole = std::fs::read(&file)?;
    // The last page of rows; a leaf of a table begins with 13.
    let mut pages = whole.chunks(4096);
    let last = pages.rposition(|page| page[0] == 13).ok_or("no rows")?;
    let mut damaged = whole.clone();
    damaged[last * 4096..][..4096].fill(0);
    std::fs::write(&file, damaged)?;
    let done = sync.run("--keep-unlisted")?;
    done.failed("the database is damaged");
    assert!(!done.stderr.contains("tampered"), "{done:?}");
    std::fs::write(&file, whole)?;
    let live = sync.pats.run("list --json --state live", "")?.json()?;
    assert_eq!(ids(&live).len(), 300);
    Ok(())
}

/// S4: the token of whoever runs this is never lost by it.
#[test]
fn ones_own_token_is_protected() -> Outcome {
    let sync = Sync::new("own")?;
    let (token, id) = issued(&sync.pats, "--owner root --admin")?;
    let other = sync
        .pats
        .run(&format!("generate --id {id} --json"), "")?
        .json()?;
    let hash = other["hash"].as_str().ok_or("hash")?;
    let given = |how: &str| -> Result<Done, Box<dyn Error>> {
        let mut command = sync.pats.command("sync tokens.yaml");
        let stdin = match how {
            "id" => {
                command.args(["--own", &id]);
                ""
            }
            "stdin" => {
                command.arg("--own-token-stdin");
                &token
            }
            _ => {
                command.env("SEALTOKEN_PAT", &token);
                ""
            }
        };
        let output = feed(&mut command, stdin.as_bytes())?;
        Ok(Done {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    };
    for (declared, notes) in [
        (String::new(), vec!["NOT revoked"]),
        (
            format!("- {{id: {id}, owner: root, revoked: true}}\n"),
            vec!["NOT revoked"],
        ),
        (
            format!("- {{id: {id}, owner: root, admin: false}}\n"),
            vec!["STAYS an admin's"],
        ),
        (
            format!("- {{id: {id}, owner: root, hash: {hash}}}\n"),
            vec!["its secret STAYS"],
        ),
        (
            format!("- {{id: {id}, owner: root, expires_at: 5}}\n"),
            vec!["its expiry STAYS"],
        ),
        (
            format!("- {{id: {id}, owner: root, admin: false, revoked: true}}\n"),
            vec!["STAYS an admin's", "NOT revoked"],
        ),
    ] {
        let empty = if declared.is_empty() { "[]" } else { "" };
        sync.pats
            .write("tokens.yaml", format!("tokens: {empty}\n{declared}"))?;
        for how in ["id", "stdin", "environment"] {
            let done = given(how)?;
            assert!(
                done.status == Some(0) && done.stdout.starts_with(NOTHING),
                "{how} {done:?}"
            );
            assert_eq!(done.stderr.lines().count(), notes.len(), "{done:?}");
            for note in &notes {
                assert!(
                    done.stderr.contains(note) && done.stderr.contains(&id),
                    "{done:?}"
                );
            }
            assert!(!done.stderr.contains(&token[26..]), "{done:?}");
            assert_eq!(sync.pats.run("verify", &token)?.json()?["admin"], true);
        }
    }
    // An unknown or invalid own token protects nothing, so nothing is done.
    sync.pats.write("tokens.yaml", "tokens: []")?;
    sync.run(&format!("--own {ID}"))?.refused("not_found");
    sync.run("--own-token-stdin")?.refused("invalid_prefix");
    sync.run(&format!("--own {ID} --own-token-stdin"))?
        .failed("--own");
    sync.pats.run("verify", &token)?.json()?;
    // Without an own token, none is protected.
    let done = sync.run("")?;
    assert!(done.stdout.ends_with("1 revoked\n"), "{done:?}");
    Ok(())
}

/// S6: one token that fails stops no other, and all failures are told.
#[test]
fn what_fails_is_told_and_the_rest_is_done() -> Outcome {
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

/// S7: the report says that a hash changed, and does not show it.
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
fn ends_in_the_past_end_a_token_once_and_register_none() -> Outcome {
    let sync = Sync::new("ends")?;
    let (token, id) = issued(&sync.pats, "--owner a --expires-in 1d")?;
    let (_, ended) = issued(
        &sync.pats,
        &format!("--owner a --expires-in 1d --at {PAST}"),
    )?;
    let new = sync.pats.run("generate --json", "")?.json()?;
    let (new_id, hash) = (
        new["id"].as_str().ok_or("id")?,
        new["hash"].as_str().ok_or("hash")?,
    );
    sync.write(&format!(
        "- {{id: {id}, owner: a, expires_at: 2026-01-01T00:00:00Z}}\n\
         - {{id: {ended}, owner: a, expires_at: 7}}\n\
         - {{id: {new_id}, owner: a, hash: {hash}, expires_at: 7}}\n"
    ))?;
    assert_eq!(sync.run("--dry-run")?.status, Some(0));
    let said = sync.run("")?.stdout;
    let end = sync.get(&id)?["expires_at"].clone();
    assert!(
        said.contains(&format!("+ expires_at: {end}\n1 changed\n")),
        "{said}"
    );
    assert!(sync.run("")?.stdout.starts_with(NOTHING));
    sync.pats.run("verify", &token)?.refused("expired");
    sync.run("")?
        .one_line(&format!("note: {new_id}: it has expired"));
    // An unlisted token that has ended is left as it is; one that is revoked, too.
    sync.pats.write("tokens.yaml", "tokens: []")?;
    assert_eq!(
        sync.run("")?.stdout,
        "nothing to change: 0 tokens are declared\n"
    );
    Ok(())
}

/// A19: the end is that of the moment at which it is set, however long the others took, and the
/// role is gone in any case.
#[tokio::test]
async fn any_number_of_ends_in_the_past_are_applied_with_what_else_is_taken() -> Outcome {
    let sync = Sync::new("many-ends")?;
    many(&sync.pats, 1500).await?;
    let (token, id) = issued(&sync.pats, "--owner a --role r --role s")?;
    let list: String = ids(&sync.all()?)
        .iter()
        .map(|one| {
            let roles = if *one == id { ", roles: [s]" } else { "" };
            format!("- {{id: {one}, owner: same, expires_at: 7{roles}}}\n")
        })
        .collect();
    sync.write(&list)?;
    let done = sync.run("--json")?.json()?;
    assert_eq!(done["failed"], json!([]));
    let changed = done["changed"].as_array().ok_or("changed")?;
    assert_eq!(changed.len(), 1501);
    // What is shown is what was stored, and not what was planned some seconds before.
    let shown = |changed: &Value| {
        let mut changes = changed["changes"].as_array().into_iter().flatten();
        let end = changes.find(|change| change["field"] == "expires_at");
        (changed["id"].clone(), end.map(|end| end["after"].clone()))
    };
    let shown: Vec<_> = changed.iter().map(shown).collect();
    let stored = sync.all()?;
    for token in stored.as_array().ok_or("tokens")? {
        let end = (token["id"].clone(), Some(token["expires_at"].clone()));
        assert!(shown.contains(&end), "{end:?}");
    }
    assert_eq!(sync.get(&id)?["roles"], json!(["s"]));
    sync.pats.run("verify", &token)?.refused("expired");
    assert!(sync.run("")?.stdout.starts_with(NOTHING));
    Ok(())
}

/// Where a run is cut off, what was to be taken is taken.
#[test]
fn what_is_taken_comes_before_what_is_given() -> Outcome {
    let sync = Sync::new("taken")?;
    let (mut list, mut taken) = (String::new(), Vec::new());
    for n in 0..10 {
        let (_, id) = issued(&sync.pats, "--owner a --role r --role s")?;
        let change = ["name: laptop", "roles: [s]"][n % 2];
        list += &format!("- {{id: {id}, owner: a, {change}}}\n");
        if n % 2 == 1 {
            taken.push(id);
        }
    }
    sync.write(&list)?;
    let done = sync.run("--json")?.json()?;
    let changed = done["changed"].as_array().ok_or("changed")?;
    assert_eq!(changed.len(), 10);
    let first = Value::from(&changed[..taken.len()]);
    taken.sort_unstable();
    assert_eq!(ids(&first), taken);
    Ok(())
}

#[test]
fn tokens_that_are_revoked_may_be_purged_later() -> Outcome {
    let sync = Sync::new("purge")?;
    let (_, unlisted) = issued(&sync.pats, "--owner a")?;
    let (_, listed) = issued(&sync.pats, "--owner a")?;
    sync.write(&format!("- {{id: {listed}, owner: a, revoked: true}}\n"))?;
    sync.converges("--purge-in 30d")?;
    assert!(sync.get(&unlisted)?["purge_at"].is_string());
    assert_eq!(
        sync.pats
            .line(&format!("purge-expired --at {FUTURE}"), "")?,
        "2"
    );
    // A purged token that is declared revoked is not missing.
    assert!(sync.run("")?.stdout.starts_with(NOTHING));
    Ok(())
}

#[test]
fn a_file_of_the_original_is_read() -> Outcome {
    let sync = Sync::new("original")?;
    let (_, id) = issued(&sync.pats, "--owner a")?;
    let hash =
        "$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let file = format!(
        "defaults:\n  adminPath: /admin\n\
         endpoints:\n  - name: production\n    url: https://example.com\n\
         tokens:\n  - tokenId: {id}\n    owner: b\n    isAdmin: true\n    \
         expiresAt: '2100-01-01T00:00:00Z'\n  \
         - tokenId: {ID}\n    secretPhc: '{hash}'\n    owner: c\n    isAdmin: false\n    \
         revoked: false\n    expiresAt: null\n"
    );
    sync.pats.write("tokens.yaml", file)?;
    sync.converges("")?;
    assert_eq!(sync.get(&id)?["admin"], true);
    let get = sync
        .pats
        .run(&format!("get {ID} --json --with-hash"), "")?
        .json()?;
    assert_eq!(get["hash"], hash);
    Ok(())
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_its_lines_are_told() -> Outcome {
    let sync = Sync::new("wrong")?;
    let elsewhere = Sync::new("wrong-elsewhere")?;
    let foreign = elsewhere.pats.run("generate --json", "")?.json()?;
    let foreign = foreign["hash"].as_str().ok_or("hash")?;
    let (_, id) = issued(&sync.pats, "--owner a")?;
    let before = sync.all()?;
    let roles: String = (0..51).map(|number| format!("r{number},")).collect();
    let long = "x".repeat(101);
    let zeros = "0".repeat(21);
    let good = format!("- {{id: {id}, owner: changed}}\n");
    let bomb = format!("- &a {{id: {id}, owner: a}}\n{}", "- *a\n".repeat(3));
    for (tokens, because) in [
        (
            format!("- {{id: {id}, owner: b}}\n"),
            vec![(3, "stands on line 2, too")],
        ),
        ("- {id: short, owner: b}\n".into(), vec![(3, "invalid_id")]),
        (
            format!("- {{id: {zeros}, owner: b, hash: x}}\n"),
            vec![(3, "invalid_phc")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, hash: {foreign}}}\n"),
            vec![(3, "invalid_parameters")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, roles: [{roles}]}}\n"),
            vec![(3, "too_many_roles")],
        ),
        (
            format!("- {{id: {zeros}, owner: {long}}}\n"),
            vec![(3, "invalid_owner")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, expires_at: soon}}\n"),
            vec![(3, "expires_at")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, expires_at: 253402300800}}\n"),
            vec![(3, "invalid_expiry")],
        ),
        (
            format!("- {{id: short, owner: b}}\n\n- {{id: {zeros}, owner: b, hash: x}}\n"),
            vec![(3, "invalid_id"), (5, "invalid_phc")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, bogus: 1}}\n"),
            vec![(3, "unknown field")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, owner: c}}\n"),
            vec![(3, "duplicate")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, admin: yes}}\n"),
            vec![(3, "boolean")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, roles: reader}}\n"),
            vec![(3, "sequence")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, roles: null}}\n"),
            vec![(3, "sequence")],
        ),
        (format!("- {{id: {zeros}}}\n"), vec![(3, "owner")]),
        ("- [\n".into(), vec![(3, "")]),
        (bomb, vec![(3, "stands on line")]),
        (
            "- {id: x, owner: b, \"\\e[31m\": 1}\n".into(),
            vec![(3, r"\u{1b}[31m")],
        ),
    ] {
        sync.write(&format!("{good}{tokens}"))?;
        for options in ["", "--dry-run"] {
            let done = sync.run(options)?;
            done.failed("");
            for (line, what) in &because {
                assert!(
                    done.stderr.contains(&format!("line {line}")),
                    "{tokens}: {done:?}"
                );
                assert!(done.stderr.contains(what), "{tokens}: {done:?}");
            }
            assert!(
                !done.stderr.contains(foreign) && !done.stderr.contains('\x1b'),
                "{done:?}"
            );
        }
    }
    for file in [
        "",
        "{}",
        "tokens:",
        "tokens: {}",
        "other: []",
        "tokens: []\n---\ntokens: []",
    ] {
        sync.pats.write("tokens.yaml", file)?;
        sync.run("")?.failed("the file");
    }
    sync.pats.write("tokens.yaml", b"\xff")?;
    sync.run("")?.failed("UTF-8");
    sync.pats
        .run("sync missing.yaml", "")?
        .failed("cannot read the file of tokens");
    assert_eq!(sync.all()?, before);
    Ok(())
}

/// A bomb of aliases is a few bytes that are a file of gigabytes.
#[test]
fn a_bomb_of_aliases_is_refused_soon() -> Outcome {
    let sync = Sync::new("bomb")?;
    let mut file = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        file += &format!("a{level}: &a{level} [{before}]\n");
    }
    sync.pats
        .write("tokens.yaml", format!("{file}tokens: []\n"))?;
    sync.run("")?.failed("the file");
    sync.pats.write(
        "tokens.yaml",
        format!("defaults:\n  {}\ntokens: []\n", file.replace('\n', "\n  ")),
    )?;
    sync.run("")?.failed("the file");
    let deep = "[".repeat(100_000);
    sync.pats.write("tokens.yaml", format!("tokens: {deep}"))?;
    sync.run("")?.failed("the file");
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

/// Each step is done, whatever becomes of what is said of it.
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
        done.failed("the sync went on to its end");
        done.one_line("error: ");
        for id in &ids {
            assert_eq!(sync.get(id)?["owner"], "b", "{options}");
        }
        // A step that fails besides is what counts.
        sync.write(&format!(
            "{entries}- {{id: {}, owner: a}}\n",
            "0".repeat(21)
        ))?;
        let done = sync.pats.full(&line, "")?;
        assert_eq!(done.status, Some(2), "{done:?}");
        assert!(done.stderr.contains("cannot write to stdout"), "{done:?}");
        // Nothing is changed by it.
        let dry = sync.pats.full(&format!("{line} --dry-run"), "")?;
        assert!(!dry.stderr.contains("went on"), "{dry:?}");
    }
    Ok(())
}
