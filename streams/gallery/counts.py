"""Counts of the faces that a comparison covers, kept so that none has to be visited."""

from __future__ import annotations

from collections import Counter, defaultdict

from graph.domain.comparison import InScope

Key = tuple[bool, frozenset[str]]


class ScopeCounts:
    """Counts of faces by scope: the register bit and the set of counting cases.

    Few distinct scopes exist, since most media are in one case. So the sum over the scopes of a case is cheap, and
    counts a face that is in two of the cases once.
    """

    def __init__(self) -> None:
        self._counts: Counter[Key] = Counter()
        self._registered = 0
        self.total = 0
        self._of_case: defaultdict[str, set[Key]] = defaultdict(set)

    def add(self, scope: InScope, number: int = 1) -> None:
        key = (scope.register, scope.cases)
        self._counts[key] += number
        self._registered += number if scope.register else 0
        self.total += number
        for case_id in scope.cases:
            self._of_case[case_id].add(key)

    def merge(self, other: ScopeCounts) -> None:
        """Adds other counts, which may be negative."""
        self._counts.update(other._counts)
        self._registered += other._registered
        self.total += other.total
        for case_id, keys in other._of_case.items():
            self._of_case[case_id] |= keys

    def comparable(self, scope: InScope) -> int:
        """Faces that `may_compare` allows with a face of this scope, plus those of its own media."""
        if scope.hidden:
            return 0
        own = self._in_cases(scope.cases, unless_registered=scope.register)
        return own + (self._registered if scope.register else 0)

    def findable(self, asking_case: str, within: str) -> int:
        """Faces that a search by `asking_case` covers; exact while the searched case is open."""
        if within == "register":
            return self._registered + self._in_cases(frozenset({asking_case}), unless_registered=True)
        return self._in_cases(frozenset({within.removeprefix("case:")}), unless_registered=False)

    def _in_cases(self, cases: frozenset[str], *, unless_registered: bool) -> int:
        keys = {key for case_id in cases for key in self._of_case.get(case_id, ())}
        return sum(self._counts[key] for key in keys if not (unless_registered and key[0]))
