"""The quarantine as operators see it: facts about events, never their bytes."""

from typing import Final

PAGE: Final = """
MATCH (q:Quarantined) WHERE q.status = $status
  AND (q.submitted_at > $submitted_at OR (q.submitted_at = $submitted_at AND q.quarantine_id > $quarantine_id))
RETURN q {.quarantine_id, .event, .topic, .partition, .offset, .stage, .code, .reason, .source, .attempts, .status,
          .submitted_at} AS q
ORDER BY q.submitted_at, q.quarantine_id LIMIT $limit
"""
