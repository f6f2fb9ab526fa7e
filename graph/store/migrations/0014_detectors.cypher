CREATE INDEX media_detector IF NOT EXISTS FOR (m:Media) ON (m.detector_id);
