//! The schema of an engine, as a list of steps.

/// One step of a database's schema.
///
/// An engine makes the steps that a database has not had when it opens it, each in one transaction. Who runs them by
/// hand does the same: in the order of their numbers, each in one transaction, none twice. A step ends by writing its
/// own number into the database.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Which step it is; the first is 1.
    pub number: u32,
    /// What it does, as statements with a semicolon after each.
    pub sql: &'static str,
}
