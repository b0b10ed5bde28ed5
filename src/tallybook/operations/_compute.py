"""Positions worked out from the events: lines that can be counted together are one question."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.ports import Events
from tallybook.model.position import Position
from tallybook.model.scope import Scope
from tallybook.positions.position import Known, position
from tallybook.positions.terms import Terms
from tallybook.positions.use import Sheet

#: Lines in one question: their cells and positions are in memory together.
LINES_A_QUESTION: Final = 2_000


def compute(
    scope: Scope, directory: Directory, events: Events, lines: Iterable[Terms], known: Known
) -> Iterator[Position]:
    """Yield the positions of lines, in no particular order, all of one mark."""
    together: dict[tuple[object, ...], list[Terms]] = {}
    for line in lines:
        together.setdefault(line.shared, []).append(line)
    for alike in together.values():
        rest = iter(alike)
        while some := list(islice(rest, LINES_A_QUESTION)):
            sheet = Sheet(directory, some)
            answers = {
                asked: events.usage(scope, query)
                for asked, query in sheet.questions(known.mark.seq)
            }
            for line, use in zip(some, sheet.uses(answers), strict=True):
                yield position(line, use, known)
