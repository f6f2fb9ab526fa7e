"""`redthread sign-in`: a link that opens the pages of the local stack, signed in."""

import typer

from graph.domain.errors import Invalid
from infra.cli.common import DataOption, settings
from infra.local.issuer import DevelopmentIssuer
from infra.local.running import find_running


def sign_in(data: DataOption = None) -> None:
    """Print a link that opens the pages in a browser of this machine; it works once."""
    chosen = settings(data=data)
    running = find_running(chosen.data)
    if running is None or not running.api_url:
        raise Invalid("nothing runs here that has pages: start it with `redthread up`")
    if running.stack == "external" or running.issuer:
        raise Invalid(f"this API has a sign-in service of its own: open {running.api_url}/app/")
    typer.echo(DevelopmentIssuer.of(chosen.data).new_link(running.api_url))
