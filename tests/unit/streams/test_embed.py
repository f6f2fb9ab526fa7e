"""A folder or a host that is away closes nothing but itself."""

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from graph.domain.errors import RedthreadError, SourceUnreachable
from graph.domain.ids import face_id
from graph.files import MediaStore
from streams.embed.step import EmbedStep
from streams.media.circuit import Circuits
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.records.gallery import MediaEmbedded, MediaReexamined
from streams.records.incoming import CE_MEDIA, CE_PROBE, CE_REEXAMINATION
from streams.records.message import Message

TOPIC = "redthread.media.submitted.local.v1"
HEADERS = [("ce_id", b"1"), ("ce_source", b"/local"), ("ce_specversion", b"1.0"), ("ce_type", CE_MEDIA.encode())]


class Decoded(Exception):
    """The bytes were fetched."""


class NoDecoder:
    def pages(self, *_: object) -> None:
        raise Decoded


def embed_step(fetcher: Fetcher, store: MediaStore, *, decoder: Any, finder: Any, circuits: Any = None) -> EmbedStep:
    return EmbedStep(
        fetcher=fetcher,
        store=store,
        decoder=decoder,
        finder=finder,
        circuits=circuits or Circuits(patience=0, backoff=60),
        model_id="m",
        detector_id="d",
        sources={"local": ["north"]},
    )


def event(url: str) -> Message:
    told = {"case_id": "local:1", "district": "north", "url": url, "purpose": "p", "legal_basis": "l", "scope": "none"}
    return Message(TOPIC, 0, 0, b"key", json.dumps(told).encode(), HEADERS, 1000)


def test_each_allowed_folder_has_a_circuit_of_its_own(tmp_path: Path) -> None:
    """One circuit for all files: a share that was not mounted sent the events of every other one to quarantine."""
    mounted, away = tmp_path / "mounted", tmp_path / "away"
    inside = mounted / "inside"
    inside.mkdir(parents=True)
    for folder in (mounted, inside):
        (folder / "a.jpg").write_bytes(b"a picture")
    store = MediaStore((tmp_path / "store").as_uri())
    fetcher = Fetcher([f"{folder.as_uri()}/" for folder in (mounted, inside, away)], store)
    clock = [0.0]
    circuits = Circuits(patience=0, backoff=60, clock=lambda: clock[0])
    none: Any = NoDecoder()
    step = embed_step(fetcher, store, decoder=none, finder=none, circuits=circuits)

    def outcome(url: str) -> str:
        try:
            step.media_record(event(url), "local")
        except Decoded:
            return "fetched"
        except SourceUnreachable as silent:
            circuits.failed(silent.host)
            return silent.host
        except RedthreadError as reason:
            return reason.code
        raise AssertionError("nothing is decoded here")

    gone = f"{away.as_uri()}/a.jpg"
    assert outcome(gone) == "folder 2"
    away.mkdir()
    (away / "a.jpg").write_bytes(b"a picture")
    # The circuit is open: the folder is not asked again before its time, the others are.
    assert outcome(gone) == "folder 2"
    assert [outcome(f"{folder.as_uri()}/a.jpg") for folder in (mounted, inside)] == ["fetched", "fetched"]
    clock[0] = 61.0
    assert [outcome(gone), outcome(gone)] == ["fetched", "fetched"]


def test_the_server_of_a_url_is_its_host_or_the_innermost_allowed_folder(tmp_path: Path) -> None:
    roots = ["file:///data/", "file:///data/north/", "https://media.example/"]
    fetcher = Fetcher(roots, MediaStore((tmp_path / "store").as_uri()))

    assert fetcher.server_of("file:///data/a.jpg") == "folder 0"
    assert fetcher.server_of("file:///data/north/a.jpg") == "folder 1"
    assert fetcher.server_of("https://user:secret@media.example/a.jpg") == "media.example"
    assert fetcher.server_of("file:///elsewhere/a.jpg") is None
    assert fetcher.server_of("redthread-upload:" + "0" * 64) is None


class NoFaces:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def find(self, _: object, media_id: str, turn: int = 0) -> list[object]:
        self.asked.append((media_id, turn))
        return []


@pytest.mark.parametrize(
    ("note", "told", "turn", "size"),
    [(b"", {"turn": 90}, 90, (8, 4)), (b"", {}, 0, (8, 4)), (b"\nredthread turned 090\n", {}, 0, (4, 8))],
)
def test_the_picture_of_a_search_keeps_its_name_and_size_however_it_is_turned(
    tmp_path: Path, note: bytes, told: dict[str, int], turn: int, size: tuple[int, int]
) -> None:
    """An event of an earlier release has no turn: its picture brings it in a note."""
    store, decoder, finder = MediaStore((tmp_path / "store").as_uri()), Decoder(), NoFaces()
    store.make(is_new=True)
    bytes_of = io.BytesIO()
    Image.new("RGB", (8, 4)).save(bytes_of, "PNG")
    data = bytes_of.getvalue() + note
    media_id = store.put_upload(data)
    assert media_id == hashlib.sha256(data).hexdigest()
    asked: dict[str, Any] = {
        "case_id": "local:1",
        "district": "north",
        "url": store.upload_url(media_id),
        "sha256": media_id,
        "purpose": "p",
        "legal_basis": "l",
        "scope": "none",
        "search_id": "s",
        "within": "register",
        **told,
    }
    headers = [*HEADERS[:-1], ("ce_type", CE_PROBE.encode())]
    message = Message("redthread.probes.submitted.v1", 0, 0, b"key", json.dumps(asked).encode(), headers, 1000)
    none: Any = finder
    step = embed_step(Fetcher([], store), store, decoder=decoder, finder=none)
    try:
        record = step.request_record(message, "")
    finally:
        decoder.close()

    assert isinstance(record, MediaEmbedded)
    assert (record.media_id, record.width, record.height) == (media_id, *size)
    assert finder.asked == [(media_id, turn)]


def test_the_cameras_own_date_goes_into_the_record(tmp_path: Path) -> None:
    """It was read from the file and left out of the record."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 13:45:01"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    picture = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(picture, "JPEG", exif=exif)
    store, decoder = MediaStore((tmp_path / "store").as_uri()), Decoder()
    none: Any = NoFaces()
    step = embed_step(Fetcher([f"{tmp_path.as_uri()}/"], store), store, decoder=decoder, finder=none)
    try:
        assert step.media_record(event(picture.as_uri()), "local").captured_at == "2024-05-17T13:45:01+02:00"
    finally:
        decoder.close()


def test_a_stored_media_is_examined_again_only_if_its_bytes_are_the_same(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 4)).save(picture, "PNG")
    media_id = hashlib.sha256(picture.read_bytes()).hexdigest()
    asked = {"media_id": media_id, "url": picture.as_uri(), "content_type": "image/png"}
    headers = [*HEADERS[:-1], ("ce_type", CE_REEXAMINATION.encode())]
    store, decoder, finder = MediaStore((tmp_path / "store").as_uri()), Decoder(), NoFaces()
    none: Any = finder
    step = embed_step(Fetcher([f"{tmp_path.as_uri()}/"], store), store, decoder=decoder, finder=none)

    def record(asked: dict[str, str]) -> object:
        return step.request_record(Message(TOPIC, 0, 0, b"key", json.dumps(asked).encode(), headers, 1000), "")

    try:
        again = record(asked)
        with pytest.raises(RedthreadError) as other:
            record({**asked, "media_id": "0" * 64})
    finally:
        decoder.close()

    assert isinstance(again, MediaReexamined)
    assert (again.media_id, again.detector_id, again.origin.source) == (media_id, "d", "")
    assert other.value.code == "wrong_sha256"
    assert finder.asked == [(media_id, 0)]


@dataclass(frozen=True)
class AFace:
    """What the record of a face is made of."""

    ordinal: int
    face_id: str
    box: tuple[int, int, int, int] = (1, 2, 3, 4)
    landmarks: None = None
    detection_score: None = None
    quality: float = 0.5
    quality_because: None = None
    too_poor_because: None = None
    vector: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(4, np.float32))
    norm: float = 1.0
    display_crop: bytes = b"x"
    crop_region: tuple[int, int, int] = (-3, 5, 80)
    aligned_crop: bytes = b"x"
    context_view: bytes = b"view"


class TwoFacesEach:
    def find(self, _: object, media_id: str, turn: int = 0) -> list[AFace]:
        return [AFace(ordinal, face_id(media_id, "d", ordinal)) for ordinal in range(2)]


def test_faces_of_every_page_are_recorded_under_their_page_and_those_of_the_first_as_ever(tmp_path: Path) -> None:
    blank, other = Image.new("RGB", (8, 8)), Image.new("RGB", (6, 4), "red")
    pages = tmp_path / "a.tif"
    blank.save(pages, "TIFF", save_all=True, append_images=[blank.copy(), other])
    store, decoder = MediaStore((tmp_path / "store").as_uri()), Decoder()
    store.make(is_new=True)
    two: Any = TwoFacesEach()
    step = embed_step(Fetcher([f"{tmp_path.as_uri()}/"], store), store, decoder=decoder, finder=two)
    try:
        record = step.media_record(event(pages.as_uri()), "local")
    finally:
        decoder.close()

    media = record.media_id
    assert [(face.page, face.ordinal, face.face_id) for face in record.faces] == [
        (1, 0, face_id(media, "d", 0)),
        (1, 1, face_id(media, "d", 1)),
        (3, 2, face_id(media, "d page 3", 0)),
        (3, 3, face_id(media, "d page 3", 1)),
    ]
    assert [store.read_crop(face.context_view or "") for face in record.faces] == [b"view"] * 4
    assert (record.frames, record.frames_examined, record.partial_percent) == (3, 3, None)
    assert (record.width, record.height) == (8, 8)


def test_how_much_of_a_damaged_picture_was_decoded_is_recorded(tmp_path: Path) -> None:
    picture = tmp_path / "a.bmp"
    Image.new("RGB", (40, 40), "red").save(picture)
    picture.write_bytes(picture.read_bytes()[:-2400])
    store, decoder = MediaStore((tmp_path / "store").as_uri()), Decoder()
    none: Any = NoFaces()
    step = embed_step(Fetcher([f"{tmp_path.as_uri()}/"], store), store, decoder=decoder, finder=none)
    try:
        assert step.media_record(event(picture.as_uri()), "local").partial_percent == 50
    finally:
        decoder.close()
