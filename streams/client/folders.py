"""Folders of pictures: their files, and the case that each sub-folder represents."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from graph.domain.errors import Invalid
from graph.domain.ids import case_id_fault, is_case_id
from graph.domain.text import printable
from streams.client.archives.container import CHUNK, LINK, NO_FILE, Entry, unreadable
from streams.client.system_files import left_by

Tell = Callable[[str], None]
LEVELS_MAX: Final = 200
"""Folders within one another; each is held open while one below it is read."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to submit: `case` is the sub-folder's name, `file` the path below it with `/` between its parts."""

    case: str
    case_id: str
    file: str
    path: Path

    @property
    def url(self) -> str:
        return self.path.as_uri()


def check_folder(folder: Path) -> Path:
    """The folder's absolute path; Invalid where there is none."""
    if not folder.is_dir():
        raise Invalid(f"there is no folder {printable(str(folder))}")
    return folder.absolute()


def read_cases(folder: Path, tell: Tell) -> list[SourceFile]:
    """The files below the sub-folders of `folder`, each sub-folder a case, sorted by name.

    `tell` gets a line for files in `folder` itself, which belong to no case. Raises Invalid where there are no others.
    """
    entries = sorted(check_folder(folder).iterdir(), key=lambda entry: os.fsencode(entry.name))
    loose = [entry for entry in entries if not entry.is_dir()]
    if loose:
        tell(f"left out: what lies in the folder itself ({len(loose)}), because each sub-folder is one case")
    subfolders = [entry for entry in entries if entry.is_dir()]
    if not subfolders:
        raise Invalid(f"{printable(str(folder))} has no sub-folders: put the pictures of each case into one of its own")
    found = [
        SourceFile(case.name, case_id_of(case.name), file, case / file)
        for case in subfolders
        for file in files_below(case, tell)
    ]
    if not found:
        raise Invalid(f"{printable(str(folder))} has sub-folders, but no file in them")
    return found


class Folder:
    """The files below a folder as a Container; only regular files are read, and no link is followed on the way there.

    Names are relative to the folder, with `/` between the parts, sorted. A link, a device and a folder that cannot be
    read are entries with a fault.
    """

    fault = ""
    remarks: Sequence[str] = ()

    def __init__(self, root: Path) -> None:
        self._root = root
        self._chain: list[tuple[str, int]] = [("", os.open(root, _FOLDER))]
        """The folder that was opened last, with those around it, each by its name and descriptor."""
        self.entries: Sequence[Entry] = sorted(self._walk(), key=lambda entry: os.fsencode(entry.name))

    def facts(self, index: int) -> os.stat_result:
        """The file as it is now. Raises OSError, also where it is no regular file any more."""
        *folders, name = self.entries[index].name.split("/")
        found = os.stat(name, dir_fd=self._folder(folders), follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            raise unreadable(NO_FILE)
        return found

    def open(self, index: int) -> BinaryIO:
        """The open file. Raises OSError."""
        *folders, name = self.entries[index].name.split("/")
        file = os.fdopen(os.open(name, _FILE, dir_fd=self._folder(folders)), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise unreadable(NO_FILE)
        return file

    def chunks(self, index: int) -> Iterator[bytes]:
        with self.open(index) as file:
            yield from iter(lambda: file.read(CHUNK), b"")

    def close(self) -> None:
        for _, descriptor in self._chain:
            os.close(descriptor)
        self._chain.clear()

    def _walk(self) -> Iterator[Entry]:
        waiting: list[list[str]] = [[]]
        while waiting:
            folders = waiting.pop()
            place = "".join(f"{name}/" for name in folders)
            if len(folders) > LEVELS_MAX:
                yield Entry(place, 0, f"not read: more than {LEVELS_MAX} folders within one another")
                continue
            try:
                with os.scandir(self._folder(folders)) as found:
                    for entry in found:
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append([*folders, entry.name])
                        elif entry.is_symlink():
                            yield Entry(place + entry.name, 0, LINK)
                        else:
                            is_file = entry.is_file(follow_symlinks=False)
                            yield Entry(place + entry.name, 0, "" if is_file else NO_FILE)
            except OSError as error:
                yield Entry(place, 0, f"cannot be read: {error.strerror}")

    def _folder(self, folders: Sequence[str]) -> int:
        """The descriptor of a folder, opened step by step: its path may be longer than the system takes at once."""
        wanted = ["", *folders]
        same = 0
        while same < min(len(wanted), len(self._chain)) and self._chain[same][0] == wanted[same]:
            same += 1
        for _, descriptor in self._chain[same:]:
            os.close(descriptor)
        del self._chain[same:]
        for name in wanted[same:]:
            self._chain.append((name, os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self._chain[-1][1])))
        return self._chain[-1][1]


def files_below(folder: Path, tell: Tell) -> list[str]:
    """The paths of all regular files below a folder, relative to it, sorted; files that systems leave behind are not.

    `tell` gets a line for each entry that is no such file, or cannot be read.
    """
    with closing(Folder(folder)) as found:
        for entry in found.entries:
            if entry.fault:
                tell(f"left out: {printable(entry.name)}: {entry.fault}")
        return [entry.name for entry in found.entries if not entry.fault and not left_by(entry.name)]


def case_id_of(name: str, source: str = "local") -> str:
    """The case id for a sub-folder's name: `local:<name>`, or a legal one that is as unique."""
    case_id = f"{source}:{name}"
    if is_case_id(case_id) and not case_id_fault(case_id):
        return case_id
    kept = (
        "".join(letter if letter.isprintable() else "_" for letter in unicodedata.normalize("NFC", name)).strip()[:100]
        or "_"
    )
    return f"{source}:{kept}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
