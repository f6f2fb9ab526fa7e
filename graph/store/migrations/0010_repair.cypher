CREATE INDEX published_at IF NOT EXISTS FOR (n:Published) ON (n.published_at);
CREATE INDEX published_seq IF NOT EXISTS FOR (n:Published) ON (n.seq);
