//! The commands about one token that print no secret.

use sealtoken::pat::{PatId, PatOptions, PatRecord, PersonalAccessTokens, Prefix};

use crate::failure::{Failure, again, look_first};
use crate::output;

use super::args::{Delete, Done, Get, Register, Restore, Revoke, Update, Verify};
use super::{hash, open, own, show};

pub(super) async fn verify(options: &Verify, prefix: &Prefix) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let token = own::on_stdin()?;
    let settings = PersonalAccessTokens::options()
        .prefix(prefix.clone())
        .upgrade_hashes(options.upgrade_hashes);
    let also = options.also_prefixes.iter();
    let settings = also.fold(settings, PatOptions::also_prefix);
    let pats = open::open(&place, settings).await?;
    let record = pats.verify(&token).await?;
    // Print first: the use is written afterwards.
    let printed = output::json(&show::Shown::of(&record, place.now()));
    pats.flush().await;
    printed
}

pub(super) async fn register(options: &Register) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.id.parse()?;
    let hash = hash::read(&options.hash_file)?;
    let pats = open::plain(&place).await?;
    let what =
        look_at(id, "pat register") + ", where `already_exists` says only that there is a token";
    let new = pats.register(id, hash, &options.meta.owner);
    let registered = options.meta.describe(new).await;
    let record = registered.map_err(|error| Failure::from(error).in_doubt(&what))?;
    done(&options.done, &record, &place)
}

pub(super) async fn update(options: &Update) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.named.id()?;
    let hash = options.changes.hash_file().map(hash::read).transpose()?;
    let pats = open::plain(&place).await?;
    let mut update = options.changes.describe(pats.update(id));
    if let Some(hash) = hash {
        update = update.hash(hash);
    }
    let updated = update.await;
    let record =
        updated.map_err(|error| Failure::from(error).in_doubt(&look_at(id, "pat update")))?;
    done(&options.done, &record, &place)
}

pub(super) async fn revoke(options: &Revoke) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.named.id()?;
    let pats = open::plain(&place).await?;
    let mut revoke = pats.revoke(id);
    if let Some(after) = options.purge_in {
        revoke = revoke.purge_after(after);
    }
    let record = revoke
        .await
        .map_err(|error| Failure::from(error).in_doubt(&again("pat revoke")))?;
    done(&options.done, &record, &place)
}

pub(super) async fn restore(options: &Restore) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.named.id()?;
    let restored = open::plain(&place).await?.restore(id).await;
    let record =
        restored.map_err(|error| Failure::from(error).in_doubt(&look_at(id, "pat restore")))?;
    done(&options.done, &record, &place)
}

pub(super) async fn delete(options: &Delete) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.named.id()?;
    let deleted = open::plain(&place).await?.delete(id).await;
    deleted.map_err(|error| Failure::from(error).in_doubt(&again("pat delete")))
}

pub(super) async fn get(options: &Get) -> Result<(), Failure> {
    let place = options.place.prepare()?;
    let id = options.named.id()?;
    let pats = open::plain(&place).await?;
    let record = if options.with_hash {
        pats.get_with_hash(id).await?
    } else {
        pats.get(id).await?
    };
    if options.json {
        return output::json(&show::Shown::of(&record, place.now()));
    }
    output::line(&show::rows(&record, place.now()))
}

/// The advice for a command in doubt whose repetition could undo what others did since.
fn look_at(id: PatId, command: &str) -> String {
    look_first(&format!("`sealtoken pat get {id}`"), command)
}

/// Prints the record, if it was asked for.
fn done(
    options: &Done,
    record: &PatRecord,
    place: &crate::store::place::Prepared,
) -> Result<(), Failure> {
    if options.json {
        let printed = output::json(&show::Shown::of(record, place.now()));
        return output::ended(printed, output::DONE, Ok(()));
    }
    Ok(())
}
