"""What commands show people on standard error: lines and progress bars. Standard output is for results only."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_EVERY_S = 10.0
"""Seconds between two lines of progress where standard error is no terminal."""

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
results = Console(highlight=False, soft_wrap=True, emoji=False)
"""Standard output, for what a command was asked for. A file name with `:name:` in it is shown as it is."""


def announce(line: str) -> None:
    """Prints a line for people."""
    console.print(line, markup=False)


@contextmanager
def bars(total: int, *names: str) -> Generator[Callable[..., None]]:
    """A function that sets these progress bars to the numbers it is given; without a terminal they are lines."""
    if not console.is_terminal:
        with _lines(total, names) as update:
            yield update
        return
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as shown:
        tasks = [shown.add_task(name, total=total) for name in names]

        def update_bars(*done: int) -> None:
            for task, number in zip(tasks, done, strict=True):
                shown.update(task, completed=number)

        yield update_bars


@contextmanager
def _lines(total: int, names: Sequence[str]) -> Generator[Callable[..., None]]:
    latest = [0] * len(names)
    printed_at = time.monotonic()

    def print_line() -> None:
        announce(", ".join(f"{name} {done} of {total}" for name, done in zip(names, latest, strict=True)))

    def update(*done: int) -> None:
        nonlocal printed_at
        latest[:] = done
        if time.monotonic() - printed_at > LINE_EVERY_S:
            printed_at = time.monotonic()
            print_line()

    yield update
    print_line()
