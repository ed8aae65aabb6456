-- Whose data this is: chain id, instance, deployment. Another one's is refused.
CREATE TABLE chain_identity (
    what TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The last block whose events are here, with their effects.
CREATE TABLE chain_cursor (
    id BIGINT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
);

-- Blocks that were passed: where a reorganisation ends is found among them.
CREATE TABLE chain_blocks (
    number BIGINT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL
);

-- Every version of every transaction that was signed here, stored before it is sent.
CREATE TABLE chain_transactions (
    hash TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    nonce BIGINT NOT NULL,
    raw TEXT NOT NULL,
    target TEXT NOT NULL,
    data TEXT NOT NULL,
    gas_limit BIGINT NOT NULL,
    max_fee TEXT NOT NULL,
    worker TEXT NOT NULL,
    items TEXT NOT NULL,
    -- sent, mined, reverted, replaced (another version was mined) or lost (the nonce went to a foreign transaction)
    state TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    block BIGINT,
    gas_used BIGINT,
    -- What it cost, or may cost while it is on its way; rounded up.
    cost_gwei BIGINT NOT NULL
);
CREATE INDEX chain_transactions_open ON chain_transactions (account, state, nonce);
CREATE INDEX chain_transactions_time ON chain_transactions (account, sent_at);

-- How often an item was sent without effect, by day.
CREATE TABLE chain_attempts (
    worker TEXT NOT NULL,
    item TEXT NOT NULL,
    day BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (worker, item, day)
);

-- Items that cannot be done, with the reason: they do not come back.
CREATE TABLE chain_set_aside (
    worker TEXT NOT NULL,
    item TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (worker, item)
);
