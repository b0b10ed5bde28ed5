"""Say where contracts stand: used, allotment, forecast, overage and amount of each line."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table

app = commands()

_COLUMNS = (
    "contract",
    "line",
    "account",
    "used",
    "allotment",
    "percent_used",
    "overage",
    "projected",
    "unit",
    "status",
    "amount",
    "currency",
)


@app.command()
def position(
    contract: Annotated[str | None, typer.Argument(help="One contract's number.")] = None,
    line: Annotated[str | None, typer.Argument(help="One of its lines, explained.")] = None,
    *,
    account: Annotated[str | None, typer.Option(help="One account and its tree.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only these, with commas: over,likely_over …")
    ] = None,
    at: Annotated[str | None, typer.Option(help="An instant; now by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Lines at most.")] = 50,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say where contracts stand: used, allotment, forecast, overage and amount of each line."""
    with connect(data) as client:
        if contract and line:
            found = client.get(f"/positions/{contract}/{line}", at=at)
            items = [found]
        else:
            found = client.get(
                "/positions", contract=contract, account=account, status=status, at=at, limit=limit
            )
            items = found["items"]
    if as_json:
        print_json(found)
        return
    rows = [[{**item, **_shown(item)}[name] for name in _COLUMNS] for item in items]
    print_table(_COLUMNS, rows)


def _shown(item: Mapping[str, Any]) -> dict[str, object]:
    """Return what the table says otherwise than the answer: a rounded forecast, no bare currency.

    Amounts are None for those who may not see them.
    """
    projected = item["forecast"]["projected"]
    return {
        "projected": None if projected is None else f"{Decimal(projected):.2f}",
        "currency": None if item["amount"] is None else item["currency"],
    }
