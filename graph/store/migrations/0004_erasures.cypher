CREATE CONSTRAINT erasure_request_id IF NOT EXISTS FOR (n:ErasureRequest) REQUIRE n.erasure_id IS UNIQUE;
CREATE CONSTRAINT hidden_membership_id IF NOT EXISTS FOR ()-[r:HIDDEN_IN_CASE]-() REQUIRE r.membership_id IS UNIQUE;
