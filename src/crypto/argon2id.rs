//! Argon2id (RFC 9106), version 0x13: the only derivation from passwords.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize as _;

use super::secret::Secret;

/// The cost of one run. Its bounds are checked before memory is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// KiB of memory.
    pub(crate) memory: u32,
    /// Passes over it.
    pub(crate) passes: u32,
    /// Lanes.
    pub(crate) lanes: u32,
}

/// Not enough memory, or a cost that Argon2 does not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// Hashes a password to `N` bytes. The memory used is wiped.
pub(crate) fn hash<const N: usize>(
    cost: Cost,
    password: &[u8],
    salt: &[u8],
) -> Result<Secret<N>, Failed> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(N)).map_err(|_| Failed)?;
    // A failed allocation is an error here and does not abort the process.
    let mut blocks = Blocks(Vec::new());
    blocks
        .0
        .try_reserve_exact(params.block_count())
        .map_err(|_| Failed)?;
    blocks.0.resize(params.block_count(), Block::new());
    let mut output = Secret::zeroed();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password,
            salt,
            output.expose_mut(),
            blocks.0.as_mut_slice(),
        )
        .map_err(|_| Failed)?;
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
        let cost = Cost {
            memory: 64,
            passes: 2,
            lanes: 1,
        };
        let hashed = hash::<32>(cost, b"password", b"0123456789abcdef").unwrap();
        assert_eq!(
            hex::encode(hashed.expose()),
            "fb83b5711fd91df630b63677dee62ccd13ee6f0c4897d856b49542b9b1e9975b"
        );
    }

    #[test]
    fn a_cost_of_no_sense_is_an_error() {
        let cost = Cost {
            memory: 1,
            passes: 0,
            lanes: 0,
        };
        assert_eq!(
            hash::<32>(cost, b"password", b"salt of a size").err(),
            Some(Failed)
        );
    }
}
