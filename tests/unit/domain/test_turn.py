"""Earlier releases stored a turned picture with a note behind its last byte: it is still read."""

import pytest

from graph.domain.box import noted_turn


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_the_note_of_an_earlier_release_is_read(degrees: int) -> None:
    assert noted_turn(b"picture\nredthread turned %03d\n" % degrees) == degrees


NO_NOTES = [b"", b"redthread turned 090", b"\nredthread turned 045\n", b"\nredthread turned 090\nx"]


@pytest.mark.parametrize("data", NO_NOTES)
def test_bytes_without_a_note_are_not_turned(data: bytes) -> None:
    assert noted_turn(data) == 0
