"""A decoding process that a hostile file has taken over reaches nothing but its two pipes."""

import base64
import errno
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from infra.cli.doctor import Finding, findings
from infra.settings import Settings
from streams.media import child
from streams.media.decode import Decoder
from streams.media.isolated import isolation
from tests.support.decoders import decoding_processes
from tests.support.factories_odd_pictures import QUARTERS_AS_HEIC
from tests.support.factories_pictures import encoded, quarters

NOBODY = 65534

linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="this machine has no system call filter that the decoder can use",
)

INTRUDER = """
import ctypes, importlib.util, json, mmap, os, signal, socket, subprocess, sys
program, user, isolates, secret = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "isolated", sys.argv[4]
spec = importlib.util.spec_from_file_location("isolation", program)
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
if isolates:
    import seccompy  # here, for another user may not read this interpreter's folder
libc = ctypes.CDLL(None, use_errno=True)
tgkill = {"x86_64": 234, "aarch64": 131}[os.uname().machine]

def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)

def fork():
    if os.fork() == 0:
        os._exit(0)

HARMLESS = {
    "AF_INET": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "AF_UNIX": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "AF_NETLINK": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "socket pair": socket.socketpair,
    "read a file": lambda: os.open(secret, os.O_RDONLY),
    "stat": lambda: os.stat(secret),
    "list a folder": lambda: os.listdir("/"),
    "create a file": lambda: os.open(secret + ".new", os.O_WRONLY | os.O_CREAT),
    "fork": fork,
    "run a program": lambda: subprocess.run([sys.executable, "-c", ""]),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
    "signal the parent's thread": lambda: call("syscall", tgkill, os.getppid(), os.getppid(), 0),
    "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "a new namespace": lambda: call("unshare", 0x10000000),
}
HARMFUL = {
    "become a program": lambda: os.execv(sys.executable, ["python"]),
    "remove a file": lambda: os.unlink(secret),
}

def outcome(attempt):
    try:
        attempt()
    except OSError as refused:
        return refused.errno
    return 0

if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
found = {}
if isolates:
    assert child.isolate() == ""
    found = {name: outcome(attempt) for name, attempt in HARMFUL.items()}
found |= {name: outcome(attempt) for name, attempt in HARMLESS.items()}
os.write(1, json.dumps(found).encode())
"""
"""Takes the decoder's isolation on itself, as the decoder does, then tries to get out."""


def intrude(secret: Path, user: int, how: str) -> dict[str, int]:
    """The errno of each attempt, 0 where it succeeded."""
    command = [sys.executable, "-I", "-c", INTRUDER, isolation.__file__, str(user), how, str(secret)]
    done = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a password")
    return path


@linux
@pytest.mark.parametrize("user", [0, NOBODY])
def test_an_isolated_process_opens_no_socket_and_no_file_and_starts_no_program(secret: Path, user: int) -> None:
    if user and os.getuid() != 0:
        pytest.skip("only root can become another user; the other case is unprivileged already")

    found = intrude(secret, user, "isolated")

    assert {name: code for name, code in found.items() if code != errno.EPERM} == {}
    assert [*secret.parent.iterdir()] == [secret]


@linux
def test_the_same_attempts_succeed_without_isolation(secret: Path) -> None:
    found = intrude(secret, 0, "open")

    assert {name for name, code in found.items() if code} <= {"a new namespace"}  # where users may not make one


@linux
def test_the_decoder_isolates_itself() -> None:
    decoder = Decoder()
    try:
        decoder.decode(encoded(quarters(), "PNG"), None)
        [process] = decoding_processes()[-1:]
        status = Path(f"/proc/{process.pid}/status").read_text()
    finally:
        decoder.close()

    assert "NoNewPrivs:\t1\n" in status
    assert "Seccomp:\t2\n" in status


@linux
def test_doctor_says_that_the_decoder_is_isolated(tmp_path: Path) -> None:
    assert decoder_finding(tmp_path).found.startswith("isolated")
    assert decoder_finding(tmp_path).remedy == ""


def test_without_a_filter_pictures_are_decoded_and_doctor_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a system without seccomp: here its library is hidden from the decoder."""
    hidden = "import sys; sys.modules['seccompy'] = None; " + child._START
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-I", "-c", hidden, child._ROOT))
    decoder = Decoder()
    try:
        assert decoder.decode(encoded(quarters(), "PNG"), None).width == 64
    finally:
        decoder.close()

    finding = decoder_finding(tmp_path)
    assert finding.found.startswith("runs without isolation: ")
    assert "seccomp" in finding.found
    assert "Linux" in finding.remedy


def test_on_macos_the_reason_is_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")

    assert isolation.isolate() == "Darwin has no system call filter (seccomp)"


def test_a_decoder_that_does_not_start_is_not_called_isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-I", "-c", "raise SystemExit(3)"))

    assert child.missing_isolation() == "the decoder does not start (CalledProcessError)"


def decoder_finding(folder: Path) -> Finding:
    """What doctor finds about the decoder, where no server runs."""
    chosen = Settings(data=folder / "data", models=folder / "models", stack="external")
    return next(each for each in findings(chosen) if each.subject == "decoder")


def test_no_kind_of_picture_needs_a_module_that_is_imported_only_then(tmp_path: Path) -> None:
    """An isolated decoder can import nothing any more: what a parser imports late has to be named in `_MODULES`."""
    later = [Image.new("RGB", (64, 48), colour) for colour in ("black", "yellow")]
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 13:45:01"
    kinds = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "MPO")
    files = [encoded(quarters(), kind) for kind in kinds]
    files += [encoded(quarters(), kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")]
    files += [
        encoded(quarters(), kind, save_all=True, append_images=later) for kind in ("GIF", "WEBP", "PNG", "TIFF", "MPO")
    ]
    files += [encoded(quarters().convert(mode), "TIFF") for mode in ("L", "1", "F", "I", "CMYK", "RGBA", "P", "LAB")]
    files += [encoded(quarters(), "TIFF", compression=each) for each in ("tiff_lzw", "jpeg", "tiff_adobe_deflate")]
    files += [base64.b64decode(QUARTERS_AS_HEIC), b"no picture"]
    files += [file[: len(file) * 2 // 3] for file in files]
    for number, file in enumerate(files):
        (tmp_path / str(number)).write_bytes(file)

    program = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "from streams.media.isolated import page, pages, program\n"
        "program.prepare(10**6)\n"
        "program.Image._initialized = 2\n"  # else Pillow tries all its parsers on an unknown file
        "known = set(sys.modules)\n"
        "for path in pathlib.Path(sys.argv[2]).iterdir():\n"
        "    try:\n"
        "        file = pages.Pages(path.read_bytes(), 10**6, 60)\n"
        "        while file.next(): file.source.captured_at()\n"
        "    except page.Refused: pass\n"
        "print(*sorted(set(sys.modules) - known))\n"
    )
    command = [sys.executable, "-I", "-c", program, child._ROOT, str(tmp_path)]
    done = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == []
