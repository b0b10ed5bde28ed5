"""`./tallybook bench WORD`: run one comparison and print it with what it was measured on."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench import append, ingest, machine, positions, usage

WORDS = {"append": append, "ingest": ingest, "usage": usage, "positions": positions}


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="tallybook bench", description=__doc__)
    parser.add_argument("word", choices=WORDS)
    parser.add_argument(
        "--events", type=int, help="how many (append 100,000, ingest 1,000,000, else 20,000,000)"
    )
    parser.add_argument("--cache", type=Path, help="keep generated data here for the next run")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    asked = parser.parse_args()
    word = WORDS[asked.word]
    events = asked.events or word.EVENTS
    measured_on = machine.described()
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as scratch:
        rows = word.run(events, asked.cache or Path(scratch))
    if asked.json:
        print(json.dumps({"machine": measured_on, "events": events, "rows": rows}, indent=2))
        return 0
    print(" · ".join(f"{name} {value}" for name, value in measured_on.items()))
    print(f"\n{asked.word}, {events:,} events\n")
    width = max(len(row["what"]) for row in rows)
    for row in rows:
        target = f"   accepted {row['target']}" if row.get("target") else ""
        print(f"{row['what']:<{width}}  {row['value']:>14}{target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
