//! The token of whoever runs the command.

use std::error::Error;

use crate::pat::{ID, issued};
use crate::{Done, Outcome, feed};

use super::{NOTHING, Sync};

/// S4: a run never costs its caller their own token.
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
            vec!["declared without admin rights: it KEEPS them"],
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
            vec![
                "declared without admin rights: it KEEPS them",
                "NOT revoked",
            ],
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
    let quiet = sync.run(&format!("--quiet --own {id}"))?;
    assert!(
        quiet.stdout.starts_with(NOTHING) && quiet.stderr.is_empty(),
        "{quiet:?}"
    );
    // An unknown or invalid own token protects nothing, so nothing is done.
    sync.pats.write("tokens.yaml", "tokens: []")?;
    sync.run(&format!("--own {ID}"))?.refused("not_found");
    sync.run("--own-token-stdin")?.refused("invalid_prefix");
    let mut command = sync.pats.command("sync tokens.yaml");
    let output = feed(command.env("SEALTOKEN_PAT", ""), b"")?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        output
            .stderr
            .starts_with(b"error: SEALTOKEN_PAT is empty: "),
        "{output:?}"
    );
    sync.run(&format!("--own {ID} --own-token-stdin"))?
        .failed("--own");
    sync.pats.run("verify", &token)?.json()?;
    // Without an own token, none is protected.
    let done = sync.run("")?;
    assert!(done.stdout.ends_with("1 revoked\n"), "{done:?}");
    Ok(())
}
