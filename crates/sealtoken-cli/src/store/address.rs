//! The address of a database.

use std::path::PathBuf;
use std::sync::Arc;

use sealtoken::store::Store;
use zeroize::Zeroizing;

use crate::failure::{Failure, OPENING, has_password};

use super::{dynamodb, postgres, sqlite};

/// The environment variable that names the store.
const VARIABLE: &str = "SEALTOKEN_STORE";

/// The store when neither option nor environment names one.
const DEFAULT: &str = "sqlite:sealtoken.db";

/// A database.
pub(crate) enum Address {
    Sqlite(PathBuf),
    Postgres(Zeroizing<String>),
    Dynamo(String),
}

impl Address {
    /// The store that the option names or, without it, the environment.
    pub(crate) fn choose(option: Option<&str>) -> Result<Self, Failure> {
        if let Some(text) = option {
            if has_password(text) {
                let what = "other users of the machine can see arguments: put a URL with a \
                            password into the environment variable SEALTOKEN_STORE";
                return Err(Failure::Problem(what.into()));
            }
            return Self::parse(text);
        }
        match std::env::var(VARIABLE).map(Zeroizing::new) {
            Ok(text) if !text.is_empty() => Self::parse(&text),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::Problem(format!("{VARIABLE} is not UTF-8")))
            }
            _ => Self::parse(DEFAULT),
        }
    }

    /// Errors never quote the text, which may hold a password.
    fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| Err(Failure::Problem(what.into()));
        match text.split_once(':') {
            Some(("sqlite", "")) => wrong("the store names no file: give sqlite:FILE"),
            Some(("sqlite", file)) if file.starts_with(':') => {
                wrong("a store in memory is lost when the command ends: give sqlite:FILE")
            }
            Some(("sqlite", file)) => Ok(Self::Sqlite(file.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Zeroizing::new(text.into()))),
            Some(("dynamodb", table)) => Ok(Self::Dynamo(table.into())),
            _ => wrong(
                "not a store: give sqlite:FILE, postgres://user@host/database or dynamodb:TABLE",
            ),
        }
    }

    pub(crate) async fn open(&self, migrate: bool) -> Result<Arc<dyn Store>, Failure> {
        let opened = match self {
            Self::Sqlite(file) => sqlite::open(file, migrate).await,
            Self::Postgres(url) => postgres::open(url, migrate).await,
            Self::Dynamo(table) => dynamodb::open(table).await,
        };
        opened.map_err(|failure| failure.in_doubt(OPENING))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_file_or_a_url() {
        let file = |text| match Address::parse(text) {
            Ok(Address::Sqlite(file)) => file.to_str().map(str::to_owned),
            _ => None,
        };
        assert_eq!(file("sqlite:vault.db").as_deref(), Some("vault.db"));
        assert_eq!(file("sqlite:/a b/ü?.db").as_deref(), Some("/a b/ü?.db"));
        for url in ["postgres://u@h/db", "postgresql://h"] {
            assert!(
                matches!(Address::parse(url), Ok(Address::Postgres(_))),
                "{url}"
            );
        }
        let table = Address::parse("dynamodb:vault?region=eu-central-1");
        assert!(matches!(table, Ok(Address::Dynamo(_))));
        for text in [
            "",
            "vault.db",
            "sqlite:",
            "sqlite::memory:",
            "mysql://h/db",
            "SQLITE:a",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
