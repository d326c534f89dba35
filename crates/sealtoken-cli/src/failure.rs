//! How commands fail. Messages never contain a key, token or passphrase.

use std::fmt::Display;
use std::io::{Write as _, stderr};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use sealtoken::OpenError;
use sealtoken::ServiceError;
use sealtoken::pat::{PatError, VerifyError};
use sealtoken::store::{Effect, RecordKey, StoreError};
use sealtoken::vault::VaultError;
use sealtoken_import::PrimordyxError;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The token was refused: exit status 2.
    Refused { code: &'static str, why: String },
    /// Anything else: exit status 1.
    Problem(String),
    /// The store failed, perhaps after the change was made: exit status 1.
    Store(StoreError),
    /// Something was refused and already reported on stderr: exit status 2.
    Told,
    /// The output of clap: an error in the arguments, the help or the version.
    Arguments(clap::Error),
}

impl Failure {
    /// Turns an I/O error into a failure; `doing` says what was attempted.
    pub(crate) fn at(doing: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |error| Self::Problem(format!("cannot {doing}: {error}"))
    }

    /// Fails if any records were tampered with. Everything else was done by then.
    pub(crate) fn of_tampered(count: u64) -> Result<(), Self> {
        let records = match count {
            0 => return Ok(()),
            1 => "record was",
            _ => "records were",
        };
        Err(Self::Refused {
            code: VaultError::Service(ServiceError::Tampered).code(),
            why: format!(
                "{count} {records} changed from outside, and left alone: restore the database \
                 from a backup"
            ),
        })
    }

    /// Adds advice on how to go on.
    pub(crate) fn mended_by(self, what: &str) -> Self {
        match self {
            Self::Problem(problem) => Self::Problem(format!("{problem}; {what}")),
            Self::Store(error) => Self::Problem(format!("{error}; {what}")),
            Self::Refused { code, why } => Self::Refused {
                code,
                why: format!("{why}; {what}"),
            },
            other => other,
        }
    }

    /// Whether the change may have been made despite the error.
    pub(crate) const fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Store(error) if is_in_doubt(error))
    }

    /// Adds advice if the outcome is unknown: how to find out, or how to retry.
    pub(crate) fn in_doubt(self, what: &str) -> Self {
        if self.is_in_doubt() {
            self.mended_by(what)
        } else {
            self
        }
    }

    /// Adds advice to the failure of an import that ended early; `done` says what was imported
    /// before.
    pub(crate) fn after_taking_in(self, done: Option<&str>, command: &str, items: &str) -> Self {
        let again = format!("`sealtoken {command}`, run again with the same {items}, takes in");
        let what = match done {
            Some(done) => format!("{done}: {again} the rest, and leaves what is there as it is"),
            None if self.is_in_doubt() => format!("{again} what is not there yet"),
            None => "nothing new was taken in".into(),
        };
        match self {
            Self::Store(error) if done.is_some() => problem(in_part(&error)),
            other => other,
        }
        .mended_by(&what)
    }

    /// Reports the failure on stderr and returns the exit status.
    pub(crate) fn report(self) -> ExitCode {
        // Errors of stderr are ignored: there is nowhere left to report them.
        match self {
            Self::Refused { code, why } => {
                let _ = writeln!(stderr(), "{code}: {why}");
                ExitCode::from(2)
            }
            Self::Told => ExitCode::from(2),
            Self::Store(error) => problem(error).report(),
            Self::Problem(what) => {
                let _ = writeln!(stderr(), "error: {what}");
                ExitCode::from(1)
            }
            Self::Arguments(error) if shows_a_secret(&error) => {
                Self::Problem(NOT_AN_ARGUMENT.into()).report()
            }
            Self::Arguments(error) => {
                let _ = error.print();
                ExitCode::from(u8::from(error.use_stderr()))
            }
        }
    }
}

const NOT_AN_ARGUMENT: &str = "keys, tokens, hashes, passwords and passphrases are never \
arguments, which every user of the machine can see: a token comes from stdin, keys from \
--key-file or SEALTOKEN_KEYS (see --help)";

/// Whether the error of clap would print an argument that is, or may be, a secret.
fn shows_a_secret(error: &clap::Error) -> bool {
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

/// Whether a word looks like a key, like a token of this crate or of one that it imports, like the
/// hash of a token, or like a URL with a password.
fn is_secret(word: &str) -> bool {
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

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Arguments(error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Refused {
            code: error.code(),
            why: error.to_string(),
        }
    }
}

impl From<PrimordyxError> for Failure {
    fn from(error: PrimordyxError) -> Self {
        match error {
            PrimordyxError::Randomness => problem(error),
            refusal => Self::Refused {
                code: refusal.code(),
                why: refusal.to_string(),
            },
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let why = match &error {
            VaultError::Service(ServiceError::Store(error)) => return Self::Store(error.clone()),
            VaultError::Service(
                ServiceError::Contended | ServiceError::Hashing | ServiceError::Randomness,
            )
            | VaultError::InvalidSetting(_) => return problem(error),
            VaultError::Service(ServiceError::KeysetGone(key)) => return keyset_gone(&error, key),
            VaultError::WeakToken => {
                "a token of less than 25 characters has less than 128 random bits: if you want \
                 one, give --weak"
                    .into()
            }
            refusal => refusal.to_string(),
        };
        Self::Refused {
            code: error.code(),
            why,
        }
    }
}

impl From<PatError> for Failure {
    fn from(error: PatError) -> Self {
        match error {
            PatError::Service(ServiceError::Store(error)) => Self::Store(error),
            PatError::Service(
                ServiceError::Contended
                | ServiceError::Hashing
                | ServiceError::Randomness
                | ServiceError::UnknownKey(_),
            )
            | PatError::InvalidSetting(_) => problem(error),
            PatError::Service(ServiceError::KeysetGone(ref key)) => keyset_gone(&error, key),
            refusal => Self::Refused {
                code: refusal.code(),
                why: refusal.to_string(),
            },
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Failed(error) => error.into(),
            refusal => Self::Refused {
                code: refusal.code(),
                why: refusal.to_string(),
            },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        VaultError::from(error).into()
    }
}

/// Whether the store does not know if the change was made.
pub(crate) const fn is_in_doubt(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable {
            effect: Effect::Unknown,
            ..
        }
    )
}

/// The error of a store without its effect, which covers only the last call: earlier calls
/// succeeded.
pub(crate) fn in_part(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable { reason, .. } => format!("the store is not available ({reason})"),
        error => error.to_string(),
    }
}

/// Says how many were imported, if any.
pub(crate) fn taken_in(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 was taken in, and stays".into()),
        _ => Some(format!("{count} were taken in, and stay")),
    }
}

/// Advice after an unknown outcome, for a command that can safely be repeated, whatever happened to
/// it and whatever others have done since.
pub(crate) fn again(command: &str) -> String {
    format!("run `sealtoken {command}` again: where it was done, that does no harm")
}

/// The same, for a command that is refused with this code if it was already done.
pub(crate) fn again_until(command: &str, code: &str) -> String {
    format!("run `sealtoken {command}` again: `{code}` then says that there is nothing left to do")
}

/// Advice after an unknown outcome, for a command that must not be blindly repeated, because it
/// would act twice or undo what others have done since: look first.
pub(crate) fn look_first(look: &str, command: &str) -> String {
    format!(
        "{look} tells whether it was done, or others changed it since; if neither, \
         run `sealtoken {command}` again"
    )
}

/// Advice if opening a store fails. It creates what is missing, and can be repeated.
pub(crate) const OPENING: &str = "it was still being opened: run the same command again";

/// Says how to restore keysets from a backup in SQLite. Existing ones are left as they are.
fn keyset_gone(error: &dyn Display, key: &RecordKey) -> Failure {
    let collection = &key.collection;
    problem(error).mended_by(&format!(
        "with SQLite: `sqlite3 FILE \"ATTACH 'backup.db' AS backup; \
         INSERT OR IGNORE INTO sealtoken_label SELECT * FROM backup.sealtoken_label \
         WHERE collection = '{collection}' AND id NOT IN \
         (SELECT id FROM sealtoken_record WHERE collection = '{collection}'); \
         INSERT OR IGNORE INTO sealtoken_record SELECT * FROM backup.sealtoken_record \
         WHERE collection = '{collection}'\"`"
    ))
}

/// Turns any error into a [`Failure::Problem`].
pub(crate) fn problem(error: impl Display) -> Failure {
    Failure::Problem(error.to_string())
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
}
