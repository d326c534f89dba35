//! The key schedule of AES-256 (FIPS 197, 5.2), so that tests can search memory for expanded keys.

/// The fifteen round keys. The first two are the key itself.
pub fn expand(key: &[u8; 32]) -> [u8; 240] {
    let sbox = sbox();
    let mut words = [[0_u8; 4]; 60];
    for (word, bytes) in words.iter_mut().zip(key.chunks_exact(4)) {
        word.copy_from_slice(bytes);
    }
    let mut round_constant = 1_u8;
    for at in 8..60 {
        let mut word = words[at - 1];
        if at % 8 == 0 {
            word.rotate_left(1);
        }
        if at % 4 == 0 {
            word = word.map(|byte| sbox[usize::from(byte)]);
        }
        if at % 8 == 0 {
            word[0] ^= round_constant;
            round_constant <<= 1;
        }
        for (byte, before) in word.iter_mut().zip(words[at - 8]) {
            *byte ^= before;
        }
        words[at] = word;
    }
    let mut all = [0; 240];
    all.copy_from_slice(words.as_flattened());
    all
}

/// The S-box: the inverse in GF(2^8), then the affine map.
fn sbox() -> [u8; 256] {
    let mut sbox = [0; 256];
    let (mut p, mut q) = (1_u8, 1_u8);
    loop {
        // p runs through all elements as powers of 3, q through their inverses.
        p ^= (p << 1) ^ ((p >> 7) * 0x1b);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        q ^= (q >> 7) * 0x09;
        let rotated = q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4);
        sbox[usize::from(p)] = q ^ rotated ^ 0x63;
        if p == 1 {
            break;
        }
    }
    sbox[0] = 0x63;
    sbox
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_fips_197_expands_as_printed_there() {
        let key = [
            0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d,
            0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3,
            0x09, 0x14, 0xdf, 0xf4,
        ];
        let schedule = expand(&key);
        assert_eq!(schedule[..32], key);
        assert_eq!(schedule[32..36], [0x9b, 0xa3, 0x54, 0x11]);
        assert_eq!(schedule[236..], [0x70, 0x6c, 0x63, 0x1e]);
    }
}
