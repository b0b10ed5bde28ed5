"""Serve the API and the pages of one data folder."""

from typing import Annotated

import typer

from tallybook.cli._app import app as root
from tallybook.cli._client import Data
from tallybook.cli._command import commands
from tallybook.settings import Settings

app = commands()


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free port.")
    ] = 8000,
    test_clock: Annotated[
        bool, typer.Option("--test-clock", help="Allow PUT /api/v1/test-clock. For tests only.")
    ] = False,
) -> None:
    """Serve the API and the pages of one data folder, and run `tick` every minute."""
    given = {"test_clock": test_clock} if data is None else {"test_clock": test_clock, "data": data}
    root.serve(
        Settings.model_validate({**Settings().model_dump(), **given}),
        host,
        port,
        lambda url: typer.echo(f"ready {url}"),
    )
