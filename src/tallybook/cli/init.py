"""Make an empty data folder with an administrator and an API key, shown once."""

from typing import Annotated

import typer

from tallybook.cli._app import app as root
from tallybook.cli._client import Data
from tallybook.cli._command import Json, commands, print_json
from tallybook.settings import Settings

app = commands()


@app.command()
def init(
    admin_email: Annotated[str, typer.Option(help="Who signs in as the administrator.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make an empty data folder with an administrator and an API key, shown once."""
    settings = Settings() if data is None else Settings(data=data)
    made = root.initialise(settings, admin_email)
    if as_json:
        print_json(made)
        return
    for name, value in made.items():
        typer.echo(f"{name.replace('_', ' '):<16}{value}")
    typer.echo("\nKeep the password and the key: they are not shown again.")
    typer.echo(f"Next: ./tallybook serve --data {settings.data}")
