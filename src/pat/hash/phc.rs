//! The shape of a PHC string: `$algorithm$name=value,…$field$field`.

use base64ct::{Base64Unpadded, Encoding as _};

use super::Reason;

/// Longer text is refused unread.
const MAX_LENGTH: usize = 200;

/// The parts of a PHC string, whatever its algorithm.
pub(super) struct Phc<'t> {
    pub(super) algorithm: &'t str,
    pub(super) parameters: Vec<(&'t str, &'t str)>,
    /// Salt and hash, still in base64.
    pub(super) fields: Vec<&'t str>,
}

impl<'t> Phc<'t> {
    /// `$algorithm`, then perhaps `$v=…` and `$name=value,…`, then at most two fields.
    pub(super) fn parse(text: &'t str) -> Result<Self, Reason> {
        if text.len() > MAX_LENGTH {
            return Err(Reason::InvalidPhc);
        }
        let mut parts = text
            .strip_prefix('$')
            .ok_or(Reason::InvalidPhc)?
            .split('$')
            .peekable();
        let algorithm = parts.next().filter(|name| is_name(name));
        let algorithm = algorithm.ok_or(Reason::InvalidPhc)?;
        // An algorithm alone is not enough.
        parts.peek().ok_or(Reason::InvalidPhc)?;
        // The version is a part of its own; the other parameters share one.
        let version = parts.next_if(|part| part.starts_with("v=") && !part.contains(','));
        let others = parts.next_if(|part| part.contains('='));
        let mut parameters = Vec::new();
        for part in version.into_iter().chain(others) {
            for parameter in part.split(',') {
                let (name, value) = parameter.split_once('=').ok_or(Reason::InvalidPhc)?;
                if !is_name(name) || !is_value(value) {
                    return Err(Reason::InvalidPhc);
                }
                parameters.push((name, value));
            }
        }
        let fields: Vec<&str> = parts.collect();
        let are_valid = fields
            .iter()
            .all(|field| field.is_empty() || is_value(field));
        if fields.len() > 2 || !are_valid {
            return Err(Reason::InvalidPhc);
        }
        Ok(Self {
            algorithm,
            parameters,
            fields,
        })
    }
}

/// Decodes a field: base64 without padding, in its canonical form.
pub(super) fn bytes(field: &str) -> Result<Vec<u8>, Reason> {
    Base64Unpadded::decode_vec(field).map_err(|_| Reason::InvalidPhc)
}

fn is_name(text: &str) -> bool {
    let valid = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=32).contains(&text.len()) && text.bytes().all(valid)
}

fn is_value(text: &str) -> bool {
    let valid =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'.' | b'-');
    !text.is_empty() && text.bytes().all(valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_share_one_part_after_the_version() {
        let parts = |text: &'static str| {
            let phc = Phc::parse(text).ok()?;
            Some((phc.parameters.len(), phc.fields))
        };
        assert_eq!(parts("$a$x=1,y=2$s$h"), Some((2, vec!["s", "h"])));
        assert_eq!(parts("$a$v=1$x=1,y=2$s$h"), Some((3, vec!["s", "h"])));
        assert_eq!(parts("$a$s$h"), Some((0, vec!["s", "h"])));
        for text in [
            "$a$x=1$y=2$s$h",
            "$a$v=1,x=1$y=2$s$h",
            "$a$v=1$x=1$y=2$s$h",
            "$a$s$x=1",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_has_one_to_thirty_two_characters() {
        for (length, valid) in [(0, false), (1, true), (32, true), (33, false)] {
            let name = "a".repeat(length);
            assert_eq!(Phc::parse(&format!("${name}$s")).is_ok(), valid, "{length}");
            let named = format!("$a${name}=1$s");
            assert_eq!(Phc::parse(&named).is_ok(), valid, "{length}");
        }
    }

    #[test]
    fn text_of_more_than_two_hundred_characters_is_refused() {
        let parses = |length: usize| Phc::parse(&format!("$a${:A<1$}", "", length - 3)).is_ok();
        assert!(parses(MAX_LENGTH));
        assert!(!parses(MAX_LENGTH + 1));
    }
}
