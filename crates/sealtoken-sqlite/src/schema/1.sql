-- Step 1: records, and the labels by which they are found. "labels" holds those of a record once
-- more in one text: a point read is one row, and a change knows which rows of sealtoken_label are
-- the record's. The body stands last, so that what is before it is read without it.
CREATE TABLE sealtoken_schema (
    number INTEGER PRIMARY KEY,
    applied INTEGER NOT NULL
) STRICT;
CREATE TABLE sealtoken_record (
    collection TEXT NOT NULL,
    id BLOB NOT NULL,
    version BLOB NOT NULL,
    purge_at INTEGER,
    labels BLOB NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (collection, id)
) STRICT;
CREATE INDEX sealtoken_record_purge ON sealtoken_record (collection, purge_at) WHERE purge_at IS NOT NULL;
CREATE TABLE sealtoken_label (
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (collection, name, value, id)
) STRICT, WITHOUT ROWID;
INSERT INTO sealtoken_schema (number, applied) VALUES (1, unixepoch());
