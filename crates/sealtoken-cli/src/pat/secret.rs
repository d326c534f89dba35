//! The commands that print a token: once, and only on stdout.

use std::time::Duration;

use sealtoken::State;
use sealtoken::pat::{PatError, PatId, PatToken, Prefix, SecretHash};
use zeroize::Zeroizing;

use crate::failure::{Failure, problem};
use crate::output;

use super::args::{Generate, Issue, Rotate};
use super::{hash, open};

pub(super) async fn issue(options: &Issue, prefix: &Prefix) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    // Known before the token is stored, so it can be looked up if the reply is lost.
    let id = match options.id.as_deref() {
        Some(id) => id.parse()?,
        None => PatId::generate()?,
    };
    let pats = open::prefixed(&place, prefix).await?;
    let new = pats.issue(&options.meta.owner).id(id);
    let issued = options.meta.describe(new).await.map_err(|error| {
        Failure::from(error).in_doubt(&format!(
            "nobody has its text: `sealtoken pat get {id}` tells whether it was issued; if it was, \
             `sealtoken pat rotate {id}` prints another text for it, and \
             `sealtoken pat revoke {id}` ends it; if it was not, run `sealtoken pat issue` again"
        ))
    })?;
    if let Ok(true) = print(&issued.token, id, &issued.hash, options.json) {
        return Ok(());
    }
    // Nobody has the token, so nobody can ever use it.
    Err(match pats.delete(id).await {
        Ok(()) | Err(PatError::NotFound) => {
            problem("the token could not be printed: it was removed again")
        }
        Err(error) => {
            let failure = Failure::from(error);
            let is = if failure.is_in_doubt() {
                "may be"
            } else {
                "is"
            };
            failure.mended_by(&format!(
                "so the token, which could not be printed, {is} still in the store: \
                 run `sealtoken pat revoke {id}`"
            ))
        }
    })
}

pub(super) async fn generate(options: &Generate, prefix: &Prefix) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.id.as_deref().map(str::parse::<PatId>).transpose()?;
    let pats = open::prefixed(&place, prefix).await?;
    let made = match id {
        Some(id) => pats.generate_as(id)?,
        None => pats.generate()?,
    };
    if let Some(file) = &options.hash_file {
        hash::write(file, &made.hash)?;
    }
    if let Ok(true) = print(&made.token, made.id, &made.hash, options.json) {
        return Ok(());
    }
    if let Some(file) = &options.hash_file {
        let removed = std::fs::remove_file(file);
        removed.map_err(|error| {
            let failure = Failure::at("remove the hash file again")(error);
            failure.mended_by(
                "the token could not be printed: do not register this hash, and make another",
            )
        })?;
    }
    Err(problem("the token could not be printed: make another"))
}

pub(super) async fn rotate(options: &Rotate, prefix: &Prefix) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.named.id()?;
    let pats = open::prefixed(&place, prefix).await?;
    let overlap = Duration::from_secs(options.overlap);
    // Check first whether it can be rotated, and print the secret before it becomes valid: a secret
    // that nobody has would lock out the owner.
    let record = pats.get(id).await?;
    match record.state_at(place.now()) {
        State::Revoked => return Err(PatError::Revoked.into()),
        State::Expired => return Err(PatError::Expired.into()),
        _ => {}
    }
    let made = pats.generate_as(id)?;
    let Ok(true) = print(&made.token, id, &made.hash, options.json) else {
        return Err(problem(
            "the new token could not be printed, and nothing was changed",
        ));
    };
    let rotated = pats.rotate(id).to(made.hash).overlap(overlap).await;
    rotated.map(|_| ()).map_err(|error| {
        let what = format!(
            "`sealtoken pat verify` tells whether the token that was printed is good; if it is \
             not, run `sealtoken pat rotate {id}` again"
        );
        Failure::from(error).mended_by(&what)
    })
}

/// Prints a token on a line. Gives whether anybody reads it.
fn print(token: &PatToken, id: PatId, hash: &SecretHash, json: bool) -> Result<bool, Failure> {
    if !json {
        return output::secret_line(token.expose());
    }
    // JSON escapes no character of these three. Written by hand, so that every copy is wiped.
    let (token, hash) = (token.expose(), hash.to_string());
    let text = format!(r#"{{"token":"{token}","id":"{id}","hash":"{hash}"}}"#);
    output::secret_line(&Zeroizing::new(text))
}
