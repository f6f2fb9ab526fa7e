"""A folder goes into the running system once, however often it is sent; a search finds people and keeps to its case."""

import hashlib
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from PIL import Image, ImageOps

from api.client import ApiClient
from infra.local.kafka import credentials
from infra.local.running import find_running
from streams import topics
from streams.client.journal import NAME
from streams.client.publish import CaseSystem
from streams.kafka.connection import KafkaConnection
from streams.records.incoming import CE_ERASURE
from tests.support.archives import Packed, zip_of
from tests.support.commands import TIMEOUT_S, command, redthread

GUIDE = (Path(__file__).parents[2] / "infra" / "docs" / "case-systems.md").read_text("utf-8")
TERMS = ("--scope", "register", "--purpose", "victim identification", "--legal-basis", "test")
ASKED = ("--purpose", "victim identification", "--legal-basis", "test", "--user", "investigator")


@pytest.fixture(scope="module")
def ingested(data: Path, samples: Path) -> Path:
    """The data folder, with the pictures of two sample cases ingested into cases of the north."""
    for folder, case in (("2026-014", "2026-114"), ("2026-027", "2026-127")):
        done = redthread("ingest", samples / folder, "--case", case, *TERMS, "--data", data)
        assert done.returncode == 0, done.stderr
    return data


def sent_events(data: Path) -> list[bytes]:
    """Key, value and headers of every media event in Kafka, in one piece each."""
    account = json.loads((data / credentials.FILE).read_text())
    told = {"group.id": "reader", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer, end = Consumer({**account, **told}), time.monotonic() + TIMEOUT_S
    with closing(consumer):
        found: list[bytes] = []
        for partition in range(8):
            consumer.assign([TopicPartition(topics.media_submitted("local"), partition, 0)])
            is_whole = False
            while not is_whole:
                assert time.monotonic() < end, "Kafka does not answer"
                if (message := consumer.poll(1)) is None:
                    continue
                if (error := message.error()) is not None:
                    is_whole = error.code() == KafkaError._PARTITION_EOF
                    continue
                found.append(
                    b"|".join([message.key() or b"", message.value() or b"", repr(message.headers()).encode()])
                )
        return found


def test_the_readme_s_case_system_runs_as_written_with_the_account_that_status_names(
    data: Path, tmp_path: Path
) -> None:
    [example] = [code for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "Producer(" in code]
    (tmp_path / ".redthread").symlink_to(data)
    assert str(data / credentials.FILE) in redthread("status", "--data", data).stdout
    account = json.loads((data / credentials.FILE).read_text())
    with CaseSystem(KafkaConnection(account.pop("bootstrap.servers"), account)).read_notices() as reader:
        subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=True, timeout=TIMEOUT_S)
        end = time.monotonic() + TIMEOUT_S
        while not (notices := reader.read(1.0)):
            assert time.monotonic() < end

    # Well formed from end to end: only its picture is not on this machine.
    assert [(notice["outcome"], notice["code"]) for notice in notices] == [("quarantined", "url_not_allowed")]


def test_a_folder_sent_again_sends_only_what_is_new(ingested: Path, samples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Jane Doe"
    folder.mkdir()
    for name in ("a-1.jpg", "a-2.jpg"):
        (folder / name).write_bytes((samples / "2026-001" / name).read_bytes())
    send = ("ingest", folder, "--case", "local:2026-101", *TERMS, "--data", ingested)
    before = Counter(sent_events(ingested))

    first = redthread(*send)
    assert (first.returncode, "2 sent now, 0 by an earlier run" in first.stdout) == (0, True), first.stderr

    (folder / "letter of Jane Doe.txt").write_text("no picture")
    second = redthread(*send)
    assert (second.returncode, "1 sent now, 2 by an earlier run" in second.stdout) == (1, True), second.stderr
    assert "in quarantine: letter of Jane Doe.txt: The file is not a picture" in second.stdout

    # As after a crash between Kafka's acknowledgement and the notice: it is waited for, and nothing is sent again.
    with closing(sqlite3.connect(ingested / NAME)) as journal:
        journal.execute("UPDATE sent SET outcome = NULL WHERE file = 'a-2.jpg'")
        journal.commit()
    third = redthread(*send)
    assert (third.returncode, "0 sent now, 2 by an earlier run" in third.stdout) == (1, True), third.stderr
    assert "faces found" in third.stdout

    # Another scope is another statement about the same files: all are sent.
    again = redthread(*send[:4], "--scope", "case", *TERMS[2:], "--data", ingested)
    assert "3 sent now, 0 by an earlier run" in again.stdout
    sent = Counter(sent_events(ingested)) - before
    assert sent.total() == 6
    assert not any(b"Jane" in event or b"a-1.jpg" in event for event in sent)


def test_what_kafka_does_not_hold_is_sent_again_and_what_waits_for_its_file_is_tried_again(
    ingested: Path, samples: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "found again"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((samples / "2026-001" / "a-1.jpg").read_bytes())
    send = ("ingest", folder, "--case", "local:2026-041", *TERMS, "--data", ingested)
    assert redthread(*send).returncode == 0
    before = len(sent_events(ingested))

    # The place is another event's now, as after Kafka lost records: only the event's id tells.
    with closing(sqlite3.connect(ingested / NAME)) as journal:
        lost = "UPDATE sent SET outcome = NULL, event_id = 'lost' WHERE file = 'a.jpg' AND folder = ?"
        journal.execute(lost, [str(folder)])
        journal.commit()
    again = redthread(*send)
    assert (again.returncode, "1 sent now, 0 by an earlier run" in again.stdout) == (0, True), again.stderr
    assert "known in this case already" in again.stdout
    assert len(sent_events(ingested)) == before + 1

    # The upload is gone before embed has read it, and back with the next run.
    changed = Image.open(folder / "a.jpg").rotate(2)
    changed.save(folder / "b.jpg")
    running = find_running(ingested)
    assert running is not None
    [embed] = [child.pid for child in running.children if child.name.startswith("embed")]
    os.kill(embed, signal.SIGSTOP)
    upload = ingested / "store" / "uploads"
    name = hashlib.sha256((folder / "b.jpg").read_bytes()).hexdigest()
    line, environment = command(*send)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, env=environment, cwd="/", **pipes) as first:
        end = time.monotonic() + TIMEOUT_S
        while len(sent_events(ingested)) < before + 2:
            assert time.monotonic() < end
        (upload / name[:2] / name).unlink()
        os.kill(embed, signal.SIGCONT)
        out, err = first.communicate(timeout=TIMEOUT_S)
    assert (first.returncode, "in quarantine: b.jpg: " in out) == (1, True), (out, err)

    second = redthread(*send)
    assert (second.returncode, "0 sent now, 2 by an earlier run" in second.stdout) == (0, True), second.stderr
    assert "faces found" in second.stdout
    assert len(sent_events(ingested)) == before + 3, "the replay, and nothing else"
    reconciled = redthread("status", "--reconcile", "--data", ingested)
    assert reconciled.returncode == 0, reconciled.stdout


def test_a_mixed_archive_is_ingested_like_a_folder_and_goes_on_where_it_stopped(
    ingested: Path, samples: Path, tmp_path: Path
) -> None:
    path, picture = tmp_path / "phone of Jane Doe.zip", (samples / "2026-001" / "a-1.jpg").read_bytes()
    other = (samples / "2026-001" / "a-2.jpg").read_bytes()
    backup = zip_of(Packed("Отпуск/фото.jpg".encode("cp866"), other))[:-30]
    odd = (
        *(Packed(b"/sdcard/DCIM/1.jpg", picture), Packed(b"DCIM\\", b""), Packed(b"../../a-2.txt", b"no picture")),
        *(Packed(b"secret.jpg", picture, flags=1), Packed(b"backup.zip", backup), Packed(b"__MACOSX/._1.jpg", b"x")),
    )
    path.write_bytes(zip_of(*odd))
    send = ("ingest", path, "--case", "local:2026-031", *TERMS, "--data", ingested)
    before = len(sent_events(ingested))

    first, second = redthread(*send), redthread(*send)

    assert (first.returncode, "3 sent now, 0 by an earlier run" in first.stdout) == (1, True), first.stderr
    lines = [" ".join(line.split()) for line in first.stdout.splitlines()]
    assert {
        "faces found 2",
        "in quarantine 1",
        "left out: 1 file that macOS leaves beside pictures",
        "not sent: secret.jpg: encrypted",
        "not sent: backup.zip: cut off or damaged: only the whole files in it are sent",
    } <= set(lines)
    assert any(line.startswith("in quarantine: ../../a-2.txt: ") for line in lines)
    assert "backup.zip: names in cp866, which is a guess" in first.stderr
    assert "0 sent now, 3 by an earlier run" in second.stdout
    assert len(sent_events(ingested)) == before + 3
    assert not (tmp_path.parent / "a-2.txt").exists()


def test_a_file_that_changed_is_sent_even_with_its_size_and_time_as_before(
    ingested: Path, samples: Path, tmp_path: Path
) -> None:
    file = tmp_path / "case" / "1.jpg"
    file.parent.mkdir()
    pictures = [(samples / "2026-001" / name).read_bytes() for name in ("a-1.jpg", "a-2.jpg")]
    size = max(map(len, pictures))
    send = ("ingest", file.parent, "--case", "local:2026-042", *TERMS, "--data", ingested)

    said: list[str] = []
    for picture in (*pictures, pictures[1]):
        file.write_bytes(picture.ljust(size, b"\0"))
        os.utime(file, (1_700_000_000, 1_700_000_000))
        said.append(redthread(*send).stdout.splitlines()[0])

    assert said == [f"{sent} sent now, {before} by an earlier run" for sent, before in ((1, 0), (1, 0), (0, 1))]


def test_what_was_erased_since_is_said_and_sent_again_only_when_asked(
    ingested: Path, samples: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "case" / "1.jpg"
    picture.parent.mkdir()
    Image.open(samples / "2026-001" / "a-1.jpg").rotate(1).save(picture)
    send = ("ingest", picture.parent, "--case", "local:2026-043", *TERMS, "--data", ingested)
    assert "faces found" in redthread(*send).stdout
    account = json.loads((ingested / credentials.FILE).read_text())
    system = CaseSystem(KafkaConnection(account.pop("bootstrap.servers"), account))
    media = hashlib.sha256(picture.read_bytes()).hexdigest()
    erasure = {"subject": {"media_id": media}, "reason": "the period is over"}
    system.send(topics.erasures_requested("local"), CE_ERASURE, media, erasure)
    system.flush()

    end = time.monotonic() + TIMEOUT_S
    while "faces found" in (told := redthread(*send)).stdout:
        assert time.monotonic() < end
    assert (told.returncode, "0 sent now, 1 by an earlier run" in told.stdout) == (0, True), told.stderr
    assert "1 of them were erased: the case does not have them" in told.stdout
    again = redthread(*send, "--resubmit-erased")
    assert "1 sent now, 0 by an earlier run" in again.stdout and "faces found" in again.stdout, again.stdout


def test_a_face_can_be_asked_about_by_its_id_and_a_question_kept(ingested: Path, samples: Path, tmp_path: Path) -> None:
    ask = ("search", "--case", "2026-014", *ASKED, "--in", "register", "--data", ingested)
    found = redthread("search", crop(samples, tmp_path), *ask[1:], "--rotate", "0")
    search_id = next(line for line in found.stdout.splitlines() if line.startswith("search ")).split()[1]
    running, bearer = find_running(ingested), redthread("token", "investigator", "--data", ingested).stdout.strip()
    assert running is not None
    with ApiClient(running.api_url, token=bearer, purpose="test") as api:
        [probe] = api.get(f"/searches/{search_id}")["faces"]

    asked = redthread(*ask, "--face", probe["face_id"], "--keep-asking")

    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.splitlines()[0].startswith("leads to ")
    assert asked.stdout.strip().endswith("open for what comes later")
    assert "compared, " in asked.stdout and "media without a face" in asked.stdout
    neither = redthread(*ask)
    assert (neither.returncode, "name a picture, or --face, or --victim" in neither.stderr) == (2, True), neither.stderr


def test_an_uploaded_picture_finds_the_person_in_the_register(ingested: Path, samples: Path, tmp_path: Path) -> None:
    found = redthread(
        "search", crop(samples, tmp_path), "--case", "2026-014", *ASKED, "--in", "register", "--data", ingested
    )
    assert found.returncode == 0, found.stderr
    assert "similar is not the same person" in found.stdout
    ranked = [line for line in found.stdout.splitlines() if line.startswith("rank ")]
    # The picture that it was made of; another test submits one of the same person to a case of its own.
    assert "case local:2026-001" in ranked[0] or "case local:odd_name-" in ranked[0]
    assert any("case local:2026-127" in line and " box " in line for line in ranked)
    assert "c-3.jpg" in found.stdout  # named from this machine's journal
    assert "score" not in found.stdout


def test_a_search_in_one_case_never_returns_another_cases_face(ingested: Path, samples: Path, tmp_path: Path) -> None:
    ask = ("search", crop(samples, tmp_path), "--case", "2026-014", *ASKED, "--data", ingested)
    inside = redthread(*ask, "--in", "case:2026-127")
    assert "rank 1 " in inside.stdout
    outside = redthread(*ask, "--in", "case:local:2026-114")
    assert outside.returncode == 0, outside.stderr
    assert "rank" not in outside.stdout and "nothing similar" in outside.stdout


def test_a_search_with_a_picture_without_a_face_says_so(ingested: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "white").save(tmp_path / "blank.png")
    told = redthread(
        "search", tmp_path / "blank.png", "--case", "2026-014", *ASKED, "--in", "register", "--data", ingested
    )
    assert (told.returncode, "no face was found" in told.stdout) == (0, True), told.stderr


def test_the_north_sees_its_case_and_the_south_and_the_auditor_do_not(ingested: Path) -> None:
    running = find_running(ingested)
    assert running is not None

    def status(user: str) -> int:
        token = redthread("token", user, "--data", ingested).stdout.strip()
        headers = {"Authorization": f"Bearer {token}", "Redthread-Purpose": "test"}
        path = f"{running.api_url}/cases/local%3A2026-014/graph"
        return httpx.get(path, headers=headers, trust_env=False, timeout=60).status_code

    assert [status(user) for user in ("investigator", "supervisor", "investigator2", "auditor")] == [200, 200, 404, 403]


def test_the_south_asks_in_vain_for_a_case_of_the_north(ingested: Path, samples: Path, tmp_path: Path) -> None:
    ask = ("search", crop(samples, tmp_path), "--case", "2026-014", *ASKED[:-1], "investigator2", "--in", "register")
    refused = redthread(*ask, "--data", ingested)
    assert (refused.returncode, "case_unknown" in refused.stderr) == (1, True), refused.stderr


def test_a_search_for_a_case_that_nobody_knows_is_refused(ingested: Path, samples: Path, tmp_path: Path) -> None:
    refused = redthread(
        "search", crop(samples, tmp_path), "--case", "x-9", *ASKED, "--in", "register", "--data", ingested
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "case_unknown" in refused.stderr


def test_without_a_running_system_both_say_how_to_start_one(samples: Path, tmp_path: Path) -> None:
    for line in (
        ("ingest", samples, "--case", "1", *TERMS),
        ("search", samples / "2026-001" / "a-1.jpg", "--case", "1", *ASKED, "--in", "register"),
    ):
        refused = redthread(*line, "--data", tmp_path / "nothing")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "redthread up" in refused.stderr and len(refused.stderr.splitlines()) == 1


def crop(samples: Path, folder: Path) -> Path:
    """Another picture of the astronaut, who is in cases 2026-001, 2026-027 and 2026-127."""
    picture = Image.open(samples / "2026-001" / "phone" / "a-3.jpg")
    out = io.BytesIO()
    ImageOps.scale(picture, 0.8).save(out, "JPEG", quality=70)
    path = folder / "whoever.jpg"
    path.write_bytes(out.getvalue())
    return path
