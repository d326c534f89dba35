//! The statements.
//!
//! Writing one record is one statement, so it needs no transaction around it. A statement reads the
//! labels to index from the record's own row, where `encode_labels` put them.
//!
//! At READ COMMITTED, no label is left behind: all parts of a statement see the same moment. The
//! part that changes a row requires the version of that moment. If another writer was faster, the
//! row is checked again, its version differs, and nothing is done. So the labels that are removed
//! are those of the row that is replaced, and whoever wrote that row committed its labels with it.
//!
//! A plan is kept while the tables grow, so it must not depend on their size: a statement finds
//! rows by the whole primary key, and leaves the planner no other way. `LATERAL (... LIMIT 1)` is
//! such a fence. Removals have none: there, all columns of the key come from one list, which the
//! planner expects to be short.

use sealtoken_store::Limits;
use tokio_postgres::types::Type;

/// What a row can hold.
pub(super) const LIMITS: Limits = Limits {
    max_body: 4 * 1024 * 1024,
    max_batch: 1000,
    durable: true,
};

/// A statement, and the types of its parameters.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) text: &'static str,
    pub(super) types: &'static [Type],
}

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

/// The columns of a record, read only up to the length that an engine writes.
///
/// An attacker may have written a value a thousand times as large, and the server knows the length
/// without reading it. 4 MiB is the longest body; 16 of the longest labels take 8,785 bytes.
macro_rules! record {
    () => {
        concat!(
            "substring(version FROM 1 FOR 17) AS version, purge_at, ",
            "CASE WHEN octet_length(body) <= 4194304 THEN body END AS body, ",
            "CASE WHEN octet_length(labels) <= 8785 THEN labels END AS labels"
        )
    };
}

/// What the pages of both scans share.
///
/// The inner query returns one row more than the page, which shows whether there is another page.
/// `passed` is the size of the bodies before a row. A value or an id that is empty or too long was
/// written by an attacker: just enough of it is fetched to tell, and nothing of a record. It is a
/// row like any other: if it were left out, the server might read any number of them.
macro_rules! page {
    ($order:literal, $limit:literal, $bytes:literal, $($inner:expr),+ $(,)?) => {
        concat!(
            "SELECT substring(value FROM 1 FOR 513), substring(id FROM 1 FOR 1025), ",
            "version, purge_at, body, labels, found, ",
            "(coalesce(octet_length(body), 0) + coalesce(octet_length(labels), 0))::int8 ",
            "FROM (SELECT *, count(*) OVER () AS found, row_number() OVER (ORDER BY ",
            $order,
            ") AS ordinal, coalesce(sum(octet_length(body)) OVER (ORDER BY ",
            $order,
            " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS passed FROM (",
            $($inner,)+
            ") AS fetching) AS measured WHERE ordinal <= ",
            $limit,
            " AND passed < ",
            $bytes,
            " ORDER BY ",
            $order
        )
    };
}

/// `$1` collection, `$2` id.
pub(super) static GET: Sql = Sql {
    text: concat!(
        "SELECT ",
        record!(),
        " FROM sealtoken_record WHERE collection = $1 AND id = $2"
    ),
    types: &[Type::TEXT, Type::BYTEA],
};

/// `$1` collections, `$2` ids. One statement for all keys, so that all are read at one moment.
pub(super) static GET_MANY: Sql = Sql {
    text: concat!(
        "SELECT k.ordinal, r.version, r.purge_at, r.body, r.labels ",
        "FROM unnest($1, $2) WITH ORDINALITY AS k (collection, id, ordinal), ",
        "LATERAL (SELECT ",
        record!(),
        " FROM sealtoken_record WHERE collection = k.collection AND id = k.id LIMIT 1) AS r"
    ),
    types: &[Type::TEXT_ARRAY, Type::BYTEA_ARRAY],
};

/// As [`GET_MANY`].
pub(super) static VERSIONS: Sql = Sql {
    text: concat!(
        "SELECT k.ordinal, r.version ",
        "FROM unnest($1, $2) WITH ORDINALITY AS k (collection, id, ordinal), ",
        "LATERAL (SELECT substring(version FROM 1 FOR 17) AS version FROM sealtoken_record ",
        "WHERE collection = k.collection AND id = k.id LIMIT 1) AS r"
    ),
    types: GET_MANY.types,
};

/// `$1` collection, `$2` id, `$3` version, `$4` purge_at, `$5` body, `$6` labels.
pub(super) static INSERT: Sql = Sql {
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
pub(super) static INSERT_BARE: Sql = Sql {
    text: concat!(
        "INSERT INTO sealtoken_record (collection, id, version, purge_at, body, labels) ",
        "SELECT $1, $2, $3, $4, $5, $6 WHERE ",
        is_known!(),
        " ON CONFLICT (collection, id) DO NOTHING RETURNING true"
    ),
    types: INSERT.types,
};

/// As [`INSERT`], with `$7` the expected version. Labels that stay are not touched.
pub(super) static REPLACE: Sql = Sql {
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
pub(super) static REPLACE_BODY: Sql = Sql {
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
pub(super) static REMOVE: Sql = Sql {
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
pub(super) static PURGE: Sql = Sql {
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

/// `$1` collection, `$2` the first id, `$3` the maximum rows, `$4` the maximum bytes.
pub(super) static PAGE: Sql = Sql {
    text: page!(
        "id",
        "$3",
        "$4",
        "SELECT ''::bytea AS value, id, version, purge_at, ",
        "CASE WHEN octet_length(id) BETWEEN 1 AND 1024 THEN body END AS body, labels ",
        "FROM (SELECT id, ",
        record!(),
        " FROM sealtoken_record WHERE collection = $1 AND id >= $2 ",
        "ORDER BY id LIMIT $3 + 1) AS rows"
    ),
    types: &[Type::TEXT, Type::BYTEA, Type::INT8, Type::INT8],
};

/// `$1` collection, `$2` name, `$3` and `$4` the first value and id, `$5` the first value behind
/// the range, `$6` the maximum rows, `$7` the maximum bytes.
///
/// The labels come first, so that no plan has to sort them.
pub(super) static PAGE_LABEL: Sql = Sql {
    text: page!(
        "value, id",
        "$6",
        "$7",
        "SELECT l.value, l.id, r.version, r.purge_at, r.body, r.labels FROM (",
        "SELECT value, id FROM sealtoken_label WHERE collection = $1 AND name = $2 ",
        "AND (value, id) >= ($3, $4) AND value < $5 ",
        "ORDER BY value, id LIMIT $6 + 1) AS l LEFT JOIN LATERAL (SELECT ",
        record!(),
        " FROM sealtoken_record WHERE collection = $1 AND id = l.id ",
        "AND octet_length(l.value) BETWEEN 1 AND 512 ",
        "AND octet_length(l.id) BETWEEN 1 AND 1024 LIMIT 1) AS r ON true"
    ),
    types: &[
        Type::TEXT,
        Type::TEXT,
        Type::BYTEA,
        Type::BYTEA,
        Type::BYTEA,
        Type::INT8,
        Type::INT8,
    ],
};

/// `$1` collection.
pub(super) static COUNT: Sql = Sql {
    text: "SELECT count(*) FROM sealtoken_record WHERE collection = $1",
    types: &[Type::TEXT],
};

/// `$1` collection, `$2` name, `$3` the first value, `$4` the first value behind the range.
pub(super) static COUNT_LABEL: Sql = Sql {
    text: "SELECT count(*) FROM sealtoken_label \
        WHERE collection = $1 AND name = $2 AND value >= $3 AND value < $4",
    types: &[Type::TEXT, Type::TEXT, Type::BYTEA, Type::BYTEA],
};

#[cfg(test)]
mod tests {
    use sealtoken_store::engine::encode_labels;
    use sealtoken_store::{Label, LabelName, Record, RecordKey};

    use super::*;

    /// A limit that is raised must be raised in the statements too.
    #[test]
    fn as_much_is_fetched_as_an_engine_writes() {
        let name = LabelName::new("n".repeat(32)).unwrap();
        let longest = Label::new(name, vec![0; Label::MAX_VALUE]);
        let labels = encode_labels(&vec![longest; Record::MAX_LABELS]).len();
        for sql in [&GET, &GET_MANY, &PAGE, &PAGE_LABEL] {
            for (column, most) in [("body", LIMITS.max_body), ("labels", labels)] {
                let bound = format!("CASE WHEN octet_length({column}) <= {most} THEN {column} END");
                assert!(sql.text.contains(&bound), "{bound}: {}", sql.text);
            }
        }
        let (value, id) = (Label::MAX_VALUE, RecordKey::MAX_ID);
        for sql in [&PAGE, &PAGE_LABEL] {
            for (column, most) in [("value", value), ("id", id)] {
                let cut = format!("substring({column} FROM 1 FOR {})", most + 1);
                assert!(sql.text.contains(&cut), "{cut}: {}", sql.text);
            }
        }
        assert!(
            PAGE.text
                .contains(&format!("octet_length(id) BETWEEN 1 AND {id} "))
        );
        for (column, most) in [("value", value), ("id", id)] {
            let bound = format!("octet_length(l.{column}) BETWEEN 1 AND {most} ");
            assert!(PAGE_LABEL.text.contains(&bound), "{bound}");
        }
    }
}
