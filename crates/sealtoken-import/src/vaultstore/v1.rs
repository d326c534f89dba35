//! The first format: base64 inside base64, XORed with a key. Nothing in it is authenticated.

use base16ct::lower;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use super::{MAX_VALUE, VaultstoreError, base64, base64_len};

/// A value was padded to this many bytes, or to twice as many, or four times, and so on.
const BLOCK: usize = 128;
/// A block doubled this often holds the longest value and its length.
const DOUBLED: u32 = 14;

/// The maximum length of a stored value, in characters.
const MAX_LEN: usize = base64_len(base64_len(BLOCK << DOUBLED));

/// The key made from a password: hexadecimal digits, whose ASCII bytes are used.
pub(super) struct Key(Box<Zeroizing<[u8; 200]>>);

impl Key {
    pub(super) fn of(password: &str) -> Self {
        let md5 = hex::<Md5>(&[password.as_bytes()]);
        let first = hex::<Sha256>(&[md5.as_bytes(); 4]);
        let sha1 = hex::<Sha1>(&[first.as_bytes()]);
        let second = [sha1.as_bytes(); 3];
        let (sha1, md5) = (hex::<Sha1>(&second), hex::<Md5>(&second));
        let last = hex::<Sha256>(&[sha1.as_bytes(), md5.as_bytes(), sha1.as_bytes()]);

        let (sha1, md5) = (
            hex::<Sha1>(&[last.as_bytes()]),
            hex::<Md5>(&[last.as_bytes()]),
        );
        let parts = [
            &*sha1,
            &*hex::<Sha256>(&[md5.as_bytes()]),
            &*hex::<Sha256>(&[sha1.as_bytes()]),
            &*md5,
        ];
        let mut key = Box::new(Zeroizing::new([0; 200]));
        let digits = parts.iter().flat_map(|part| part.bytes());
        for (byte, digit) in key.iter_mut().zip(digits) {
            *byte = digit;
        }
        Self(key)
    }
}

/// The digits of a hash over all the parts.
fn hex<D: Digest + ZeroizeOnDrop>(parts: &[&[u8]]) -> Zeroizing<String> {
    let mut digest = D::new();
    for part in parts {
        digest.update(part);
    }
    let mut hash = digest.finalize();
    let digits = Zeroizing::new(lower::encode_string(&hash));
    hash.as_mut_slice().zeroize();
    digits
}

/// Checks the limits first, then the base64, then uses the key. All errors after that have one
/// code, so an attacker does not learn how far a changed value got.
pub(super) fn read(key: &Key, stored: &str) -> Result<Zeroizing<Vec<u8>>, VaultstoreError> {
    let mut bytes = bytes(stored).ok_or(VaultstoreError::Malformed)?;
    for (byte, digit) in bytes.iter_mut().zip(key.0.iter().cycle()) {
        *byte ^= digit;
    }
    base64(&bytes)
        .and_then(|block| value(&block))
        .ok_or(VaultstoreError::Forged)
}

/// The bytes of the text, if it is well-formed. That does not depend on the key.
fn bytes(stored: &str) -> Option<Zeroizing<Vec<u8>>> {
    if stored.len() > MAX_LEN {
        return None;
    }
    let bytes = base64(stored.as_bytes())?;
    let of_a_block = |doubled| base64_len(BLOCK << doubled) == bytes.len();
    (0..=DOUBLED).any(of_a_block).then_some(bytes)
}

/// A block is the length of the text, `_`, the text, and random letters and digits. The text is the
/// value in base64.
fn value(block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let end = block.iter().position(|byte| *byte == b'_')?;
    let (length, rest) = block.split_at_checked(end)?;
    let (_, rest) = rest.split_first()?;
    let (text, filling) = rest.split_at_checked(number(length)?)?;
    let value = base64(text)?;
    (value.len() <= MAX_VALUE && filling.iter().all(u8::is_ascii_alphanumeric)).then_some(value)
}

/// A number as Go prints it. That system also accepts other spellings, and panics on a wrong
/// number.
fn number(digits: &[u8]) -> Option<usize> {
    let as_printed = match digits {
        [b'0'] => true,
        [first, ..] => *first != b'0' && digits.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    let digits = as_printed.then(|| str::from_utf8(digits))?;
    digits.ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64Url, Encoding as _};

    use super::*;

    fn filled(begin: &str) -> Vec<u8> {
        format!("{begin:x<128}").into_bytes()
    }

    #[test]
    fn a_block_is_taken_apart_where_its_length_says() {
        for (begin, expected) in [
            ("0_", ""),
            ("4_QQ==", "A"),
            ("4_QUJD", "ABC"),
            ("4_QUJDQUJD", "ABC"),
            ("8_QUJDQUJD", "ABCABC"),
            ("8_fn5_Pz8_", "~~\u{7f}???"),
        ] {
            let read = value(&filled(begin));
            assert_eq!(
                read.as_deref().map(Vec::as_slice),
                Some(expected.as_bytes()),
                "{begin}"
            );
        }
    }

    #[test]
    fn what_go_did_not_write_is_no_block() {
        for begin in [
            "",
            "_",
            "4",
            "4QQ==",
            "_QQ==",
            "+4_QQ==",
            "-1_",
            "04_QQ==",
            "00_",
            " 4_QQ==",
            "4 _QQ==",
            "4__QQ==",
            "0x4_QQ==",
            "4.0_QQ==",
            "4e0_QQ==",
            "3_QQ=",
            "4_QR==",
            "4_Q===",
            "4_QQ==_",
            "4_QQ==!",
            "4_QQ== ",
            "4_QQ==\n",
            "4_QQ===",
            "4_QQ==-",
            "4_QQ+/",
            "4_QQ\r\n",
            "127_",
            "999999999999_",
            "18446744073709551616_",
            "99999999999999999999999999999999_",
            "\u{664}_QQ==",
        ] {
            assert!(value(&filled(begin)).is_none(), "{begin}");
        }
        let whole = "124_".to_owned() + &"QUJD".repeat(31);
        assert_eq!(value(whole.as_bytes()).map(|value| value.len()), Some(93));
        assert!(value(whole.replace("124", "125").as_bytes()).is_none());
        assert!(value(b"").is_none());
    }

    #[test]
    fn what_is_not_as_long_as_a_block_is_not_deciphered() {
        let key = Key::of("password");
        let refusal = |length: usize| {
            let stored = Base64Url::encode_string(&vec![0; base64_len(length)]);
            read(&key, &stored).err()
        };
        for length in [128, 256, 512] {
            assert_eq!(refusal(length), Some(VaultstoreError::Forged), "{length}");
        }
        for length in [0, 3, 126, 130, 254, 259, 384] {
            assert_eq!(
                refusal(length),
                Some(VaultstoreError::Malformed),
                "{length}"
            );
        }
    }

    #[test]
    fn the_longest_block_is_the_one_of_the_longest_value() {
        let text = base64_len(MAX_VALUE);
        let longest = text.to_string().len() + 1 + text;
        assert!(longest <= BLOCK << DOUBLED && longest > BLOCK << (DOUBLED - 1));
    }

    #[test]
    fn the_key_of_a_password_is_what_other_tools_compute() {
        let key = Key::of("password");
        let key = str::from_utf8(&**key.0).unwrap();
        let expected = [
            "af0228d062578293614d98e4e3aec250bcba3d23",
            "624d439f74512c1614a288bc745980f2cff2a1b504c0c221a1ceb318f8be60aa",
            "4dabce7c9f31c3455091f02020e0e0c340e1b5c0dbbec72b9205797b6718e30e",
            "101acbdeaedb9fbd344471d0e2f838c2",
        ];
        assert_eq!(key, expected.concat());
    }
}
