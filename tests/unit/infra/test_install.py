"""`infra/run` and `infra/install.py`: what is said when a first run cannot go on, and what a later run repairs."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).parents[3]
TOOLS = ("sh", "dirname", "cat", "cmp")


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("redthread_install", CHECKOUT / "infra" / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


install = load()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a lock of nothing, so that an install takes no network."""
    root = tmp_path / "a checkout"
    (root / "infra").mkdir(parents=True)
    for name in ("run", "install.py"):
        shutil.copy(CHECKOUT / "infra" / name, root / "infra" / name)
    (root / "infra" / "requirements.lock").write_text("# nothing\n")
    (root / "infra" / "__init__.py").touch()
    (root / "infra" / "cli.py").write_text(
        "import sys; print('ran', *sys.argv[1:], sys.stdin.read()); sys.exit(7 if 'fail' in sys.argv else 0)\n"
    )
    shutil.copy(CHECKOUT / "pyproject.toml", root / "pyproject.toml")
    return root


def run(root: Path, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(root / "infra" / "run"), *arguments],
        capture_output=True,
        text=True,
        input="given",
        cwd=cwd,
        env={**os.environ, **env},
        check=False,
        timeout=120,
    )


def test_the_second_run_installs_nothing_and_passes_everything_through(checkout: Path, tmp_path: Path) -> None:
    first = run(checkout, "demo", "--folder", "my pictures", cwd=tmp_path)
    assert (first.returncode, first.stdout) == (0, "ran demo --folder my pictures given\n"), first.stderr
    assert "redthread: making .venv" in first.stderr
    installer = (checkout / "infra" / "install.py").rename(tmp_path / "install.py")
    second = run(checkout, "fail")
    assert (second.returncode, second.stdout, second.stderr) == (7, "ran fail given\n", "")
    installer.rename(checkout / "infra" / "install.py")
    # And what belongs to another lock is installed anew, in the same environment
    (checkout / "infra" / "requirements.lock").write_text("# nothing else\n")
    third = run(checkout, "again").stderr
    assert "installing" in third and "making" not in third


def test_a_python_that_is_too_old_is_named_with_what_to_do(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(str(shutil.which(tool)))
    old = tools / "python3"
    old.write_text('#!/bin/sh\nif [ "$1" = -V ]; then echo Python 3.9.2; exit 0; fi\nexit 1\n')
    old.chmod(0o755)
    done = run(checkout, "demo", PATH=str(tools))
    assert done.returncode == 1
    assert "needs Python 3.11 or newer, found Python 3.9.2" in done.stderr and "apt install" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_python_without_venv_gets_the_one_apt_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(install.Refused, match="apt install python3-venv"):
        install.install(checkout)


def test_a_full_disk_is_seen_before_anything_is_fetched(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 1_200_000_000))
    with pytest.raises(install.Refused, match=r"only 1\.2 GB are free .* needs 3 GB"):
        install.install(checkout)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("WARNING: Retrying (Retry(total=4)) after connection broken by 'ProxyError'", "set HTTPS_PROXY"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "free 3 GB"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "other files than the locked"),
        ("error: Failed to fetch: https://index/simple/six/\n  cause: tcp connect error", "set HTTPS_PROXY"),
        ("error: failed to write to file\n  cause: No space left on device (os error 28)", "free 3 GB"),
        (
            "error: Failed to download `six==1.17.0`\n  cause: Hash mismatch for `six==1.17.0`",
            "other files than the locked",
        ),
        ("ERROR: something nobody foresaw", "something nobody foresaw"),
    ],
)
def test_an_installers_output_becomes_an_instruction(said: str, told: str) -> None:
    assert told in install._why("uv", f"Collecting numpy\n{said}\n")


def test_uv_takes_the_mirror_of_pips_files_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = http://mirror/simple\ncert = /ca.pem\n[install]\nproxy = http://proxy:1\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    for name in ("PIP_CERT", "PIP_FIND_LINKS", "PIP_INDEX_URL", *install.UV_SETTINGS.values()):
        monkeypatch.delenv(name, raising=False)
    told = {"UV_DEFAULT_INDEX": "http://mirror/simple", "SSL_CERT_FILE": "/ca.pem", "HTTPS_PROXY": "http://proxy:1"}
    assert install._uv_environment(sys.executable) == told

    monkeypatch.setenv("PIP_INDEX_URL", "http://another/simple")
    monkeypatch.setenv("HTTPS_PROXY", "http://own:2")
    changed = install._uv_environment(sys.executable)
    assert (changed["UV_DEFAULT_INDEX"], "HTTPS_PROXY" in changed) == ("http://another/simple", False)


def test_every_package_of_the_lock_is_installed_with_all_its_hashes() -> None:
    lock = (CHECKOUT / "infra" / "requirements.lock").read_text()
    found = install.requirements(lock)
    assert len(found) > 100
    assert all(item.split(maxsplit=1)[0].count("==") == 1 and "--hash=sha256:" in item for item in found)
    assert "".join(found) == lock[lock.index(found[0]) :]


def test_an_interrupted_install_starts_over_and_an_unreachable_index_names_proxy_and_mirror(
    checkout: Path,
) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "redthread.installing").touch()
    (checkout / ".venv" / "half.txt").touch()
    (checkout / "infra" / "requirements.lock").write_text(f"uv==0.0 --hash=sha256:{'0' * 64}\n")
    offline = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "1",
        "PIP_CONFIG_FILE": "/dev/null",
    }
    done = run(checkout, "demo", **offline)
    assert done.returncode == 1
    assert "making .venv" in done.stderr and not (checkout / ".venv" / "half.txt").exists()
    assert "HTTPS_PROXY" in done.stderr and "PIP_INDEX_URL" in done.stderr
    assert "Traceback" not in done.stderr
