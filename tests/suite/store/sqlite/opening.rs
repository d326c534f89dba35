//! Files: new ones, old ones, and what is no database.
