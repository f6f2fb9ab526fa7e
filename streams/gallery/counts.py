"""Counts of the faces and media that a comparison or a search covers, kept so that none has to be visited."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from graph.domain.comparison import InScope

Key = tuple[bool, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Numbers of faces that are compared, faces too poor to compare, and media without a face."""

    compared: int = 0
    too_poor: int = 0
    no_face: int = 0

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(self.compared + other.compared, self.too_poor + other.too_poor, self.no_face + other.no_face)

    def __neg__(self) -> Coverage:
        return Coverage(-self.compared, -self.too_poor, -self.no_face)

    def __sub__(self, other: Coverage) -> Coverage:
        return self + -other


class ScopeCounts:
    """Counts by scope: the register bit and the set of counting cases.

    Few distinct scopes exist, since most media are in one case. So the sum over the scopes of a case is cheap, and
    counts a face that is in two of the cases once.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[Key, Coverage] = defaultdict(Coverage)
        self._registered = self.total = Coverage()
        self._of_case: defaultdict[str, set[Key]] = defaultdict(set)

    def add(self, scope: InScope, counted: Coverage) -> None:
        self._add((scope.register, scope.cases), counted)

    def merge(self, other: ScopeCounts) -> None:
        """Adds other counts, which may be negative."""
        for key, counted in other._counts.items():
            self._add(key, counted)

    def comparable(self, scope: InScope) -> Coverage:
        """What `may_compare` allows with a face of this scope, and its own media."""
        if scope.hidden:
            return Coverage()
        own = self._in_cases(scope.cases, unless_registered=scope.register)
        return own + self._registered if scope.register else own

    def findable(self, asking_case: str, within: str) -> Coverage:
        """What a search by `asking_case` covers; exact while the searched case is open."""
        if within == "register":
            return self._registered + self._in_cases(frozenset({asking_case}), unless_registered=True)
        return self._in_cases(frozenset({within.removeprefix("case:")}), unless_registered=False)

    def _add(self, key: Key, counted: Coverage) -> None:
        is_registered, cases = key
        self._counts[key] += counted
        self.total += counted
        if is_registered:
            self._registered += counted
        for case_id in cases:
            self._of_case[case_id].add(key)

    def _in_cases(self, cases: frozenset[str], *, unless_registered: bool) -> Coverage:
        keys = {key for case_id in cases for key in self._of_case.get(case_id, ())}
        return sum((self._counts[key] for key in keys if not (unless_registered and key[0])), Coverage())
