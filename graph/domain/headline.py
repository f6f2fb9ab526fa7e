"""The answer to a search in one sentence that claims no more than was compared. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

COMPARED_NOTHING = {
    "no_face": "no face was found in the picture: nothing was compared",
    "quarantined": "the picture could not be processed: nothing was compared",
}


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """The number of victims among the similar faces of an answer, and of faces or groups without a victim (`unknown`).

    `weak` counts the faces below the threshold, `coming` the events still to be compared.
    """

    identified: int = 0
    unidentified: int = 0
    unknown: int = 0
    weak: int = 0
    coming: int = 0


def headline(status: str, found: AnswerCounts, compared: int, not_judged: int) -> str:
    """The sentence. *Nothing similar* refers to the compared media only, and is followed by the number not judged."""
    if status == "asked":
        return "still waiting for the answer"
    if status in COMPARED_NOTHING:
        return COMPARED_NOTHING[status]
    numbers = f"in {compared} compared, {not_judged} could not be judged"
    leads = list(
        filter(
            None,
            (
                _several(found.identified, "an identified victim", "identified victims"),
                _several(found.unidentified, "an unidentified victim", "unidentified victims"),
                _several(found.unknown, "an unknown face", "unknown faces"),
            ),
        )
    )
    if status == "too_poor" and not compared:
        return "the face is too poor to compare: nothing was compared"
    if status == "too_poor":
        nearest = "the nearest are listed as leads only" if found.weak else "nothing resembles it, which says little"
        sentence = f"the face is too poor to compare: {nearest}, {numbers}"
    elif leads:
        sentence = f"leads to {_listed(leads)} {numbers}; similar is not the same person"
    elif found.weak:
        sentence = f"nothing similar {numbers}; the nearest are listed"
    else:
        sentence = f"nothing similar {numbers}"
    return f"{sentence}; {found.coming} still to come" if found.coming else sentence


def _several(number: int, one: str, more: str) -> str:
    return "" if not number else one if number == 1 else f"{number} {more}"


def _listed(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
