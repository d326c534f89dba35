//! Recognizes secrets among the arguments, so that no message shows them.

use clap::error::{ContextKind, ContextValue, ErrorKind};

pub(super) const NOT_AN_ARGUMENT: &str = "an argument looks like a secret, so it is not shown. \
Other users of this machine can see arguments: give a token on stdin, a password in \
--password-file, keys in --key-file or SEALTOKEN_KEYS";

/// Whether the error of clap would print an argument that is, or may be, a secret.
pub(super) fn shows_a_secret(error: &clap::Error) -> bool {
    // No secret is a positional argument, so a stray argument is likely a token; and a value for an
    // option that takes none is likely a password.
    let stray = error.kind() == ErrorKind::TooManyValues
        || error.kind() == ErrorKind::UnknownArgument
            && matches!(
                error.get(ContextKind::InvalidArg),
                Some(ContextValue::String(text)) if !text.starts_with('-')
            );
    let mut arguments = std::env::args_os();
    error.use_stderr() && (stray || arguments.any(|word| is_secret(&word.to_string_lossy())))
}

/// Whether any word of a text looks like a secret.
pub(crate) fn has_secret(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    is_secret(text) || words.any(is_secret)
}

/// Whether a word looks like a key, like a token of this crate or of one that it imports, like the
/// hash of a token, or like a URL with a password.
pub(super) fn is_secret(word: &str) -> bool {
    let prefix = ["st1_", "stkey1_", "stpurpose1_", "tk_"];
    let is_hex = word.len() >= 58 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    // In any place: after a quote, in a path, in a list.
    let begins = |part: &str| prefix.iter().any(|prefix| part.starts_with(prefix));
    let outside = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let mut parts = word.split(outside);
    is_hex
        || has_password(word)
        || word.contains("$scrypt$")
        || word.contains("$hmac-sha256$")
        || parts.any(|part| begins(part) || is_pat(part) || is_long_pat(part))
}

/// Whether a text is the default prefix followed by at least an id. The prefix alone is no secret.
fn is_long_pat(part: &str) -> bool {
    part.strip_prefix("pat_")
        .is_some_and(|rest| rest.len() >= 21)
}

/// Whether a text ends like a personal access token with any prefix.
fn is_pat(part: &str) -> bool {
    let mut ends = part.rsplit('_');
    let (secret, id) = (ends.next(), ends.next());
    secret.is_some_and(|secret| secret.len() == 49) && id.is_some_and(|id| id.len() >= 21)
}

/// Whether a URL has a password in it.
pub(crate) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let user = rest.split_once('@').map_or("", |(user, _)| user);
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let gives = |pair: &str| pair.starts_with("password=");
    user.contains(':') || query.split('&').any(gives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_form_of_a_key_or_a_token_is_taken_for_one() {
        assert!(is_secret("st1_AAAA") && is_secret("+stkey1_AAAA") && is_secret("--x=stpurpose1_"));
        assert!(is_secret("\"stkey1_A") && is_secret("/reset/st1_A") && is_secret("a:st1_A"));
        assert!(is_secret(&"0aF".repeat(20)));
        assert!(is_secret("tk_0aF") && is_secret("--token=tk_0aF") && is_secret("x/tk_0aF"));
        assert!(
            is_secret("postgres://u:p@h/db") && is_secret("--store=postgres://h/db?a=b&password=p")
        );
        let pat = format!("{}_{}", "a".repeat(21), "b".repeat(49));
        assert!(is_secret(&format!("acme_{pat}")));
        assert!(is_secret(&format!("--id=pat_{}.AAAA", "a".repeat(21))));
        // A prefix is public.
        assert!(!is_secret("pat_") && !is_secret("--prefix=pat_live_"));
        assert!(is_secret("$scrypt$ln=14,r=8,p=1$AAAA$AAAA"));
        assert!(
            !is_secret("--purpose")
                && !is_secret("test1_session")
                && !is_secret("first1")
                && !is_secret("stk_0aF")
                && !is_secret("postgres://u@h:5432/db?sslmode=require")
                && !is_secret("sqlite:vault.db")
                && !is_secret(&"0".repeat(57))
        );
    }

    #[test]
    fn a_secret_is_found_in_the_middle_of_a_text() {
        for secret in ["stkey1_AAAA", "$scrypt$ln=14$AAAA", &"0aF".repeat(20)] {
            assert!(has_secret(&format!(
                "unknown field `{secret}`, expected id"
            )));
        }
        assert!(!has_secret(
            "unknown field `bogus`, expected one of id, tokenId"
        ));
    }
}
