"""The settings of a command: the environment's, with the command's options laid over them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from graph.domain.errors import Invalid
from graph.space import Space
from infra.settings import Settings

S = TypeVar("S", bound=BaseSettings)


def _folder(text: str) -> Path:
    if not text:  # as a path it would be the current folder
        raise typer.BadParameter("names no folder")
    return Path(text)


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
    store = chosen.media_store or (chosen.data / "store").as_uri()
    return Space.of(chosen.data, store, chosen.space_mib)
