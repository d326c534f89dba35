//! The statements that write.
//!
//! A statement reads the labels to index from the record's own row, where `encode_labels` put them.
//!
//! At READ COMMITTED, no label is left behind: all parts of a statement see the same moment. The
//! part that changes a row requires the version of that moment. If another writer was faster, the
//! row is checked again, its version differs, and nothing is done. So the labels that are removed
//! are those of the row that is replaced, and whoever wrote that row committed its labels with it.

use tokio_postgres::types::Type;

use super::Sql;

/// The names and values of labels, decoded from the bytes that `encode_labels` gives: at most 16.
///
/// Bytes of an attacker decode to some other list without an error, so that their row can be
/// removed like any other: missing bytes count as zeros, and a name may be any bytes. `OFFSET 0`
/// makes the server decode them once.
///
/// The `> 0` filters are always true. They make the planner expect about one row.
macro_rules! labels {
    ($bytes:literal, $from:literal) => {
        concat!(
            "SELECT encode(substring(packed FROM start + 1 FOR named), 'escape') AS name, ",
            "substring(packed FROM start + named + 1 FOR valued) AS value FROM (SELECT packed, ",
            "get_byte(packed, 5 * n + 1) * 256 + get_byte(packed, 5 * n + 2) AS start, ",
            "get_byte(packed, 5 * n + 3) AS named, ",
            "get_byte(packed, 5 * n + 4) * 256 + get_byte(packed, 5 * n + 5) AS valued ",
            "FROM (SELECT ",
            $bytes,
            " || decode(repeat('00', 81), 'hex') AS packed",
            $from,
            " OFFSET 0) AS whole, ",
            "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9),(10),(11),(12),(13),(14),(15)) ",
            "AS numbers (n) ",
            "WHERE n < get_byte(packed, 0)) AS entries WHERE named > 0 AND valued > 0"
        )
    };
}

/// Whether the schema is the one that these statements are for: a newer program may upgrade it
/// while this one runs. A statement that does not write for this reason reports that it did
/// nothing.
macro_rules! is_known {
    () => {
        "(SELECT max(number) FROM sealtoken_schema) = 1"
    };
}

/// Removes the labels that `gone` lists from the index.
macro_rules! unlist {
    () => {
        concat!(
            "unlisted AS (DELETE FROM sealtoken_label AS l USING gone ",
            "WHERE l.collection = gone.collection AND l.name = gone.name ",
            "AND l.value = gone.value AND l.id = gone.id)"
        )
    };
}

/// `$1` collection, `$2` id, `$3` version, `$4` purge_at, `$5` body, `$6` labels.
pub(crate) static INSERT: Sql = Sql {
    text: concat!(
        "WITH came AS (INSERT INTO sealtoken_record ",
        "(collection, id, version, purge_at, body, labels) ",
        "SELECT $1, $2, $3, $4, $5, $6 WHERE ",
        is_known!(),
        " ON CONFLICT (collection, id) DO NOTHING RETURNING id), ",
        "listed AS (INSERT INTO sealtoken_label (collection, name, value, id) ",
        "SELECT $1, has.name, has.value, came.id FROM came, (",
        labels!("$6", ""),
        ") AS has ON CONFLICT DO NOTHING) SELECT count(*) = 1 FROM came"
    ),
    types: &[
        Type::TEXT,
        Type::BYTEA,
        Type::BYTEA,
        Type::INT8,
        Type::BYTEA,
        Type::BYTEA,
    ],
};

/// As [`INSERT`], for a record without labels.
pub(crate) static INSERT_BARE: Sql = Sql {
    text: concat!(
        "INSERT INTO sealtoken_record (collection, id, version, purge_at, body, labels) ",
        "SELECT $1, $2, $3, $4, $5, $6 WHERE ",
        is_known!(),
        " ON CONFLICT (collection, id) DO NOTHING RETURNING true"
    ),
    types: INSERT.types,
};

/// As [`INSERT`], with `$7` the expected version. Labels that stay are not touched.
pub(crate) static REPLACE: Sql = Sql {
    text: concat!(
        "WITH old AS (SELECT labels FROM sealtoken_record ",
        "WHERE collection = $1 AND id = $2 AND version = $7 AND labels <> $6), ",
        "came AS (UPDATE sealtoken_record SET version = $3, purge_at = $4, body = $5, labels = $6 ",
        "WHERE collection = $1 AND id = $2 AND version = $7 AND ",
        is_known!(),
        " RETURNING collection, id), ",
        "had AS MATERIALIZED (",
        labels!("old.labels", " FROM old"),
        "), has AS MATERIALIZED (",
        labels!("$6", " FROM old"),
        "), gone AS MATERIALIZED (SELECT came.collection, lost.name, lost.value, came.id ",
        "FROM came, (SELECT * FROM had EXCEPT SELECT * FROM has) AS lost), ",
        unlist!(),
        ", listed AS (INSERT INTO sealtoken_label (collection, name, value, id) ",
        "SELECT came.collection, fresh.name, fresh.value, came.id ",
        "FROM came, (SELECT * FROM has EXCEPT SELECT * FROM had) AS fresh ON CONFLICT DO NOTHING) ",
        "SELECT count(*) = 1 FROM came"
    ),
    types: &[
        Type::TEXT,
        Type::BYTEA,
        Type::BYTEA,
        Type::INT8,
        Type::BYTEA,
        Type::BYTEA,
        Type::BYTEA,
    ],
};

/// As [`REPLACE`], but only if all labels stay: a tenth of the work.
pub(crate) static REPLACE_BODY: Sql = Sql {
    text: concat!(
        "UPDATE sealtoken_record SET version = $3, purge_at = $4, body = $5 ",
        "WHERE collection = $1 AND id = $2 AND version = $7 AND labels = $6 AND ",
        is_known!(),
        " RETURNING true"
    ),
    types: REPLACE.types,
};

/// `$1` collection, `$2` id, `$3` the expected version, or NULL for any. Even for any version, it
/// does nothing if another writer changes the record at the same time.
pub(crate) static REMOVE: Sql = Sql {
    text: concat!(
        "WITH old AS (SELECT version, labels FROM sealtoken_record ",
        "WHERE collection = $1 AND id = $2 AND ($3 IS NULL OR version = $3)), ",
        "left_it AS (DELETE FROM sealtoken_record AS r USING old ",
        "WHERE r.collection = $1 AND r.id = $2 AND r.version = old.version AND ",
        is_known!(),
        " RETURNING r.collection, r.id), ",
        "gone AS MATERIALIZED (",
        "SELECT left_it.collection, had.name, had.value, left_it.id FROM left_it, (",
        labels!("old.labels", " FROM old"),
        ") AS had), ",
        unlist!(),
        " SELECT (SELECT count(*) FROM left_it) = ",
        "CASE WHEN $3 IS NULL THEN (SELECT count(*) FROM old) ELSE 1 END"
    ),
    types: &[Type::TEXT, Type::BYTEA, Type::BYTEA],
};

/// `$1` collection, `$2` moment, `$3` limit. Returns how many records it found and how many it
/// removed: fewer if other writers were faster. It changes many rows, so it is not prepared, but
/// planned for the tables as they are.
pub(crate) static PURGE: Sql = Sql {
    text: concat!(
        "WITH old AS MATERIALIZED (SELECT id, version, labels FROM sealtoken_record ",
        "WHERE collection = $1 AND purge_at < $2 ORDER BY purge_at LIMIT $3), ",
        "left_it AS (DELETE FROM sealtoken_record AS r USING old ",
        "WHERE r.collection = $1 AND r.id = old.id AND r.version = old.version AND ",
        is_known!(),
        " RETURNING r.collection, r.id, old.labels), ",
        "gone AS MATERIALIZED (",
        "SELECT left_it.collection, had.name, had.value, left_it.id FROM left_it, LATERAL (",
        labels!("left_it.labels", ""),
        ") AS had), ",
        unlist!(),
        " SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM left_it)"
    ),
    types: &[Type::TEXT, Type::INT8, Type::INT8],
};
