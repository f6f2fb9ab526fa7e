CREATE CONSTRAINT upload_ce_id IF NOT EXISTS FOR (n:Upload) REQUIRE n.ce_id IS UNIQUE;
CREATE INDEX upload_media IF NOT EXISTS FOR (n:Upload) ON (n.media_id);
