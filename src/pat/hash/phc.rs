//! The shape of a PHC string: `$algorithm$name=value,…$field$field`.

use base64ct::{Base64Unpadded, Encoding as _};

use super::Reason;

/// The most characters that are looked at.
const LONGEST: usize = 200;

/// A PHC string taken apart: nothing is known yet of the algorithm.
pub(super) struct Phc<'t> {
    pub(super) algorithm: &'t str,
    pub(super) parameters: Vec<(&'t str, &'t str)>,
    /// Salt and hash, as they are written.
    pub(super) fields: Vec<&'t str>,
}

impl<'t> Phc<'t> {
    /// `$algorithm`, then perhaps `$v=…` and `$name=value,…`, then at most two fields.
    pub(super) fn parse(text: &'t str) -> Result<Self, Reason> {
        if text.len() > LONGEST {
            return Err(Reason::InvalidPhc);
        }
        let mut parts = text
            .strip_prefix('$')
            .ok_or(Reason::InvalidPhc)?
            .split('$')
            .peekable();
        let algorithm = parts.next().filter(|name| is_name(name));
        let algorithm = algorithm.ok_or(Reason::InvalidPhc)?;
        // An algorithm alone says nothing.
        parts.peek().ok_or(Reason::InvalidPhc)?;
        // A version stands apart from the other parameters, and those stand together.
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
        let written = fields
            .iter()
            .all(|field| field.is_empty() || is_value(field));
        if fields.len() > 2 || !written {
            return Err(Reason::InvalidPhc);
        }
        Ok(Self {
            algorithm,
            parameters,
            fields,
        })
    }
}

/// The bytes of a field: base64 without padding, in its one spelling.
pub(super) fn bytes(field: &str) -> Result<Vec<u8>, Reason> {
    Base64Unpadded::decode_vec(field).map_err(|_| Reason::InvalidPhc)
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=32).contains(&text.len()) && text.bytes().all(fits)
}

fn is_value(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'.' | b'-');
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_together_behind_a_version() {
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
        for (length, fits) in [(0, false), (1, true), (32, true), (33, false)] {
            let name = "a".repeat(length);
            assert_eq!(Phc::parse(&format!("${name}$s")).is_ok(), fits, "{length}");
            let named = format!("$a${name}=1$s");
            assert_eq!(Phc::parse(&named).is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn no_more_than_two_hundred_characters_are_looked_at() {
        let parses = |length: usize| Phc::parse(&format!("$a${:A<1$}", "", length - 3)).is_ok();
        assert!(parses(LONGEST));
        assert!(!parses(LONGEST + 1));
    }
}
