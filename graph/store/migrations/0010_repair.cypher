CREATE INDEX published_at IF NOT EXISTS FOR (n:Published) ON (n.published_at);
