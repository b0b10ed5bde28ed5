"""Say where contracts stand: used, allotment, forecast, overage and amount of each line."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from tallybook.cli._client import Asked, Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table

app = commands()

_COLUMNS = (
    "contract",
    "line",
    "account",
    "service",
    "used",
    "allotment",
    "percent_used",
    "remaining",
    "overage",
    "projected",
    "projected_overage",
    "projected_amount",
    "unit",
    "status",
    "flags",
    "amount",
    "currency",
)
_TOTALS = (
    "lines",
    "unit",
    "used",
    "allotment",
    "overage",
    "projected",
    "projected_overage",
    "projected_amount",
    "amount",
    "currency",
)


@app.command()
def position(
    contract: Annotated[str | None, typer.Argument(help="One contract's number.")] = None,
    line: Annotated[str | None, typer.Argument(help="One of its lines, explained.")] = None,
    *,
    account: Annotated[str | None, typer.Option(help="One account and its tree.")] = None,
    own: Annotated[bool, typer.Option("--own", help="That account without its tree.")] = False,
    service: Annotated[str | None, typer.Option(help="One service.")] = None,
    branch: Annotated[str | None, typer.Option(help="One branch.")] = None,
    csm: Annotated[str | None, typer.Option(help="One CSM, as lines name them.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only these, with commas: over,likely_over …")
    ] = None,
    q: Annotated[str | None, typer.Option("--q", help="A part of a name or key.")] = None,
    sort: Annotated[str, typer.Option(help="A column: projected_overage, used …")] = "contract",
    descending: Annotated[bool, typer.Option("--descending", help="The most first.")] = False,
    at: Annotated[str | None, typer.Option(help="An instant; now by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Lines at most.")] = 50,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write all to a file: .csv, .xlsx or .parquet."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say where contracts stand: used, allotment, forecast, overage and amount of each line."""
    asked: dict[str, Asked] = {
        "contract": contract,
        "account": account,
        "rollup": "false" if own else None,
        "service": service,
        "branch": branch,
        "csm": csm,
        "status": status,
        "q": q,
        "sort": sort,
        "descending": "true" if descending else None,
        "at": at,
    }
    one = f"/positions/{contract}/{line}" if contract and line else ""
    with connect(data) as client:
        if output is not None:
            asked = {"at": at} if one else asked
            kind = output.suffix.removeprefix(".").lower()
            client.save(f"{one}/daily" if one else "/positions/export", output, kind, **asked)
            _say_written(output, as_json=as_json)
            return
        found = client.get(one, at=at) if one else client.get("/positions", **asked, limit=limit)
        items = [found] if one else found["items"]
    if as_json:
        print_json(found)
        return
    print_table(_COLUMNS, ([{**item, **_shown(item)}[n] for n in _COLUMNS] for item in items))
    if "totals" in found:
        _print_totals(found)


def _say_written(file: Path, *, as_json: bool) -> None:
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size})
    else:
        typer.echo(f"{file}: {size:,} bytes.")


def _shown(item: Mapping[str, Any]) -> dict[str, object]:
    """Return what the table says otherwise than the answer: rounded forecasts, no bare currency.

    Amounts are None for those who may not see them.
    """
    ahead = item["forecast"]
    return {
        "projected": _rounded(ahead["projected"]),
        "projected_overage": _rounded(ahead["projected_overage"]),
        "projected_amount": ahead["projected_amount"],
        "flags": ",".join(flag for flag in ("likely_over", "low_use") if item[flag]),
        "currency": None if item["amount"] is None else item["currency"],
    }


def _print_totals(found: Mapping[str, Any]) -> None:
    """Write the totals of all lines that match, also of those beyond the limit."""
    shown = len(found["items"])
    typer.echo(f"\n{shown} of {found['count']} lines. Totals of all of them:")
    rows = (
        {
            **total,
            "projected": _rounded(total["projected"]),
            "projected_overage": _rounded(total["projected_overage"]),
            "currency": None if total["amount"] is None else total["currency"],
        }
        for total in found["totals"]
    )
    print_table(_TOTALS, ([row[name] for name in _TOTALS] for row in rows))


def _rounded(quantity: str | None) -> str | None:
    return None if quantity is None else f"{Decimal(quantity):.2f}"
