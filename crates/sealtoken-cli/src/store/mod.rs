//! `store`: the database itself. The other commands open it through [`StoreArgs`].

mod address;
mod args;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(not(all(feature = "dynamodb", feature = "postgres", feature = "sqlite")))]
mod missing;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use clap::{Subcommand, ValueEnum};

use crate::failure::{Failure, again, problem};
use crate::output;

use address::Address;
#[cfg(not(feature = "dynamodb"))]
use missing::dynamodb;
#[cfg(not(feature = "postgres"))]
use missing::postgres;
#[cfg(not(feature = "sqlite"))]
use missing::sqlite;

pub(crate) use args::{Prepared, StoreArgs};
pub(crate) use dynamodb::{Table, access_tokens};

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Print the SQL of the schema, for those who run migrations by hand
    ///
    /// The steps are numbered, and each is one transaction. Run those that the database has not had
    /// yet, and give --no-migrate to `vault` and `pat`.
    #[command(after_help = "\
Examples:
  sealtoken store schema sqlite | sqlite3 vault.db
  sealtoken store schema postgres | psql app")]
    Schema {
        /// The database
        engine: Engine,
    },

    /// Print the DynamoDB table as a template for CloudFormation or Terraform
    #[command(after_help = "\
Examples:
  sealtoken store template cloudformation --table vault > vault.template.json
  sealtoken store template terraform > sealtoken.tf")]
    Template {
        /// The language of the template
        template: Template,
        /// The name of the table
        #[arg(long, default_value = "sealtoken")]
        table: String,
    },

    /// Create what a store needs: a file, the tables of a schema, or a table in DynamoDB
    ///
    /// What exists stays, and an old schema is upgraded. `vault` and `pat` do this themselves,
    /// except in DynamoDB, where a table costs money. The command waits until the table can be
    /// used.
    #[command(after_help = "\
Examples:
  sealtoken store create --store 'dynamodb:vault?region=eu-central-1'
  SEALTOKEN_STORE=postgres://app:secret@db/app sealtoken store create")]
    Create {
        /// The store: sqlite:FILE, postgres://user@host/database or dynamodb:TABLE [default:
        /// SEALTOKEN_STORE, or sqlite:sealtoken.db]
        #[arg(long)]
        store: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Template {
    /// AWS CloudFormation, as JSON
    Cloudformation,
    /// Terraform, or OpenTofu
    Terraform,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Engine {
    /// An SQLite file
    Sqlite,
    /// PostgreSQL, or a compatible database
    Postgres,
}

pub(crate) fn run(command: &StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Schema { engine } => schema(*engine),
        StoreCommand::Template { template, table } => {
            output::line(&dynamodb::template(*template, table)?)
        }
        StoreCommand::Create { store } => create(store.as_deref()),
    }
}

/// Prints the steps of an engine's schema.
fn schema(engine: Engine) -> Result<(), Failure> {
    let steps = match engine {
        Engine::Sqlite => sqlite::schema()?,
        Engine::Postgres => postgres::schema()?,
    };
    let steps = steps.iter().zip(1..);
    let steps = steps.map(|(sql, number)| {
        let sql = sql.trim_end();
        format!("-- {number}\nBEGIN;\n{sql}\nCOMMIT;")
    });
    output::line(&steps.collect::<Vec<_>>().join("\n\n"))
}

/// Creates the tables that the store lacks.
fn create(store: Option<&str>) -> Result<(), Failure> {
    let address = Address::choose(store)?;
    block_on(async {
        match &address {
            Address::Dynamo(table) => {
                let created = dynamodb::create(table).await;
                created.map_err(|failure| failure.in_doubt(&again("store create")))
            }
            other => other.open(true).await.map(drop),
        }
    })
}

/// The help of the commands that use a store: where it is, and `rest`. `what` begins the sentence.
pub(crate) fn help(what: &str, rest: &str) -> String {
    format!(
        "{what} in the store that --store or the environment variable SEALTOKEN_STORE names: \
         sqlite:FILE, postgres://user@host/database or dynamodb:TABLE?region=REGION. DynamoDB \
         takes the usual AWS credentials. The default is sqlite:sealtoken.db in the current \
         directory. Put a URL with a password into SEALTOKEN_STORE, because other users of the \
         machine can see arguments.\n\n{rest}"
    )
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
