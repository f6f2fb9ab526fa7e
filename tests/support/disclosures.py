"""What answers disclose on purpose although it is derived from data that the reader may not see."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A fact that an answer may depend on although the reader may not see what it is derived from, and the reason."""

    fact: str
    reason: str


DISCLOSURES: Final = (
    Disclosure(
        "a candidate leads to another district: to which, its duty contact, its crop, how good that picture is",
        "a person has to compare the two faces, and to call somebody who knows the other case",
    ),
    Disclosure(
        "a candidate waits no longer: decided, settled, claimed, labelled, erased elsewhere; or again: a face came",
        "nobody is asked what is answered already, unless there is something new to look at",
    ),
    Disclosure(
        "how urgent a candidate is, and how old, by both of its pictures",
        "what is urgent comes first, whichever district says so",
    ),
    Disclosure(
        "a picture lies in other districts too: in which, its faces, their labels, and whom they are said to show",
        "it is one picture: whoever has it must not judge it as if nothing were known of it",
    ),
    Disclosure(
        "which faces behind a person's own candidates are held to be one person elsewhere: they come as one item",
        "a victim with 500 pictures asks one decision, not 500",
    ),
    Disclosure(
        "a decision contradicts what another district holds: which district, through which of one's own links",
        "two people must not become one, and whoever meets it has to know whom to call",
    ),
    Disclosure(
        "an act that was taken back stands in part in another district",
        "whoever undoes must know that it is not undone everywhere",
    ),
    Disclosure(
        "so many years lie between two pictures: as a band, where only another district knows when one was taken",
        "a child's face changes: whoever compares has to know how much the comparison can do",
    ),
    Disclosure(
        "how many faces of other cases are as similar to one's own as those that are proposed, and which ones",
        "nobody who may be the child is left out in silence; they are listed by id, an order that tells no score",
    ),
    Disclosure(
        "how many faces a search or comparison covered, and the ranks of what it found",
        "an answer says what it rests on; a rank is no score",
    ),
)
"""The complete list: two graphs that agree in it and in what a viewer may see give that viewer the same answers."""
