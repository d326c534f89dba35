-- Step 1: records, and the labels by which they are found. "labels" holds those of a record once
-- more in one text: a point read is one row, and a change knows which rows of sealtoken_label are
-- the record's.
CREATE TABLE sealtoken_schema (
    number bigint PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sealtoken_record (
    collection text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    version bytea NOT NULL,
    purge_at bigint,
    labels bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (collection, id)
);
CREATE INDEX sealtoken_record_purge ON sealtoken_record (collection, purge_at) WHERE purge_at IS NOT NULL;
CREATE TABLE sealtoken_label (
    collection text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    id bytea NOT NULL,
    PRIMARY KEY (collection, name, value, id)
);
INSERT INTO sealtoken_schema (number) VALUES (1);
