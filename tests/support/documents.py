"""Generated parts of the documents: `python -m tests.support.documents` writes them, tests/rules compares them.

A generated table stands between `<!-- generated: NAME -->` and `<!-- end -->`; `api.md` is generated as a whole.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from api.app import build_app
from api.settings import Settings as ApiSettings
from infra.settings import Settings
from streams import topics
from streams.settings import StreamSettings

CHECKOUT: Final = Path(__file__).parents[2]
DOCS: Final = CHECKOUT / "infra" / "docs"
READERS: Final[dict[str, type[BaseSettings]]] = {"workers": StreamSettings, "API": ApiSettings, "command": Settings}
SHARED: Final = {"$ref", "default", "examples", "title"}
WRITE: Final = "python -m tests.support.documents"


def settings_table() -> str:
    """Every setting with its readers, default and meaning, by name."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for reader, kind in READERS.items():
        for name, field in kind.model_fields.items():
            found[name][reader] = field
    rows = [_setting(f"REDTHREAD_{name.upper()}", fields) for name, fields in sorted(found.items())]
    return _table(("variable", "read by", "default", "meaning"), rows)


def _setting(name: str, fields: dict[str, Any]) -> tuple[str, str, str, str]:
    meanings = [field.description for field in fields.values() if field.description]
    default = next((text for text in map(_default, fields.values()) if text), "")
    return f"`{name}`", ", ".join(fields), default, max(meanings, key=len, default="")


def _default(field: Any) -> str:
    value = field.default
    plain = value is not PydanticUndefined and isinstance(value, str | int | float) and not isinstance(value, bool)
    return f"`{value}`" if plain and value not in ("", 0) else ""


def topics_table() -> str:
    """Every topic with its partitions, retention and content."""
    rows = [
        (f"`{topic.name}`", str(topic.partitions), _retention(topic.retention_ms), topic.content)
        for topic in topics.table(["<source>"])
    ]
    return _table(("topic", "partitions", "retention", "content"), rows)


def _retention(milliseconds: int) -> str:
    return "for ever" if milliseconds < 0 else f"{milliseconds // topics.DAY_MS} days"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(head)]
    cells.append(["---"] * len(cells[0]))
    cells += [list(row) for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"


def api_page() -> str:
    """Every route with its parameters, body, answers and refusals, by subject."""
    document = api_document()
    by_subject: defaultdict[str, list[str]] = defaultdict(list)
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            by_subject[operation["tags"][0]].append(_route(method.upper(), path, operation, document))
    parts = [
        "# The API",
        f"Generated from the OpenAPI document by `{WRITE}`; programs read `/openapi.json`. Required fields are bold.\n"
        "What users do with these routes: [investigators.md](investigators.md).",
        document["info"]["description"].strip(),
        *(f"## {subject.capitalize()}\n\n" + "\n\n".join(routes) for subject, routes in sorted(by_subject.items())),
    ]
    return "\n\n".join(parts) + "\n"


def api_document() -> dict[str, Any]:
    """The OpenAPI document of the service, without opening anything."""

    def never() -> AbstractAsyncContextManager[Any]:
        raise AssertionError("describing the API opens nothing")

    return build_app(never, upload_limit=1, version="0").openapi()


def _route(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    lines = [f"### `{method} {path.replace(':path}', '}')}`", "", operation.get("description", "").strip(), ""]
    lines += [_parameter(item) for item in operation.get("parameters", ())]
    for content in operation.get("requestBody", {}).get("content", {}).items():
        lines += [f"- body `{content[0]}`: {fields}" for fields in [_fields(content[1]["schema"], document)] if fields]
    refusals: list[str] = []
    for status, answer in sorted(operation["responses"].items()):
        if status.startswith(("4", "5")):
            codes = re.findall(r"`(\w+)`", answer.get("description", ""))
            refusals += [f"{status} {', '.join(f'`{code}`' for code in codes)}" if codes else status]
        else:
            shape = next(iter(answer.get("content", {}).values()), {}).get("schema", {})
            fields = _fields(shape, document)
            lines.append(f"- {status}" + (f": {fields}" if fields else ""))
    if refusals:
        lines.append(f"- refusals: {'; '.join(refusals)}")
    return "\n".join(lines)


def _parameter(item: dict[str, Any]) -> str:
    needed = "required" if item.get("required") else "optional"
    meaning = item.get("description") or item["schema"].get("description", "")
    return f"- {item['in']} `{item['name']}` ({needed})" + (f": {meaning}" if meaning else "")


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """The names of an object's fields, those that are required in bold."""
    reference = schema.get("$ref")
    if reference is None:
        kinds = [_fields(one, document) for one in schema.get("anyOf", ()) if "$ref" in one]
        return "; or ".join(kinds)
    found = document["components"]["schemas"][reference.rpartition("/")[2]]
    required = set(found.get("required", ()))
    return ", ".join(f"**`{name}`**" if name in required else f"`{name}`" for name in found.get("properties", ()))


TABLES: Final = {"settings": settings_table, "topics": topics_table}


def generated(text: str) -> str:
    """The document with each generated table as it must be now."""

    def table(place: re.Match[str]) -> str:
        return f"<!-- generated: {place[1]} -->\n\n{TABLES[place[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- generated: (\w+) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


def documents() -> Iterator[tuple[Path, str]]:
    """Each document that has generated parts, with the text that it must have."""
    yield DOCS / "api.md", api_page()
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text("utf-8")
        if "<!-- generated: " in text:
            yield path, generated(text)


def main() -> None:
    for path, text in documents():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
