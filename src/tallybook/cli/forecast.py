"""Say how well each method of forecasting would have done on past periods."""

from decimal import Decimal
from typing import Annotated, Any, Final

import typer

from tallybook.cli._client import Data, connect
from tallybook.cli._command import Json, commands, print_json, print_table
from tallybook.cli._progress import progress

app = commands()

_COLUMNS: Final = ("method", "forecasts", "error %", "within the range %")


@app.callback()
def forecast() -> None:
    """Say how well each method of forecasting would have done on past periods."""


@app.command()
def backtest(
    *,
    account: Annotated[str | None, typer.Option(help="One account and its tree.")] = None,
    contract: Annotated[str | None, typer.Option(help="One contract's number.")] = None,
    line: Annotated[str | None, typer.Option(help="Only lines with this code.")] = None,
    periods: Annotated[int, typer.Option(min=1, max=24, help="Past periods of each line.")] = 3,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Forecast periods that are over, at the end of each day, and compare with what was used.

    The error is the mean of the absolute errors in percent of what was used.
    """
    with connect(data) as client, progress("Trying each method", None):
        found = client.get(
            "/forecasts/backtest", account=account, contract=contract, line=line, periods=periods
        )
    if as_json:
        print_json(found)
        return
    units = sorted({error["unit"] for score in found["methods"] for error in score["errors"]})
    names = (*_COLUMNS, *(f"error in {unit}" for unit in units))
    print_table(names, [_row(score, units) for score in found["methods"]])
    left = "; more were left out: narrow it down" if found["has_more"] else ""
    typer.echo(f"\n{found['periods']} periods of lines whose days add up{left}.")


def _row(score: dict[str, Any], units: list[str]) -> list[object]:
    errors = {error["unit"]: error["mean_absolute_error"] for error in score["errors"]}
    percents = (score["mean_absolute_percentage_error"], score["covered_percent"])
    return [
        score["method"],
        score["forecasts"],
        *(None if one is None else f"{Decimal(one):.1f}" for one in percents),
        *(None if unit not in errors else f"{Decimal(errors[unit]):,.1f}" for unit in units),
    ]
