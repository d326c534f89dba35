//! A table of `@access-tokens/core`, as its own code makes it, taken in.

use std::collections::HashMap;
use std::error::Error as _;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use sealtoken::pat::{PersonalAccessTokens, Reason, VerifyError};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing};
use sealtoken_import::access_tokens::{AccessTokenError, Table as Original};
use serde_json::Value;

use sealtoken_test_servers::dynamodb::{Table, client};

type Item = HashMap<String, AttributeValue>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn item(id: &str, phc: &str) -> Item {
    [
        ("tokenId", text(id)),
        ("secretPhc", text(phc)),
        ("owner", text("ada@example.com")),
        ("isAdmin", AttributeValue::Bool(true)),
        (
            "roles",
            AttributeValue::Ss(vec!["reader".into(), "writer".into()]),
        ),
        ("createdAt", AttributeValue::N("1700000000".into())),
        ("expiresAt", AttributeValue::Null(true)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

async fn table_of_theirs(client: &Client, name: &str) {
    let attribute = AttributeDefinition::builder()
        .attribute_name("tokenId")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("tokenId")
        .key_type(KeyType::Hash);
    client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(key.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn the_tokens_of_their_table_verify_here_after_an_import_that_was_cut_off() {
    let Some(table) = Table::new() else {
        return;
    };
    let client = client(&table.endpoint);
    table_of_theirs(&client, &table.name).await;
    let vectors = include_str!("../../../../../tests/vectors/access_tokens.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let known = vectors["tokens"].as_array().unwrap();
    let known: Vec<(&str, &str, &str)> = known
        .iter()
        .filter(|vector| vector["answer"] == "valid" && vector["prefix"].is_null())
        // One hash for each id, and no slow ones.
        .filter(|vector| vector["phc"].as_str().unwrap().starts_with("$scrypt$ln=1"))
        .filter(|vector| !vector["phc"].as_str().unwrap().contains("ln=14"))
        .map(|vector| ["token", "id", "phc"].map(|name| vector[name].as_str().unwrap()))
        .map(|[token, id, phc]| (token, id, phc))
        .collect();
    assert!(known.len() > 10);
    let mut items: Vec<Item> = known.iter().map(|(_, id, phc)| item(id, phc)).collect();
    // What the faults of that system leave behind: a ghost, and an unusable hash.
    let ghost = [
        ("tokenId", text("GGGGGGGGGGGGGGGGGGGGG")),
        ("lastUsedAt", AttributeValue::N("1".into())),
    ];
    items.push(ghost.map(|(name, value)| (name.to_owned(), value)).into());
    items.push(item("FFFFFFFFFFFFFFFFFFFFF", "$fake"));
    // Enough for several pages of 1 MB.
    let ballast = AttributeValue::S("x".repeat(300_000));
    for (at, item) in items.iter_mut().enumerate() {
        if at % 2 == 0 {
            item.insert("unknown".into(), ballast.clone());
        }
        let put = client.put_item().table_name(&table.name);
        put.set_item(Some(item.clone())).send().await.unwrap();
    }

    let mut original = Original::new(client.clone(), &table.name);
    let keys = KeyRing::new(Key::generate());
    let pats = PersonalAccessTokens::options().limiter(());
    let pats = pats.open(MemoryStore::new(), &keys).await.unwrap();
    let (mut ids, mut ghosts) = (Vec::new(), 0);
    while let Some(item) = original.next().await {
        let id = original.last_id().unwrap().to_owned();
        match item {
            Ok(token) => {
                assert_eq!(token.id.as_str(), id);
                let would = pats.import([token.clone()]).dry_run(true).await.unwrap();
                let did = pats.import([token.clone()]).await.unwrap();
                assert_eq!(would, did);
                assert!(did.iter().flatten().all(|token| token.is_new));
                // Again, as after an interruption: nothing changes.
                let again = pats.import([token]).await.unwrap();
                assert!(again.iter().flatten().all(|token| !token.is_new));
            }
            Err(error) => {
                assert_eq!(
                    (&*id, error),
                    ("GGGGGGGGGGGGGGGGGGGGG", AccessTokenError::Ghost)
                );
                ghosts += 1;
            }
        }
        ids.push(id);
    }
    assert!(original.next().await.is_none());
    // The table has several pages of at most 1 MB, and none loses or repeats a token.
    assert!(items.len() / 2 * 300_000 > 1 << 20);
    assert_eq!((ids.len(), ghosts), (items.len(), 1));
    // An interrupted import can continue after any of them.
    for (at, id) in ids.iter().enumerate() {
        let mut rest = Original::new(client.clone(), &table.name).after(id);
        assert_eq!(rest.last_id(), Some(&**id));
        let next = rest
            .next()
            .await
            .map(|_| rest.last_id().unwrap().to_owned());
        assert_eq!(next.as_ref(), ids.get(at + 1));
    }
    assert_eq!(pats.list().count().await, Ok(known.len() as u64 + 1));
    for (token, id, _) in &known {
        let record = pats.verify(token).await.unwrap();
        assert_eq!(record.id.as_str(), *id);
        assert!(record.admin && record.has_role("writer") && record.expires_at.is_none());
        assert_eq!(record.created_at.as_secs(), 1_700_000_000);
    }
    by_command(&table, known.len() as u64 + 1);
    let fake = format!("pat_{}.AAAAAAAAAAAAAAAAAAAAAA==", "F".repeat(21));
    let refused = pats.verify(&fake).await;
    assert_eq!(refused, Err(VerifyError::Refused(Reason::InvalidPhc)));
}

/// Imports the table twice with `sealtoken pat import`, into a file.
fn by_command(table: &Table, tokens: u64) {
    let folder = tempfile::tempdir().unwrap();
    let from = format!(
        "dynamodb:{}?region=eu-central-1&endpoint={}",
        table.name, table.endpoint
    );
    let run = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_sealtoken"))
            .current_dir(folder.path())
            .args(["pat", "import", "--json", "--from", &from])
            .args(more)
            .env("SEALTOKEN_KEYS", &*Key::from_bytes([7; 32]).expose())
            .env("SEALTOKEN_STORE", "sqlite:pats.db")
            .env("AWS_ACCESS_KEY_ID", "AKIATEST")
            .env("AWS_SECRET_ACCESS_KEY", "not a secret")
            .output()
            .unwrap();
        // The ghost is reported, and makes the command fail.
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("GGGGGGGGGGGGGGGGGGGGG: ghost"), "{said}");
        assert!(said.contains("FFFFFFFFFFFFFFFFFFFFF: unusable"), "{said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    for (more, imported, existing) in [
        (&["--dry-run"][..], tokens, 0),
        (&[], tokens, 0),
        (&[], 0, tokens),
    ] {
        let counts = run(more);
        assert_eq!(
            (&counts["imported"], &counts["existing"]),
            (&imported.into(), &existing.into())
        );
        assert_eq!(
            (&counts["unusable"], &counts["failed"]),
            (&1.into(), &1.into())
        );
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_an_error_with_its_code() {
    let Some(table) = Table::new() else {
        return;
    };
    let mut original = Original::new(client(&table.endpoint), "no-such-table");
    // Each call tries again.
    for _ in 0..2 {
        let error = original.next().await.unwrap().err().unwrap();
        assert_eq!(error.code(), "unavailable");
        let message = error.to_string();
        assert!(message.contains("ResourceNotFoundException"), "{message}");
        assert!(error.source().is_some());
    }
}
