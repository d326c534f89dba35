//! Hashing passwords with Argon2id: off the async threads, a bounded number at once, and the
//! namespaces in turn.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::crypto::secret::Secret;
use crate::limits::{BlockingPool, WhenFull};
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
    /// [`ServiceError::InvalidSetting`] outside these bounds.
    pub const fn new(memory_mib: u32, passes: u32, lanes: u32) -> Result<Self, VaultError> {
        let cost = Self {
            memory_mib,
            passes,
            lanes,
        };
        if cost.is_bounded() {
            Ok(cost)
        } else {
            Err(VaultError::Service(ServiceError::InvalidSetting(
                "a cost has 19 to 256 MiB, 1 to 10 passes (at least 2 below 46 MiB) and 1 to 4 \
                 lanes",
            )))
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
    pub(super) pool: BlockingPool,
    /// Counts the passwords, for tests that compare the work of two answers.
    #[cfg(test)]
    pub(super) hashed: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Hasher {
    pub(super) fn new(pool: BlockingPool) -> Self {
        Self {
            pool,
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
        let memory = cost.memory_mib.saturating_mul(1024);
        let cost = (memory, cost.passes, cost.lanes);
        let work = move || argon2id(cost, password.as_bytes(), &salt);
        let hashed = self.pool.run(namespace.queue(), when_full, work).await?;
        Ok(hashed.map_err(|_| ServiceError::Hashing)?)
    }
}

/// Hashes a password with Argon2id, version 0x13. The memory used, in KiB, is wiped.
fn argon2id<const N: usize>(
    (memory, passes, lanes): (u32, u32, u32),
    password: &[u8],
    salt: &[u8],
) -> Result<Secret<N>, argon2::Error> {
    let params = Params::new(memory, passes, lanes, Some(N))?;
    // A failed allocation is an error here and does not abort the process.
    let mut blocks = Blocks(Vec::new());
    let reserved = blocks.0.try_reserve_exact(params.block_count());
    reserved.map_err(|_| argon2::Error::OutOfMemory)?;
    blocks.0.resize(params.block_count(), Block::new());
    let mut output = Secret::zeroed();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password,
        salt,
        output.expose_mut(),
        blocks.0.as_mut_slice(),
    )?;
    Ok(output)
}

/// The memory that Argon2id fills. `Zeroizing` would wipe the vector's capacity a second time, byte
/// by byte.
struct Blocks(Vec<Block>);

impl Drop for Blocks {
    fn drop(&mut self) {
        for block in &mut self.0 {
            block.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_argon2id_of_another_implementation() {
        // argon2-cffi 25.1: low_level.hash_secret_raw(b"password", b"0123456789abcdef", 2, 64, 1,
        // 32, Type.ID)
        let hashed = argon2id::<32>((64, 2, 1), b"password", b"0123456789abcdef").unwrap();
        assert_eq!(
            hex::encode(hashed.expose()),
            "fb83b5711fd91df630b63677dee62ccd13ee6f0c4897d856b49542b9b1e9975b"
        );
    }

    #[test]
    fn a_cost_of_no_sense_is_an_error() {
        let hashed = argon2id::<32>((1, 0, 0), b"password", b"salt of a size");
        assert!(hashed.is_err());
    }

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
