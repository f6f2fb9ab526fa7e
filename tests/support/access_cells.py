"""Asks every cell of an access table and holds the answers to its rules; for the API's table and that of the pages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import httpx
import pytest

from graph.domain.people import Person
from tests.support.access_table import PEOPLE, THINGS, WEST, Names
from tests.support.factories import Scene


class AccessRow(Protocol):
    """A row: its route, the thing that it asks for, and one status a person in the order of PEOPLE."""

    @property
    def route(self) -> str: ...
    @property
    def thing(self) -> str: ...
    @property
    def cells(self) -> str: ...


R = TypeVar("R", bound=AccessRow)


async def check_cells(
    rows: Sequence[R],
    scene: Scene,
    subtests: pytest.Subtests,
    *,
    ask: Callable[[R, Names, str], Awaitable[httpx.Response]],
    told: Callable[[httpx.Response, Names], tuple[Any, ...]],
    rules: Callable[[R, Person | None, httpx.Response], None],
) -> None:
    """Each person's answer has the status of their cell, keeps the rules, and tells of what they may not see what it
    tells (`told`, the status first) of what does not exist: a row whose thing is `missing...`.

    A thing is made anew after each answer that may have changed it.
    """
    await scene.case(WEST, "west", "duty desk west")
    nowhere: dict[str, list[tuple[Any, ...]]] = {called: [] for called in PEOPLE}
    for row in (row for row in rows if row.thing.startswith("missing")):
        made = await THINGS[row.thing](scene)
        for called, answers in nowhere.items():
            answers.append(told(await ask(row, made, called), made))
    for row in rows:
        made = await THINGS[row.thing](scene)
        for (called, person), status in zip(PEOPLE.items(), row.cells.split(), strict=True):
            answer = await ask(row, made, called)
            with subtests.test(row=str(row), person=called):
                assert answer.status_code == int(status), answer.text[-2000:]
                rules(row, person, answer)
                if answer.status_code in (403, 404):
                    alike = [one for one in nowhere[called] if one[0] == answer.status_code]
                    assert not alike or told(answer, made) in alike
            if not answer.is_error and not row.route.startswith("GET"):
                made = await THINGS[row.thing](scene)


def filled(what: Any, names: Names) -> Any:
    """`what` with its `{names}` filled in."""
    match what:
        case str():
            return what.format(**names)
        case Mapping():
            return {key: filled(value, names) for key, value in what.items()}
        case list():
            return [filled(value, names) for value in what]
        case _:
            return what
