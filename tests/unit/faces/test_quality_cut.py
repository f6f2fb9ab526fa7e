"""A real face that the picture's edge cuts: half of it is compared however poor, a mouth alone is not."""

from collections.abc import Iterator

import pytest
from PIL import ImageFilter

from graph.domain.comparison import TOO_POOR_BELOW
from streams.faces.find import FaceFinder, FoundFace
from streams.media.decode import Decoder
from tests.support.factories_pictures import astronaut, encoded

PERSON = astronaut().filter(ImageFilter.GaussianBlur(1))
NOSE = 222, 127
"""Where the tip of the nose is, in pixels."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def seen(finder: FaceFinder, decoder: Decoder, box: tuple[int, int, int, int]) -> FoundFace:
    """The one face in this part (left, top, right, bottom) of the picture."""
    (face,) = finder.find(decoder.decode(encoded(PERSON.crop(box), "PNG"), None), "ab" * 32)
    return face


def test_half_a_face_is_compared_and_the_reason_is_the_edge(finder: FaceFinder, decoder: Decoder) -> None:
    whole = seen(finder, decoder, (0, 0, *PERSON.size))
    half = seen(finder, decoder, (0, 0, NOSE[0], PERSON.height))

    assert whole.quality_because is None
    assert half.quality < TOO_POOR_BELOW
    assert half.quality_because == "The face is hard to compare: the picture's edge cuts it."
    assert half.too_poor_because is None


def test_a_mouth_whose_eyes_are_cut_off_is_not_compared(finder: FaceFinder, decoder: Decoder) -> None:
    mouth = seen(finder, decoder, (0, NOSE[1] - 8, *PERSON.size))

    assert mouth.too_poor_because == "The face is too poor to compare: the picture's edge cuts off both eyes."
