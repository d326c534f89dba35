//! Random text of letters and digits.

use super::random;
use super::secret::Secret;

/// The digits of base 62, in order.
pub(crate) const ALPHABET: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Appends `characters` characters, drawn uniformly from the operating system's randomness: 5.95
/// bits each.
pub(crate) fn draw_onto(text: &mut String, characters: usize) -> Result<(), random::Failed> {
    let length = text.len().saturating_add(characters);
    while text.len() < length {
        let bytes = Secret::<64>::from_system()?;
        for byte in bytes.expose() {
            // Six bits of each byte; the two values beyond 61 are rejected.
            match ALPHABET.get(usize::from(byte & 63)) {
                Some(&character) if text.len() < length => text.push(char::from(character)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether the text has only letters and digits. Checks all of them, which the compiler vectorises.
pub(crate) fn is_text(text: &[u8]) -> bool {
    let letters_and_digits = text.iter().map(u8::is_ascii_alphanumeric);
    letters_and_digits.fold(true, |all, each| all & each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_drawn_evenly_in_any_number() {
        let mut counts = [0_u32; 128];
        for _ in 0..2000 {
            let mut text = String::with_capacity(64);
            text.push_str("ü:");
            draw_onto(&mut text, 61).unwrap();
            assert_eq!(text.len(), 64);
            for byte in text[3..].bytes() {
                counts[usize::from(byte)] += 1;
            }
        }
        let expected = 2000 * 61 / 62;
        for character in ALPHABET {
            let count = counts[usize::from(*character)];
            assert!(
                count.abs_diff(expected) < expected / 7,
                "{count} of {expected}"
            );
        }
        assert_eq!(counts.iter().sum::<u32>(), 2000 * 61);
    }

    #[test]
    fn they_are_drawn_from_the_system_and_not_from_the_generator_of_the_thread() {
        let drawn = random::with_source(
            |_| Err(random::Failed),
            || draw_onto(&mut String::with_capacity(9), 9),
        );
        assert_eq!(drawn, Ok(()));
    }
}
