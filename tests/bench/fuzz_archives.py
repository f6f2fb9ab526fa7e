"""Mutated archives, thousands of them, through the reader of `ingest`: it names what it cannot read, and no more."""

import io
import random
import tarfile
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console

from graph.domain.errors import Invalid
from infra.foreground import scratch_folder
from streams.client.archives.open import kind_of
from streams.client.files import open_files
from tests.support.archives import Packed, rar_of, zip_of

SLOW_S: Final = 30.0
"""Seconds from which on one archive of some kilobytes counts as a hang."""
_MAX_BYTES: Final = 1 << 24
_PACKED_SHARE: Final = 0.03
"""Of the mutations, those of archives that a process of its own reads: starting it takes most of the time."""
_EXTREMES: Final = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"PK\x01\x02", b"PK\x03\x04", b"PK\x07\x08")


def zip_seeds() -> list[bytes]:
    """Small ZIP archives, of every way of packing and naming that is read."""
    chance = random.Random(0)
    data, raw = chance.randbytes(900) + bytes(900), "Фото/море.jpg".encode("cp866")
    plain = zip_of(*(Packed(f"{n}.jpg".encode(), data, method=method) for n, method in enumerate((0, 8, 8))))
    streamed = zip_of(Packed(b"a.jpg", data, flags=8), Packed(b"b.jpg", data, flags=8, method=0), Packed(raw, data))
    nested = zip_of(Packed(b"inner.zip", plain), Packed(b"", data), Packed(b"d\\", b""), Packed(b"\xff", flags=0x800))
    library: list[bytes] = []
    for method in ("stored", "deflated", "bzip2", "lzma"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", getattr(zipfile, f"ZIP_{method.upper()}")) as packed:
            packed.writestr("1.jpg", data)
            with packed.open("2.jpg", "w", force_zip64=True) as entry:
                entry.write(data)
        library.append(out.getvalue())
    return [plain, streamed, nested, plain[:-40], streamed[:-300], *library]


def packed_seeds() -> list[tuple[str, bytes]]:
    """Small archives of other kinds, by their endings."""
    data = random.Random(1).randbytes(2000)
    found = [("rar", rar_of({"1.jpg": data, "2.jpg": data[:500]}))]
    for mode, ending in (("w", "tar"), ("w:gz", "tar.gz"), ("w:xz", "tar.xz")):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as packed:
            for number in range(2):
                entry = tarfile.TarInfo(f"{number}.jpg")
                entry.size = len(data)
                packed.addfile(entry, io.BytesIO(data))
        found.append((ending, out.getvalue()))
    return found


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The archive with one to eight faults: bytes changed, cut off, left out, repeated or replaced by extremes."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(changed) or 1)
        match chance.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1 | 2:
                extreme = chance.choice(_EXTREMES)[: chance.choice((2, 4))]
                changed[at : at + len(extreme)] = extreme
            case 3:
                del changed[at:]
            case 4:
                del changed[at : at + chance.randrange(1, 64)]
            case _:
                changed[at:at] = changed[at : at + chance.randrange(1, 400)] * chance.choice((1, 40))
    return bytes(changed)


def fuzz(minutes: float, seed: int) -> dict[str, Any]:
    """What became of mutated archives for so many minutes.

    `crashes` are errors other than a refusal, each with the number of its mutation; `hangs` are archives that took
    longer than SLOW_S; memory is by how much this process grew at the most.
    """
    chance, zips, packed = random.Random(seed), zip_seeds(), packed_seeds()
    ends: Counter[str] = Counter()
    crashes: list[str] = []
    hangs: list[int] = []
    number, longest, files = 0, 0.0, 0
    before, peak = psutil.Process().memory_info().rss, 0
    stop = time.monotonic() + minutes * 60
    with scratch_folder("fuzz") as scratch:
        while time.monotonic() < stop:
            number += 1
            ending, whole = chance.choice(packed) if chance.random() < _PACKED_SHARE else ("zip", chance.choice(zips))
            path = scratch / f"a.{ending}"
            path.write_bytes(mutated(whole, chance))
            started = time.monotonic()
            try:
                files += _read(path, ends)
            except Invalid:
                ends[f"refused {kind_of(path.read_bytes()[:512], path.name) or 'no archive'}"] += 1
            except Exception as failure:  # noqa: BLE001 - broad: whatever else is raised is what is looked for
                crashes.append(f"{number}: {type(failure).__name__}: {failure}"[:200])
            spent = time.monotonic() - started
            longest = max(longest, spent)
            if spent > SLOW_S:
                hangs.append(number)
            peak = max(peak, psutil.Process().memory_info().rss)
    grown = round((peak - before) / 1024**2)
    return {
        "mutations": number,
        "files_read": files,
        "ends": dict(ends.most_common()),
        "crashes": crashes,
        "hangs": hangs,
        "longest_s": round(longest, 2),
        "grown_mib": grown,
    }


def _read(path: Path, ends: Counter[str]) -> int:
    """How many files the archive gave."""
    source, count = open_files(path), 0
    try:
        listing = source.listing()
        ends["read whole" if not listing.not_sent else "read in part"] += 1
        for name in listing.names:
            try:
                count += source.read(source.stat(name), _MAX_BYTES) is not None
            except OSError:
                ends["files refused"] += 1
    finally:
        source.close()
    return count


def show_fuzzed(out: Console, found: dict[str, Any]) -> None:
    """Prints the object of `bench fuzz-archives --json`."""
    out.print(f"{found['mutations']} mutated archives gave {found['files_read']} files")
    out.print(", ".join(f"{end} {number}" for end, number in found["ends"].items()))
    out.print(
        f"crashes {len(found['crashes'])}, hangs {len(found['hangs'])}, longest {found['longest_s']} s, "
        f"grown by {found['grown_mib']} MiB"
    )
    for each in [*found["crashes"], *found["hangs"]]:
        out.print(f"  mutation {each}", markup=False)
