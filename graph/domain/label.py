"""Whom a face shows in the case, as a person says it: kinds of persons are kept apart (LED, Article 6)."""

from __future__ import annotations

from enum import StrEnum


class Label(StrEnum):
    VICTIM = "victim"
    POSSIBLE_VICTIM = "possible_victim"
    SUSPECT = "suspect"
    """Compared with nothing and found by no search, as `unrelated`: see `graph.domain.comparison.HIDDEN_LABELS`."""
    WITNESS = "witness"
    UNRELATED = "unrelated"


FACES_AT_ONCE = 100
"""Faces that one act may label: a contact sheet, not a register."""
