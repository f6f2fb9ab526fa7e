"""How often two people agreed on the pairs of one district, and how often pairs were judged the same person. Pure.

A figure is about a district and never about a person: it is withheld where it counts fewer than SHOWN_FROM decisions,
or the first decisions of fewer than PEOPLE_MIN people, because it would say who they are.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, Self

from graph.domain.calibration import BAND_WORDS
from graph.domain.link import REOPENED, Decision, SecondDecision

SHOWN_FROM: Final = 10
PEOPLE_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts alike in all that is counted: `answer` is the act that answered them, `people` are who made them."""

    month: str
    band: str
    decision: str
    answer: str | None
    by_another: bool
    number: int
    people: Collection[str]

    @property
    def taken_back(self) -> bool:
        """By who made it: no decision that stands, and no disagreement."""
        return self.answer == REOPENED and not self.by_another

    @property
    def by_two(self) -> bool:
        """Whether a second person approved or returned it, or took it back."""
        return self.by_another and self.answer in (SecondDecision.APPROVED, SecondDecision.RETURNED, REOPENED)


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole` decisions."""

    part: int
    whole: int

    @classmethod
    def of(cls, verdicts: Iterable[Verdicts], wanted: Callable[[Verdicts], bool]) -> Self | None:
        """The share of the verdicts that are `wanted`; None where the figure would point at a person."""
        counted = list(verdicts)
        whole = sum(item.number for item in counted)
        if whole < SHOWN_FROM or len({name for item in counted for name in item.people}) < PEOPLE_MIN:
            return None
        return cls(sum(item.number for item in counted if wanted(item)), whole)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the pairs called so (a band of the score, or a month): those judged the same person, and of those on which a
    second person decided, those on which the two agreed; None where a figure is withheld."""

    name: str
    same: Share | None
    agreed: Share | None

    @classmethod
    def of(cls, name: str, verdicts: Iterable[Verdicts]) -> Self:
        standing = [item for item in verdicts if not item.taken_back]
        return cls(
            name,
            Share.of(standing, lambda item: item.decision == Decision.CONFIRMED),
            Share.of((item for item in standing if item.by_two), lambda item: item.answer == SecondDecision.APPROVED),
        )


def by_band(verdicts: Iterable[Verdicts]) -> tuple[Agreement, ...]:
    """One for each band of the score, the weakest first; pairs without a score are in none."""
    found = list(verdicts)
    return tuple(Agreement.of(band, [item for item in found if item.band == band]) for band in BAND_WORDS)


def by_month(verdicts: Iterable[Verdicts], months: Iterable[str]) -> tuple[Agreement, ...]:
    """One for each of these months, written `2026-11`."""
    found = list(verdicts)
    return tuple(Agreement.of(month, [item for item in found if item.month == month]) for month in months)
