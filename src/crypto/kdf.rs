//! HKDF-SHA256 (RFC 5869) with an empty salt: the only key derivation of the format.

use hkdf::Hkdf;
use sha2::Sha256;

use super::secret::{SHALLOW, Secret, overwrite_stack, wipes_itself};

// HMAC also keeps its key in it.
const _: () = wipes_itself::<Sha256>();

/// Derives `N` bytes from `root`. `info` is given in parts, which are joined without a separator.
pub(crate) fn derive<const N: usize>(root: &Secret<32>, info: &[&[u8]]) -> Secret<N> {
    let mut output = Secret::<N>::zeroed();
    expand(root, info, output.expose_mut());
    // HKDF keeps its last block, which is the key, without wiping it.
    overwrite_stack::<SHALLOW>();
    output
}

#[inline(never)]
fn expand(root: &Secret<32>, info: &[&[u8]], output: &mut [u8]) {
    let expanded = Hkdf::<Sha256>::new(None, root.expose()).expand_multi_info(info, output);
    // RFC 5869 allows 255 blocks of 32 bytes; every caller asks for at most one.
    debug_assert!(expanded.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_info_are_joined_and_every_part_counts() {
        let root = Secret::from([7; 32]);
        let joined = derive::<32>(&root, &[b"sealtoken v1"]);
        assert!(joined == derive(&root, &[b"sealtoken", b" v1"]));
        assert!(joined != derive(&root, &[b"sealtoken", b" v2"]));
        assert!(joined != derive(&Secret::from([8; 32]), &[b"sealtoken v1"]));
    }
}
