//! What becomes of the tokens in the store.

use serde_json::{Value, json};

use crate::Outcome;
use crate::pat::issued;
use crate::pat::list::{ids, many};

use super::{NOTHING, Sync};

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

/// S5: what a declared token leaves out stays as it is, admin rights included.
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
    assert_eq!(done.stdout, "nothing to change: 1 token is declared\n");
    assert_eq!(sync.get(&id)?, before);

    // A file that does not mention the revocation restores no token.
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

/// S2: `revoked: true` holds in every run, and a revoked token can be restored.
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

/// Otherwise declared tokens would seem missing, and unlisted ones gone.
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
