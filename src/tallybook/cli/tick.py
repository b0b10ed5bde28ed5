"""Do all that is due now; `serve` does it every minute by itself."""

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json

app = commands()


@app.command()
def tick(data: Data = None, as_json: Json = False) -> None:
    """Load, refresh and compact what is due now."""
    with connect(data) as client:
        done = client.post("/tick", {})
    if as_json:
        print_json(done)
        return
    typer.echo(f"Done at {done['now']}.")
