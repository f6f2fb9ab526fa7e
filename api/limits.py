"""How long what callers send may be: every text that is looked up, or that the audit keeps, has its limit here."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path

ID_MAX: Final = 100
"""Characters of an id that this service made: a digest of 64, or less; of a quarantined event a little more."""
CASE_ID_MAX: Final = 200
"""Of a case's id, with the `case:` before it where a case is searched."""
VICTIM_ID_MAX: Final = 300
"""Of a victim's id, which is its case system's."""
VERSION_MAX: Final = 2**53

Id = Annotated[str, Path(max_length=ID_MAX)]
CaseId = Annotated[str, Path(max_length=CASE_ID_MAX)]
VictimId = Annotated[str, Path(max_length=VICTIM_ID_MAX)]
