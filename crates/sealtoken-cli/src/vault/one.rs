//! The commands about one value.

use sealtoken::vault::{Target, VaultError};

use crate::failure::{Failure, again_until, look_first, problem};
use crate::output;

use super::args::{
    Create, Delete, Get, Named, Read, Renew, Restore, RollBack, SoftDelete, Update, Versions,
};
use super::place::flushed;
use super::{input, show};

/// Shows when a value expires, and whether it is soft-deleted.
const LOOK: &str = "`sealtoken vault get`";

pub(super) async fn create(options: &Create) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::new_password(&options.password)?;
    let token = options.token_file.as_deref().map(input::token_of);
    let token = token.transpose()?;
    let value = input::value()?;
    let in_doubt = if token.is_some() {
        look_first("`sealtoken vault get`, by its `created`,", "vault create")
            + ", where `already_exists` says only that there is a value"
    } else {
        let since = vault.now();
        format!(
            "nobody has its token: `sealtoken vault list --created-from {since}` shows whether it \
             was created, and `sealtoken vault delete --id ID` removes it; \
             then run `sealtoken vault create` again"
        )
    };

    let vault = vault.open().await?;
    let mut create = vault.create(value);
    if let Some(password) = password {
        create = create.password(password);
    }
    if let Some(lifetime) = options.expires_in {
        create = create.expires(lifetime);
    }
    if let Some(label) = &options.label {
        create = create.label(label);
    }
    create = match (options.length, options.weak) {
        (Some(length), true) => create.weak_length(length),
        (Some(length), false) => create.length(length),
        (None, _) => create,
    };
    if let Some(token) = token {
        create = create.token(&*token);
    }
    flushed(&vault, async {
        let created = create.await;
        let token = created.map_err(|error| Failure::from(error).in_doubt(&in_doubt))?;
        if let Ok(true) = output::secret_line(token.expose()) {
            return Ok(());
        }
        // Without its token the value is of no use.
        let removed = || problem("the token could not be printed: the value was removed again");
        let Err(error) = vault.delete(&token).await else {
            return Err(removed());
        };
        let (is, mend) = match vault.get(&token).await {
            Ok(info) => {
                let id = info.id;
                ("is", format!("run `sealtoken vault delete --id {id}`"))
            }
            // It was removed, and only the reply was lost.
            Err(VaultError::NotFound) => return Err(removed()),
            Err(_) => {
                let mend = "`sealtoken vault list` shows its id, and \
                            `sealtoken vault delete --id ID` removes it";
                ("may be", mend.into())
            }
        };
        let what =
            format!("so the value, whose token could not be printed, {is} still there: {mend}");
        Err(Failure::from(error).mended_by(&what))
    })
    .await
}

pub(super) async fn read(options: &Read) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::password(&options.password)?;
    let token = input::token(options.token.token_file.as_deref())?;

    let vault = vault.open().await?;
    let mut read = vault.read(&*token);
    if let Some(number) = options.earlier {
        read = read.version(number);
    }
    if let Some(password) = password {
        read = read.password(password);
    }
    flushed(&vault, async { output::all(read.await?.expose()) }).await
}

pub(super) async fn update(options: &Update) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::password(&options.password)?;
    let (token, value) = match options.token.token_file.as_deref() {
        Some(path) => (input::token_of(path)?, input::value()?),
        None => input::token_and_value()?,
    };

    let vault = vault.open_keeping(options.keep.keep_versions).await?;
    let mut update = vault.update(&*token, value);
    if let Some(password) = password {
        update = update.password(password);
    }
    if let Some(lifetime) = options.expires_in {
        update = update.expires(lifetime);
    }
    let updated = flushed(&vault, update.into_future()).await;
    let what = look_first("`sealtoken vault get`, by its `updated`,", "vault update");
    updated.map_err(|error| Failure::from(error).in_doubt(&what))
}

pub(super) async fn get(options: &Get) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let info = vault.open().await?.get(target).await?;
    if options.json {
        return output::json(&info);
    }
    output::line(&show::rows(&info))
}

pub(super) async fn renew(options: &Renew) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let vault = vault.open().await?;
    let mut renew = vault.renew(target).expires(options.expires_in);
    if options.even_expired {
        renew = renew.even_expired();
    }
    if options.even_deleted {
        renew = renew.even_deleted();
    }
    let renewed = renew.await;
    renewed.map_err(|error| Failure::from(error).in_doubt(&look_first(LOOK, "vault renew")))
}

pub(super) async fn soft_delete(options: &SoftDelete) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let deleted = vault.open().await?.soft_delete(target).await;
    let what = again_until("vault soft-delete", "deleted");
    deleted.map_err(|error| Failure::from(error).in_doubt(&what))
}

pub(super) async fn delete(options: &Delete) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let deleted = vault.open().await?.delete(target).await;
    let what = again_until("vault delete", "not_found");
    deleted.map_err(|error| Failure::from(error).in_doubt(&what))
}

pub(super) async fn restore(options: &Restore) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let restored = vault.open().await?.restore(target).await;
    restored.map_err(|error| Failure::from(error).in_doubt(&look_first(LOOK, "vault restore")))
}

pub(super) async fn versions(options: &Versions) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let versions = vault.open().await?.versions(target).await?;
    if options.json {
        output::json(&versions)?;
    } else {
        let lines: Vec<_> = versions.iter().map(show::version_line).collect();
        output::line(&lines.join("\n"))?;
    }
    let tampered = versions.iter().filter(|version| version.is_tampered());
    Failure::of_tampered(tampered.count() as u64)
}

pub(super) async fn roll_back(options: &RollBack) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::password(&options.password)?;
    let token = input::token(options.token.token_file.as_deref())?;

    let vault = vault.open_keeping(options.keep.keep_versions).await?;
    let mut back = vault.roll_back(&*token, options.to);
    if let Some(password) = password {
        back = back.password(password);
    }
    let rolled = flushed(&vault, back.into_future()).await;
    let what = look_first("`sealtoken vault versions`", "vault roll-back");
    rolled
        .map(|_| ())
        .map_err(|error| Failure::from(error).in_doubt(&what))
}

fn target(named: &Named) -> Result<Target, Failure> {
    if let Some(id) = &named.id {
        return Ok(id.parse::<sealtoken::vault::ValueId>()?.into());
    }
    let token = input::token(named.token.token_file.as_deref())?;
    Ok(Target::from(token.as_str()))
}
