"""A system on a disk of its own, with everybody who wants something of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from tests.support.faults.disk import Disk
from tests.support.faults.load import Load
from tests.support.faults.pictures import Pictures
from tests.support.faults.reconcile import Found, by_product, settled
from tests.support.faults.system import System
from tests.support.faults.truth import Truth


@dataclass
class Site:
    """`disk` is None where the data lie in a plain folder."""

    folder: Path
    disk: Disk | None
    system: System
    load: Load
    truth: Truth
    clean: bool = False
    """Nothing differed at the last look: another test may go on with it."""

    @classmethod
    def made(cls, folder: Path, disk: Disk | None, rng: random.Random, *, embed: int = 1) -> Site:
        """Everything but a running system; what is outside it lies in `folder`, not on the disk."""
        data = (disk.folder if disk is not None else folder) / "data"
        system, truth = System(data, folder / "media", folder / "up.log", embed=embed), Truth()
        return cls(folder, disk, system, Load(system, truth, Pictures(folder / "samples", rng), rng), truth)

    def repaired(self) -> bool:
        """Whether `redthread restore` was needed, as `redthread status --reconcile` said; it has run then."""
        if not by_product(self.system):
            return False
        code, said = self.system.run("restore", "--by", "tests")
        if code:
            self.truth.complaints.append(f"`restore` ended with {code}: {said[-500:]}")
        return True

    def reconciled(self) -> Found:
        """What differs in the end, by this test's own look and by the product's."""
        found = settled(self.system, self.truth)
        if told := by_product(self.system):
            found.differences["redthread status --reconcile"] = [told]
        self.clean = not found.differences
        return found

    def close(self) -> None:
        """Nothing of it runs any more; the disk is gone. One in which nothing differs ends in an orderly way."""
        self.load.halt()
        try:
            if self.clean:
                self.system.down()
        finally:
            self.system.kill()
            if self.disk is not None:
                self.disk.delete()
