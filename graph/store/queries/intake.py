"""What came in, what is on its way and what waits, for operators: counts, and nothing about a case or a person."""

from typing import Final

SOURCES: Final = """
MATCH (b:Backlog) WHERE b.source > ''
RETURN b.source AS source, b.events AS events, b.seconds AS seconds, b.at AS at
ORDER BY source
"""

OUTCOMES: Final = """
UNWIND $slots AS slot
UNWIND $outcomes AS outcome
RETURN slot.start AS start, outcome,
       COUNT { MATCH (n:Notice) WHERE n.outcome = outcome AND n.at >= slot.start AND n.at < slot.end } AS events
"""

REASONS: Final = """
MATCH (q:Quarantined) WHERE q.status = 'waiting' AND q.code > ''
RETURN q.code AS code, count(*) AS events
ORDER BY events DESC, code
"""
