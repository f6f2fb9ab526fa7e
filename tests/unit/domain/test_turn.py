"""A picture that a person turns is the same bytes with a note, which whoever decodes it obeys."""

from __future__ import annotations

import pytest

from graph.domain.errors import Invalid
from graph.domain.turn import TURNS, turn_of, turned


@pytest.mark.parametrize("first", TURNS)
@pytest.mark.parametrize("second", TURNS)
def test_turns_add_up_and_a_full_circle_is_the_picture_itself(first: int, second: int) -> None:
    once = turned(b"picture", first)
    twice = turned(once, second)

    assert turn_of(once) == first
    assert turn_of(twice) == (first + second) % 360
    assert twice == turned(b"picture", (first + second) % 360)
    assert (twice == b"picture") == ((first + second) % 360 == 0)


def test_another_angle_is_refused() -> None:
    with pytest.raises(Invalid):
        turned(b"picture", 45)


NO_NOTES = [b"", b"redthread turned 090", b"\nredthread turned 045\n", b"\nredthread turned 090\nx"]


@pytest.mark.parametrize("data", NO_NOTES)
def test_bytes_without_a_note_are_not_turned(data: bytes) -> None:
    assert turn_of(data) == 0
