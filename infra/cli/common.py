"""The settings of a command: the environment's, with the command's options laid over them."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from graph.domain.errors import Invalid
from graph.space import Space
from graph.store.session import Store
from infra.settings import Settings
from streams.settings import Addresses

S = TypeVar("S", bound=BaseSettings)
T = TypeVar("T")


def _folder(text: str) -> Path:
    if not text:  # as a path it would be the current folder
        raise typer.BadParameter("names no folder")
    return Path(text)


def with_store(addresses: Addresses, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """The result of `work` on the graph at these addresses."""

    async def run() -> T:
        async with Store(*addresses.neo4j) as store:
            return await work(store)

    return asyncio.run(run())


JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder for everything that is kept.", envvar="REDTHREAD_DATA", parser=_folder, metavar="FOLDER"
    ),
]


def settings(**options: Any) -> Settings:
    """The settings of the environment; an option that is not None replaces one."""
    read = read_settings(Settings, **{name: value for name, value in options.items() if value is not None})
    folders = {name: path for name in ("data", "models", "model_pack") if (path := getattr(read, name)) is not None}
    return read.model_copy(update={name: path.expanduser().absolute() for name, path in folders.items()})


def read_settings(kind: type[S], **values: Any) -> S:
    """Settings of this class from the environment and these values; Invalid names the wrong one."""
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise Invalid(f"setting REDTHREAD_{name}: {first['msg'].removeprefix('Value error, ')}") from error
    except SettingsError as error:
        # A list or an object whose variable is not JSON: the library names the field in its text only.
        name = next((name for name in kind.model_fields if f'"{name}"' in str(error)), "")
        raise Invalid(f"setting REDTHREAD_{name.upper()}: not JSON, see infra/docs/operators.md") from error


def space(chosen: Settings) -> Space:
    """The watched folders of these settings."""
    return Space.of(chosen.data, chosen.store_url, chosen.space_mib)
