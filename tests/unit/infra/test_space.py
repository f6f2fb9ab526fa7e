"""Free space on a small disk: what is said, what is held back, and the reserve that is given up and made anew."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph import space as module
from graph.domain.errors import NoSpace
from graph.space import MIB, Space
from infra.local import space as watching
from infra.local.space import RESERVE, SpaceWatch
from tests.support.mounts import fill, tmpfs


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty disk of 64 MiB; 8 are too little, and 2 are the reserve."""
    monkeypatch.setattr(module, "CHECK_EVERY_S", 0.0)
    monkeypatch.setattr(watching, "CHECK_EVERY_S", 0.01)
    with tmpfs(tmp_path / "disk", "64m") as folder:
        yield folder


def take(disk: Path, mib: int) -> None:
    with (disk / "taken").open("ab") as file:
        os.posix_fallocate(file.fileno(), (disk / "taken").stat().st_size, mib * MIB)


def test_too_little_is_named_and_ends_only_where_there_is_clearly_enough(disk: Path) -> None:
    space = Space.of(disk, (disk / "store").as_uri())
    space.check()
    take(disk, 57)
    assert str(space.shortage()) == f"7 MiB free in {disk}, 10 are needed"
    with pytest.raises(NoSpace):
        space.check()
    os.truncate(disk / "taken", 55 * MIB)
    assert space.shortage() is not None
    os.truncate(disk / "taken", 53 * MIB)
    assert space.shortage() is None


def test_a_mark_of_ones_own_counts_and_a_folder_that_is_absent_does_not(disk: Path) -> None:
    assert Space([disk, disk / "absent"], 10).shortage() is None
    assert Space([disk / "absent", disk], 100).shortage() is not None


def test_producers_are_held_back_while_space_is_low_and_the_reserve_is_given_up_at_last(disk: Path) -> None:
    said: list[str] = []
    limits: list[bool] = []
    refusals = [ConnectionError("Kafka is away"), ConnectionError("Kafka is away")]

    async def limit(limited: bool) -> None:
        if limited and refusals:
            raise refusals.pop()
        limits.append(limited)

    async def until_said(words: str) -> None:
        async with asyncio.timeout(30):
            while not any(words in line for line in said):  # noqa: ASYNC110 - the watch runs beside
                await asyncio.sleep(0.01)

    async def story() -> None:
        watch = asyncio.create_task(SpaceWatch(Space([disk]), disk, said.append, limit).run())
        async with asyncio.timeout(30):
            while not (disk / RESERVE).exists() or limits != [False]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (disk / RESERVE).stat().st_size == 2 * MIB
        # Low: others are held back, as soon as Kafka answers
        take(disk, 55)
        await until_said("too little free space")
        async with asyncio.timeout(30):
            while limits[-1:] != [True]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (disk / RESERVE).exists()
        # Full: the reserve is there for what is under way
        other = fill(disk)
        await until_said("the reserve of 2 MiB")
        assert not (disk / RESERVE).exists()
        # Space again: everything goes on, and the reserve is made anew
        other.unlink()
        (disk / "taken").unlink()
        await until_said("enough free space again")
        async with asyncio.timeout(30):
            while limits != [False, True, False] or not (disk / RESERVE).exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        watch.cancel()

    asyncio.run(story())
    assert sum("Kafka's limit" in line for line in said) == 1
