//! The schema of an engine, as a list of steps.

/// One step of a database's schema.
///
/// An engine runs the missing steps when it opens a database, each in one transaction. To run them
/// by hand, do the same: in the order of their numbers, each in one transaction, none twice. Each
/// step ends by writing its own number into the database.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Migration {
    /// The number of the step, from 1.
    pub number: u32,
    /// SQL statements, each ending in a semicolon.
    pub sql: &'static str,
}

impl Migration {
    /// A step of an engine's schema.
    #[must_use]
    pub const fn new(number: u32, sql: &'static str) -> Self {
        Self { number, sql }
    }
}
