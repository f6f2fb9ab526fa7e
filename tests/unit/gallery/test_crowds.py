"""However many faces are alike, link proposes what a comparison with every single one would: it looks further down."""

from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from streams.faces.models import MODEL_ID
from streams.gallery.calibration import packaged
from streams.link import compare, neighbours
from streams.records.gallery import VictimsAssigned
from tests.support import factories_streams as make
from tests.support.factories_streams import Log, drawn_log
from tests.support.reference_gallery import Reference
from tests.support.register import Register, batch_of

CROWD = 240
CASES = [f"local:k{number}" for number in range(90)]
FLAT = {MODEL_ID: replace(packaged()[MODEL_ID], false_accepts=((0.357, 0.9), (0.95, 0.5)), floor=0.357)}
"""The threshold is so high that the caps alone say how far down is looked."""


@pytest.fixture(autouse=True)
def few_at_first(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in (compare, neighbours):
        monkeypatch.setattr(module, "FIRST_LIMIT", 4)
    monkeypatch.setattr(compare, "DEEPER", 3)
    yield


def crowd(kind: str, rng: np.random.Generator) -> Log:
    """Hundreds of faces alike that are of one case, of one victim or of strangers, and few others like them."""
    child = make.unit(rng)
    log: Log = []
    for number in range(CROWD):
        case = CASES[0] if kind == "case" else CASES[number % 80]
        vector = make.near(rng, child, float(rng.uniform(0.6, 0.95)))
        log.append((len(log), picture(f"crowd-{number}", case, vector, len(log))))
    if kind == "victim":
        crowd_faces = [make.face_id(f"crowd-{number}") for number in range(CROWD)]
        log.append((len(log), VictimsAssigned(faces=dict.fromkeys(crowd_faces, "v1"))))
    for number in range(15):
        vector = make.near(rng, child, float(rng.uniform(0.4, 0.6)))
        log.append((len(log), picture(f"other-{number}", CASES[80 + number % 9], vector, len(log))))
    for number in range(3):
        asked = make.near(rng, child, 0.9)
        log.append((len(log), picture(f"new-{number}", CASES[89], asked, len(log))))
    return log


def picture(name: str, case: str, vector: np.ndarray, place: int) -> make.MediaEmbedded:
    return make.embedded(name, [vector], make.submitted(case, "register", "north"), make.origin(place))


@pytest.mark.parametrize("steep", [False, True])
@pytest.mark.parametrize("kind", ["case", "victim", "strangers"])
def test_a_crowd_hides_nobody_whom_the_caps_leave_room_for(kind: str, steep: bool) -> None:
    log = crowd(kind, np.random.default_rng(len(kind)))
    measured = None if steep else FLAT
    before, asked = log[:-3], log[-3:]
    expected, gallery = Reference(calibrations=measured), Register(measured)
    for offset, record in before:
        if isinstance(record, VictimsAssigned):
            expected._read(offset, record)
        else:
            store(expected, record)
    for start in range(0, len(before), 64):
        gallery.merge(batch_of(gallery, MODEL_ID, before[start : start + 64]).staged)

    for offset, record in asked:
        expected.links.clear()
        expected.apply(offset, record)
        batch = batch_of(gallery, MODEL_ID, [(offset, record)])
        gallery.merge(batch.staged)

        made = {(r.a, r.b): (r.state, r.score, r.band, r.threshold) for r in batch.changes.links.values()}
        assert made == expected.links
        assert len(made) >= 10
        (row,) = [cut for row in batch.changes.comparisons for cut in row["cut"]]
        assert (row["number"], row["faces"]) == expected.cut[row["face_id"]]
        if kind == "case" or (kind == "strangers" and steep):
            assert row["number"] > 50, "the caps cut most of the crowd"


def store(expected: Reference, record: object) -> None:
    """Stores a media in the plain reading without comparing it: of a crowd that would take minutes."""
    assert isinstance(record, make.MediaEmbedded)
    with patch.object(expected, "_compare"):
        expected._media(0, record)


@pytest.mark.parametrize("seed", range(16))
def test_any_log_means_the_same_however_few_are_looked_at_first(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log = drawn_log(seed, 90, acts=True, alike=(0.5, 0.62, 0.8))
    found: list[object] = []
    for most in (1, 1000):
        for module in (compare, neighbours):
            monkeypatch.setattr(module, "FIRST_LIMIT", most)
        gallery, links, cut = Register(), dict[str, object](), list[object]()
        rest = list(log)
        while rest:
            batch = batch_of(gallery, MODEL_ID, rest[:16])
            links |= batch.changes.links
            cut += [row["cut"] for row in batch.changes.comparisons]
            gallery.merge(batch.staged)
            rest = rest[batch.applied :]
        found.append((links, cut))
    assert found[0] == found[1]
    assert links


def test_a_face_of_a_full_case_counts_by_its_own_score_where_its_victims_mean_is_less_alike() -> None:
    rng = np.random.default_rng(11)
    child, log = make.unit(rng), make.Log()

    def add(name: str, case: str, score: float) -> None:
        log.append((len(log), picture(name, case, make.near(rng, child, score), len(log))))

    for number in range(8):
        add(f"crowd-{number}", CASES[0], 0.9 - number / 100)
    for number in range(12):
        add(f"other-{number}", CASES[1 + number], 0.8 - number / 100)
    add("single", CASES[0], 0.4)
    add("weak", CASES[20], 0.0)
    log.append((len(log), VictimsAssigned(faces=dict.fromkeys(map(make.face_id, ("single", "weak")), "v1"))))
    expected, gallery = Reference(), Register()
    for offset, record in log:
        if isinstance(record, VictimsAssigned):
            expected._read(offset, record)
        else:
            store(expected, record)
        gallery.merge(batch_of(gallery, MODEL_ID, [(offset, record)]).staged)

    asked = picture("new", CASES[40], make.near(rng, child, 0.99), len(log))
    expected.apply(len(log), asked)
    (row,) = batch_of(gallery, MODEL_ID, [(len(log), asked)]).changes.comparisons

    assert make.face_id("single") in expected.cut[make.face_id("new")][1]
    assert (row["cut"][0]["number"], row["cut"][0]["faces"]) == expected.cut[make.face_id("new")]
