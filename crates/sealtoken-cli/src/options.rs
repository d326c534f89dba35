//! Options that several commands share: the keys, what a token is for, and the time.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sealtoken::{Codec, KeyRing, ManualClock, OpenError, TokenHeader, UnixTime};

use crate::failure::{Failure, problem};
use crate::input;

#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// Read the keys from this file instead of from SEALTOKEN_KEYS
    ///
    /// Keys are separated by commas or white space. The first one seals and opens. One with a +
    /// before it is standby, all others are retired: both only open.
    ///
    /// Put a retired key directly after a comma, a line break or one blank. A second blank is
    /// refused, because it may be a lost +.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key_file: Option<PathBuf>,
}

impl Keys {
    pub(crate) fn read(&self) -> Result<KeyRing, Failure> {
        input::keys(self.key_file.as_deref())
    }
}

/// What a token is for, and the keys.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    /// What the token is for: it opens only for the purpose that it was sealed for
    #[arg(long)]
    purpose: String,
    /// What else the token is bound to, such as a user, or a state that its use changes. Repeat it
    /// for each context, in the same order
    #[arg(long)]
    context: Vec<String>,
    #[command(flatten)]
    keys: Keys,
}

impl Usage {
    pub(crate) fn keys(&self) -> Result<KeyRing, Failure> {
        self.keys.read()
    }

    pub(crate) fn codec(
        &self,
        keys: &KeyRing,
        clock: Option<ManualClock>,
    ) -> Result<Codec, Failure> {
        codec(keys, &self.purpose, &self.context, clock)
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct At {
    /// Use this as the current time
    #[arg(long, value_name = "UNIX_SECONDS", allow_negative_numbers = true)]
    at: Option<i64>,
}

impl At {
    pub(crate) fn clock(self) -> Option<ManualClock> {
        clock(self.at)
    }
}

/// The failure of opening a token with these keys. It names the key that is missing.
pub(crate) fn unopened(error: OpenError, text: &str, keys: &KeyRing) -> Failure {
    match (error, text.parse::<TokenHeader>()) {
        (OpenError::UnknownKey, Ok(TokenHeader { key_id, .. })) => {
            let keys = keys.keys().into_iter();
            let ids: Vec<_> = keys.map(|(id, _)| id.to_string()).collect();
            let ids = ids.join(", ");
            let why = format!(
                "the token was sealed with the key {key_id}, which is not in this ring ({ids}): \
                 add it as a retired key"
            );
            Failure::refused(error.code(), why)
        }
        (error, _) => error.into(),
    }
}

/// A clock that stands at this second.
pub(crate) fn clock(at: Option<i64>) -> Option<ManualClock> {
    at.map(|second| ManualClock::at(UnixTime::from_secs(second)))
}

/// The codec for a purpose, bound to these contexts.
pub(crate) fn codec(
    keys: &KeyRing,
    purpose: &str,
    contexts: &[String],
    clock: Option<ManualClock>,
) -> Result<Codec, Failure> {
    let mut codec = keys.codec(purpose).map_err(problem)?;
    for context in contexts {
        codec = codec.bound_to(context).map_err(problem)?;
    }
    Ok(match clock {
        Some(clock) => codec.with_clock(clock),
        None => codec,
    })
}
