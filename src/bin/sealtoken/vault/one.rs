//! The commands about one value.

use sealtoken::vault::Target;

use crate::failure::{Failure, problem};
use crate::output;

use super::args::{Create, Delete, Info, Named, Read, Renew, Restore, RollBack, Update, Versions};
use super::place::flushed;
use super::{input, show};

pub(super) async fn create(options: &Create) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::new_password(&options.password)?;
    let token = options.token_file.as_deref().map(input::token_of);
    let token = token.transpose()?;
    let value = input::value()?;

    let vault = vault.open().await?;
    let mut create = vault.create(value);
    if let Some(password) = password {
        create = create.password(password);
    }
    if let Some(lifetime) = options.expires_in {
        create = create.expires_in(lifetime);
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
        let token = create.await?;
        if let Ok(true) = output::secret_line(token.expose()) {
            return Ok(());
        }
        // Nobody has the token, so nobody would ever have the value.
        let Err(error) = vault.delete(&token).await else {
            return Err(problem(
                "the token could not be printed: the value was removed again",
            ));
        };
        let mend = match vault.info(&token).await {
            Ok(info) => format!("run `sealtoken vault delete --hard --id {}`", info.id),
            Err(_) => "`sealtoken vault list` shows its id, and \
                       `sealtoken vault delete --hard --id ID` removes it"
                .into(),
        };
        let what =
            format!("so the value, whose token could not be printed, is still there: {mend}");
        Err(Failure::from(error).mended_by(&what))
    })
    .await
}

pub(super) async fn read(options: &Read) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let password = input::password(&options.password)?;
    let token = input::token(options.token.token_file.as_deref())?;

    let vault = vault.open().await?;
    if let Some(number) = options.earlier {
        let mut read = vault.read_version(&*token, number);
        if let Some(password) = password {
            read = read.password(password);
        }
        return flushed(&vault, async { output::all(read.await?.expose()) }).await;
    }
    let mut read = vault.read(&*token);
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
        update = update.expires_in(lifetime);
    }
    Ok(flushed(&vault, update.into_future()).await?)
}

pub(super) async fn info(options: &Info) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let info = vault.open().await?.info(target).await?;
    if options.json {
        return output::json(&show::members(&info));
    }
    output::line(&show::rows(&info))
}

pub(super) async fn renew(options: &Renew) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let vault = vault.open().await?;
    let mut renew = vault.renew(target, options.expires_in);
    if options.even_expired {
        renew = renew.even_expired();
    }
    if options.even_deleted {
        renew = renew.even_deleted();
    }
    Ok(renew.await?)
}

pub(super) async fn delete(options: &Delete) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let vault = vault.open().await?;
    if options.mode.hard {
        vault.delete(target).await?;
    } else {
        vault.soft_delete(target).await?;
    }
    Ok(())
}

pub(super) async fn restore(options: &Restore) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    Ok(vault.open().await?.restore(target).await?)
}

pub(super) async fn versions(options: &Versions) -> Result<(), Failure> {
    let vault = options.scope.prepare()?;
    let target = target(&options.named)?;
    let versions = vault.open().await?.versions(target).await?;
    if options.json {
        let versions: Vec<_> = versions.iter().map(show::version_members).collect();
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
    flushed(&vault, back.into_future()).await?;
    Ok(())
}

fn target(named: &Named) -> Result<Target, Failure> {
    if let Some(id) = &named.id {
        return Ok(id.parse::<sealtoken::vault::ValueId>()?.into());
    }
    let token = input::token(named.token.token_file.as_deref())?;
    Ok(Target::from(token.as_str()))
}
