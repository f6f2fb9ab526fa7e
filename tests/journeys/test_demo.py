"""`redthread demo`, from nothing to the answers; its end is tested in test_stopping.py."""

import asyncio
import io
import re
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from PIL import Image

from infra.cli.demo import FOLDER_TERMS
from infra.clock import Clock
from infra.demo import run
from infra.demo.result import places_by_media, result_of
from infra.demo.samples import SHOTS
from infra.local.running import addresses_of
from infra.settings import Settings
from streams.client.folders import read_cases
from tests.journeys.conftest import Demo
from tests.support.commands import redthread
from tests.support.factories_pictures import astronaut, encoded, quarters

SIDE = tuple[str, str]


def people_by_place() -> dict[SIDE, set[str]]:
    return {(shot.case, shot.file): set(shot.people) for shot in SHOTS}


def test_the_demo_links_the_people_of_two_cases_and_nobody_else(demo: Demo) -> None:
    found = demo.result
    people = people_by_place()
    expected = {frozenset((a, b)) for a, b in combinations(people, 2) if people[a] & people[b]}
    linked = {frozenset((place(link["a"]), place(link["b"]))) for link in found["links"]}
    assert linked == expected
    assert len(found["links"]) == len(expected)
    assert all(link["score"] >= link["threshold"] for link in found["links"])
    faces = sum(len(shot.people) for shot in SHOTS)
    assert {name: found[name] for name in ("files", "media", "faces", "no_face", "too_poor", "quarantined")} == {
        "files": len(SHOTS),
        "media": len(SHOTS),
        "faces": faces,
        "no_face": 0,
        "too_poor": 1,
        "quarantined": [],
    }
    assert found["seconds"]["total"] > 0 and {"stack", "models", "publish", "process"} <= set(
        found["seconds"]["per_step"]
    )
    # Both questions have their answer in words: the person is in another case, and in the one that was asked.
    assert demo.said.count("similar is not the same person") == 2
    assert "still to come" not in demo.said, "every picture is in the graph before the two questions are asked"


def test_the_demo_serves_and_its_example_works_as_shown(demo: Demo) -> None:
    api = re.search(r"http://127\.0\.0\.1:\d+", demo.said)
    assert api is not None
    assert httpx.get(f"{api[0]}/healthz", trust_env=False, timeout=60).is_success
    assert shown_to_who_follows_it(demo.said, api[0]) == 200


def shown_to_who_follows_it(said: str, url: str) -> int:
    """The status of the demo's own example, asked with the token that its first line gets."""
    line = re.search(r"TOKEN=\$\(sh infra/run token (\S+) --data (\S+)\)", said)
    assert line is not None
    token = redthread("token", line[1], "--data", line[2]).stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Redthread-Purpose": "demonstration"}
    assert (
        httpx.get(f"{url}/links", headers={**headers, "Authorization": ""}, trust_env=False, timeout=60).status_code
        == 401
    )
    # The first answer waits until Neo4j has compiled the question.
    return httpx.get(f"{url}/links", headers=headers, trust_env=False, timeout=60).status_code


def place(side: dict[str, Any]) -> SIDE:
    return side["case"], side["file"]


async def result_on(data: Path, folder: Path) -> dict[str, Any]:
    """What the demo shows of the pictures in `folder`, submitted to the system that runs on `data`."""
    system: Any = SimpleNamespace(data=data, addresses=addresses_of(Settings(data=data)))
    files, clock = read_cases(folder, lambda line: None), Clock()
    notices = await run.submit(system, files, FOLDER_TERMS, clock)
    media = places_by_media(files, notices).keys()
    links = [row for row in await run.read_links(system) if {row.a_media, row.b_media} <= media]
    return result_of(files, notices, links).as_json(clock.as_json())


def test_a_users_folder_may_hold_anything_and_each_file_gets_a_notice(
    data: Path, samples: Path, media_root: Path
) -> None:
    anne = (samples / "2026-001" / "a-1.jpg").read_bytes()
    mirrored = (samples / "2026-014" / "b-1.jpg").read_bytes()
    turned = io.BytesIO()
    picture = astronaut()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: shown turned by 90 degrees
    picture.rotate(90, expand=True).save(turned, "JPEG", exif=exif)
    pictures = {
        "spring case/one.jpg": anne,
        "spring case/again.jpg": anne,
        "Zoë Ω/below/two.jpg": mirrored,
        "Zoë Ω/copy of one.jpg": anne,
        "odd\nname/turned.jpg": turned.getvalue(),
        "odd\nname/upright.png": encoded(picture, "PNG"),
        "odd\nname/nobody.png": encoded(quarters(), "PNG"),
        "spring case/notes.txt": b"no picture",
        "spring case/empty.jpg": b"",
        "Zoë Ω/half.jpg": mirrored[: len(mirrored) // 2],
        "loose.jpg": anne,
    }
    folder = media_root / "mine"
    for name, picture in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture)

    found = asyncio.run(result_on(data, folder))

    assert (found["files"], found["media"], found["no_face"]) == (10, 6, 1)
    assert {(item["case"], item["file"]) for item in found["quarantined"]} == {
        ("spring case", "notes.txt"),
        ("spring case", "empty.jpg"),
    }
    assert all(item["reason"] for item in found["quarantined"])
    pairs = sorted((place(link["a"]), place(link["b"])) for link in found["links"])
    two, copy, half, again = (
        ("Zoë Ω", "below/two.jpg"),
        ("Zoë Ω", "copy of one.jpg"),
        ("Zoë Ω", "half.jpg"),
        ("spring case", "again.jpg"),
    )
    turned = (("odd\nname", "turned.jpg"), ("odd\nname", "upright.png"))
    # The upper half of a picture is looked at, and found again like the whole.
    assert pairs == [(two, copy), (two, half), (two, again), (copy, half), (half, again), turned]
    # The boxes are those of the upright picture, both times.
    turned_link = next(link for link in found["links"] if link["a"]["case"] == "odd\nname")
    assert all(abs(a - b) <= 8 for a, b in zip(turned_link["a"]["box"], turned_link["b"]["box"], strict=True))


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_cases_ends_the_demo_with_one_line(made: bool, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    if made:
        folder.mkdir()
    done = redthread("demo", "--folder", folder, "--exit", "--json")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert str(folder) in done.stderr
