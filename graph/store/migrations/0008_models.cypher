MATCH (e:Embedding) WITH e.model_id AS model_id, count(*) AS faces ORDER BY faces DESC LIMIT 1
MATCH (c:Cursor {log: 'redthread.gallery.v1'}) WHERE c.model_id IS NULL
SET c.model_id = model_id;
