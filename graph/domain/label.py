"""Labels of faces: the person's role in the case, which EU law requires to distinguish (LED, Article 6)."""

from enum import StrEnum


class Label(StrEnum):
    VICTIM = "victim"
    POSSIBLE_VICTIM = "possible_victim"
    SUSPECT = "suspect"
    """Compared with nothing and found by no search, as `unrelated`: see `graph.domain.comparison.HIDDEN_LABELS`."""
    WITNESS = "witness"
    UNRELATED = "unrelated"
    NO_FACE = "no_face"
    """The detector took something else for a face; compared with nothing and found by no search."""


FACES_AT_ONCE = 100
"""Most faces that one act labels: about a contact sheet."""
