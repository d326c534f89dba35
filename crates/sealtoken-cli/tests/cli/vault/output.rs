//! Output that nobody reads, and a full disk.

use std::fs;
use std::process::Stdio;

use crate::Outcome;
use crate::vault::Vault;

#[test]
fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is_one() -> Outcome {
    let vault = Vault::new("gone")?;
    let token = vault.line("create", vec![b'x'; 100_000])?;
    vault.write("token", &token)?;
    for line in [
        "read --token-file token",
        "list",
        "list --json",
        "get --token-file token",
    ] {
        let mut child = vault.start(line)?;
        drop(child.stdout.take());
        let output = child.wait_with_output()?;
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{line}: {output:?}"
        );
        if cfg!(target_os = "linux") {
            let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
            let output = vault
                .command(line)
                .stdin(Stdio::null())
                .stdout(full)
                .spawn()?
                .wait_with_output()?;
            assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        }
    }
    Ok(())
}

/// Nobody has the token, and the value cannot be removed again, so the message names it.
#[cfg(target_os = "linux")]
#[test]
fn a_value_whose_token_could_not_be_printed_is_removed_or_named() -> Outcome {
    let vault = Vault::new("unremovable")?;
    vault
        .full("create", "value")?
        .failed("the value was removed again");
    assert_eq!(vault.line("list --count", "")?, "0");

    let token = "a-token-of-ones-own-with-32-chars";
    vault.write("token", token)?;
    let create = "create --token-file token";
    vault.line(create, "value")?;
    let file = vault.unremovable("vault_values")?;
    let done = vault.full(create, "value")?;
    assert!(done.stderr.contains("could not be printed"), "{done:?}");
    let list = vault.run("list --json", "")?.json()?;
    let id = list[0]["id"].as_str().ok_or("id")?.to_owned();
    let delete = format!("delete --id {id}");
    let what = format!("run `sealtoken vault {delete}`");
    assert!(done.stderr.contains(&what), "{done:?}");
    file.execute_batch("DROP TABLE held")?;
    vault.quiet(&delete, "")?;
    assert_eq!(vault.line("list --count", "")?, "0");
    Ok(())
}
