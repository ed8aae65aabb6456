-- Tasks by work that were reported as missed, and neither answered nor settled. Follows from events.
CREATE TABLE misses (
    task_type TEXT NOT NULL,
    sink TEXT NOT NULL,
    source TEXT NOT NULL,
    task TEXT NOT NULL,
    -- Of 300 s, in which it was due.
    epoch BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (task_type, sink, source, task)
);
CREATE INDEX misses_epoch ON misses (epoch);
