//! `sealtoken pat list` and `get`.

use sealtoken::KeyRing;
use sealtoken::pat::PersonalAccessTokens;
use sealtoken::store::{Change, Collection, Outcome as Written, Query, Store as _};
use sealtoken_sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::pat::{issued, pats};
use crate::vault::PAST;
use crate::{Done, Folder, Outcome, feed};

/// Issues this many tokens.
pub(crate) async fn many(
    pats: &Folder,
    count: usize,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let keys: KeyRing = pats.program.keys.as_deref().ok_or("keys")?.parse()?;
    let store = SqliteStore::open(pats.path("sealtoken.db")).await?;
    let library = PersonalAccessTokens::open(store, &keys).await?;
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        ids.push(
            library
                .issue(format!("owner{}", number % 3))
                .role("many")
                .await?
                .record
                .id
                .to_string(),
        );
    }
    ids.sort_unstable();
    Ok(ids)
}

pub(crate) fn ids(list: &Value) -> Vec<String> {
    let entries = list.as_array().map_or(&[][..], Vec::as_slice);
    let id = |entry: &Value| entry["id"].as_str().map(str::to_owned);
    let mut ids: Vec<String> = entries.iter().filter_map(id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_list_has_what_is_asked_for() -> Outcome {
    let pats = pats("list")?;
    let (_, live) = issued(&pats, "--owner ada --role reader --role deploy")?;
    let (_, expired) = issued(&pats, &format!("--owner ada --expires-in 1d --at {PAST}"))?;
    let (_, revoked) = issued(&pats, "--owner grace --role reader")?;
    pats.quiet(&format!("revoke {revoked}"), "")?;
    for (options, expected) in [
        ("", vec![&live, &expired, &revoked]),
        ("--owner ada", vec![&live, &expired]),
        ("--role reader", vec![&live, &revoked]),
        ("--owner ada --role reader", vec![&live]),
        ("--state live", vec![&live]),
        ("--state expired", vec![&expired]),
        ("--state revoked", vec![&revoked]),
        ("--state revoked --state live", vec![&live, &revoked]),
        ("--state revoked --owner ada", vec![]),
        ("--owner nobody", vec![]),
    ] {
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        expected.sort_unstable();
        let list = pats.run(&format!("list --json {options}"), "")?.json()?;
        assert_eq!(ids(&list), expected, "{options}");
        let count = pats.line(&format!("list --count {options}"), "")?;
        assert_eq!(count, expected.len().to_string(), "{options}");
        let table = pats.run(&format!("list {options}"), "")?;
        let lines = if expected.is_empty() {
            0
        } else {
            expected.len() + 1
        };
        assert_eq!(table.stdout.lines().count(), lines, "{options}");
        assert!(
            expected.iter().all(|id| table.stdout.contains(&**id)),
            "{options}"
        );
    }
    let list = pats.run("list --json --with-hashes", "")?.json()?;
    let hashes = list
        .as_array()
        .ok_or("list")?
        .iter()
        .filter(|entry| entry["hash"].is_string());
    assert_eq!(hashes.count(), 3);
    pats.run("list --with-hashes", "")?.failed("--json");
    pats.run("list --state dead", "")?.failed("revoked");
    pats.run("list --count --json", "")?.failed("--count");
    Ok(())
}

#[tokio::test]
async fn a_list_is_as_long_as_the_store_and_goes_on_where_it_ended() -> Outcome {
    let pats = pats("long-list")?;
    let expected = many(&pats, 620).await?;
    let list = pats.run("list --json", "")?.json()?;
    assert_eq!(ids(&list), expected);
    assert_eq!(pats.run("list", "")?.stdout.lines().count(), 621);

    for options in ["--limit 250 --json", "--limit 510 --json --role many"] {
        let (mut found, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let done = pats.run(&format!("list {options} {after}"), "")?;
            assert_eq!(done.status, Some(0), "{done:?}");
            found.extend(ids(&serde_json::from_str(&done.stdout)?));
            pages += 1;
            let Some(cursor) = done.stderr.strip_prefix("next: ") else {
                assert_eq!(done.stderr, "");
                break;
            };
            after = format!("--after {}", cursor.trim_end());
        }
        found.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(pages, if options.contains("250") { 3 } else { 2 });
    }
    assert_eq!(pats.line("list --json --limit 0", "")?, "[]");
    pats.run("list --after nonsense", "")?.failed("--after");
    pats.run("list --after ff", "")?.failed("");
    Ok(())
}

#[test]
fn no_text_of_a_token_does_anything_to_the_terminal() -> Outcome {
    let pats = pats("escapes")?;
    let evil = "a\x1b[31m\n\u{9b}2J\u{7f}\u{202e}b";
    let mut command = pats.command("issue");
    for option in ["--owner", "--role", "--scope", "--name"] {
        command.args([option, evil]);
    }
    command.args(["--metadata", &format!("{evil}={evil}")]);
    let output = feed(&mut command, b"")?;
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout)?;
    let id = &token[4..25];
    let shows = |done: &Done| {
        assert_eq!(done.status, Some(0), "{done:?}");
        let active = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(
            !done.stdout.contains(active) && !done.stderr.contains(active),
            "{done:?}"
        );
    };
    let file = format!("tokens:\n- {{id: {id}, owner: b}}\n");
    pats.write("tokens.yaml", file)?;
    for line in ["list", &format!("get {id}"), "sync tokens.yaml --dry-run"] {
        shows(&pats.run(line, "")?);
        let json = pats.run(&format!("{line} --json"), "")?;
        shows(&json);
        json.json()?;
    }
    let verified = pats.run("verify", &token)?;
    shows(&verified);
    assert_eq!(verified.json()?["owner"], json!(evil));
    assert_eq!(verified.json()?["metadata"], json!({ evil: evil }));
    Ok(())
}

/// A record is changed through the store, as an attacker would.
#[tokio::test]
async fn a_record_that_was_changed_is_named_and_hides_no_other() -> Outcome {
    let pats = pats("tampered")?;
    many(&pats, 3).await?;
    {
        let store = SqliteStore::open(pats.path("sealtoken.db")).await?;
        let tokens = Query::all(Collection::new("pat_tokens")?);
        let mut record = store.scan(&tokens).await?.records.remove(0);
        let expected = record.version;
        record.body[20] ^= 1;
        let written = store.write(&[Change::Replace { record, expected }]).await?;
        assert_eq!(written, Written::Written);
    }
    let list = pats.run("list --json", "")?;
    assert_eq!(list.status, Some(2));
    list.one_line("tampered: ");
    let entries: Value = serde_json::from_str(&list.stdout)?;
    let errors = entries
        .as_array()
        .ok_or("list")?
        .iter()
        .filter(|entry| entry["error"] == "tampered");
    assert_eq!((errors.count(), ids(&entries).len()), (1, 2));
    let table = pats.run("list", "")?;
    assert_eq!((table.status, table.stdout.lines().count()), (Some(2), 4));
    let count = pats.run("list --count", "")?;
    assert_eq!((count.status, &*count.stdout), (Some(2), "2\n"));
    count.one_line("tampered: 1 record is damaged or was tampered with");

    pats.write("tokens.yaml", "tokens: []")?;
    let sync = pats.run("sync tokens.yaml", "")?;
    assert_eq!(sync.status, Some(2));
    assert!(sync.stdout.ends_with("2 revoked, 1 failed\n"), "{sync:?}");
    sync.one_line("a token: tampered: ");
    Ok(())
}
