//! How a table is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, Credentials, SharedHttpClient};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use sealtoken_store::StoreError;
use zeroize::Zeroizing;

use super::{DynamoStore, Shared, table};

/// How a [`DynamoStore`] is opened, where its defaults do not fit.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sealtoken_dynamodb::DynamoStore;
///
/// # async fn run() -> Result<(), sealtoken_store::StoreError> {
/// let store = DynamoStore::options("sealtoken")
///     .region("eu-central-1")
///     .timeout(Duration::from_secs(2))
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options open nothing until `open`"]
pub struct DynamoOptions {
    table: String,
    region: Option<String>,
    endpoint: Option<String>,
    profile: Option<String>,
    keys: Option<Keys>,
    session_token: Option<Zeroizing<String>>,
    client: Option<Client>,
    consistent: bool,
    timeout: Duration,
    attempts: u32,
}

#[derive(Clone)]
struct Keys {
    id: String,
    secret: Zeroizing<String>,
}

impl DynamoOptions {
    /// The defaults, for the table with this name or ARN: see [`DynamoStore::open`].
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            region: None,
            endpoint: None,
            profile: None,
            keys: None,
            session_token: None,
            client: None,
            consistent: true,
            timeout: Duration::from_secs(5),
            attempts: 6,
        }
    }

    /// The region, instead of the one that the environment names.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The URL of the service, instead of that of its region: an emulator's, or that of an endpoint in your network.
    ///
    /// # Security
    ///
    /// With `http://` everything goes unencrypted: ids, label values and sealed bodies, though not the secret key.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// The profile in the files of the AWS command line, instead of the one that the environment names.
    ///
    /// A profile that signs in by SSO needs the feature `sso` of the crate `aws-config` in your own `Cargo.toml`.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// An access key, instead of what AWS gives this process. What the process is given is better: it is replaced by itself.
    ///
    /// # Security
    ///
    /// The secret is in no `Debug` output, and is wiped when the options are dropped. The store's copy belongs to the SDK, which wipes it, too.
    pub fn credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        self.keys = Some(Keys {
            id: access_key_id.into(),
            secret: Zeroizing::new(secret.into()),
        });
        self
    }

    /// The session token that belongs to [`credentials`](Self::credentials) of a role.
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(token.into()));
        self
    }

    /// A client of your own, with all that it is configured to, instead of region, endpoint, profile, credentials and timeout.
    ///
    /// Its retries are turned off for this store, which has its own: see [`attempts`](Self::attempts). Give it a timeout.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Whether reads are strongly consistent; they are by default.
    ///
    /// Otherwise they cost half, and may give what was there some moments before: a read after a write may not see it, and what was
    /// revoked or replaced may still be good. That breaks the contract of [`Store`](sealtoken_store::Store). Writes read consistently in any case, and are as safe
    /// as ever: a change that was acknowledged was made. But one may be refused by what was there: what was just created is not found yet.
    pub fn consistent_reads(mut self, consistent: bool) -> Self {
        self.consistent = consistent;
        self
    }

    /// How long one request may take; 5 seconds by default. A call may need several.
    ///
    /// A write that takes longer is sent again, as it can be without harm, and is [`Effect::Unknown`](sealtoken_store::Effect::Unknown) where no attempt is answered.
    pub fn timeout(mut self, longest: Duration) -> Self {
        self.timeout = longest;
        self
    }

    /// How often a request is sent that is throttled or not answered; 6 times by default, and never less than once.
    ///
    /// Between two attempts lies a random time, below 50 milliseconds at first and twice as long each time.
    pub fn attempts(mut self, most: u32) -> Self {
        self.attempts = most.max(1);
        self
    }

    /// Opens the table, which must be there.
    ///
    /// # Errors
    ///
    /// As [`DynamoStore::open`].
    pub async fn open(self) -> Result<DynamoStore, StoreError> {
        let store = self.store().await?;
        table::check(&store).await?;
        Ok(store)
    }

    /// Creates the table where it is not there, waits until it can be used, and opens it. It is paid for by request.
    ///
    /// It needs more rights than opening does: `docs/dynamodb.md` lists them.
    ///
    /// # Errors
    ///
    /// As [`DynamoStore::open`].
    pub async fn create_table(self) -> Result<DynamoStore, StoreError> {
        let store = self.store().await?;
        table::create(&store).await?;
        Ok(store)
    }

    /// The client that these settings make, for another table: one to import from, say. It tries again by the SDK's own rules.
    ///
    /// # Errors
    ///
    /// [`StoreError::Configuration`] where no region is known.
    pub async fn into_client(self) -> Result<Client, StoreError> {
        Ok(Client::from_conf(self.builder().await?.build()))
    }

    async fn builder(&self) -> Result<Builder, StoreError> {
        match &self.client {
            Some(client) => Ok(client.config().to_builder()),
            None => self.config().await,
        }
    }

    async fn store(self) -> Result<DynamoStore, StoreError> {
        let config = self.builder().await?;
        let config = config.retry_config(RetryConfig::disabled()).build();
        let shared = Shared {
            client: Client::from_conf(config),
            table: self.table,
            consistent: self.consistent,
            attempts: self.attempts,
        };
        Ok(DynamoStore {
            shared: Arc::new(shared),
        })
    }

    async fn config(&self) -> Result<Builder, StoreError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.timeout.min(Duration::from_secs(3)))
            .operation_attempt_timeout(self.timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https())
            .timeout_config(timeouts);
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &self.endpoint {
            loader = loader.endpoint_url(url);
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(keys) = &self.keys {
            let token = self.session_token.as_ref().map(|token| token.to_string());
            let secret = keys.secret.to_string();
            let given = Credentials::new(&*keys.id, secret, token, None, "sealtoken");
            loader = loader.credentials_provider(given);
        }
        let loaded = loader.load().await;
        let mut config = Builder::from(&loaded);
        if loaded.region().is_none() {
            // An emulator has none, and a request has to name one.
            let Some(_) = loaded.endpoint_url() else {
                let what = "no region is known: give one, or set AWS_REGION";
                return Err(StoreError::Configuration(what.to_owned()));
            };
            config = config.region(Region::from_static("us-east-1"));
        }
        Ok(config)
    }
}

/// TLS by rustls and ring, with the authorities that the system trusts.
fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

impl fmt::Debug for DynamoOptions {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoOptions")
            .field("table", &self.table)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("profile", &self.profile)
            .field("client", &self.client.is_some())
            .field("consistent_reads", &self.consistent)
            .field("timeout", &self.timeout)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
