CREATE INDEX withheld_topic IF NOT EXISTS FOR (n:Withheld) ON (n.topic);
