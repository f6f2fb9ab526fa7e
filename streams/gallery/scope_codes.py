"""Numbers for scopes, so that the scopes of many faces are one array."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from graph.domain.comparison import InScope
from streams.gallery.columns import grown


class ScopeCodes:
    """Numbers for scopes: the register bit and the set of counting cases. Few distinct ones exist."""

    def __init__(self) -> None:
        self._scopes: list[InScope] = []
        self.register = np.zeros(0, np.bool_)
        self._codes: dict[tuple[bool, frozenset[str]], int] = {}
        self._touching: defaultdict[str, list[int]] = defaultdict(list)

    def __getitem__(self, code: int) -> InScope:
        return self._scopes[code]

    def code(self, scope: InScope) -> int:
        """The number of a media's scope, a new one if it has none."""
        key = scope.register, scope.cases
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._scopes)
            self._scopes.append(InScope("", scope.register, scope.cases))
            self.register = grown(self.register, code + 1)
            self.register[code] = scope.register
            for case_id in scope.cases:
                self._touching[case_id].append(code)
        return code

    def counted_in(self, cases: Iterable[str]) -> NDArray[np.bool_]:
        """For each code, whether its faces count against the caps of one of the cases: see `similar`."""
        found = np.zeros(len(self._scopes), np.bool_)
        for case_id in cases:
            found[[code for code in self._touching.get(case_id, []) if min(self._scopes[code].cases) == case_id]] = True
        return found

    def touching(self, cases: Iterable[str]) -> NDArray[np.bool_]:
        """For each code, whether it has a counting membership in one of the cases."""
        found = np.zeros(len(self._scopes), np.bool_)
        for case_id in cases:
            found[self._touching.get(case_id, [])] = True
        return found
