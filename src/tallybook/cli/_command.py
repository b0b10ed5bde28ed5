"""What every word's file shares: its Typer, the `--json` option and how it prints an answer."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from typer.core import TyperGroup

Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, for programs.")]


def commands(group: type[TyperGroup] | None = None) -> typer.Typer:
    """Make a word's Typer: one command in it is the word itself, several are its sub-words."""
    return typer.Typer(
        cls=group,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def print_json(answer: object) -> None:
    """Write one JSON document to standard output; what JSON has no form for is written as text."""
    json.dump(answer, sys.stdout, default=str, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under their names, as wide as they need, numbers to the right; None is blank."""
    table = [list(names), *(["" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    numeric = [all(map(_is_number, column[1:])) for column in zip(*table, strict=True)]
    for row in table:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def _is_number(cell: str) -> bool:
    return not cell.strip("-0123456789.")
