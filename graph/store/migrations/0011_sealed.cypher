MATCH (v:Verdict) WHERE v.opened IS NULL
CALL (v) {
  MATCH (v)<-[:WROTE]-(act:Act)
  SET v.opened = true,
      v.blind = NOT EXISTS {
        MATCH (e:Verdict {link_id: v.link_id})<-[:WROTE]-(earlier:Act)
        WHERE e.version < v.version AND (toLower(earlier.by) = toLower(act.by) OR e.decision = 'approved')
      }
} IN TRANSACTIONS OF 1000 ROWS;
