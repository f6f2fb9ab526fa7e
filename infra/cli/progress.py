"""Progress bars for people, on standard error; a line now and then where that is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.cli.common import announce, progress

LINE_EVERY_S = 10.0


@contextmanager
def bars(total: int, *names: str) -> Generator[Callable[..., None]]:
    """A function that moves the bars of these names to the numbers it is given."""
    if not progress.is_terminal:
        with _lines(total, names) as move:
            yield move
        return
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress) as shown:
        tasks = [shown.add_task(name, total=total) for name in names]

        def move_bars(*done: int) -> None:
            for task, number in zip(tasks, done, strict=True):
                shown.update(task, completed=number)

        yield move_bars


@contextmanager
def _lines(total: int, names: Sequence[str]) -> Generator[Callable[..., None]]:
    last = [0] * len(names)
    told = time.monotonic()

    def tell() -> None:
        announce(", ".join(f"{name} {done} of {total}" for name, done in zip(names, last, strict=True)))

    def move(*done: int) -> None:
        nonlocal told
        last[:] = done
        if time.monotonic() - told > LINE_EVERY_S:
            told = time.monotonic()
            tell()

    yield move
    tell()
