CREATE CONSTRAINT session_id IF NOT EXISTS FOR (s:Session) REQUIRE s.session_id IS UNIQUE;
CREATE INDEX session_seen IF NOT EXISTS FOR (s:Session) ON (s.seen_at);
