//! The file of declared tokens.

use crate::Outcome;
use crate::pat::{ID, issued};

use super::Sync;

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
fn a_file_that_is_wrong_changes_nothing_and_its_lines_are_named() -> Outcome {
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
            vec![(3, "is declared on line 2 already")],
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
            format!("- {{id: {zeros}, owner: b, admin: \"true\"}}\n"),
            vec![(3, "a boolean is true or false, without quotes")],
        ),
        (
            format!("- id: {zeros}\n  owner: b\n  revoked: 'false'\n"),
            vec![(5, "a boolean is true or false, without quotes")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, isAdmin: \"false\"}}\n"),
            vec![(3, "a boolean is true or false, without quotes")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, admin: 1}}\n"),
            vec![(3, "true or false")],
        ),
        (
            format!("- {{id: {zeros}, owner: b, admin: null}}\n"),
            vec![(3, "true or false")],
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
        (bomb, vec![(3, "is declared on line")]),
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
    // Other spellings of a boolean are as good.
    for admin in ["true", "True", "TRUE"] {
        sync.write(&format!("- {{id: {id}, owner: a, admin: {admin}}}\n"))?;
        let done = sync.run("--dry-run")?;
        assert_eq!(done.status, Some(0), "{done:?}");
        assert!(done.stdout.contains("+ admin: true"), "{done:?}");
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

/// A key or a hash may stand where a name belongs, or a value of another kind.
#[test]
fn no_secret_of_the_file_is_shown() -> Outcome {
    let sync = Sync::new("secrets")?;
    for secret in [
        "stkey1_SECRETSECRET",
        "$scrypt$ln=14,r=8,p=1$SECRET$SECRET",
        "pat_34NwRzvnBbgI3uedkrQ3QSECRET",
        &"0123456789abcdef".repeat(4),
    ] {
        for entry in [
            format!("- id: {ID}\n  owner: a\n  {secret}: x\n"),
            format!("- id: {ID}\n  owner: a\n  metadata: {{? '{secret}' : a, ? '{secret}' : b}}\n"),
        ] {
            sync.write(&entry)?;
            let done = sync.run("")?;
            done.failed("error: the file: line 4, column ");
            done.failed("a word looks like a secret, so it is not shown");
            assert!(!done.stderr.contains(secret), "{done:?}");
        }
    }
    Ok(())
}

/// The parser's own messages advise options that only its caller has.
#[test]
fn what_is_wrong_with_the_file_is_said_for_its_writer() -> Outcome {
    let sync = Sync::new("words")?;
    let boolean = "a boolean is true or false, without quotes";
    for (rest, because) in [
        ("owner: b", "line 4, column 3: `owner` is a duplicate"),
        (
            "<<: {id: b}",
            "line 4, column 3: merge keys (<<) are not allowed: write them out",
        ),
        (
            "name: x\n---\ntokens: []",
            "a second document begins: give one",
        ),
        ("admin: null", boolean),
        ("admin: 1", boolean),
        ("revoked: 1.5", boolean),
        ("admin: yes", boolean),
        (
            "bogus: 1",
            "line 4, column 3: unknown field `bogus`, expected one of id",
        ),
    ] {
        sync.write(&format!("- id: {ID}\n  owner: a\n  {rest}\n"))?;
        let done = sync.run("")?;
        done.failed("error: the file: line ");
        done.failed(because);
        done.one_line("error: ");
        for word in ["Policy", "from_str", "policy", "invalid type"] {
            assert!(!done.stderr.contains(word), "{done:?}");
        }
    }
    Ok(())
}

/// Nested aliases would expand a few bytes to gigabytes.
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
