-- What happened, an event a row, as it was read; all other tables of this file up to the line follow from it.
CREATE TABLE events (
    block BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    time BIGINT NOT NULL,
    tx TEXT NOT NULL,
    name TEXT NOT NULL,
    task_type TEXT,
    account TEXT,
    other TEXT,
    amount TEXT,
    detail TEXT,
    PRIMARY KEY (block, log_index)
);
CREATE INDEX events_name ON events (name, block, log_index);
CREATE INDEX events_task_type ON events (task_type, block, log_index);
CREATE INDEX events_account ON events (account, block, log_index);

CREATE TABLE task_types (
    id TEXT NOT NULL PRIMARY KEY,
    creator TEXT NOT NULL,
    min_stake TEXT NOT NULL,
    pool TEXT,
    base_fee TEXT,
    capacity_price TEXT,
    weighting BIGINT NOT NULL,
    sink_units TEXT NOT NULL,
    fee_units TEXT NOT NULL,
    budget_units TEXT NOT NULL,
    overflow_units TEXT NOT NULL,
    pressure TEXT NOT NULL,
    waiting TEXT NOT NULL
);
CREATE UNIQUE INDEX task_types_pool ON task_types (pool);

CREATE TABLE sinks (
    task_type TEXT NOT NULL,
    sink TEXT NOT NULL,
    registered BIGINT NOT NULL,
    raw TEXT NOT NULL,
    smoothed TEXT NOT NULL,
    queue_load TEXT NOT NULL,
    attested BIGINT NOT NULL,
    completions BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    rate_bps BIGINT NOT NULL,
    slashed TEXT NOT NULL,
    PRIMARY KEY (task_type, sink)
);

CREATE TABLE members (
    task_type TEXT NOT NULL,
    member TEXT NOT NULL,
    units TEXT NOT NULL,
    PRIMARY KEY (task_type, member)
);

CREATE TABLE streams (
    task_type TEXT NOT NULL,
    source TEXT NOT NULL,
    rate TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (task_type, source)
);

CREATE TABLE stakes (
    sink TEXT NOT NULL PRIMARY KEY,
    amount TEXT NOT NULL,
    slashed TEXT NOT NULL
);

-- ---- What clients handed in, and is not on the chain yet.
CREATE TABLE inbox (
    worker TEXT NOT NULL,
    item TEXT NOT NULL,
    -- One per lane: a later attestation of a sink takes the place of an earlier one.
    lane TEXT NOT NULL,
    rank BIGINT NOT NULL,
    body TEXT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (worker, lane)
);
CREATE INDEX inbox_item ON inbox (worker, item);
CREATE INDEX inbox_age ON inbox (worker, received);

-- What became of what was handed in.
CREATE TABLE outcomes (
    worker TEXT NOT NULL,
    item TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (worker, item)
);
CREATE INDEX outcomes_at ON outcomes (at);
