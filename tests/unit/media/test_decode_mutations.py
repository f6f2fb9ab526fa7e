"""Whatever is done to a picture, it is decoded or refused; `bench fuzz-decoder` does the same for as long as wanted."""

import random

import pytest

from graph.domain.errors import Unprocessable
from streams.media.decode import Decoder
from tests.bench.fuzz_decoder import mutated, seeds

_KNOWN = {
    *("not_an_image", "truncated", "damaged", "unsupported", "too_many_pixels", "video_not_supported_yet"),
    *("decoder_died", "decoder_timeout"),
}


def test_every_seed_is_decoded_whole() -> None:
    decoder = Decoder()
    try:
        for name, data in seeds().items():
            assert decoder.decode(data, None).partial_percent is None, name
    finally:
        decoder.close()


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_picture_is_decoded_or_refused_with_a_known_code(seed: int) -> None:
    chance, decoder = random.Random(seed), Decoder(timeout_s=5)
    whole = [data for name, data in seeds().items() if name != "JPEG-LS"]  # whose parser may take all its time
    try:
        for _ in range(60):
            try:
                for picture in decoder.pages(mutated(chance, whole), None).pictures:
                    assert picture.bgr.shape == (picture.height, picture.width, 3)
            except Unprocessable as refusal:
                assert refusal.code in _KNOWN
    finally:
        decoder.close()
