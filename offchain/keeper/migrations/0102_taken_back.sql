-- With what became of an item the item itself, as long as a reorganisation can take back what became of it.
ALTER TABLE outcomes ADD COLUMN block BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN lane TEXT;
ALTER TABLE outcomes ADD COLUMN rank BIGINT;
ALTER TABLE outcomes ADD COLUMN body TEXT;
ALTER TABLE outcomes ADD COLUMN received BIGINT;
CREATE INDEX outcomes_block ON outcomes (block);
