//! The statements that read.

use tokio_postgres::types::Type;

use super::Sql;

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
pub(crate) static GET: Sql = Sql {
    text: concat!(
        "SELECT ",
        record!(),
        " FROM sealtoken_record WHERE collection = $1 AND id = $2"
    ),
    types: &[Type::TEXT, Type::BYTEA],
};

/// `$1` collections, `$2` ids. One statement for all keys, so that all are read at one moment.
pub(crate) static GET_MANY: Sql = Sql {
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
pub(crate) static VERSIONS: Sql = Sql {
    text: concat!(
        "SELECT k.ordinal, r.version ",
        "FROM unnest($1, $2) WITH ORDINALITY AS k (collection, id, ordinal), ",
        "LATERAL (SELECT substring(version FROM 1 FOR 17) AS version FROM sealtoken_record ",
        "WHERE collection = k.collection AND id = k.id LIMIT 1) AS r"
    ),
    types: GET_MANY.types,
};

/// `$1` collection, `$2` the first id, `$3` the maximum rows, `$4` the maximum bytes.
pub(crate) static PAGE: Sql = Sql {
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

/// `$1` collection, `$2` name, `$3` and `$4` the first value and id, `$5` the upper bound of
/// values, `$6` the maximum rows, `$7` the maximum bytes.
///
/// The labels come first, so that no plan has to sort them.
pub(crate) static PAGE_LABEL: Sql = Sql {
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
pub(crate) static COUNT: Sql = Sql {
    text: "SELECT count(*) FROM sealtoken_record WHERE collection = $1",
    types: &[Type::TEXT],
};

/// `$1` collection, `$2` name, `$3` the lower and `$4` the upper bound of values.
pub(crate) static COUNT_LABEL: Sql = Sql {
    text: "SELECT count(*) FROM sealtoken_label \
        WHERE collection = $1 AND name = $2 AND value >= $3 AND value < $4",
    types: &[Type::TEXT, Type::TEXT, Type::BYTEA, Type::BYTEA],
};

#[cfg(test)]
mod tests {
    use sealtoken_store::engine::encode_labels;
    use sealtoken_store::{Label, LabelName, Record, RecordKey};

    use super::super::LIMITS;
    use super::*;

    /// A limit that is raised must be raised in the statements too.
    #[test]
    fn as_much_is_fetched_as_an_engine_writes() {
        let name = LabelName::new("n".repeat(32)).unwrap();
        let longest = Label::new(name, vec![0; Label::MAX_VALUE]);
        let labels = encode_labels(&vec![longest; Record::MAX_LABELS]).len();
        for sql in [&GET, &GET_MANY, &PAGE, &PAGE_LABEL] {
            for (column, max) in [("body", LIMITS.max_body), ("labels", labels)] {
                let bound = format!("CASE WHEN octet_length({column}) <= {max} THEN {column} END");
                assert!(sql.text.contains(&bound), "{bound}: {}", sql.text);
            }
        }
        let (value, id) = (Label::MAX_VALUE, RecordKey::MAX_ID);
        for sql in [&PAGE, &PAGE_LABEL] {
            for (column, max) in [("value", value), ("id", id)] {
                let cut = format!("substring({column} FROM 1 FOR {})", max + 1);
                assert!(sql.text.contains(&cut), "{cut}: {}", sql.text);
            }
        }
        assert!(
            PAGE.text
                .contains(&format!("octet_length(id) BETWEEN 1 AND {id} "))
        );
        for (column, max) in [("value", value), ("id", id)] {
            let bound = format!("octet_length(l.{column}) BETWEEN 1 AND {max} ");
            assert!(PAGE_LABEL.text.contains(&bound), "{bound}");
        }
    }
}
