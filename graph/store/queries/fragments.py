"""Parts of other statements."""

from typing import Final, LiteralString

DATES: Final = """
{file: m.captured_at,
 cases: COLLECT { MATCH (m)-[told:IN_CASE]->(where:Case)
                  RETURN {at: told.captured_at, submitted_at: told.captured_told, district: where.district,
                          ai_generated: told.ai_generated, ai_generated_told: told.ai_generated_told} }}
"""
"""The statements of events about a media `m`: for `capture_time.Dates.of` and `case_view.media_statements`."""

WHOLE_ACTS: Final = """WITH v, act ORDER BY v.version
    RETURN v {.verdict_id, .decision, .reasons, .text, .supersedes, .undoes, .blind,
              by: act.by, role: act.role, district: act.district, at: act.at}"""
"""The verdicts `v` on a link with the `act` that wrote each, oldest first: for `visibility.visible_history`."""


def in_one_row(statement: LiteralString, columns: LiteralString) -> LiteralString:
    """The statement with its rows as one list `rows` in any order, for `Tx.listed`; `columns` are split at spaces.

    Many rows cost more in transfer than in the database.
    If the order matters, the statement itself must collect its sorted rows.
    """
    fields = ", ".join(f"{column}: {column}" for column in columns.split())
    return "CALL () {\n" + statement + "}\nRETURN collect({" + fields + "}) AS rows\n"
