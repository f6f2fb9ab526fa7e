"""`bench peers` without servers: our processes beside a library that a test made."""

import threading
from pathlib import Path

import pytest

from streams.faces.models import ensure_models
from streams.gallery.scoring import Scorer
from streams.settings import cache_folder
from tests.bench.environment import peer_environment
from tests.bench.peers.run import chosen, in_rounds, measure_peers
from tests.bench.peers.theirs import Name, Places
from tests.support.factories_pictures import astronaut, encoded
from tests.support.wheels import requirement

FACE_RECOGNITION = """
from array import array
def load_image_file(path):
    return path
def face_locations(picture):
    return [(0, 20, 20, 0), (50, 150, 150, 50)]
def face_encodings(picture, faces):
    assert faces == face_locations(picture)
    return [array("d", [0, 1]), array("d", [1, "0.png" in picture])]
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two people with two pictures each of the same face, one of them with a picture without a face."""
    root = tmp_path / "pictures"
    face = astronaut().crop((100, 0, 400, 300)).resize((200, 200))
    for person in ("ann", "ben"):
        (root / person).mkdir(parents=True)
        for number in range(2):
            (root / person / f"{number}.png").write_bytes(encoded(face, "PNG"))
    (root / "ben" / "2.png").write_bytes(encoded(face.crop((0, 0, 20, 20)).resize((200, 200)), "PNG"))
    return root


def test_both_process_all_pictures_and_a_peer_that_cannot_be_installed_is_reported(
    pictures: Path, tmp_path: Path
) -> None:
    lines = [requirement(tmp_path, "face_recognition", "1.3.0", FACE_RECOGNITION)]
    lines.append(requirement(tmp_path, "dlib", "20.0.1", ""))
    made = peer_environment("face_recognition", "".join(lines), tmp_path / "made", threading.Event())
    places = Places(tmp_path / "file" / "none", {"face_recognition": made}, tmp_path / "no models", tmp_path / "home")
    (tmp_path / "file").touch()
    files, _ = chosen(pictures, 10, 1)

    models = ensure_models(cache_folder() / "models")
    peers: list[Name] = ["face_recognition", "mediapipe", "deepface"]
    found = measure_peers(in_rounds(files, 2), peers, models, Scorer(None), places, threading.Event())

    assert (found["pictures"], found["people"], found["same_pairs"], found["different_pairs"]) == (5, 2, 4, 6)
    assert (found["ours"]["faces"], found["ours"]["pictures_with_face"]) == (4, 4)
    theirs = found["peers"]["face_recognition"]
    assert theirs["versions"] == {"face_recognition": "1.3.0", "dlib": "20.0.1"}
    assert (theirs["faces"], theirs["pictures_with_face"]) == (10, 5)
    assert theirs["ours_in_peer"] == pytest.approx(
        found["ours"]["pictures_per_s"] / theirs["pictures_per_s"], rel=0.02, abs=0.01
    )
    assert found["peers"]["mediapipe"]["peer_not_installed"].endswith("cannot be used: Not a directory")
    assert "not at hand" in found["peers"]["deepface"]["peer_not_installed"]
