"""The statements of events about a media `m`, as a part of other statements.

`graph.domain.capture_time.Dates.of` and `graph.domain.case_view.media_statements` read them.
"""

from typing import Final

DATES: Final = """
{file: m.captured_at,
 cases: COLLECT { MATCH (m)-[told:IN_CASE]->(where:Case)
                  RETURN {at: told.captured_at, submitted_at: told.captured_told, district: where.district,
                          ai_generated: told.ai_generated, ai_generated_told: told.ai_generated_told} }}
"""
