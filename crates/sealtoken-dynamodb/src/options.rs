//! How a table is opened.

use std::fmt;
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

use super::shape;
use super::store::DynamoStore;
use super::table::Table;

impl DynamoStore {
    /// Opens a table with the default options. The region and the credentials come from the
    /// process: from environment variables, the files of the AWS command line, a web identity, or
    /// the role of the container or machine.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Configuration`] if the table does not exist or has another shape, or if no
    ///   region is known.
    /// - [`StoreError::Unavailable`] if DynamoDB does not answer, or refuses the credentials.
    pub async fn open(table: impl Into<String>) -> Result<Self, StoreError> {
        Self::options(table).open().await
    }

    /// The options for opening or creating the table with this name or ARN.
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
    pub fn options(table: impl Into<String>) -> DynamoOptions {
        DynamoOptions {
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
}

/// The options of [`DynamoStore::options`].
#[derive(Clone)]
#[must_use = "options do nothing until `open`"]
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
    /// The region, instead of the one in the environment.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The URL of the service, instead of that of the region: of an emulator, or of an endpoint in
    /// your network.
    ///
    /// # Security
    ///
    /// With `http://` nothing is encrypted on the way: not ids, label values and sealed bodies. The
    /// secret key is never sent.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// The profile in the files of the AWS command line, instead of the one in the environment.
    ///
    /// A profile with SSO needs the feature `sso` of the crate `aws-config` in your `Cargo.toml`.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// An access key, instead of the credentials of the process. Prefer those: AWS rotates them.
    ///
    /// # Security
    ///
    /// No `Debug` output shows the secret. It is wiped when the options are dropped; the SDK wipes
    /// its own copy.
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

    /// The session token, if the [`credentials`](Self::credentials) are those of a role.
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(token.into()));
        self
    }

    /// A client of your own with its configuration, instead of region, endpoint, profile,
    /// credentials and timeout.
    ///
    /// The store turns the retries of its copy off, and uses [its own](Self::attempts). Give the
    /// client a timeout.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Whether reads are strongly consistent. Default: yes.
    ///
    /// If not, reads cost half, but may return the state of some moments ago: a read may miss a
    /// preceding write, and a revoked or replaced record may still be found. That breaks the
    /// contract of [`Store`](sealtoken_store::Store). Writes always read consistently and stay
    /// safe: an acknowledged change was made. But a caller may decide on old data, and not find
    /// what it has just created.
    pub fn consistent_reads(mut self, consistent: bool) -> Self {
        self.consistent = consistent;
        self
    }

    /// How long one request may take. Default: 5 seconds. A call may need several requests.
    ///
    /// A write that takes longer is sent again if that is safe. It is
    /// [`Effect::Unknown`](sealtoken_store::Effect::Unknown) if no attempt is answered.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often a request is sent if it is throttled or not answered. Default: 6. At least 1.
    ///
    /// The pauses in between are those of
    /// [`Backoff::outage`](sealtoken_store::engine::Backoff::outage).
    pub fn attempts(mut self, count: u32) -> Self {
        self.attempts = count.max(1);
        self
    }

    /// Opens the table, which must exist.
    ///
    /// # Errors
    ///
    /// As [`DynamoStore::open`].
    pub async fn open(self) -> Result<DynamoStore, StoreError> {
        let table = self.table().await?;
        shape::check(&table).await?;
        Ok(DynamoStore { table })
    }

    /// Creates the table if it is missing, waits until it can be used, and opens it. Its billing is
    /// by request.
    ///
    /// This needs more rights than opening: `docs/dynamodb.md` lists them.
    ///
    /// # Errors
    ///
    /// As [`DynamoStore::open`].
    pub async fn create_table(self) -> Result<DynamoStore, StoreError> {
        let table = self.table().await?;
        shape::create(&table).await?;
        Ok(DynamoStore { table })
    }

    /// A client with these options, for another table, such as one to import from. It retries by
    /// the rules of the SDK.
    ///
    /// # Errors
    ///
    /// [`StoreError::Configuration`] if no region is known.
    pub async fn into_client(self) -> Result<Client, StoreError> {
        Ok(Client::from_conf(self.builder().await?.build()))
    }

    async fn builder(&self) -> Result<Builder, StoreError> {
        match &self.client {
            Some(client) => Ok(client.config().to_builder()),
            None => self.config().await,
        }
    }

    async fn table(self) -> Result<Table, StoreError> {
        let config = self.builder().await?;
        let config = config.retry_config(RetryConfig::disabled()).build();
        Ok(Table {
            client: Client::from_conf(config),
            name: self.table.into(),
            consistent: self.consistent,
            attempts: self.attempts,
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
            // An emulator has no region, but a request must name one.
            let Some(_) = loaded.endpoint_url() else {
                let reason = "no region is known: set one in the options, or AWS_REGION";
                return Err(StoreError::configuration(reason));
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
