"""`./tallybook bench WORD`: run one comparison and print it with what it was measured on."""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench import alerts, append, ingest, machine, positions, sizes, statements, usage, volume

WORDS: Final = {
    "append": append,
    "ingest": ingest,
    "usage": usage,
    "positions": positions,
    "statements": statements,
    "volume": volume,
    "alerts": alerts,
}

Row = Mapping[str, Any]


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="tallybook bench", description=__doc__)
    parser.add_argument("word", choices=WORDS)
    parser.add_argument(
        "--events",
        type=int,
        help="how many (ingest and statements 1,000,000, append 100,000, else 20,000,000)",
    )
    parser.add_argument("--cache", type=Path, help="keep generated data here for the next run")
    parser.add_argument(
        "--stores",
        choices=[sizes.SERVERS],
        help="measure these as well, in the same run, and print their ratio to the folder's",
    )
    parser.add_argument("--json", action="store_true", help="print JSON only")
    asked = parser.parse_args()
    if asked.stores and asked.word == "append":
        parser.error("append measures both databases in any case")
    word = WORDS[asked.word]
    events = asked.events or word.EVENTS
    measured_on = machine.described()
    found: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as scratch:
        for name in filter(None, (sizes.FOLDER, asked.stores)):
            with sizes.opened(name) as size:
                measured_on |= size.versions()
                found[name] = word.run(events, (asked.cache or Path(scratch)) / name, size)
    rows = _beside(found)
    if asked.json:
        print(json.dumps({"machine": measured_on, "events": events, "rows": rows}, indent=2))
        return 0
    print(" · ".join(f"{name} {value}" for name, value in measured_on.items()))
    print(f"\n{asked.word}, {events:,} events\n")
    _print(rows, [*found])
    return 0


def _beside(found: Mapping[str, list[Row]]) -> list[Row]:
    """Put what was measured of each size on one row, with its ratio to the first."""
    first, *others = found
    rows: list[Row] = []
    for number, row in enumerate(found[first]):
        more = {name: found[name][number]["value"] for name in others}
        ratios = {f"{name} ratio": _ratio(row["value"], value) for name, value in more.items()}
        rows.append({**row, **more, **ratios})
    return rows


def _ratio(one: str, other: str) -> str:
    """Divide the numbers that two values begin with."""
    read = [re.match(r"[0-9][0-9,]*(\.[0-9]+)?", value) for value in (one, other)]
    numbers = [float(found[0].replace(",", "")) for found in read if found]
    return f"{numbers[1] / numbers[0]:.2f}" if len(numbers) == len(read) and numbers[0] else ""


def _print(rows: Sequence[Row], names: Sequence[str]) -> None:
    width = max(len(row["what"]) for row in rows)
    if len(names) > 1:
        print(f"{'':<{width}}  {names[0]:>22}  {names[1]:>22}  {'ratio':>6}")
    for row in rows:
        target = f"   accepted {row['target']}" if row.get("target") else ""
        others = "".join(f"  {row[name]:>22}  {row[f'{name} ratio']:>6}" for name in names[1:])
        print(f"{row['what']:<{width}}  {row['value']:>22}{others}{target}")


if __name__ == "__main__":
    sys.exit(main())
