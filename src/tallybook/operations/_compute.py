"""Positions worked out from the events: lines that can be counted together are one question."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.ports import Events
from tallybook.model.position import Position
from tallybook.model.scope import Scope
from tallybook.operations.measure import measure
from tallybook.positions.needs import Uses
from tallybook.positions.position import Known, needs, position
from tallybook.positions.terms import Terms
from tallybook.positions.use import Sheet, Use, added

#: Lines in one question: their cells and positions are in memory together.
LINES_A_QUESTION: Final = 2_000


def compute(
    scope: Scope, directory: Directory, events: Events, lines: Iterable[Terms], known: Known
) -> Iterator[Position]:
    """Yield the positions of lines, in no particular order, all of one mark."""
    for line, use, uses in count(scope, directory, events, lines, known):
        yield position(line, use, known, uses)


def count(
    scope: Scope, directory: Directory, events: Events, lines: Iterable[Terms], known: Known
) -> Iterator[tuple[Terms, Use, Uses]]:
    """Yield lines with all that is counted of them; a group when the last of its meters is.

    A line may be there more than once, in several of its periods.
    """
    waiting: dict[tuple[object, ...], list[Use]] = {}
    together: dict[tuple[object, ...], list[tuple[Terms, Terms]]] = {}
    for line in lines:
        for part in line.parts:
            together.setdefault(part.shared, []).append((line, part))
    for alike in together.values():
        rest = iter(alike)
        while some := list(islice(rest, LINES_A_QUESTION)):
            parts = [part for _, part in some]
            found = _days(scope, directory, events, parts, known)
            whole = [line for line, _ in some]
            ready = []
            for line, use in zip(whole, found, strict=True):
                counted = (*line.key, line.period.start_date)
                uses = waiting.setdefault(counted, [])
                uses.append(use)
                if len(uses) == len(line.meters):
                    ready.append((line, added(waiting.pop(counted))))
            wanted = [need for line, _ in ready for need in needs(line)]
            answers = measure(scope, directory, events, wanted, known.mark.seq) if wanted else {}
            for line, use in ready:
                yield line, use, answers


def _days(
    scope: Scope, directory: Directory, events: Events, lines: list[Terms], known: Known
) -> list[Use]:
    sheet = Sheet(directory, lines)
    answers = {
        asked: events.usage(scope, query) for asked, query in sheet.questions(known.mark.seq)
    }
    return sheet.uses(answers)
