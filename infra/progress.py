"""Progress bars for people, on standard error; a line now and then where that is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.commands.common import announce, progress

LINE_EVERY_S = 10.0


@contextmanager
def two_bars(total: int, first: str, second: str) -> Generator[Callable[[int, int], None]]:
    """A function that moves both bars to the numbers it is given."""
    if not progress.is_terminal:
        with _lines(total, first, second) as move:
            yield move
        return
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress) as bars:
        tasks = [bars.add_task(name, total=total) for name in (first, second)]

        def move_bars(*done: int) -> None:
            for task, number in zip(tasks, done, strict=True):
                bars.update(task, completed=number)

        yield move_bars


@contextmanager
def _lines(total: int, first: str, second: str) -> Generator[Callable[[int, int], None]]:
    last: list[int] = [0, 0]
    told = time.monotonic()

    def tell() -> None:
        announce(f"{first} {last[0]} of {total}, {second} {last[1]} of {total}")

    def move(*done: int) -> None:
        nonlocal told
        last[:] = done
        if time.monotonic() - told > LINE_EVERY_S:
            told = time.monotonic()
            tell()

    yield move
    tell()
