"""Folders of pictures: their files, and the case that each sub-folder represents."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graph.domain.errors import Invalid
from graph.domain.ids import is_case_id
from graph.domain.text import printable

Tell = Callable[[str], None]


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


def files_below(folder: Path, tell: Tell) -> list[str]:
    """The paths of all files below a folder, relative to it, sorted; a link to a folder counts as a file.

    `tell` gets a line for each folder that cannot be read.
    """
    found: list[str] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: tell(f"cannot read a folder: {error.strerror}")):
        # Links are not followed, since they may form circles; each is submitted like a file and gets its answer.
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [os.path.relpath(Path(place, name), folder).replace(os.sep, "/") for name in (*files, *links)]
    return sorted(found, key=os.fsencode)


def case_id_of(name: str, source: str = "local") -> str:
    """The case id for a sub-folder's name: `local:<name>`, or a legal one that is as unique."""
    case_id = f"{source}:{name}"
    if is_case_id(case_id) and name.isprintable():
        return case_id
    kept = "".join(letter if letter.isprintable() else "_" for letter in name).strip()[:100] or "_"
    return f"{source}:{kept}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
