"""What is no legal picture is refused with a reason; what kills or hangs the decoder harms nobody else."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from graph.domain.errors import Unprocessable
from streams.media.decode import Decoder
from tests.support.decoders import decoding_processes
from tests.support.factories_pictures import encoded, quarters


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def refusal(decoder: Decoder, data: bytes, declared: str | None = None) -> Unprocessable:
    with pytest.raises(Unprocessable) as caught:
        decoder.decode(data, declared)
    return caught.value


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header promises that many pixels, a few bytes long."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        os.urandom(5000),
    ],
)
def test_what_is_no_picture_of_an_accepted_kind_is_refused(decoder: Decoder, data: bytes) -> None:
    found = refusal(decoder, data)

    assert found.code == "not_an_image"
    assert "convert it" in found.message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "JPEG2000", "GIF"])
def test_a_file_cut_in_its_head_is_a_damaged_picture(decoder: Decoder, kind: str) -> None:
    data = encoded(quarters(640, 480), kind)

    assert refusal(decoder, data[:30]).code in ("truncated", "damaged")


def test_thirty_thousand_pixels_square_are_refused_before_decoding() -> None:
    """With too little memory to decode them: who tried would die."""
    tight = Decoder(memory_bytes=160 * 1024 * 1024)

    found = refusal(tight, huge_png(30_000, 30_000))

    tight.close()
    assert found.code == "too_many_pixels"
    assert "178 million" in found.message


def test_the_limit_on_pixels_counts_whatever_the_file_weighs(decoder: Decoder) -> None:
    strict = Decoder(max_pixels=64 * 48)
    assert strict.decode(encoded(quarters(), "PNG"), None).width == 64
    assert refusal(strict, encoded(quarters(66, 48), "PNG")).code == "too_many_pixels"
    strict.close()


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41",
        b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ",
        b"\x00\x00\x00\x18ftyp3gp5\x00\x00\x01\x00",
        b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat",
        b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
        b"RIFF\x00\x10\x00\x00AVI LIST",
        b"\x00\x00\x01\xba!\x00\x01",
        b"\x00\x00\x01\xb3\x14\x00\xf0",
        b"FLV\x01\x05\x00\x00",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9",
        (b"\x47" + b"\x00" * 187) * 3,
    ],
)
def test_a_video_is_not_supported_yet_and_says_so(decoder: Decoder, data: bytes) -> None:
    found = refusal(decoder, data)

    assert found.code == "video_not_supported_yet"
    assert "video: not supported yet" in found.message


def test_unknown_bytes_declared_as_a_video_are_one(decoder: Decoder) -> None:
    assert refusal(decoder, b"some codec of some camera", "video/x-unknown").code == "video_not_supported_yet"


def test_a_decoder_that_is_killed_between_pictures_is_replaced(decoder: Decoder) -> None:
    decoder.decode(encoded(quarters(), "PNG"), None)
    for child in decoding_processes():
        child.kill()

    assert decoder.decode(encoded(quarters(), "PNG"), None).width == 64


def test_a_picture_on_which_the_decoder_dies_twice_is_refused_and_the_next_one_is_read() -> None:
    """Too little memory for this picture, enough for the next."""
    tight = Decoder(memory_bytes=160 * 1024 * 1024)
    try:
        found = refusal(tight, encoded(quarters(7_000, 7_000), "PNG"))
        assert found.code == "decoder_died"
        assert tight.decode(encoded(quarters(), "PNG"), None).width == 64
    finally:
        tight.close()


def test_a_decoder_that_hangs_is_ended_in_time_and_the_next_picture_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = encoded(quarters(), "PNG")
    others = decoding_processes()
    decoder = Decoder(timeout_s=1)
    stop = threading.Event()

    def freeze() -> None:
        while not stop.is_set():
            for child in set(decoding_processes()) - set(others):
                with suppress(psutil.NoSuchProcess):
                    child.suspend()
            time.sleep(0.002)

    freezing = threading.Thread(target=freeze)
    freezing.start()
    try:
        found = refusal(decoder, picture)
    finally:
        stop.set()
        freezing.join()

    assert found.code == "decoder_timeout"
    monkeypatch.setattr(decoder, "_timeout_s", 60)  # a busy machine needs more than a second for a new process
    assert decoder.decode(picture, None).width == 64
    decoder.close()


def test_many_threads_may_share_a_decoder(decoder: Decoder) -> None:
    sizes = [(16 * n, 16) for n in range(1, 13)]
    files = [encoded(quarters(*size), "PNG") for size in sizes]
    found: list[tuple[int, int]] = [(0, 0)] * len(sizes)

    def work(index: int) -> None:
        for _ in range(5):
            picture = decoder.decode(files[index], None)
            found[index] = (picture.width, picture.height)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(sizes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == sizes


def test_the_decoding_process_sees_no_environment_of_ours(decoder: Decoder) -> None:
    decoder.decode(encoded(quarters(), "PNG"), None)

    assert [set(child.environ()) - {"LC_CTYPE"} for child in decoding_processes()] == [{"OPENBLAS_NUM_THREADS"}]


def test_the_decoding_process_ends_when_its_parent_is_killed() -> None:
    program = (
        "import sys, time; sys.path.insert(0, '.')\n"
        "from streams.media.decode import Decoder\n"
        "from tests.support.factories_pictures import encoded, quarters\n"
        "decoder = Decoder(); decoder.decode(encoded(quarters(), 'PNG'), None)\n"
        "print('ready', flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    (child,) = decoding_processes(parent.pid)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert psutil.wait_procs([child], timeout=240)[1] == []
