"""Who shows whom in `bench peers`, and how well vectors tell people apart."""

import itertools
import math
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from graph.domain.errors import Invalid
from infra.install import requirements
from streams.client.submission import Interrupted
from tests.bench.environment import NotInstalled, PeerFailed
from tests.bench.peers.found import Face, Measured, main_vectors, pair_scores, recall
from tests.bench.peers.run import chosen, in_rounds, pythons_of
from tests.bench.peers.theirs import PEERS, REQUIREMENTS, Places, peer_processes

A, B = np.array([3.0, 4.0]), np.array([0.0, 1.0])


def folder(root: Path, **pictures: int) -> Path:
    for person, number in pictures.items():
        (root / person).mkdir()
        for each in range(number):
            (root / person / f"{each}.jpg").write_bytes(b"x")
    return root


def places(home: Path, **pythons: Path) -> Places:
    return Places(home / "environments", pythons, home / "models", home / "home")  # type: ignore[arg-type]


def test_nobody_is_chosen_with_a_single_picture_and_the_others_warm_up(tmp_path: Path) -> None:
    root = folder(tmp_path, ann=4, ben=3, cid=1, dora=2)
    for seed, wanted in itertools.product(range(5), range(2, 11)):
        files, others = chosen(root, wanted, seed)
        assert 2 <= len(files) <= wanted
        assert all(sum(file.case == other.case for other in files) >= 2 for file in files)
        assert sorted([*files, *others], key=lambda file: file.path) == sorted(
            chosen(root, 10, 0)[0] + chosen(root, 10, 0)[1], key=lambda file: file.path
        )
    assert len(chosen(root, 500, 1)[0]) == 9


def test_people_with_one_picture_each_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="two pictures"):
        chosen(folder(tmp_path, ann=1, ben=1), 500, 1)


def test_rounds_hold_each_picture_once_in_cases_of_their_own(tmp_path: Path) -> None:
    files, _ = chosen(folder(tmp_path, ann=4, ben=5), 500, 1)
    rounds = in_rounds(files, 4)
    assert sorted(len(some) for some in rounds) == [2, 2, 2, 3]
    assert {file.path for some in rounds for file in some} == {file.path for file in files}
    assert len({file.case_id for some in rounds for file in some}) == 9


def test_a_picture_shows_whom_the_face_nearest_to_its_centre_shows() -> None:
    beside, centre, seen = Face((0, 0, 10, 10), A), Face((45, 45, 10, 10), B), Face((48, 48, 4, 4), None)
    found = main_vectors([[beside, centre], [beside], [], [seen, beside]], [(100, 100)] * 4)
    assert found[:2].tolist() == [B.tolist(), A.tolist()]
    assert np.isnan(found[2:]).all()


def test_vectors_are_compared_as_their_users_compare_them() -> None:
    vectors, person = np.stack([A, 2 * A, B]), np.array([0, 0, 1])
    product, _ = pair_scores(vectors, person, "product")
    cosine, others = pair_scores(vectors, person, "cosine")
    near, far = pair_scores(vectors, person, "euclidean")
    assert (product.tolist(), cosine.tolist()) == ([50.0], [1.0])
    assert others.tolist() == pytest.approx([0.8, 0.8])
    assert np.sqrt(-near).tolist() == pytest.approx([5.0])
    assert np.sqrt(-far).tolist() == pytest.approx([math.dist(A, B), math.dist(2 * A, B)])


def test_recall_is_taken_where_so_many_pairs_of_two_people_are_accepted() -> None:
    """46 people with two pictures: 4140 pairs of two people, so at 1 in 1,000 four may be accepted, at a tenth none."""
    angles = np.repeat(np.arange(46) * 0.01, 2)
    angles[0::2] += 0.0001
    angles[:6:2] += 0.5  # one picture of each of the first three is more like those of others
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    person = np.repeat(np.arange(46), 2)
    assert recall(vectors, person, "cosine") == {"0.001": round(43 / 46, 4), "0.0001": None}
    assert recall(vectors, person, "euclidean") == recall(vectors, person, "cosine")
    vectors[-1] = math.nan
    assert recall(vectors, person, "cosine")["0.001"] == round(42 / 46, 4)
    assert recall(np.full_like(vectors, math.nan), person, "cosine") == {"0.001": None, "0.0001": None}


def test_results_are_counted_by_faces_and_by_pictures() -> None:
    face = Face((0, 0, 1, 1), None)
    found = Measured([[face, face], [], [face]], 1.5, 0.3).as_json({})
    assert found == {
        "pictures_per_s": 2.0,
        "cpu_ms_a_picture": 100.0,
        "faces": 3,
        "pictures_with_face": 2,
        "recall": {},
    }


@pytest.mark.parametrize("text", ["mtcnn", "mtcnn=", "mtcnn=/no/such/file", f"facenet={sys.executable}"])
def test_an_argument_that_names_no_python_of_a_peer_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        pythons_of([text])


def test_a_peer_missing_in_its_environment_is_reported(tmp_path: Path) -> None:
    here = places(tmp_path, mtcnn=Path(sys.executable))
    with (
        peer_processes("mtcnn", 2, here, threading.Event()) as peer,
        pytest.raises(PeerFailed, match="No module named 'mtcnn'"),
    ):
        peer.find([tmp_path / "picture.jpg"], threading.Event())


def test_a_peer_without_its_weights_is_reported(tmp_path: Path) -> None:
    here = places(tmp_path, deepface=Path(sys.executable))
    with pytest.raises(NotInstalled, match="not at hand"), peer_processes("deepface", 1, here, threading.Event()):
        pass


def test_a_peer_stops_on_request(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    here = places(tmp_path, mtcnn=Path(sys.executable))
    with peer_processes("mtcnn", 1, here, stop) as peer, pytest.raises(Interrupted):
        peer.find([tmp_path / "picture.jpg"], stop)


def test_every_peer_has_a_list_of_packages_with_hashes() -> None:
    for name in PEERS:
        packages = requirements((REQUIREMENTS / f"{name}.lock").read_text("utf-8"))
        assert any(package.startswith(f"{name.replace('_', '-')}==") for package in packages)
        assert all("--hash=sha256:" in package for package in packages)
