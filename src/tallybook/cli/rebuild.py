"""Delete the copy of the events and build it again from the ledger."""

import typer

from tallybook.cli._app import app as root
from tallybook.cli._client import Data
from tallybook.cli._command import Json, commands, print_json
from tallybook.cli._progress import progress
from tallybook.settings import Settings

app = commands()


@app.command()
def rebuild(data: Data = None, as_json: Json = False) -> None:
    """Delete the copy of the events and build it again from the ledger; no server may run."""
    settings = Settings() if data is None else Settings(data=data)
    with (
        root.rebuilding(settings) as (total, steps),
        progress("Events", total, counted=True) as show,
    ):
        for loaded in steps:
            show(loaded)
    if as_json:
        print_json({"events": total})
        return
    typer.echo(f"{total:,} events are loaded again.")
