"""The graph of a drawn register, made by Neo4j's offline import before its server starts first."""

import asyncio
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import numpy as np

from graph.domain import ids
from infra.local import artifacts
from infra.local.base import StackError
from infra.local.memory import memory
from infra.local.neo4j import server as neo4j
from streams.faces.models import MODEL_ID
from tests.bench.search.draw import BLOCK, SCOPES, Register, Vectors, case_id, victim_id
from tests.bench.search.store import LABEL, SUBMITTED_MS, cases_of

HEAP = "-Xmx1g"
OFF_HEAP: Final = "1G"
_DECIMALS: Final = np.frombuffer(b"".join(b"%04d;" % (n - 256 if n > 127 else n) for n in range(256)), "S5")
"""Each byte as the import reads it: a signed number, here of one width."""
NODES: Final = {
    "Case": "n:ID(Case),case_id,source,district,status,version:long,contact",
    "Media": "n:ID(Media),media_id,kind,content_type,width:long,height:long,frames:long,detector_id,url,"
    "first_submitted_at:long",
    "Face": "n:ID(Face),face_id,ordinal:long,box:long[],landmarks:double[],detection_score:double,quality:double,"
    "display_crop,aligned_crop,label",
    "Embedding": "n:ID(Embedding),embedding_id,model_id,vector:byte[],norm:double,quality:double",
    "Victim": "n:ID(Victim),victim_id,registered:boolean,version:long",
}
RELATIONSHIPS: Final = {
    "IN_CASE": ":START_ID(Media),:END_ID(Case),membership_id,scope,purpose,legal_basis,exhibits:string[],urgency,"
    "submitted_at:long,ce_id,by_search:boolean",
    "SEEN_IN": ":START_ID(Face),:END_ID(Media)",
    "OF": ":START_ID(Embedding),:END_ID(Face)",
    "DEPICTS": ":START_ID(Face),:END_ID(Victim),basis,declared_by,at",
}
"""The properties that link writes (`graph.store.queries.ingest`), but for what it leaves empty."""


async def import_graph(data: Path, files: Path, repository: str) -> None:
    """Makes the database of a data folder whose servers never ran, of the tables in `files`, which are deleted.

    Raises StackError with the import's last words.
    """
    jars = await asyncio.to_thread(artifacts.class_path, "neo4j", repository=repository)
    home = data / "neo4j"
    neo4j.prepare(home, jars, 0, memory(0), short_lived=False)
    tables = [f"--nodes={name}={files / name}.csv" for name in NODES]
    tables += [f"--relationships={name}={files / name}.csv" for name in RELATIONSHIPS]
    program = (sys.executable, "-I", str(Path(__file__).with_name("neo4j_import.py")))
    options = (*neo4j.OPTIONS, HEAP, "--", "database", "import", "full", "neo4j", "--id-type=integer")
    process = await asyncio.create_subprocess_exec(
        *program,
        str(home),
        str(home / "conf"),
        str(home / "conf" / "classpath"),
        *options,
        f"--max-off-heap-memory={OFF_HEAP}",
        f"--report-file={files / 'report'}",
        *tables,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()][-1:]
        raise StackError(f"Neo4j's import failed: {' '.join(last)[:300]}")
    await asyncio.to_thread(shutil.rmtree, files)


def write_tables(register: Register, folder: Path) -> None:
    """One table with its header for each label and each type of relationship, in all 3.5 kB a face."""
    opened: dict[str, IO[bytes]] = {}
    try:
        for name, header in (NODES | RELATIONSHIPS).items():
            opened[name] = (folder / f"{name}.csv").open("wb")
            opened[name].write(header.encode() + b"\n")
        opened["Case"].writelines(_cases(register))
        opened["Victim"].writelines(
            b"%d,%s,true,1\n" % (victim, victim_id(victim).encode()) for victim in range(int(register.victim.max()) + 1)
        )
        for start in range(0, register.faces, BLOCK):
            stop = min(start + BLOCK, register.faces)
            opened["Embedding"].writelines(_embeddings(register, start, register.vectors(start, stop)))
            for face in range(start, stop):
                for name, row in _face(register, face):
                    opened[name].write(row.encode() + b"\n")
    finally:
        for file in opened.values():
            file.close()


def _cases(register: Register) -> Iterator[bytes]:
    for case in range(register.cases):
        status = "open" if register.is_open[case] else "closed"
        yield f"{case},{case_id(case)},bench,d{case % 4},{status},1,duty desk\n".encode()


def _embeddings(register: Register, start: int, vectors: Vectors) -> Iterator[bytes]:
    numbers = _DECIMALS[vectors.astype("<f4").view(np.uint8)]
    for face, row in enumerate(numbers, start):
        embedding = ids.embedding_id(register.face_id(face), MODEL_ID)
        yield f"{face},{embedding},{MODEL_ID},".encode() + row.tobytes()[:-1] + b",12.5,0.9\n"


def _face(register: Register, face: int) -> Sequence[tuple[str, str]]:
    """The rows of a face, its media and what joins them, each with its table."""
    media_id, name, at = register.media_id(face), register.face_id(face), SUBMITTED_MS + face
    crop = f"{media_id[:2]}/{media_id}/{name}"
    label = LABEL if register.is_hidden[face] else ""
    rows = [
        ("Media", f"{face},{media_id},picture,image/jpeg,640,480,1,bench,file:///nowhere/{face}.jpg,{at}"),
        (
            "Face",
            f"{face},{name},0,10;20;60;80,{';'.join(['31.5'] * 10)},0.9,0.9,{crop}.display.jpg,"
            f"{crop}.aligned.png,{label}",
        ),
        ("SEEN_IN", f"{face},{face}"),
        ("OF", f"{face},{face}"),
    ]
    for case in cases_of(register, face):
        membership, scope = ids.membership_id(media_id, case_id(case)), SCOPES[int(register.scope[face])]
        rows.append(
            (
                "IN_CASE",
                f"{face},{case},{membership},{scope},measurement,drawn by chance,exhibit-{face % 1000},routine,"
                f"{at},ce-{face:08d},false",
            )
        )
    if register.victim[face] >= 0:
        rows.append(("DEPICTS", f"{face},{register.victim[face]},declared,bench,2026-01-01T00:00:00+00:00"))
    return rows
