//! What is taken from a token: the order, and expiries in the past.

use serde_json::{Value, json};

use crate::Outcome;
use crate::pat::issued;
use crate::pat::list::{ids, many};
use crate::vault::{FUTURE, PAST};

use super::{NOTHING, Sync};

#[test]
fn an_expiry_in_the_past_expires_a_token_once_and_registers_none() -> Outcome {
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
    // Unlisted tokens that have expired or were revoked stay as they are.
    sync.pats.write("tokens.yaml", "tokens: []")?;
    assert_eq!(
        sync.run("")?.stdout,
        "nothing to change: 0 tokens are declared\n"
    );
    Ok(())
}

/// A19: a token expires at the moment when that is written, however long the others took, and the
/// role is removed in any case.
#[tokio::test]
async fn any_number_of_expiries_in_the_past_are_applied_with_what_else_is_taken() -> Outcome {
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
    // The report shows what was stored, not what was planned some seconds before.
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

/// If a run is interrupted, the restrictions are done.
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
