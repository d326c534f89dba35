//! The options that name a vault and a namespace, and opening it.

use std::sync::Arc;

use clap::Args;
use sealtoken::UnixTime;
use sealtoken::store::Store;
use sealtoken::vault::{Vault, VaultOptions};

use crate::failure::{Failure, OPENING};
use crate::store::{self, StoreArgs};

/// The vault, and a namespace in it.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    #[command(flatten)]
    store: StoreArgs,
    /// The namespace, such as a user's or a tenant's part of the vault
    #[arg(long, value_name = "NAME", default_value = Vault::DEFAULT_NAMESPACE)]
    namespace: String,
}

/// A vault to open, as the options describe it.
pub(super) struct Prepared {
    store: store::Prepared,
    namespace: Option<String>,
}

impl Prepared {
    /// The whole vault, and no namespace of it.
    pub(super) fn whole(options: &StoreArgs) -> Result<Self, Failure> {
        Ok(Self {
            store: options.prepare()?,
            namespace: None,
        })
    }
}

impl Scope {
    pub(super) fn prepare(&self) -> Result<Prepared, Failure> {
        Ok(Prepared {
            store: self.store.prepare()?,
            namespace: Some(self.namespace.clone()),
        })
    }
}

/// Runs work that takes a password, then waits for what it writes behind it. Otherwise a password
/// would never move to the newest cost, because the program ends with its command.
pub(super) async fn flushed<T>(vault: &Vault, work: impl Future<Output = T>) -> T {
    let done = work.await;
    vault.flush().await;
    done
}

impl Prepared {
    /// The time of the command.
    pub(super) fn now(&self) -> UnixTime {
        self.store.now()
    }

    pub(super) async fn open(self) -> Result<Vault, Failure> {
        self.open_with(Vault::options()).await
    }

    pub(super) async fn open_with(self, options: VaultOptions) -> Result<Vault, Failure> {
        let store = self.store.open().await?;
        self.vault(store, options).await
    }

    /// Opens it to change a value. It keeps this many earlier values, or as many as the value has.
    pub(super) async fn open_keeping(self, versions: Option<u32>) -> Result<Vault, Failure> {
        self.open_with(keeping(versions)).await
    }

    async fn vault(
        &self,
        store: Arc<dyn Store>,
        mut options: VaultOptions,
    ) -> Result<Vault, Failure> {
        if let Some(clock) = &self.store.clock {
            options = options.clock(clock.clone());
        }
        let vault = options.open(store, &self.store.keys).await;
        let vault = vault.map_err(|error| Failure::from(error).in_doubt(OPENING))?;
        Ok(match &self.namespace {
            Some(name) => vault.namespace(name)?,
            None => vault,
        })
    }
}

fn keeping(versions: Option<u32>) -> VaultOptions {
    let options = Vault::options();
    match versions {
        Some(versions) => options.keep_versions(versions),
        None => options.keep_as_many_versions(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use sealtoken::store::MemoryStore;
    use sealtoken::{Key, KeyRing};

    use super::*;
    use crate::lossy::Lossy;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        scope: Scope,
    }

    /// The vault of a command line, and the file with its key.
    fn prepared() -> (Prepared, KeyRing, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let (key, file) = (Key::generate(), folder.path().join("key"));
        std::fs::write(&file, &**key.expose()).unwrap();
        let line = ["update", "--key-file", file.to_str().unwrap()];
        let prepared = Line::parse_from(line).scope.prepare().ok().unwrap();
        (prepared, KeyRing::new(key), folder)
    }

    #[tokio::test]
    async fn a_lost_read_takes_no_earlier_value() {
        let (prepared, keys, _folder) = prepared();
        let store = MemoryStore::new();
        let options = Vault::options().keep_versions(5);
        let vault = options.open(store.clone(), &keys).await.unwrap();
        let vault = vault.namespace(Vault::DEFAULT_NAMESPACE).unwrap();
        let token = vault.create("0").await.unwrap();
        for value in ["1", "2", "3", "4", "5"] {
            vault.update(&token, value).await.unwrap();
        }
        let mut updated = 0;
        for good in 0..20 {
            let lossy = Lossy::reads(store.clone(), good..good + 1);
            let opened = prepared.vault(Arc::new(lossy), keeping(None)).await;
            if let Ok(vault) = opened {
                updated += u32::from(vault.update(&token, "new").await.is_ok());
            }
            let info = vault.get(&token).await.unwrap();
            assert_eq!(info.earlier_versions, 5);
        }
        assert!((1..20).contains(&updated));
    }

    #[tokio::test]
    async fn what_another_update_keeps_in_the_meantime_stays() {
        let (prepared, keys, _folder) = prepared();
        let store = MemoryStore::new();
        let options = Vault::options().keep_versions(2);
        let other = options.open(store.clone(), &keys).await.unwrap();
        let other = other.namespace(Vault::DEFAULT_NAMESPACE).unwrap();
        let token = other.create("0").await.unwrap();
        let opened = prepared.vault(Arc::new(store), keeping(None)).await;
        let vault = opened.ok().unwrap();
        other.update(&token, "1").await.unwrap();
        other.update(&token, "2").await.unwrap();
        vault.update(&token, "3").await.unwrap();
        let info = vault.get(&token).await.unwrap();
        assert_eq!(info.earlier_versions, 2);
    }
}
