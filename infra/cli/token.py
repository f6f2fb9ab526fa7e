"""`redthread token`: a token of the local stack's own sign-in, to ask the API with."""

from typing import Annotated

import typer

from graph.domain.errors import Invalid
from infra.cli.common import DataOption, settings
from infra.local.issuer import HOURS, USERS, DevelopmentIssuer, user
from infra.local.running import find_running
from infra.settings import Settings


def token(
    name: Annotated[str, typer.Argument(metavar="USER", help=f"One of {', '.join(USERS)}.")],
    hours: Annotated[float, typer.Option(min=0.01, max=24.0, help="How long it is taken.")] = HOURS,
    data: DataOption = None,
) -> None:
    """Print a token for a development user of the local stack: send it as `Authorization: Bearer TOKEN`."""
    print(issued(settings(data=data), name, hours=hours))


def issued(chosen: Settings, name: str, *, hours: float = HOURS) -> str:
    """A token of the development issuer; Invalid where the API believes a real one."""
    person = user(name)
    running = find_running(chosen.data)
    stack = running.stack if running is not None else chosen.stack
    issuer = running.issuer if running is not None else chosen.oidc_issuer
    if stack == "external" or issuer:
        what = "stack `external`" if stack == "external" else "this API"
        raise Invalid(f"{what} has a sign-in service of its own: get a token there; the users here are for development")
    return DevelopmentIssuer.of(chosen.data).token(person, hours=hours)
