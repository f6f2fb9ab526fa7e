"""The walks in `infra/docs/developers.md` are true and short: files and functions exist and lead to each other."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "infra" / "docs" / "developers.md").read_text("utf-8")
LONGEST = {"picture": 25, "verdict": 20}
"""Files that somebody reads to follow one picture from Kafka to the link, and one verdict from HTTP to the notice."""


@dataclass(frozen=True)
class Step:
    """A file of a walk, the functions and classes that it names there, and whether another process hands over to it."""

    path: str
    names: tuple[str, ...]
    begins: bool


def steps(walk: str) -> list[Step]:
    [text] = re.findall(rf"<!-- walk: {walk} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    found: list[Step] = []
    for begins, path, rest in re.findall(r"^\d+\. (→ )?`([\w/]+\.py)`(.*(?:\n   .*)*)", text, re.MULTILINE):
        names = re.findall(r"`(\w+)`", rest)
        found.append(Step(path, tuple(names), bool(begins)))
    return found


def imported(path: str) -> set[str]:
    """The files that a file imports from this project, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((CHECKOUT / path).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found |= {f"{module.replace('.', '/')}.py" for module in modules}
    return found


def defined(path: str) -> set[str]:
    tree = ast.parse((CHECKOUT / path).read_text("utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
    return names | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


@pytest.mark.parametrize("walk", LONGEST)
def test_a_walk_is_short_and_names_each_file_once(walk: str) -> None:
    paths = [step.path for step in steps(walk)]

    assert 10 < len(paths) <= LONGEST[walk]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("walk", LONGEST)
def test_every_name_of_a_walk_is_defined_where_it_says(walk: str) -> None:
    missing = [f"{step.path}: {name}" for step in steps(walk) for name in step.names if name not in defined(step.path)]

    assert missing == []


@pytest.mark.parametrize("walk", LONGEST)
def test_each_file_of_a_walk_is_used_by_one_before_it(walk: str) -> None:
    """But for those that begin in another process: a record, a request or the outbox leads there."""
    reached: set[str] = set()
    loose: list[str] = []
    for step in steps(walk):
        if not step.begins and step.path not in reached:
            loose.append(step.path)
        reached |= imported(step.path)

    assert loose == []
