"""A stored face gives another recogniser what it would have given at first, from its crop or from its picture."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graph.actions.operate.models import StoredFace
from graph.domain.errors import MediaStoreUnavailable
from graph.files import MediaStore
from streams.faces.embed import Embedder
from streams.faces.find import FaceFinder, FoundFace
from streams.faces.models import ModelFiles
from streams.faces.packs import read_pack
from streams.faces.reembed import FaceReembedder
from streams.link.vectors import unit_vector
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from tests.support.factories_packs import make_pack
from tests.support.factories_pictures import astronaut, encoded


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def test_a_face_is_embedded_from_its_crop_else_from_its_picture_as_it_was_found_or_not_at_all(
    models: ModelFiles, decoder: Decoder, tmp_path: Path
) -> None:
    pack = read_pack(make_pack(tmp_path / "pack", dimensions=64))
    files, data = MediaStore((tmp_path / "store").as_uri()), encoded(astronaut(), "JPEG", quality=95)
    files.make(is_new=True)
    media = files.put_upload(data)
    finder = FaceFinder(replace(models, recogniser=pack.path, model_id=pack.model_id))
    picture = decoder.decode(data, "image/jpeg")
    (found,) = finder.find(picture, media)
    marked = finder.find_marked(picture, (5, 300, 60, 60), "f" * 64, 1)
    assert marked.landmarks is None
    again = FaceReembedder(Embedder(pack.path), files, Fetcher([], files), decoder)

    def stored(face: FoundFace, *, crop: bool = True, url: str = files.upload_url(media)) -> StoredFace:
        key = files.put_crop(media, face.face_id, "aligned", face.aligned_crop) if crop else None
        landmarks = None if face.landmarks is None else tuple(face.landmarks.ravel().tolist())
        size = picture.width, picture.height
        return StoredFace(face.face_id, media, face.box, landmarks, size, key, url, "image/jpeg")

    for face in (found, marked):
        for made in (again.embed(stored(face)), again.embed(stored(face, crop=False))):
            assert made is not None
            assert np.array_equal(unit_vector(made.vector), face.vector)
            assert (made.norm, made.quality, made.too_poor_because) == (
                pytest.approx(face.norm),
                face.quality,
                face.too_poor_because,
            )
    assert again.embed(stored(found, crop=False, url="redthread-upload:" + "0" * 64)) is None
    assert again.embed(replace(stored(found, crop=False), picture=(30, 20))) is None
    # A store that is away tells neither that a crop is there nor that it is gone.
    kept = stored(found)
    (tmp_path / "store").rename(tmp_path / "away")
    for face in (kept, replace(kept, aligned_crop=None)):
        with pytest.raises(MediaStoreUnavailable):
            again.embed(face)
    (tmp_path / "away").rename(tmp_path / "store")
    # A crop that is no picture any more is as good as gone.
    files.put_crop(media, found.face_id, "aligned", b"broken")
    broken = replace(stored(found, crop=False), aligned_crop=f"{media[:2]}/{media}/{found.face_id}.aligned.png")
    assert again.embed(broken) is not None


def test_a_face_of_a_later_page_is_embedded_from_its_page(models: ModelFiles, decoder: Decoder, tmp_path: Path) -> None:
    files = MediaStore((tmp_path / "store").as_uri())
    files.make(is_new=True)
    blank = Image.new("RGB", (100, 100), "white")
    data = encoded(blank, "TIFF", save_all=True, append_images=[astronaut()])
    media = files.put_upload(data)
    finder = FaceFinder(models)
    (found,) = finder.find(decoder.decode(data, None, 2), media)
    assert found.landmarks is not None
    again = FaceReembedder(Embedder(models.recogniser), files, Fetcher([], files), decoder)
    landmarks = tuple(found.landmarks.ravel().tolist())
    url = files.upload_url(media)
    stored = StoredFace(found.face_id, media, found.box, landmarks, (100, 100), None, url, "image/tiff", 2)

    made = again.embed(stored)

    assert made is not None
    assert np.array_equal(unit_vector(made.vector), found.vector)
    assert again.embed(replace(stored, page=3)) is None
