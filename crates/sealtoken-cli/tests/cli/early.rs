//! Imports that end early: they say how much stays, and what to do next.

use std::error::Error;
use std::fs::File;

use serde_json::{Value, json};

use crate::pat::{ID, SCRYPT, item, pats};
use crate::unknown::{LongLog, doubtful};
use crate::vault::{Vault, line, vector};
use crate::{Done, Outcome};

/// The counts that `import --json` printed.
fn counts(done: &Done) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_str(&done.stdout)?)
}

/// How many items an import that ended early says that it imported.
fn imported(done: &Done) -> Result<usize, Box<dyn Error>> {
    assert_eq!(done.status, Some(1), "{done:?}");
    let (before, _) = done
        .stderr
        .split_once(" were imported and stay: ")
        .ok_or_else(|| format!("{done:?}"))?;
    Ok(before.rsplit(' ').next().ok_or("no number")?.parse()?)
}

#[test]
fn an_import_of_tokens_that_ends_early_says_how_many_stay_and_runs_again() -> Outcome {
    let pats = pats("import-early")?;
    pats.line("list --json", "")?;
    let lines: String = (0..200)
        .map(|n| item(&format!("{n:021}"), SCRYPT, "") + "\n")
        .collect();
    let log = LongLog::of(&pats)?;
    let done = log.run(&pats, "import --json", &lines, 1_000_000)?;
    drop(log);
    let taken = imported(&done)?;
    assert!((2..200).contains(&taken), "{taken}");
    let again = "run `sealtoken pat import` again with the same items to import the rest";
    assert!(done.stderr.contains(again), "{done:?}");
    let list = pats.run("list --json", "")?.json()?;
    let existing = list.as_array().ok_or("list")?.len();
    assert_eq!(existing, taken);
    let again = counts(&pats.run("import --json", &lines)?)?;
    let (new, existing) = (json!(200 - taken), json!(taken));
    let counts = (&again["imported"], &again["existing"]);
    assert_eq!(counts, (&new, &existing));

    // The outcome of the very first item is unknown.
    let line = item(ID, SCRYPT, "");
    let said = ["run `sealtoken pat import` again with the same items to import what is missing"];
    doubtful(&pats, "import", line, &said)?;

    // A folder can be opened, but not read.
    std::fs::create_dir(pats.path("folder"))?;
    let done = pats.run("import folder", "")?;
    done.failed("cannot read the items");
    done.failed("nothing new was imported");
    let dry = pats.run("import folder --dry-run", "")?;
    dry.failed("it was a dry run, and imported nothing");
    Ok(())
}

#[test]
fn an_import_of_tokens_that_ends_early_says_how_many_it_restricted() -> Outcome {
    let pats = pats("import-restricted")?;
    let lines = |rest: &str| {
        let item = |n| item(&format!("{n:021}"), SCRYPT, rest) + "\n";
        (0..200).map(item).collect::<String>()
    };
    pats.line("import", lines(""))?;
    let log = LongLog::of(&pats)?;
    let since = lines(r#","revokedAt":{"N":"1763755300"}"#);
    let done = log.run(&pats, "import", &since, 400_000)?;
    drop(log);
    assert_eq!(done.status, Some(1), "{done:?}");
    done.one_line("error: the store is not available (SQLITE_IOERR_WRITE); ");
    let said = " existing tokens were restricted and stay so: ";
    let (before, again) = done.stderr.split_once(said).ok_or(format!("{done:?}"))?;
    let restricted: usize = before.rsplit(' ').next().ok_or("no number")?.parse()?;
    assert!((2..200).contains(&restricted), "{restricted}");
    assert!(again.starts_with("run `sealtoken pat import` again"));
    let list = pats.run("list --json", "")?.json()?;
    let list = list.as_array().ok_or("list")?.iter();
    let revoked = list.filter(|token| !token["revoked_at"].is_null()).count();
    assert_eq!(revoked, restricted);
    let again = counts(&pats.run("import --json", &since)?)?;
    assert_eq!(again["restricted"], json!(200 - restricted));
    Ok(())
}

#[test]
fn an_import_of_values_that_ends_early_says_how_many_stay_and_runs_again() -> Outcome {
    let (stored, password, value) = vector("v1: plain")?;
    let vault = Vault::new("import-early")?;
    vault.write("old", &password)?;
    vault.line("create", "value")?;
    let lines: String = (0..200)
        .map(|n| line(&format!("a-token-with-number-{n}"), &stored, None))
        .collect();
    let import = "import --format vaultstore-v1 --password-file old --new-password-file pw";
    let log = LongLog::of(&vault)?;
    let done = log.run(&vault, import, &lines, 1_000_000)?;
    drop(log);
    let taken = imported(&done)?;
    assert!((2..200).contains(&taken), "{taken}");
    let again = "run `sealtoken vault import` again with the same lines to import the rest";
    assert!(done.stderr.contains(again), "{done:?}");
    assert_eq!(vault.line("list --count", "")?, (taken + 1).to_string());
    let again = vault.run(import, &lines)?;
    assert_eq!(again.stdout, format!("{}\n", 200 - taken), "{again:?}");
    assert_eq!(again.stderr.matches("already_exists").count(), taken);
    vault.has("--password-file pw", "a-token-with-number-0", &value)?;
    assert_eq!(vault.line("list --count", "")?, "201");

    std::fs::create_dir(vault.path("folder"))?;
    let mut command = vault.command(import);
    let output = command.stdin(File::open(vault.path("folder"))?).output()?;
    let said = String::from_utf8(output.stderr)?;
    assert!(said.contains("cannot read stdin"), "{said}");
    assert!(said.contains("nothing new was imported"), "{said}");
    Ok(())
}

/// A file that was cut off ends in an invalid line.
#[test]
fn an_import_of_a_file_that_was_cut_off_says_how_many_stay() -> Outcome {
    let pats = pats("import-cut")?;
    let item = |n: usize| item(&format!("{n:021}"), SCRYPT, "") + "\n";
    let lines: String = (0..3).map(item).collect();
    let done = pats.run("import", &lines[..lines.len() - 20])?;
    assert_eq!((done.status, &*done.stdout), (Some(2), "2\n"), "{done:?}");
    let last = done.stderr.lines().last().unwrap_or_default();
    let expected = "1 was not imported, for the reasons above; 2 were imported and stay: ";
    assert!(last.starts_with(expected), "{done:?}");
    assert!(last.contains("fix what was refused and run `sealtoken pat import` again"));
    assert_eq!(pats.line("import", &lines)?, "1");

    let (stored, password, _) = vector("v1: plain")?;
    let vault = Vault::new("import-cut")?;
    vault.write("old", &password)?;
    let line = |n: usize| line(&format!("a-token-with-number-{n}"), &stored, None);
    let lines: String = (0..2).map(line).collect();
    let import = "import --format vaultstore-v1 --password-file old";
    let done = vault.run(import, &lines[..lines.len() - 20])?;
    assert_eq!((done.status, &*done.stdout), (Some(2), "1\n"), "{done:?}");
    let last = done.stderr.lines().last().unwrap_or_default();
    let expected = "1 was not imported, for the reasons above; 1 was imported and stays: ";
    assert!(last.starts_with(expected), "{done:?}");
    assert!(last.contains("fix what was refused and run `sealtoken vault import` again"));
    assert_eq!(vault.run(import, &lines)?.stdout, "1\n");
    Ok(())
}
