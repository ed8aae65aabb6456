-- Tasks that were taken, until their deadline has passed and they are settled.
CREATE TABLE agent_tasks (
    task_type TEXT NOT NULL,
    sink TEXT NOT NULL,
    source TEXT NOT NULL,
    task_id TEXT NOT NULL,
    -- What both signed, as JSON, and the signatures: the obligation.
    offer TEXT NOT NULL,
    source_signature TEXT NOT NULL,
    sink_signature TEXT NOT NULL,
    -- Wei per work unit, as the sink charges it.
    price TEXT NOT NULL,
    deadline BIGINT NOT NULL,
    -- taken, done (owed), vouchered (signed for), settled (and acknowledged) or failed (nothing owed)
    state TEXT NOT NULL,
    work TEXT NOT NULL,
    value TEXT NOT NULL,
    -- When it was done, by the chain.
    done_at BIGINT NOT NULL,
    PRIMARY KEY (task_type, sink, source, task_id)
);
CREATE INDEX agent_tasks_state ON agent_tasks (state, task_type, sink, source);
CREATE INDEX agent_tasks_deadline ON agent_tasks (deadline);

-- The latest voucher of each pair. A side's own signature is there from the start, the other one's as soon as it came.
CREATE TABLE agent_vouchers (
    task_type TEXT NOT NULL,
    sink TEXT NOT NULL,
    source TEXT NOT NULL,
    work TEXT NOT NULL,
    value TEXT NOT NULL,
    tasks BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    source_signature TEXT NOT NULL,
    sink_signature TEXT NOT NULL,
    -- Of a sink: wei that were signed for, and whose tasks' receipts have not come.
    credit TEXT NOT NULL,
    PRIMARY KEY (task_type, sink, source)
);

-- Vouchers of the other side that cannot both be true: evidence.
CREATE TABLE agent_equivocations (
    task_type TEXT NOT NULL,
    sink TEXT NOT NULL,
    source TEXT NOT NULL,
    voucher TEXT NOT NULL,
    signature TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- That tasks were completed, as the source signed it.
CREATE TABLE agent_receipts (
    task_type TEXT NOT NULL,
    sink TEXT NOT NULL,
    source TEXT NOT NULL,
    task_id TEXT NOT NULL,
    timestamp BIGINT NOT NULL,
    source_signature TEXT NOT NULL,
    PRIMARY KEY (task_type, sink, source, task_id)
);
