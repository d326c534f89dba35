//! The commands. Each checks its keys and options before it reads any input.

use clap::CommandFactory as _;
use clap_complete::Shell;
use sealtoken::{Codec, Key, KeyId, KeyRing, ManualClock, Role, Token, UnixTime};
use sealtoken_import::Primordyx;

use crate::args::{Arguments, At, Import, Keys, Seal, System, Usage};
use crate::failure::{Failure, problem};
use crate::output::Members;
use crate::{input, output};

pub(crate) fn key_generate() -> Result<(), Failure> {
    let key = Key::try_generate().map_err(problem)?;
    output::line(&key.expose())
}

pub(crate) fn key_id(keys: &Keys, json: bool) -> Result<(), Failure> {
    let keys = input::keys(keys.key_file.as_deref())?.keys();
    if json {
        let object = |(id, role): &(KeyId, Role)| {
            let (id, role) = (id.to_string(), role.to_string());
            Members(vec![("id", id.into()), ("role", role.into())])
        };
        return output::json(&keys.iter().map(object).collect::<Vec<_>>());
    }
    let line = |(id, role): &(KeyId, Role)| format!("{id} {role}");
    output::line(&keys.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub(crate) fn seal(options: &Seal) -> Result<(), Failure> {
    let usage = &options.usage;
    let keys = input::keys(usage.keys.key_file.as_deref())?;
    let mut codec = codec(&keys, &usage.purpose, &usage.context, None)?;
    if let Some(block) = options.pad {
        codec = codec.with_padding(block);
    }
    let mut token = Token::from(input::cargo()?);
    let text = codec
        .seal(&mut token, options.expires_in)
        .map_err(problem)?;
    output::line(&text)
}

pub(crate) fn open(usage: &Usage, at: At) -> Result<(), Failure> {
    let keys = input::keys(usage.keys.key_file.as_deref())?;
    let codec = codec(&keys, &usage.purpose, &usage.context, at.at)?;
    let token = codec.open(&input::token(Codec::DEFAULT_MAX_OPENED)?)?;
    output::json(&output::opened(&token))
}

pub(crate) fn import(options: &Import) -> Result<(), Failure> {
    let passphrase = input::passphrase(&options.passphrase_file)?;
    let token = match options.from {
        System::Primordyx => {
            let mut reader = Primordyx::new(passphrase.as_str());
            if let Some(clock) = clock(options.at.at) {
                reader = reader.with_clock(clock);
            }
            reader.read(&input::token(Primordyx::MAX_LEN)?)?
        }
    };
    output::json(&output::opened(&token))
}

pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    // Generate into memory first: clap panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "sealtoken", &mut script);
    output::all(&script)
}

/// Runs a command that uses a store. This thread also drives the store's connections; blocking work
/// has threads of its own.
pub(crate) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(problem)?;
    runtime.block_on(work)
}

/// The codec for these options.
pub(crate) fn codec(
    keys: &KeyRing,
    purpose: &str,
    contexts: &[String],
    at: Option<i64>,
) -> Result<Codec, Failure> {
    let mut codec = keys.codec(purpose).map_err(problem)?;
    for context in contexts {
        codec = codec.bound_to(context).map_err(problem)?;
    }
    Ok(match clock(at) {
        Some(clock) => codec.with_clock(clock),
        None => codec,
    })
}

/// A clock stopped at this second.
pub(crate) fn clock(at: Option<i64>) -> Option<ManualClock> {
    at.map(|second| ManualClock::at(UnixTime::from_secs(second)))
}
