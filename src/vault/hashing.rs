//! Hashing passwords with Argon2id: off the async threads, a bounded number at once, and the
//! namespaces in turn.

use serde::{Deserialize, Serialize};

use crate::crypto::argon2id::{self, Cost};
use crate::crypto::secret::Secret;
use crate::limits::{BlockingPool, PoolError, QueueId, WhenFull};
use crate::sealed::ServiceError;

use super::VaultError;
use super::namespace::NamespaceKeys;
use super::secret::Normalised;

/// The cost of one hash of a password by Argon2id (RFC 9106): memory, passes and lanes.
///
/// The default is OWASP's first choice for servers: 19 MiB, two passes, one lane.
///
/// ```
/// use sealtoken::vault::Argon2Cost;
///
/// # fn main() -> Result<(), sealtoken::vault::VaultError> {
/// let stronger = Argon2Cost::new(64, 3, 1)?;
/// assert!(Argon2Cost::new(1, 1, 1).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredCost", into = "StoredCost")]
pub struct Argon2Cost {
    memory_mib: u32,
    passes: u32,
    lanes: u32,
}

/// A cost in a keyset or a configuration, perhaps out of bounds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCost {
    m: u32,
    t: u32,
    p: u32,
}

impl TryFrom<StoredCost> for Argon2Cost {
    type Error = VaultError;

    fn try_from(StoredCost { m, t, p }: StoredCost) -> Result<Self, VaultError> {
        Self::new(m, t, p)
    }
}

impl From<Argon2Cost> for StoredCost {
    fn from(cost: Argon2Cost) -> Self {
        Self {
            m: cost.memory_mib,
            t: cost.passes,
            p: cost.lanes,
        }
    }
}

impl Argon2Cost {
    /// A cost of 19 to 256 MiB, 1 to 10 passes (at least 2 below 46 MiB) and 1 to 4 lanes.
    ///
    /// # Errors
    ///
    /// [`VaultError::InvalidSetting`] outside these bounds.
    pub const fn new(memory_mib: u32, passes: u32, lanes: u32) -> Result<Self, VaultError> {
        let cost = Self {
            memory_mib,
            passes,
            lanes,
        };
        if cost.is_bounded() {
            Ok(cost)
        } else {
            Err(VaultError::InvalidSetting(
                "a cost has 19 to 256 MiB, 1 to 10 passes (at least 2 below 46 MiB) and 1 to 4 \
                 lanes",
            ))
        }
    }

    const fn is_bounded(&self) -> bool {
        let memory = self.memory_mib >= 19 && self.memory_mib <= 256;
        let passes = self.passes >= 1 && self.passes <= 10;
        let enough = self.memory_mib >= 46 || self.passes >= 2;
        memory && passes && enough && self.lanes >= 1 && self.lanes <= 4
    }

    /// The MiB written by one hash: what a guess costs.
    pub(super) const fn work(&self) -> u32 {
        self.memory_mib.saturating_mul(self.passes)
    }
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self {
            memory_mib: 19,
            passes: 2,
            lanes: 1,
        }
    }
}

/// Runs Argon2id on the runtime's blocking threads.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    pool: BlockingPool,
    /// Counts the passwords, for tests that compare the work of two answers.
    #[cfg(test)]
    pub(super) hashed: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Hasher {
    pub(super) fn new(max_concurrent: usize) -> Self {
        Self {
            pool: BlockingPool::new(max_concurrent),
            #[cfg(test)]
            hashed: std::sync::Arc::default(),
        }
    }

    /// Hashes a password to 64 bytes.
    pub(super) async fn hash(
        &self,
        cost: Argon2Cost,
        password: &Normalised,
        namespace: &NamespaceKeys,
        when_full: WhenFull,
    ) -> Result<Secret<64>, VaultError> {
        #[cfg(test)]
        self.hashed
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let (password, salt) = (password.clone(), namespace.salt);
        self.run(namespace.queue(), when_full, move || {
            let cost = Cost {
                memory: cost.memory_mib.saturating_mul(1024),
                passes: cost.passes,
                lanes: cost.lanes,
            };
            argon2id::hash(cost, password.as_bytes(), &salt)
                .map_err(|_| VaultError::Service(ServiceError::Hashing))
        })
        .await?
    }

    /// Runs other slow work in the same queue.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        queue: QueueId,
        when_full: WhenFull,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, PoolError> {
        self.pool.run(queue, when_full, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_have_bounds() {
        for (memory, passes, lanes, expected) in [
            (19, 2, 1, true),
            (256, 10, 4, true),
            (46, 1, 1, true),
            (18, 2, 1, false),
            (19, 1, 1, false),
            (257, 2, 1, false),
            (64, 0, 1, false),
            (64, 11, 1, false),
            (64, 2, 0, false),
            (64, 2, 5, false),
            (u32::MAX, u32::MAX, u32::MAX, false),
        ] {
            let cost = Argon2Cost::new(memory, passes, lanes);
            assert_eq!(cost.is_ok(), expected, "{memory} {passes} {lanes}");
        }
        assert!(Argon2Cost::default().is_bounded());
    }

    #[test]
    fn a_cost_that_is_read_has_the_same_bounds() {
        let read = serde_json::from_str::<Argon2Cost>;
        let good = r#"{"m":64,"t":3,"p":1}"#;
        let cost = Argon2Cost::new(64, 3, 1).unwrap();
        assert_eq!(read(good).ok(), Some(cost));
        assert_eq!(serde_json::to_string(&cost).unwrap(), good);
        for bad in [
            r#"{"m":4000000,"t":3,"p":1}"#,
            r#"{"m":64,"t":11,"p":1}"#,
            r#"{"m":64,"t":3,"p":5}"#,
            r#"{"m":1,"t":1,"p":1}"#,
            r#"{"m":64,"t":3,"p":1,"x":1}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
