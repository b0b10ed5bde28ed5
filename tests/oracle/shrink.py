"""Makes a case that fails smaller: parts are dropped one after another while it goes on failing."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.oracle.cases import Case
from tests.oracle.terms import TERMS
from tests.oracle.world import World

#: How many smaller cases are tried.
TRIES = 150
PARTS = (*TERMS, "credits", "phases")


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return a smaller case that still fails; each one tried has keys of its own."""
    tries, again = 0, True
    while again:
        again = False
        for smaller in _smaller(case):
            tries += 1
            if tries > TRIES:
                return case
            candidate = renamed(smaller, case.prefix, f"{case.prefix.split('_')[0]}_{tries}-")
            if fails(candidate):
                case, again = candidate, True
                break
    return case


def renamed(text: str, old: str, new: str) -> Case:
    """Read a case that was written, with another prefix in all of its keys."""
    found = json.loads(text.replace(old, new))
    return Case(World(**found), new)


def written(case: Case) -> str:
    """Write a case as JSON."""
    world = case.world
    parts = {name: getattr(world, name) for name in ("accounts", "meters", "contracts", "events")}
    return json.dumps(parts)


def _smaller(case: Case) -> Iterator[str]:
    """Yield smaller cases as text: with fewer events, versions, or parts of all versions."""
    count = len(case.world.events)
    for size in filter(None, (count // 2, count // 4, count // 8, 1)):
        for first in range(0, count, size):
            world = json.loads(written(case))
            del world["events"][first : first + size]
            yield json.dumps(world)
    for number, versions in case.world.contracts.items():
        for i in range(1, len(versions)):
            world = json.loads(written(case))
            del world["contracts"][number][i]
            yield json.dumps(world)
        for part in PARTS:
            for i in range(max(len(version.get(part) or ()) for version in versions)):
                world = json.loads(written(case))
                _drop(world["contracts"][number], part, i)
                yield json.dumps(world)


def _drop(versions: list[dict[str, Any]], part: str, index: int) -> None:
    for version in versions:
        for owner in (version, *version.get("phases", ())):
            if len(owner.get(part) or ()) > index:
                del owner[part][index]
