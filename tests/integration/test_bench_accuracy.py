"""`bench accuracy` on a folder of a few people, as a user calls it: through decoder, detector and recogniser."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageOps

from infra.evaluation.accuracy.copies import COPIES
from tests.support.commands import redthread
from tests.support.factories_pictures import astronaut, encoded, group_photograph

CHANGES: tuple[Callable[[Image.Image], Image.Image], ...] = (
    lambda image: image,
    ImageOps.mirror,
    lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    lambda image: image.rotate(8, fillcolor=(90, 90, 90)),
)
"""One person's pictures: enough to be known."""


def people() -> list[Image.Image]:
    """Seven people of two packages' sample pictures, each alone in a picture."""
    group = Image.open(io.BytesIO(group_photograph())).convert("RGB")
    size = 250
    middles = ((520, 341), (798, 409), (1179, 336), (952, 127), (320, 211), (111, 332))
    cut = [group.crop((x - size // 2, y - size // 2, x + size // 2, y + size // 2)) for x, y in middles]
    return [*cut, astronaut().crop((100, 0, 400, 300)).resize((size, size))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people with four pictures, three with one, and a file that is no picture."""
    root = tmp_path_factory.mktemp("people")
    for number, image in enumerate(people()):
        person = root / f"person-{number}"
        person.mkdir()
        for version, change in enumerate(CHANGES if number % 2 == 0 else CHANGES[:1]):
            (person / f"{version}.png").write_bytes(encoded(change(image), "PNG"))
    (root / "person-6" / "notes.txt").write_text("no picture")
    return root


def test_both_protocols_are_measured_and_printed_with_their_intervals(folder: Path, tmp_path: Path) -> None:
    done = redthread("bench", "accuracy", folder, "--on-file", "3", "--json", "--plot", tmp_path / "det.svg")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["people"], found["pictures"], found["no_face"]) == (7, 20, 1)
    verification, searches = found["verification"], found["open_set"]
    assert 0.8 <= verification["accuracy"] <= 1
    assert set(verification["tar_at_far"]) == {"0.01", "0.001"}
    assert [row["copy"] for row in verification["copies"]] == ["as it is", *COPIES]
    assert verification["copies"][0]["found"] >= 16 / 17
    assert (searches["on_file"], searches["non_mated"]) == (3, 2)
    assert searches["tpir_at_fpir"]["0.01"] > 0.5
    assert searches["rank1"] <= searches["rank20"] <= 1
    for name in ("verification", "open_set"):
        for key, value in found["intervals"][name].items():
            assert set(value) == set(found[name][key]) if isinstance(value, dict) else len(value) == 2
    assert "<svg" in (tmp_path / "det.svg").read_text()


def test_people_read_a_table_and_one_half_is_measured_alone(folder: Path) -> None:
    done = redthread("bench", "accuracy", folder, "--protocol", "verification", "--half", "a")

    assert done.returncode == 0, done.stderr
    assert "half a" in done.stdout
    assert "verification accuracy" in done.stdout
    assert "TPIR" not in done.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--plot", "/nowhere/at/all.svg"), "no folder to write the plot into"),
        (("--on-file", "2"), "'2' is not one of"),
        (("--half", "c"), "'c' is not one of"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_work(folder: Path, options: tuple[str, ...], says: str) -> None:
    done = redthread("bench", "accuracy", folder, *options)

    assert done.returncode == 2
    assert says in done.stderr


def test_a_folder_with_too_few_people_is_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "person").symlink_to(folder / "person-0")

    done = redthread("bench", "accuracy", tmp_path, "--protocol", "open-set")

    assert done.returncode == 2
    assert "needs a person with at least 4 pictures" in done.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--ages",), "0 people at two ages or more, and this needs 20"),
        (("--ages", "--on-file", "1"), "--ages has a protocol of its own"),
        (("--with", "."), "--with adds to the register of --ages"),
        (("--ages", "--with", "nowhere"), "there is no folder nowhere"),
    ],
)
def test_what_ages_can_not_do_is_refused_before_anything_is_measured(
    folder: Path, more: tuple[str, ...], said: str
) -> None:
    done = redthread("bench", "accuracy", folder, *more)
    assert (done.returncode, said in done.stderr.replace("\n", " ")) == (2, True), done.stderr
