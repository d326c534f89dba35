//! Tables for tests.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sealtoken_dynamodb::{DynamoOptions, DynamoStore};

/// The emulator to test on. Without one, the skip is reported once, past the test harness.
pub fn endpoint() -> Option<String> {
    static REPORTED: Once = Once::new();
    crate::named(
        "SEALTOKEN_TEST_DYNAMODB",
        &REPORTED,
        "!!!!!!!! SKIPPED: the tests of DynamoDB: SEALTOKEN_TEST_DYNAMODB names no emulator \
         (scripts/dynamodb starts one)",
    )
}

/// Options for a service at this address, with meaningless credentials.
pub fn options(table: &str, endpoint: &str) -> DynamoOptions {
    DynamoStore::options(table)
        .endpoint(endpoint)
        .region("eu-central-1")
        .credentials("AKIATEST", "not a secret")
}

/// The client of the SDK, without the store.
pub fn client(endpoint: &str) -> aws_sdk_dynamodb::Client {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};

    let keys = Credentials::new("AKIATEST", "not a secret", None, None, "test");
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(keys)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A table for one test. Dropping this removes it.
pub struct Table {
    pub endpoint: String,
    pub name: String,
}

impl Table {
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let endpoint = endpoint()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sealtoken_test_{}_{count}", std::process::id());
        Some(Self { endpoint, name })
    }

    pub fn options(&self) -> DynamoOptions {
        // Emulators that serve one request at a time keep the others waiting.
        options(&self.name, &self.endpoint).timeout(Duration::from_secs(60))
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let (endpoint, name) = (self.endpoint.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let request = client(&endpoint).delete_table();
                request.table_name(name).send().await.is_ok()
            })
        });
        let _ = dropping.join();
    }
}

/// An empty store in its own table, if there is an emulator.
pub async fn fresh() -> Option<(DynamoStore, Table)> {
    let table = Table::new()?;
    let store = table.options().create_table().await.expect("a table");
    Some((store, table))
}
