-- Up to when digests have gone to a reader: the row on which collecting and sending meet, so that
-- nothing is collected for a digest that has gone.
CREATE TABLE digests (
    subject      text        NOT NULL,
    side         text        NOT NULL,
    gone_through timestamptz NOT NULL,
    PRIMARY KEY (subject, side)
);
INSERT INTO digests (subject, side, gone_through)
SELECT subject, split_part(template, '/', 2), max(digest_at)
  FROM deliveries
 WHERE digest_at IS NOT NULL AND digest_id IS NOT NULL
 GROUP BY 1, 2;
CREATE INDEX deliveries_collecting ON deliveries (subject, digest_at)
    WHERE state = 'due' AND digest_at IS NOT NULL AND digest_id IS NULL;
