//! The judge for personal access tokens and their hashes.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The accepted prefixes.
pub const PREFIXES: [&str; 3] = ["pat_", "pat_live_", "tok-"];

/// The id in a token's text, with the secret if it is a token of the Node system. The error is the
/// code of the refusal.
pub fn judge(text: &str) -> Result<(&str, Option<Vec<u8>>), &'static str> {
    let rests = PREFIXES
        .iter()
        .filter_map(|prefix| text.strip_prefix(prefix));
    let mut answer = Err("invalid_prefix");
    for rest in rests {
        answer = Err("invalid_format");
        if let Some(found) = behind(text, rest) {
            return Ok(found);
        }
    }
    answer
}

fn behind<'t>(text: &str, rest: &'t str) -> Option<(&'t str, Option<Vec<u8>>)> {
    let of_digits = |text: &str| text.bytes().all(|byte| DIGITS.contains(&byte));
    let id = rest.get(..21).filter(|id| of_digits(id))?;
    let tail = &rest[21..];
    if text.len() > 200 {
        return None;
    }
    if let Some(tail) = tail.strip_prefix('_') {
        let fits =
            tail.len() == 49 && of_digits(tail) && *text == with_check(&text[..text.len() - 6]);
        return fits.then_some((id, None));
    }
    let tail = tail.strip_prefix('.')?;
    let secret = decode(tail.trim_end_matches('='))?;
    let padded =
        tail.len() % 4 == 0 && tail.bytes().rev().take_while(|byte| *byte == b'=').count() < 3;
    (padded && !secret.is_empty()).then_some((id, Some(secret)))
}

/// Appends the text's checksum: CRC-32, as six digits.
pub fn with_check(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut rest = u64::from(!crc);
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    format!("{text}{}", str::from_utf8(&digits).expect("digits"))
}

/// Letters and digits, one per byte.
pub fn letters(bytes: impl IntoIterator<Item = u8>, count: usize) -> String {
    let bytes = bytes.into_iter().chain(std::iter::repeat(0));
    let letter = |byte: u8| char::from(DIGITS[usize::from(byte) % 62]);
    bytes.take(count).map(letter).collect()
}

/// Decodes base64 without padding; accepts only the canonical spelling.
fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = BASE64.iter().position(|each| *each == letter)?;
        buffer = buffer << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    (buffer == 0 && bits != 6).then_some(bytes)
}

/// The canonical spelling of a hash, if the library can verify tokens with it.
pub fn hash(text: &str) -> Option<String> {
    if text.len() > 200 {
        return None;
    }
    let parts: Vec<&str> = text.split('$').collect();
    let is = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        decode(text).is_some_and(|bytes| lengths.contains(&bytes.len()))
    };
    match parts[..] {
        ["", "hmac-sha256", kid, mac] => {
            let kid = kid.strip_prefix("kid=")?;
            (is(kid, 6..=6) && is(mac, 32..=32)).then(|| text.to_owned())
        }
        ["", "scrypt", parameters, salt, hash] => {
            let mut known = [("ln", None), ("r", None), ("p", None)];
            for parameter in parameters.split(',') {
                let (name, value) = parameter.split_once('=')?;
                let number: u32 = value.parse().ok()?;
                let place = known.iter_mut().find(|(each, _)| *each == name)?;
                if number.to_string() != value || place.1.replace(number).is_some() {
                    return None;
                }
            }
            let [ln, r, p] = [known[0].1?, known[1].1?, known[2].1?];
            let bounds = (10..=17).contains(&ln) && (1..=16).contains(&r) && (1..=16).contains(&p);
            let fits = bounds
                && ln < 16 * r
                && (u64::from(r * p) << ln) <= 1 << 20
                && (u64::from(128 * r) << ln) <= 64 << 20;
            (fits && is(salt, 8..=64) && is(hash, 16..=64))
                .then(|| format!("$scrypt$ln={ln},r={r},p={p}${salt}${hash}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judge_tells_tokens_and_hashes_from_other_text() {
        assert_eq!(with_check("123456789"), "1234567893jZRME");
        let text = with_check(&format!("pat_{}_{}", "1".repeat(21), "2".repeat(43)));
        assert_eq!(judge(&text), Ok((&*"1".repeat(21), None)));
        assert_eq!(judge(&text[..74]), Err("invalid_format"));
        assert_eq!(judge(&text[1..]), Err("invalid_prefix"));
        let theirs = format!("tok-{}.AAE=", "1".repeat(21));
        assert_eq!(judge(&theirs), Ok((&*"1".repeat(21), Some(vec![0, 1]))));
        assert_eq!(judge(&theirs.replace("AAE", "AAF")), Err("invalid_format"));
        let hash = format!(
            "$scrypt$r=8,p=1,ln=14${}${}",
            "A".repeat(22),
            "A".repeat(43)
        );
        let written = self::hash(&hash).expect("a hash");
        assert!(written.starts_with("$scrypt$ln=14,r=8,p=1$"));
        assert_eq!(self::hash(&hash.replace("ln=14", "ln=46")), None);
    }
}
