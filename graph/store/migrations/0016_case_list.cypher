CREATE INDEX case_district IF NOT EXISTS FOR (n:Case) ON (n.district, n.case_id);
