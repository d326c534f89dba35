//! What the program says of engines that were left out of the build.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::process::{Command, Stdio};

/// The program's stderr, once it has failed with exit code 1.
fn failure(arguments: &[&str], store: Option<&str>) -> String {
    let keys = sealtoken::Key::generate().expose();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealtoken"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env("SEALTOKEN_KEYS", keys.as_str())
        .env_remove("SEALTOKEN_STORE")
        .stdin(Stdio::null());
    if let Some(store) = store {
        command.env("SEALTOKEN_STORE", store);
    }
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(done.stdout.is_empty(), "{done:?}");
    String::from_utf8(done.stderr).unwrap()
}

#[test]
fn a_store_whose_engine_was_left_out_names_the_feature() {
    let engines = [
        (cfg!(feature = "sqlite"), "sqlite", "sqlite:left_out.db"),
        (cfg!(feature = "postgres"), "postgres", "postgres://u@h/db"),
        (cfg!(feature = "dynamodb"), "dynamodb", "dynamodb:table"),
    ];
    for (_, feature, store) in engines.into_iter().filter(|(there, ..)| !there) {
        let expected = format!("cargo install sealtoken-cli --features {feature}\n");
        for arguments in [
            &["vault", "list"][..],
            &["pat", "list"],
            &["store", "create"],
        ] {
            let option = [arguments, &["--store", store]].concat();
            for said in [failure(&option, None), failure(arguments, Some(store))] {
                assert!(said.starts_with("error: this build lacks "), "{said}");
                assert!(
                    said.ends_with(&expected) && said.lines().count() == 1,
                    "{said}"
                );
            }
        }
    }
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn the_default_store_and_the_schema_need_sqlite() {
    for arguments in [&["vault", "list"][..], &["store", "schema", "sqlite"]] {
        assert!(failure(arguments, None).contains("--features sqlite\n"));
    }
}
