"""The rules that keep the parts apart and the words the same, read from the sources: a breach names its line."""

import ast
import io
import re
import subprocess
import tokenize
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent
PACKAGES = ("streams", "graph", "api", "infra")
TOP = {"pyproject.toml", "README.md", *PACKAGES, "tests"}
ONLY_IN = {
    "faust": "streams/",
    "aiokafka": "streams/",
    "onnxruntime": "streams/faces/",
    "insightface": "streams/faces/",
    "neo4j": "graph/store/",
    "fastapi": "api/",
    "uvicorn": "api/",
    "jwt": "api/",
}
ALSO = {
    "insightface": ("infra/demo/",),
    "uvicorn": ("infra/",),
    "jwt": ("infra/local/issuer.py",),
}
"""The demo takes sample pictures from the package; nothing of its code runs there."""
BANNED = re.compile(r"(?:^|_)(?:match|matches|matched|hit|hits)(?:_|$)")
GIVEN = {"if_match"}
"""HTTP's own name of a header."""


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("the tree is no git checkout")
    return done.stdout.splitlines()


def modules(*roots: str) -> list[Path]:
    return sorted(path for root in roots for path in (CHECKOUT / root).rglob("*.py"))


@cache
def imported(path: Path) -> frozenset[tuple[str, int]]:
    """The top-level packages that a module imports, each with the line."""
    found: set[tuple[str, int]] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name.partition(".")[0], node.lineno) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add((node.module.partition(".")[0], node.lineno))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module" and node.args:
            name = getattr(node.args[0], "value", None)
            found |= {(name.partition(".")[0], node.lineno)} if isinstance(name, str) else set()
    return frozenset(found)


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_is_imported_in_one_sub_tree_only(library: str) -> None:
    breaches = [
        f"{path.relative_to(CHECKOUT)}:{line}"
        for path in modules(*PACKAGES)
        for name, line in imported(path)
        if name == library
        and not path.relative_to(CHECKOUT).as_posix().startswith((ONLY_IN[library], *ALSO.get(library, ())))
    ]

    assert breaches == []


def test_the_domain_imports_the_standard_library_and_itself_only() -> None:
    import sys

    breaches = [
        f"{path.name}:{line} {name}"
        for path in modules("graph/domain")
        for name, line in imported(path)
        if name not in sys.stdlib_module_names and name != "graph"
    ]

    assert breaches == []


def test_nothing_else_stands_at_the_top() -> None:
    top = {name.partition("/")[0] for name in tracked()}

    assert {name for name in top if not name.startswith(".")} <= TOP


def test_test_folders_hold_no_init_file() -> None:
    assert [name for name in tracked() if name.startswith("tests/") and name.endswith("__init__.py")] == []


def test_one_cv2_is_installed_and_it_needs_no_display() -> None:
    found = {
        (dist.metadata["Name"] or "").lower()
        for dist in metadata.distributions()
        if (dist.metadata["Name"] or "").lower().startswith("opencv")
    }

    assert found == {"opencv-python-headless"}


def defined(tree: ast.AST) -> set[tuple[str, int]]:
    """Names that the code itself gives: functions, classes, arguments, variables, attributes that it sets."""
    found: set[tuple[str, int]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add((node.name, node.lineno))
        elif isinstance(node, ast.arg):
            found.add((node.arg, node.lineno))
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add((node.id if isinstance(node, ast.Name) else node.attr, node.lineno))
    return found


def test_a_candidate_is_never_called_a_match_or_a_hit() -> None:
    breaches = [
        f"{path.relative_to(CHECKOUT)}:{line} {name}"
        for path in modules(*PACKAGES)
        for name, line in defined(ast.parse(path.read_text("utf-8")))
        if BANNED.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) and name not in GIVEN
    ]

    assert breaches == []


def test_every_broad_except_says_why_it_is_broad() -> None:
    breaches: list[str] = []
    for path in modules(*PACKAGES):
        text = path.read_text("utf-8")
        comments = {
            token.start[0]: token.string
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        }
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler) and getattr(node.type, "id", "") in ("Exception", "BaseException"):
                body = [comments.get(line, "") for line in range(node.lineno - 1, (node.body[0].end_lineno or 0) + 1)]
                if not any(len(comment.split()) > 5 for comment in body):
                    breaches.append(f"{path.relative_to(CHECKOUT)}:{node.lineno}")

    assert breaches == []


def test_names_of_topics_stand_in_one_table() -> None:
    """A topic's name is written in `streams.topics` and nowhere else in the code (documents and event types aside)."""
    name = re.compile(r'"redthread\.(?:media|cases|victims|erasures|probes|gallery|notices|quarantine|audit)\.[^"]*v1"')
    allowed = {
        "streams/topics.py",
        "streams/records/gallery.py",
        "streams/records/incoming.py",
        "streams/relay/outgoing.py",
        "graph/actions/link/cursor.py",
        "api/routes/quarantine.py",
    }
    breaches = [
        f"{path.relative_to(CHECKOUT)}: {found[0]}"
        for path in modules(*PACKAGES)
        if path.relative_to(CHECKOUT).as_posix() not in allowed
        for found in [name.search(path.read_text("utf-8"))]
        if found
    ]

    assert breaches == []


def test_every_path_that_a_text_names_exists() -> None:
    """In code, documents and workflows alike: a cache key once named files that had moved, and never changed again."""
    names = tracked()
    known = {*names, *(parent.as_posix() for name in names for parent in Path(name).parents)}
    path = re.compile(r"(?<![\w/.-])((?:streams|graph|api|infra|tests)/[\w/.*-]*\w)")
    breaches = [
        f"{name}: {found}"
        for name in names
        if Path(name).suffix in (".py", ".md", ".toml", ".yaml", "")
        for found in path.findall((CHECKOUT / name).read_text("utf-8"))
        if found not in known and f"{found}.py" not in known and not ("*" in found and [*CHECKOUT.glob(found)])
    ]

    assert breaches == []
