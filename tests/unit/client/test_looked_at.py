"""What was looked at of a file is said where it is not everything."""

from typing import Any

import pytest

from streams.client.outcome import looked_at


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        ({}, ""),
        ({"frames": 3, "frames_examined": 3}, ""),
        ({"frames": 40, "frames_examined": 3}, "looked at 3 of 40 pages"),
        ({"partial_percent": 70}, "partial: about 70 % of the picture"),
        (
            {"frames": 2, "frames_examined": 1, "partial_percent": 5},
            "looked at 1 of 2 pages, partial: about 5 % of the picture",
        ),
        ({"frames": 2, "partial_percent": None}, ""),
    ],
)
def test_a_part_is_named(notice: dict[str, Any], said: str) -> None:
    assert looked_at(notice) == said
