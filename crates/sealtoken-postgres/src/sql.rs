//! The statements.
//!
//! Each write of one record is one statement, so that it needs no transaction around it. The labels to index are read out of
//! the record's own row, where `labels.rs` put them.
//!
//! Why no label is left behind at READ COMMITTED: all parts of a statement see the same moment. A part that changes a row asks
//! for the version that was there at that moment; when another writer was faster, the row is looked at again, its version
//! is another one, and nothing is done. So the labels that are taken away are those of the very row that was replaced, and
//! whoever wrote that row had committed its labels with it.
//!
//! A plan is kept while tables grow, so it must not depend on how large they were: what looks rows up in a table does it by the
//! whole primary key, and the planner is left no other way. `LATERAL (… LIMIT 1)` is such a fence. Where rows are removed there
//! is none: there all columns of the key come from one list, and the list is expected to be short.

use tokio_postgres::types::Type;

/// A statement, and the types of its parameters.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) text: &'static str,
    pub(super) types: &'static [Type],
}

/// The name and the value of each label in the bytes of `labels.rs`, of which there are at most 16.
///
/// Bytes that a stranger wrote give some other list, and no error, so that their row can be removed like any: zeros behind them stand for what
/// is missing, and a name may be any bytes. `OFFSET 0` has that done once.
///
/// That none is empty goes without saying; it is said for the planner, who takes each condition for one that a third of all rows
/// meet, and so expects one label.
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
            "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9),(10),(11),(12),(13),(14),(15)) AS numbers (n) ",
            "WHERE n < get_byte(packed, 0)) AS entries WHERE named > 0 AND valued > 0"
        )
    };
}

/// Whether the schema is the one that these statements are for: a newer program may have changed it while this one runs. What does not
/// write for this reason says that it did nothing.
macro_rules! is_known {
    () => {
        "(SELECT max(number) FROM sealtoken_schema) = 1"
    };
}

/// Takes out of the index what `gone` lists.
macro_rules! unlist {
    () => {
        concat!(
            "unlisted AS (DELETE FROM sealtoken_label AS l USING gone ",
            "WHERE l.collection = gone.collection AND l.name = gone.name AND l.value = gone.value AND l.id = gone.id)"
        )
    };
}

/// The columns of a record, as far as an engine writes them: a row can be a thousand times as large where an attacker made it,
/// and its length is known without reading it. 4 MiB is the longest body, and 8,785 bytes are 16 of the longest labels.
macro_rules! record {
    () => {
        concat!(
            "substring(version FROM 1 FOR 17) AS version, purge_at, ",
            "CASE WHEN octet_length(body) <= 4194304 THEN body END AS body, ",
            "CASE WHEN octet_length(labels) <= 8785 THEN labels END AS labels"
        )
    };
}

/// What the pages of all scans have in common. The inner query gives one row more than the page, which tells whether there is
/// another page; `passed` is how many bytes of bodies stand in front of a row. What is too long for a value or an id, or empty, a stranger wrote: so much is
/// given of it as tells that, and nothing of a record. It is a row like others: left out, any number of them would be looked at.
macro_rules! page {
    ($order:literal, $limit:literal, $bytes:literal, $($inner:expr),+ $(,)?) => {
        concat!(
            "SELECT substring(value FROM 1 FOR 513), substring(id FROM 1 FOR 1025), version, purge_at, body, labels, found, (coalesce(octet_length(body), 0) + coalesce(octet_length(labels), 0))::int8 FROM (SELECT *, count(*) OVER () AS found, row_number() OVER (ORDER BY ",
            $order,
            ") AS place, coalesce(sum(octet_length(body)) OVER (ORDER BY ",
            $order,
            " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS passed FROM (",
            $($inner,)+
            ") AS fetching) AS measured WHERE place <= ",
            $limit,
            " AND passed < ",
            $bytes,
            " ORDER BY ",
            $order
        )
    };
}

/// A page by label. The labels come first, so that their order needs no sorting however the planner judges the tables.
macro_rules! page_by_label {
    ($until:literal, $limit:literal, $bytes:literal) => {
        page!(
            "value, id",
            $limit,
            $bytes,
            "SELECT l.value, l.id, r.version, r.purge_at, r.body, r.labels FROM (",
            "SELECT value, id FROM sealtoken_label WHERE collection = $1 AND name = $2 AND (value, id) >= ($3, $4)",
            $until,
            " ORDER BY value, id LIMIT ",
            $limit,
            " + 1) AS l LEFT JOIN LATERAL (SELECT ",
            record!(),
            " FROM sealtoken_record WHERE collection = $1 AND id = l.id AND octet_length(l.value) BETWEEN 1 AND 512 AND octet_length(l.id) BETWEEN 1 AND 1024 LIMIT 1) AS r ON true"
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

/// `$1` collections, `$2` ids: the keys. One statement for all, so that they are read at one moment.
pub(super) static GET_MANY: Sql = Sql {
    text: concat!(
        "SELECT k.place, r.version, r.purge_at, r.body, r.labels ",
        "FROM unnest($1, $2) WITH ORDINALITY AS k (collection, id, place), ",
        "LATERAL (SELECT ",
        record!(),
        " FROM sealtoken_record WHERE collection = k.collection AND id = k.id LIMIT 1) AS r"
    ),
    types: &[Type::TEXT_ARRAY, Type::BYTEA_ARRAY],
};

/// As [`GET_MANY`].
pub(super) static VERSIONS: Sql = Sql {
    text: concat!(
        "SELECT k.place, r.version FROM unnest($1, $2) WITH ORDINALITY AS k (collection, id, place), ",
        "LATERAL (SELECT substring(version FROM 1 FOR 17) AS version FROM sealtoken_record WHERE collection = k.collection AND id = k.id LIMIT 1) AS r"
    ),
    types: GET_MANY.types,
};

/// `$1` collection, `$2` id, `$3` version, `$4` when to purge, `$5` body, `$6` labels.
pub(super) static INSERT: Sql = Sql {
    text: concat!(
        "WITH came AS (INSERT INTO sealtoken_record (collection, id, version, purge_at, body, labels) ",
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

/// As [`INSERT`] for a record without labels.
pub(super) static INSERT_BARE: Sql = Sql {
    text: concat!(
        "INSERT INTO sealtoken_record (collection, id, version, purge_at, body, labels) ",
        "SELECT $1, $2, $3, $4, $5, $6 WHERE ",
        is_known!(),
        " ON CONFLICT (collection, id) DO NOTHING RETURNING true"
    ),
    types: INSERT.types,
};

/// As [`INSERT`], and `$7` the version that is expected. Labels that stay are not touched.
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

/// [`REPLACE`] in three statements of one transaction, for databases that let a statement change a table once: this locks the row, so
/// that the others see what it saw.
pub(super) static REPLACE_LOCK: Sql = Sql {
    text: concat!(
        "SELECT true FROM sealtoken_record WHERE collection = $1 AND id = $2 AND version = $7 AND ",
        is_known!(),
        " FOR UPDATE"
    ),
    types: REPLACE.types,
};

/// The second of the three.
pub(super) static REPLACE_UNLIST: Sql = Sql {
    text: concat!(
        "WITH old AS (SELECT collection, id, labels FROM sealtoken_record ",
        "WHERE collection = $1 AND id = $2 AND version = $7 AND labels <> $6), ",
        "had AS MATERIALIZED (",
        labels!("old.labels", " FROM old"),
        "), has AS MATERIALIZED (",
        labels!("$6", " FROM old"),
        "), gone AS MATERIALIZED (SELECT old.collection, lost.name, lost.value, old.id ",
        "FROM old, (SELECT * FROM had EXCEPT SELECT * FROM has) AS lost), ",
        unlist!(),
        " SELECT true"
    ),
    types: REPLACE.types,
};

/// The third.
pub(super) static REPLACE_LIST: Sql = Sql {
    text: concat!(
        "WITH old AS (SELECT labels FROM sealtoken_record ",
        "WHERE collection = $1 AND id = $2 AND version = $7 AND labels <> $6), ",
        "came AS (UPDATE sealtoken_record SET version = $3, purge_at = $4, body = $5, labels = $6 ",
        "WHERE collection = $1 AND id = $2 AND version = $7 RETURNING collection, id), ",
        "had AS MATERIALIZED (",
        labels!("old.labels", " FROM old"),
        "), has AS MATERIALIZED (",
        labels!("$6", " FROM old"),
        "), listed AS (INSERT INTO sealtoken_label (collection, name, value, id) ",
        "SELECT came.collection, fresh.name, fresh.value, came.id ",
        "FROM came, (SELECT * FROM has EXCEPT SELECT * FROM had) AS fresh ON CONFLICT DO NOTHING) ",
        "SELECT count(*) = 1 FROM came"
    ),
    types: REPLACE.types,
};

/// As [`REPLACE`], and only where all labels stay: a tenth of the work.
pub(super) static REPLACE_BODY: Sql = Sql {
    text: concat!(
        "UPDATE sealtoken_record SET version = $3, purge_at = $4, body = $5 ",
        "WHERE collection = $1 AND id = $2 AND version = $7 AND labels = $6 AND ",
        is_known!(),
        " RETURNING true"
    ),
    types: REPLACE.types,
};

/// `$1` collection, `$2` id, `$3` the version that is expected, or NULL for any. Where any will do, and one is there that another
/// writer changes meanwhile, it is not done.
pub(super) static REMOVE: Sql = Sql {
    text: concat!(
        "WITH old AS (SELECT version, labels FROM sealtoken_record ",
        "WHERE collection = $1 AND id = $2 AND ($3 IS NULL OR version = $3)), ",
        "left_it AS (DELETE FROM sealtoken_record AS r USING old ",
        "WHERE r.collection = $1 AND r.id = $2 AND r.version = old.version AND ",
        is_known!(),
        " RETURNING r.collection, r.id), ",
        "gone AS MATERIALIZED (SELECT left_it.collection, had.name, had.value, left_it.id FROM left_it, (",
        labels!("old.labels", " FROM old"),
        ") AS had), ",
        unlist!(),
        " SELECT (SELECT count(*) FROM left_it) = CASE WHEN $3 IS NULL THEN (SELECT count(*) FROM old) ELSE 1 END"
    ),
    types: &[Type::TEXT, Type::BYTEA, Type::BYTEA],
};

/// `$1` collection, `$2` the moment, `$3` how many. It gives how many it found and how many it removed, which are fewer where other
/// writers were faster. It is about many rows: not to be prepared, so that it is planned for the tables as they are.
pub(super) static PURGE: Sql = Sql {
    text: concat!(
        "WITH old AS MATERIALIZED (SELECT id, version, labels FROM sealtoken_record ",
        "WHERE collection = $1 AND purge_at < $2 ORDER BY purge_at LIMIT $3), ",
        "left_it AS (DELETE FROM sealtoken_record AS r USING old ",
        "WHERE r.collection = $1 AND r.id = old.id AND r.version = old.version AND ",
        is_known!(),
        " RETURNING r.collection, r.id, old.labels), ",
        "gone AS MATERIALIZED (SELECT left_it.collection, had.name, had.value, left_it.id FROM left_it, LATERAL (",
        labels!("left_it.labels", ""),
        ") AS had), ",
        unlist!(),
        " SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM left_it)"
    ),
    types: &[Type::TEXT, Type::INT8, Type::INT8],
};

/// `$1` collection, `$2` the first id, `$3` the most rows, `$4` the most bytes.
pub(super) static PAGE: Sql = Sql {
    text: page!(
        "id",
        "$3",
        "$4",
        "SELECT ''::bytea AS value, id, version, purge_at, ",
        "CASE WHEN octet_length(id) BETWEEN 1 AND 1024 THEN body END AS body, labels FROM (SELECT id, ",
        record!(),
        " FROM sealtoken_record WHERE collection = $1 AND id >= $2 ORDER BY id LIMIT $3 + 1) AS rows"
    ),
    types: &[Type::TEXT, Type::BYTEA, Type::INT8, Type::INT8],
};

/// `$1` collection, `$2` name, `$3` and `$4` the first value and id, `$5` the most rows, `$6` the most bytes.
pub(super) static PAGE_FROM: Sql = Sql {
    text: page_by_label!("", "$5", "$6"),
    types: &[
        Type::TEXT,
        Type::TEXT,
        Type::BYTEA,
        Type::BYTEA,
        Type::INT8,
        Type::INT8,
    ],
};

/// As [`PAGE_FROM`], and `$7` the first value behind the range.
pub(super) static PAGE_BETWEEN: Sql = Sql {
    text: page_by_label!(" AND value < $7", "$5", "$6"),
    types: &[
        Type::TEXT,
        Type::TEXT,
        Type::BYTEA,
        Type::BYTEA,
        Type::INT8,
        Type::INT8,
        Type::BYTEA,
    ],
};

/// `$1` collection.
pub(super) static COUNT: Sql = Sql {
    text: "SELECT count(*) FROM sealtoken_record WHERE collection = $1",
    types: &[Type::TEXT],
};

/// `$1` collection, `$2` name, `$3` the first value.
pub(super) static COUNT_FROM: Sql = Sql {
    text: "SELECT count(*) FROM sealtoken_label WHERE collection = $1 AND name = $2 AND value >= $3",
    types: &[Type::TEXT, Type::TEXT, Type::BYTEA],
};

/// As [`COUNT_FROM`], and `$4` the first value behind the range.
pub(super) static COUNT_BETWEEN: Sql = Sql {
    text: "SELECT count(*) FROM sealtoken_label WHERE collection = $1 AND name = $2 AND value >= $3 AND value < $4",
    types: &[Type::TEXT, Type::TEXT, Type::BYTEA, Type::BYTEA],
};

#[cfg(test)]
mod tests {
    use sealtoken_store::engine::labels;
    use sealtoken_store::{Label, RecordKey};

    use super::super::PostgresStore;
    use super::*;

    /// A limit that is raised is raised in the statements, too.
    #[test]
    fn what_is_fetched_is_as_long_as_an_engine_writes_it() {
        let body = PostgresStore::LIMITS.max_body;
        let labels = labels::LONGEST;
        for sql in [&GET, &GET_MANY, &PAGE, &PAGE_FROM, &PAGE_BETWEEN] {
            for (column, most) in [("body", body), ("labels", labels)] {
                let bound = format!("CASE WHEN octet_length({column}) <= {most} THEN {column} END");
                assert!(sql.text.contains(&bound), "{bound}: {}", sql.text);
            }
        }
        let (value, id) = (Label::MAX_VALUE, RecordKey::MAX_ID);
        for sql in [&PAGE, &PAGE_FROM, &PAGE_BETWEEN] {
            for (column, most) in [("value", value), ("id", id)] {
                let cut = format!("substring({column} FROM 1 FOR {})", most + 1);
                assert!(sql.text.contains(&cut), "{cut}: {}", sql.text);
            }
        }
        assert!(
            PAGE.text
                .contains(&format!("octet_length(id) BETWEEN 1 AND {id} "))
        );
        for sql in [&PAGE_FROM, &PAGE_BETWEEN] {
            for (column, most) in [("value", value), ("id", id)] {
                let bound = format!("octet_length(l.{column}) BETWEEN 1 AND {most} ");
                assert!(sql.text.contains(&bound), "{bound}: {}", sql.text);
            }
        }
    }
}
