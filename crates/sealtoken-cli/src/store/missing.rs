//! Stand-ins for the engines that this build lacks. Their errors name the missing feature.

use std::future::{Ready, ready};
use std::sync::Arc;

use sealtoken::store::Store;

use crate::failure::Failure;

type Opened = Ready<Result<Arc<dyn Store>, Failure>>;

fn lacks<T>(engine: &str, feature: &str) -> Result<T, Failure> {
    Err(Failure::Problem(format!(
        "this build lacks {engine}: install it with \
         cargo install sealtoken-cli --features {feature}"
    )))
}

#[cfg(not(feature = "sqlite"))]
pub(super) mod sqlite {
    use std::path::Path;

    use super::{Failure, Opened, lacks, ready};

    pub(crate) fn open(_: &Path, _: bool) -> Opened {
        ready(lacks("SQLite", "sqlite"))
    }

    pub(crate) fn schema() -> Result<&'static [&'static str], Failure> {
        lacks("SQLite", "sqlite")
    }
}

#[cfg(not(feature = "postgres"))]
pub(super) mod postgres {
    use super::{Failure, Opened, lacks, ready};

    pub(crate) fn open(_: &str, _: bool) -> Opened {
        ready(lacks("PostgreSQL", "postgres"))
    }

    pub(crate) fn schema() -> Result<&'static [&'static str], Failure> {
        lacks("PostgreSQL", "postgres")
    }
}

#[cfg(not(feature = "dynamodb"))]
pub(super) mod dynamodb {
    use sealtoken::pat::ForeignPat;
    use sealtoken_import::access_tokens::AccessTokenError;

    use super::super::Template;
    use super::{Failure, Opened, Ready, lacks, ready};

    /// A table that cannot be opened.
    pub(crate) enum Table {}

    impl Table {
        pub(crate) fn next(&mut self) -> Ready<Option<Result<ForeignPat, AccessTokenError>>> {
            match *self {}
        }

        pub(crate) fn last_id(&self) -> Option<&str> {
            match *self {}
        }
    }

    pub(crate) fn access_tokens(_: &str, _: Option<&str>) -> Ready<Result<Table, Failure>> {
        ready(lacks("DynamoDB", "dynamodb"))
    }

    pub(crate) fn open(_: &str) -> Opened {
        ready(lacks("DynamoDB", "dynamodb"))
    }

    pub(crate) fn create(_: &str) -> Ready<Result<(), Failure>> {
        ready(lacks("DynamoDB", "dynamodb"))
    }

    pub(crate) fn template(_: Template, _: &str) -> Result<String, Failure> {
        lacks("DynamoDB", "dynamodb")
    }
}
